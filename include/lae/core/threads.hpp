#pragma once

/// \file
/// Threads. Work is cut into fixed tiles, each computed by one thread in a fixed order, so results
/// are the same bits for any number of threads. The number is OpenMP's (`OMP_NUM_THREADS`,
/// `omp_set_num_threads`); without OpenMP everything runs on the calling thread.
///
/// A process that is forked after its parent used threads here runs on one thread: GCC's OpenMP
/// waits for ever for threads that only the parent has.
///
///     omp_set_num_threads(2);
///     std::cout << lae::thread_count();  // 2

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/fork.hpp"
#include "lae/detail/core/openmp.hpp"

namespace lae {
inline namespace LAE_ABI {

/// How many threads a computation started here will use.
[[nodiscard]] inline int thread_count() {
#ifdef _OPENMP
  if (detail::is_forked_after_threads()) omp_set_num_threads(1);
  return omp_in_parallel() ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

}  // namespace LAE_ABI
}  // namespace lae
