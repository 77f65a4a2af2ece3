#pragma once

/// \file
/// std::mt19937_64, to the bit, without <random>, which takes as long to compile as much of the
/// library. (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998; 64 bits: Nishimura, 10(4), 2000.)

#include <array>
#include <cstddef>
#include <cstdint>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

class MersenneTwister {
 public:
  explicit MersenneTwister(std::uint64_t seed) {
    state_[0] = seed;
    for (std::size_t i = 1; i < size; ++i) {
      const std::uint64_t before = state_[i - 1];
      state_[i] = 6364136223846793005U * (before ^ (before >> 62)) + i;
    }
  }

  std::uint64_t operator()() {
    if (next_ == size) refill();
    std::uint64_t z = state_[next_++];
    z ^= (z >> 29) & 0x5555555555555555U;
    z ^= (z << 17) & 0x71d67fffeda60000U;
    z ^= (z << 37) & 0xfff7eee000000000U;
    return z ^ (z >> 43);
  }

 private:
  static constexpr std::size_t size = 312;

  void refill() {
    constexpr std::uint64_t low = (std::uint64_t(1) << 31) - 1;
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint64_t y = (state_[i] & ~low) | (state_[(i + 1) % size] & low);
      state_[i] = state_[(i + 156) % size] ^ (y >> 1) ^ ((y & 1) != 0 ? 0xb5026f5aa96619e9U : 0U);
    }
    next_ = 0;
  }

  std::array<std::uint64_t, size> state_{};
  std::size_t next_ = size;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
