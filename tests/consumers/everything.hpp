#pragma once

#include <lae/lae.hpp>
#ifdef WITH_NPZ
#include <lae/io/npz.hpp>
#endif

int thread_count_in_other_unit();
