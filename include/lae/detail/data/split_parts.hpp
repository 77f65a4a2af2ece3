#pragma once

/// \file
/// Dealing out a log to the parts of a split.

#include <cstddef>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/data/interaction.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/sort_log.hpp"

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

enum class Part { train, valid, test };

/// Deals out a log, which is used up; the parts are sorted by user and item.
/// \param part_of(i) the part of interaction i of the log
template <class PartOf>
void deal(Interactions& log, Interactions& train, Interactions& valid, Interactions& test,
          PartOf&& part_of) {
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
  train = std::move(log);
  for (Interactions* part : {&train, &valid, &test}) sort_by_user_and_item(*part);
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
