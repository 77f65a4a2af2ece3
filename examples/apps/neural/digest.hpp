#pragma once

/// \file
/// A number that tells data from other data, and whole files from damaged ones; not meant against
/// people who want to deceive it.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace neural {

class Digest {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* const from = static_cast<const unsigned char*>(data);
    std::size_t at = 0;
    for (; at + 8 <= bytes; at += 8) {
      std::uint64_t word;
      std::memcpy(&word, from + at, 8);
      add_word(word);
    }
    std::uint64_t rest = 0;
    if (at < bytes) std::memcpy(&rest, from + at, bytes - at);
    add_word(rest);
    add_word(bytes);
  }

  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void add_word(std::uint64_t word) {
    value_ = (value_ ^ word) * 0x9e3779b97f4a7c15U;
    value_ ^= value_ >> 32;
  }

  std::uint64_t value_ = 0;
};

}  // namespace neural
