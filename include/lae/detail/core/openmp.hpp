#pragma once

/// \file
/// OpenMP, where the compiler has it.

#ifdef _OPENMP
#include <omp.h>
#define LAE_DETAIL_STRING(...) #__VA_ARGS__
/// An OpenMP directive that vanishes, without a warning, where the compiler has no OpenMP.
#define LAE_OMP(...) _Pragma(LAE_DETAIL_STRING(omp __VA_ARGS__))
#else
#define LAE_OMP(...)
#endif
