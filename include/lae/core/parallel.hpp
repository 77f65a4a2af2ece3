#pragma once

/// \file
/// Threads. Work is cut into fixed tiles, each computed by one thread in a fixed order, so results
/// are the same bits for any number of threads. The number is OpenMP's (`OMP_NUM_THREADS`,
/// `omp_set_num_threads`); without OpenMP everything runs on the calling thread.

#include <atomic>
#include <exception>

#include "lae/core/blas_threads.hpp"
#include "lae/core/types.hpp"

#ifdef _OPENMP
#include <omp.h>
#define LAE_DETAIL_STRING(...) #__VA_ARGS__
/// An OpenMP directive that vanishes, without a warning, where the compiler has no OpenMP.
#define LAE_OMP(...) _Pragma(LAE_DETAIL_STRING(omp __VA_ARGS__))
#else
#define LAE_OMP(...)
#endif

namespace lae {

/// How many threads a computation started here will use.
inline int thread_count() {
#ifdef _OPENMP
  return omp_in_parallel() ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

namespace detail {

/// Keeps the first exception thrown inside a parallel region, where none may leave.
class FirstException {
 public:
  /// Runs `body` unless something was thrown before.
  template <class Body>
  void guard(Body&& body) noexcept {
    if (raised_.load(std::memory_order_relaxed)) return;
    try {
      body();
    } catch (...) {
      if (!claimed_.exchange(true)) first_ = std::current_exception();
      raised_.store(true, std::memory_order_relaxed);
    }
  }

  /// To be called after the region.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::atomic<bool> raised_{false};
  std::atomic<bool> claimed_{false};
  std::exception_ptr first_;
};

/// Calls body(0) ... body(count - 1), each on one thread, in no fixed order. The first exception
/// ends the loop and is rethrown.
template <class Body>
void parallel_for(Index count, Body&& body) {
  [[maybe_unused]] const SingleThreadedBlas single_threaded_blas;
  if (count <= 1 || thread_count() == 1) {
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
  FirstException error;
  LAE_OMP(parallel for schedule(dynamic, 1))
  for (Index i = 0; i < count; ++i) error.guard([&] { body(i); });
  error.rethrow();
}

/// Cuts [0, size) into tiles of `tile` (the last one may be shorter) and calls
/// body(first, length) for each, in parallel.
template <class Body>
void parallel_tiles(Index size, Index tile, Body&& body) {
  parallel_for((size + tile - 1) / tile, [&](Index t) {
    const Index first = t * tile;
    body(first, size - first < tile ? size - first : tile);
  });
}

/// Calls body(first_row, rows, first_column, columns) in parallel for each square tile that meets
/// the lower triangle of a size x size matrix; on the diagonal both ranges are the same.
template <class Body>
void parallel_lower_tiles(Index size, Index tile, Body&& body) {
  const Index tiles = (size + tile - 1) / tile;
  const auto length = [&](Index t) { return t + 1 < tiles ? tile : size - t * tile; };
  parallel_for(tiles * tiles, [&](Index pair) {
    const Index i = pair / tiles;
    const Index j = pair % tiles;
    if (j <= i) body(i * tile, length(i), j * tile, length(j));
  });
}

}  // namespace detail
}  // namespace lae
