#pragma once

/// \file
/// Dealing out a log to the parts of a split.

#include <algorithm>
#include <cstddef>
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

/// Gives [0, train_end) of the log to train, [train_end, valid_end) to valid, the rest to test.
inline void deal(const Interactions& log, std::size_t train_end, std::size_t valid_end,
                 Interactions& train, Interactions& valid, Interactions& test) {
  const auto at = [&](std::size_t place) {
    return log.begin() + static_cast<std::ptrdiff_t>(place);
  };
  train.insert(train.end(), log.begin(), at(train_end));
  valid.insert(valid.end(), at(train_end), at(valid_end));
  test.insert(test.end(), at(valid_end), log.end());
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
