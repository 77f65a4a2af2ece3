#pragma once

/// \file
/// Random numbers by place instead of by turn: what is drawn depends on the seed, on what it is
/// drawn for and on the place among those drawn, so any thread may draw any of them, and a
/// training that is resumed needs no state of a generator beside its seed and its epoch.

#include <cstdint>
#include <lae/core/types.hpp>

namespace neural {

using lae::Index;

/// What numbers are drawn for: each has sequences of its own.
enum class Purpose : std::uint64_t { start, order, negatives, noise, mask };

/// One sequence of random numbers.
class Draw {
 public:
  /// \param turn which of the sequences for that purpose: a parameter, an epoch, a layer of a step
  Draw(std::uint64_t seed, Purpose purpose, std::uint64_t turn)
      : key_(mix(mix(mix(seed) + static_cast<std::uint64_t>(purpose)) + turn)) {}

  /// 64 random bits.
  [[nodiscard]] std::uint64_t bits(Index place) const {
    return mix(key_ + static_cast<std::uint64_t>(place) * 0x9e3779b97f4a7c15U);
  }

  /// In [0, 1). 24 bits, which float holds exactly: the same numbers for either scalar.
  template <class Scalar>
  [[nodiscard]] Scalar uniform(Index place) const {
    return static_cast<Scalar>(static_cast<std::int32_t>(bits(place) >> 40)) * Scalar(0x1p-24);
  }

  /// In [0, count), for counts up to 2^32.
  [[nodiscard]] Index below(Index place, Index count) const {
    return static_cast<Index>((bits(place) >> 32) * static_cast<std::uint64_t>(count) >> 32);
  }

 private:
  /// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
  [[nodiscard]] static std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
  }

  std::uint64_t key_;
};

}  // namespace neural
