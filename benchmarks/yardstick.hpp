#pragma once

/// \file
/// What everything here is measured against: the rate at which this machine multiplies matrices.

#include <chrono>
#include <lae/core/types.hpp>

namespace yardstick {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Flops a second of Eigen's own product of two size x size matrices, on OpenMP's threads. Shared
/// machines change their pace: measure it just before and just after what is compared with it.
template <class Scalar>
double gemm_rate(lae::Index size = 2048) {
  const lae::Matrix<Scalar> a = lae::Matrix<Scalar>::Constant(size, size, Scalar(0.5));
  const lae::Matrix<Scalar> b = a;
  lae::Matrix<Scalar> c = a;  // pages that exist already
  const auto start = std::chrono::steady_clock::now();
  c.noalias() += a * b;
  const double seconds = seconds_since(start);
  const auto side = static_cast<double>(size);
  return 2 * side * side * side / seconds;
}

}  // namespace yardstick
