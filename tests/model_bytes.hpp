#pragma once

// What tests of model files need: their table, and checksums that are right whatever was done to
// the bytes.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <lae/detail/io/xxh64.hpp>
#include <string>
#include <vector>

#include "files.hpp"

namespace model_bytes {

inline constexpr std::size_t header_bytes = 1024;

template <class T>
T number_at(const std::string& bytes, std::size_t offset) {
  T number;
  std::memcpy(&number, bytes.data() + offset, sizeof(T));
  return number;
}

template <class T>
std::string patched(std::string bytes, std::size_t offset, T number) {
  return bytes.replace(offset, sizeof(T), raw(std::vector<T>{number}));
}

struct Section {
  std::size_t entry;  ///< where it stands in the table
  std::uint32_t number;
  std::size_t offset;
  std::size_t bytes;
  std::size_t end() const { return offset + (bytes + 63) / 64 * 64; }
};

inline std::vector<Section> sections(const std::string& bytes) {
  std::vector<Section> found;
  for (std::size_t entry = 64; entry < header_bytes; entry += 32) {
    const auto number = number_at<std::uint32_t>(bytes, entry);
    if (number == 0) continue;
    found.push_back({entry, number, number_at<std::uint64_t>(bytes, entry + 8),
                     number_at<std::uint64_t>(bytes, entry + 16)});
  }
  return found;
}

inline Section section(const std::string& bytes, std::uint32_t number) {
  for (const Section& each : sections(bytes)) {
    if (each.number == number) return each;
  }
  FAIL("there is no section " << number);
  return {};
}

inline std::uint64_t checksum(const std::string& bytes) {
  lae::detail::Xxh64 sum;
  sum.add(bytes.data(), bytes.size());
  return sum.value();
}

/// The same with right checksums, as far as sections are where they may be.
inline std::string sealed(std::string bytes) {
  for (const Section& each : sections(bytes)) {
    if (each.offset > bytes.size() || each.bytes > bytes.size() - each.offset) continue;
    bytes = patched(bytes, each.entry + 24,
                    checksum(bytes.substr(each.offset, each.end() - each.offset)));
  }
  bytes = patched<std::uint64_t>(bytes, 56, 0);
  return patched(bytes, 56, checksum(bytes.substr(0, header_bytes)));
}

}  // namespace model_bytes
