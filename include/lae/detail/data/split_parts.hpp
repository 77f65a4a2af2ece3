#pragma once

/// \file
/// Dealing out a log to the parts of a split.

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

#include "lae/data/interactions.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The sum of the shares, checked.
[[nodiscard]] inline Index total_of_shares(int train, int valid, int test) {
  require(train > 0 && valid >= 0 && test >= 0,
          "shares must not be negative, and that of train positive; got ", train, ":", valid, ":",
          test);
  return Index(train) + valid + test;
}

inline void sort_by_user_and_item(Interactions& log) {
  std::sort(log.begin(), log.end(), [](const Interaction& a, const Interaction& b) {
    return std::make_pair(a.user, a.item) < std::make_pair(b.user, b.item);
  });
}

/// Sorts by user and time; of the same time, what was first in the log comes first. In place.
inline void sort_by_user_and_time(Interactions& log) {
  number_places(log);
  std::sort(log.begin(), log.end(), [](const Interaction& a, const Interaction& b) {
    return std::tie(a.user, a.timestamp, a.place) < std::tie(b.user, b.timestamp, b.place);
  });
}

enum class Part { train, valid, test };

/// Takes what goes to valid and to test out of a log, which becomes train.
/// \param part_of(i) the part of interaction i of the log
template <class PartOf>
void deal(Interactions& log, Interactions& valid, Interactions& test, PartOf&& part_of) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const Interaction interaction = log[i];
    switch (part_of(i)) {
      case Part::train:
        log[kept++] = interaction;
        break;
      case Part::valid:
        valid.push_back(interaction);
        break;
      case Part::test:
        test.push_back(interaction);
        break;
    }
  }
  log.resize(kept);
}

/// Calls body(begin, end) for the places of each user's interactions in a log sorted by user.
/// \throws std::invalid_argument if it is not.
template <class Body>
void for_each_user(const Interactions& log, Body&& body) {
  for (std::size_t begin = 0; begin < log.size();) {
    std::size_t end = begin + 1;
    while (end < log.size() && log[end].user == log[begin].user) ++end;
    require(end == log.size() || log[begin].user < log[end].user, "the log must be sorted by user");
    body(begin, end);
    begin = end;
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
