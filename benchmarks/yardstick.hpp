#pragma once

/// \file
/// What everything here is measured against: the rate at which this machine multiplies matrices,
/// and the memory a computation adds to the process.

#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <lae/core/types.hpp>
#include <string>

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

/// The peak of what is resident in memory from construction on, in bytes (Linux).
class PeakMemory {
 public:
  PeakMemory() {
    malloc_trim(0);  // what was freed before does not serve as memory now
    std::ofstream("/proc/self/clear_refs") << "5";
    before_ = status("VmHWM:");
  }

  std::uint64_t added() const { return status("VmHWM:") - before_; }
  std::uint64_t of_process() const { return status("VmHWM:"); }

 private:
  static std::uint64_t status(const std::string& key) {
    std::ifstream file("/proc/self/status");
    std::string word;
    std::uint64_t kibibytes = 0;
    while (file >> word) {
      if (word == key && file >> kibibytes) return kibibytes * 1024;
    }
    return 0;
  }

  std::uint64_t before_ = 0;
};

}  // namespace yardstick
