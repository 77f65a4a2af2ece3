#pragma once

/// \file
/// From the ids of users or items in files to rows and columns of matrices, and back.

#include <cstddef>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"

namespace lae {

/// Distinct ids, numbered from 0 in the order in which they came.
class IdIndex {
 public:
  IdIndex() = default;
  IdIndex(IdIndex&&) = default;
  IdIndex& operator=(IdIndex&&) = default;

  Index size() const { return static_cast<Index>(ids_.size()); }

  /// The id with this number.
  const std::string& operator[](Index number) const {
    return ids_[static_cast<std::size_t>(number)];
  }

  /// The number of an id, which it gets now if it is new.
  Index insert(std::string_view id) {
    const auto found = numbers_.find(id);
    if (found != numbers_.end()) return found->second;
    const Index number = size();
    numbers_.emplace(ids_.emplace_back(id), number);
    return number;
  }

  /// The number of an id, or -1.
  Index find(std::string_view id) const {
    const auto found = numbers_.find(id);
    return found == numbers_.end() ? -1 : found->second;
  }

 private:
  std::deque<std::string> ids_;  // a deque, since numbers_ points to the strings
  std::unordered_map<std::string_view, Index> numbers_;
};

}  // namespace lae
