#pragma once

/// \file
/// From the ids of users or items in files to rows and columns of matrices, and back.
///
///     lae::IdIndex items;
///     items.insert("B00YQ6X8EO");      // 0
///     items.insert("B081TJ8YS3");      // 1
///     items.find("B00YQ6X8EO");        // 0; -1 for an id that is not there
///     std::string_view id = items[1];  // "B081TJ8YS3"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Distinct ids, numbered from 0 in the order in which they came.
///
/// Files hold ids by the million, in no order, and nearly all the time goes into waiting for
/// memory. So characters lie in one block, and many ids can be looked up at once.
class IdIndex {
 public:
  [[nodiscard]] Index size() const { return static_cast<Index>(ends_.size()) - 1; }

  /// The id with this number; valid until the next insert.
  [[nodiscard]] std::string_view operator[](Index number) const {
    const std::size_t begin = ends_[static_cast<std::size_t>(number)];
    const std::size_t end = ends_[static_cast<std::size_t>(number) + 1];
    return std::string_view(characters_).substr(begin, end - begin);
  }

  /// The number of an id, which it gets now if it is new.
  /// \throws std::length_error if there are more than 2^31 - 1.
  std::int32_t insert(std::string_view id) {
    if (2 * ends_.size() > slots_.size()) grow();
    return insert(id, hash_of(id));
  }

  /// The same for many ids in their order: several times faster if there are millions, since the
  /// memory that look-ups need is asked for ahead of time.
  /// \param numbers gets one for each id
  void insert(const std::vector<std::string_view>& ids, std::vector<std::int32_t>& numbers) {
    using Eigen::internal::prefetch;
    constexpr std::size_t ahead = 256;
    numbers.clear();
    std::vector<std::size_t> hashes;
    for (std::size_t first = 0; first < ids.size(); first += ahead) {
      const std::size_t end = (std::min)(first + ahead, ids.size());
      if (2 * (ends_.size() + ahead) > slots_.size()) grow();
      const std::size_t mask = slots_.size() - 1;
      hashes.clear();
      for (std::size_t i = first; i < end; ++i) {
        hashes.push_back(hash_of(ids[i]));
        prefetch(&slots_[hashes.back() & mask]);
      }
      // Not in a function of their own: GCC drops calls of functions that only prefetch.
      for (const std::size_t hash : hashes) {
        const Slot& slot = slots_[hash & mask];
        if (slot.number >= 0) prefetch(&ends_[static_cast<std::size_t>(slot.number)]);
      }
      for (const std::size_t hash : hashes) {
        const Slot& slot = slots_[hash & mask];
        if (slot.number >= 0) prefetch(&characters_[ends_[static_cast<std::size_t>(slot.number)]]);
      }
      for (std::size_t i = first; i < end; ++i) {
        numbers.push_back(insert(ids[i], hashes[i - first]));
      }
    }
  }

  /// The number of an id, or -1.
  [[nodiscard]] std::int32_t find(std::string_view id) const {
    return slots_.empty() ? -1 : slots_[place_of(id, hash_of(id))].number;
  }

 private:
  /// Open addressing. The tag, a part of the hash, spares most looks at the characters.
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t number = -1;
  };

  static std::size_t hash_of(std::string_view id) { return std::hash<std::string_view>()(id); }
  static std::uint32_t tag_of(std::size_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  std::int32_t insert(std::string_view id, std::size_t hash) {
    Slot& slot = slots_[place_of(id, hash)];
    if (slot.number < 0) {
      if (size() == (std::numeric_limits<std::int32_t>::max)()) {
        throw std::length_error("more than 2^31 - 1 different ids");
      }
      slot = {tag_of(hash), static_cast<std::int32_t>(size())};
      characters_ += id;
      ends_.push_back(characters_.size());
    }
    return slot.number;
  }

  /// Where the slot with this id is, or the empty one where it belongs.
  [[nodiscard]] std::size_t place_of(std::string_view id, std::size_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t place = hash & mask;
    while (slots_[place].number >= 0 &&
           !(slots_[place].tag == tag_of(hash) && (*this)[slots_[place].number] == id)) {
      place = (place + 1) & mask;
    }
    return place;
  }

  void grow() {
    slots_.assign(slots_.empty() ? 1024 : 4 * slots_.size(), Slot());
    for (Index number = 0; number < size(); ++number) {
      const std::string_view id = (*this)[number];
      const std::size_t hash = hash_of(id);
      slots_[place_of(id, hash)] = {tag_of(hash), static_cast<std::int32_t>(number)};
    }
  }

  std::string characters_;
  std::vector<std::size_t> ends_{0};
  std::vector<Slot> slots_;  ///< a power of two of them, at most half of them in use
};

}  // namespace LAE_ABI
}  // namespace lae
