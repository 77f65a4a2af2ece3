#pragma once

/// \file
/// What everything here is measured against: the rate at which this machine multiplies matrices.

#include <algorithm>
#include <chrono>
#include <lae/core/threads.hpp>
#include <lae/core/types.hpp>

#include "openblas.hpp"

namespace yardstick {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Flops a second of the products that a user might take; zero where one is missing.
struct GemmRate {
  double eigen = 0;
  double openblas = 0;

  double fastest() const { return (std::max)(eigen, openblas); }
  const char* fastest_by() const { return openblas > eigen ? "openblas" : "eigen"; }
};

inline GemmRate mean(const GemmRate& a, const GemmRate& b) {
  return {(a.eigen + b.eigen) / 2, (a.openblas + b.openblas) / 2};
}

/// The rates of Eigen's own product and of OpenBLAS's, of two size x size matrices, both on
/// OpenMP's number of threads (which OpenBLAS keeps). Shared machines change their pace: measure
/// just before and just after what is compared with them.
template <class Scalar>
GemmRate gemm_rate(lae::Index size = 2048) {
  const lae::Matrix<Scalar> a = lae::Matrix<Scalar>::Constant(size, size, Scalar(0.5));
  const lae::Matrix<Scalar> b = a;
  lae::Matrix<Scalar> c = a;  // pages that exist already
  const auto rate_of = [&](auto multiply) {
    const auto start = std::chrono::steady_clock::now();
    multiply();
    const auto side = static_cast<double>(size);
    return 2 * side * side * side / seconds_since(start);
  };
  GemmRate rate;
#ifdef LAE_HAS_LAPACK
  // First, since its threads ask for more work for some 30 ms before they sleep, on the processors
  // of what is measured next.
  if (openblas::is_linked()) {
    openblas::set_threads(lae::thread_count());
    rate.openblas = rate_of([&] { openblas::add_product(a, b, c); });
  }
#endif
#ifdef EIGEN_USE_BLAS
  if (rate.openblas > 0) return rate;  // Eigen's product is the same one
#endif
  rate.eigen = rate_of([&] { c.noalias() += a * b; });
  return rate;
}

}  // namespace yardstick
