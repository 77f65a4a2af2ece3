#pragma once

#ifdef WITH_EVERYTHING
#include <lae/blocks.hpp>
#include <lae/data/split.hpp>
#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#else
#include <lae/core/threads.hpp>
#include <lae/models/ease.hpp>
#endif
#ifdef WITH_NPZ
#include <lae/io/npz.hpp>
#endif

int thread_count_in_other_unit();
