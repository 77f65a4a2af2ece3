#pragma once

/// \file
/// Orders of a log, made in place.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <tuple>

#include "lae/data/interaction.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Notes where each interaction stands, so that sorting in place, as std::stable_sort does not, can
/// keep the order of equals.
inline void number_places(Interactions& log) {
  constexpr std::size_t most = (std::numeric_limits<std::uint32_t>::max)();
  if (log.size() > most) throw std::length_error("a log of 2^32 interactions or more");
  for (std::size_t i = 0; i < log.size(); ++i) log[i].place = static_cast<std::uint32_t>(i);
}

/// Sorts by user, item and time; of the same time, what was first in the log comes first.
inline void sort_by_pair_and_time(Interactions& log) {
  number_places(log);
  std::sort(log.begin(), log.end(), [](const Interaction& a, const Interaction& b) {
    return std::tie(a.user, a.item, a.timestamp, a.place) <
           std::tie(b.user, b.item, b.timestamp, b.place);
  });
}

inline bool is_same_pair(const Interaction& a, const Interaction& b) {
  return a.user == b.user && a.item == b.item;
}

/// Sorts by user and time; of the same time, what was first in the log comes first. In place.
inline void sort_by_user_and_time(Interactions& log) {
  number_places(log);
  std::sort(log.begin(), log.end(), [](const Interaction& a, const Interaction& b) {
    return std::tie(a.user, a.timestamp, a.place) < std::tie(b.user, b.timestamp, b.place);
  });
}

inline void sort_by_user_and_item(Interactions& log) {
  std::sort(log.begin(), log.end(), [](const Interaction& a, const Interaction& b) {
    return std::make_pair(a.user, a.item) < std::make_pair(b.user, b.item);
  });
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
