#pragma once

#include <lae/core/threads.hpp>

/// What `compute` returns when it runs with that many threads.
template <class Compute>
auto with_threads([[maybe_unused]] int threads, Compute&& compute) {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  auto result = compute();
  omp_set_num_threads(before);
  return result;
#else
  return compute();
#endif
}
