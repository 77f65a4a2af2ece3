#pragma once

/// \file
/// Keeps a BLAS (EIGEN_USE_BLAS) from starting threads of its own below ours.

#if defined(EIGEN_USE_BLAS) && defined(_OPENMP) && defined(__GNUC__)
#include <mutex>

/// OpenBLAS's; absent from other libraries. (MKL notices OpenMP's regions by itself.)
extern "C" {
void openblas_set_num_threads(int) __attribute__((weak));
int openblas_get_num_threads() __attribute__((weak));
int openblas_get_parallel() __attribute__((weak));
}
#endif

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

#if defined(EIGEN_USE_BLAS) && defined(_OPENMP) && defined(__GNUC__)

/// While any lives, calls of OpenBLAS stay on the thread that makes them. Where its threads are
/// OpenMP's, they do anyway, and their number is that of our own threads, too.
class SingleThreadedBlas {
 public:
  SingleThreadedBlas() {
    const std::lock_guard lock(mutex_);
    if (++alive_ > 1) return;
    const bool has_own_threads =
        openblas_get_num_threads && openblas_get_parallel && openblas_get_parallel() == 1;
    before_ = has_own_threads ? openblas_get_num_threads() : 1;
    if (before_ > 1) openblas_set_num_threads(1);
  }
  ~SingleThreadedBlas() {
    const std::lock_guard lock(mutex_);
    if (--alive_ == 0 && before_ > 1) openblas_set_num_threads(before_);
  }
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;

 private:
  // The number is one of the process: the first takes it away, the last gives it back.
  inline static std::mutex mutex_;
  inline static int alive_ = 0;
  inline static int before_ = 1;
};

#else

/// Nothing to do: without BLAS there is one kind of thread, without OpenMP BLAS may have its own.
struct SingleThreadedBlas {};

#endif

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
