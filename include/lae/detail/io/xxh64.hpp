#pragma once

/// \file
/// The checksum of model files.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// XXH64 with seed 0 (Yann Collet, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md):
/// four independent chains of multiplications, so that it keeps pace with memory, on any processor
/// and without intrinsics. Not against forgery. What it is of is a multiple of 32 bytes, and not
/// nothing: model files have no other, so what the standard does with a rest is left out. Words
/// are taken in the machine's byte order.
class Xxh64 {
 public:
  /// Pieces may be of any size.
  void add(const void* data, std::size_t bytes) {
    const auto* next = static_cast<const unsigned char*>(data);
    total_ += bytes;
    if (held_ > 0) {
      const std::size_t taken = (std::min)(bytes, stripe - held_);
      std::memcpy(rest_.data() + held_, next, taken);
      held_ += taken;
      next += taken;
      bytes -= taken;
      if (held_ < stripe) return;
      mix(rest_.data(), 1);
      held_ = 0;
    }
    mix(next, bytes / stripe);
    held_ = bytes % stripe;
    if (held_ > 0) std::memcpy(rest_.data(), next + (bytes - held_), held_);
  }

  /// Of all bytes so far.
  [[nodiscard]] std::uint64_t value() const {
    std::uint64_t hash = rotated(lanes_[0], 1) + rotated(lanes_[1], 7) + rotated(lanes_[2], 12) +
                         rotated(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = (hash ^ mixed(0, lane)) * prime_1 + prime_4;
    hash += total_;
    hash = (hash ^ (hash >> 33)) * prime_2;
    hash = (hash ^ (hash >> 29)) * prime_3;
    return hash ^ (hash >> 32);
  }

 private:
  static constexpr std::size_t stripe = 32;
  static constexpr std::uint64_t prime_1 = 0x9E3779B185EBCA87;
  static constexpr std::uint64_t prime_2 = 0xC2B2AE3D27D4EB4F;
  static constexpr std::uint64_t prime_3 = 0x165667B19E3779F9;
  static constexpr std::uint64_t prime_4 = 0x85EBCA77C2B2AE63;

  static std::uint64_t rotated(std::uint64_t word, int bits) {
    return (word << bits) | (word >> (64 - bits));
  }
  static std::uint64_t mixed(std::uint64_t lane, std::uint64_t word) {
    lane += word * prime_2;
#if defined(__GNUC__)
    // Keeps compilers from making one vector of the four lanes, whose products of 64 bits take
    // processors twice the time (xxHash's own code does so, too).
    __asm__("" : "+r"(lane));
#endif
    return rotated(lane, 31) * prime_1;
  }
  static std::uint64_t word_at(const unsigned char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof(word));
    return word;
  }

  void mix(const unsigned char* bytes, std::size_t stripes) {
    auto [a, b, c, d] = lanes_;  // in registers
    for (; stripes > 0; --stripes, bytes += stripe) {
      a = mixed(a, word_at(bytes));
      b = mixed(b, word_at(bytes + 8));
      c = mixed(c, word_at(bytes + 16));
      d = mixed(d, word_at(bytes + 24));
    }
    lanes_ = {a, b, c, d};
  }

  std::array<std::uint64_t, 4> lanes_{prime_1 + prime_2, prime_2, 0, 0 - prime_1};
  std::array<unsigned char, stripe> rest_{};
  std::size_t held_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
