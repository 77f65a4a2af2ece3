#pragma once

/// \file
/// Loops over fixed tiles in parallel, and dense products by them. A tile is computed by one thread
/// in a fixed order, so results are the same bits for any number of threads.

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <exception>
#include <lae/core/threads.hpp>
#include <lae/core/types.hpp>

namespace neural {

using lae::Index;

/// While it lives, Eigen does not cut products into parts for threads by itself, which would make
/// their last bits depend on how many there are.
class SingleThreadedEigen {
 public:
  SingleThreadedEigen() : before_(Eigen::nbThreads()) { Eigen::setNbThreads(1); }
  SingleThreadedEigen(const SingleThreadedEigen&) = delete;
  SingleThreadedEigen& operator=(const SingleThreadedEigen&) = delete;
  // 0: as many as OpenMP has, now and later, which is what Eigen does if nobody set a number.
  ~SingleThreadedEigen() { Eigen::setNbThreads(before_ == default_threads() ? 0 : before_); }

 private:
  static int default_threads() {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
  }

  int before_;
};

/// Calls body(0) ... body(count - 1), each on one thread, in no fixed order. The first exception is
/// rethrown when the loop has ended.
template <class Body>
void for_each_tile(Index count, Body&& body) {
#ifdef _OPENMP
  if (omp_in_parallel()) {  // where Eigen takes no threads either
    for (Index tile = 0; tile < count; ++tile) body(tile);
    return;
  }
  const SingleThreadedEigen single_threaded_eigen;
  const int threads = static_cast<int>(std::min<Index>(lae::thread_count(), count));
  if (threads > 1) {
    std::exception_ptr first;
    std::atomic<bool> failed{false};
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (Index tile = 0; tile < count; ++tile) {
      try {
        body(tile);
      } catch (...) {
        if (!failed.exchange(true)) first = std::current_exception();
      }
    }
    if (first) std::rethrow_exception(first);
    return;
  }
#endif
  for (Index tile = 0; tile < count; ++tile) body(tile);
}

/// Cuts [0, size) into tiles of `tile`, of which the last may be shorter, and calls
/// body(first, length) for each, in parallel.
template <class Body>
void for_each_range(Index size, Index tile, Body&& body) {
  for_each_tile((size + tile - 1) / tile, [&](Index t) {
    const Index first = t * tile;
    body(first, std::min(tile, size - first));
  });
}

/// product = a * b, in parallel.
template <class A, class B, class Product>
void multiply(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b, Product&& product) {
  constexpr Index rows = 256;
  constexpr Index columns = 256;
  const Index across = (b.cols() + columns - 1) / columns;
  for_each_tile((a.rows() + rows - 1) / rows * across, [&](Index tile) {
    const Index i = tile / across * rows;
    const Index j = tile % across * columns;
    const Index height = std::min(rows, a.rows() - i);
    const Index width = std::min(columns, b.cols() - j);
    product.block(i, j, height, width).noalias() = a.middleRows(i, height) * b.middleCols(j, width);
  });
}

}  // namespace neural
