#pragma once

#include <lae/lae.hpp>
#include <lae/models/blocks.hpp>
#include <lae/spectral.hpp>
#ifdef WITH_NPZ
#include <lae/io/npz.hpp>
#endif

int thread_count_in_other_unit();
