#pragma once

/// \file
/// Interactions split into those to learn from, to choose by and to test on.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/data/interactions.hpp"
#include "lae/data/random.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {

/// Disjoint parts of a log, each sorted by user and item.
struct Split {
  Interactions train;
  Interactions valid;
  Interactions test;
};

/// How many of every train + valid + test interactions go to each part.
struct SplitShares {
  int train = 8;
  int valid = 1;
  int test = 1;
};

namespace detail {

inline Index checked_total(const SplitShares& shares) {
  require(shares.train > 0 && shares.valid >= 0 && shares.test >= 0,
          "shares must not be negative, and that of train positive; got ", shares.train, ":",
          shares.valid, ":", shares.test);
  return Index(shares.train) + shares.valid + shares.test;
}

inline void sort_by_user_and_item(Interactions& log) {
  std::sort(log.begin(), log.end(), [](const Interaction& a, const Interaction& b) {
    return std::make_pair(a.user, a.item) < std::make_pair(b.user, b.item);
  });
}

/// Gives [0, train_end) of the log to train, [train_end, valid_end) to valid, the rest to test.
inline void deal(const Interactions& log, std::size_t train_end, std::size_t valid_end,
                 Split& split) {
  const auto at = [&](std::size_t place) {
    return log.begin() + static_cast<std::ptrdiff_t>(place);
  };
  split.train.insert(split.train.end(), log.begin(), at(train_end));
  split.valid.insert(split.valid.end(), at(train_end), at(valid_end));
  split.test.insert(split.test.end(), at(valid_end), log.end());
}

}  // namespace detail

/// A random split of all interactions, as in the L3AE paper: users and items get what falls to
/// them, some perhaps nothing to learn from. The parts end at the shares of the total, rounded
/// down. The same log and seed give the same split everywhere.
/// \throws std::invalid_argument for shares that are negative or leave train empty.
inline Split random_split(Interactions log, std::uint64_t seed, const SplitShares& shares = {}) {
  const auto total = static_cast<std::size_t>(detail::checked_total(shares));
  Random(seed).shuffle(log);
  const auto end_of = [&](int parts) {
    return log.size() * static_cast<std::size_t>(parts) / total;
  };
  Split split;
  detail::deal(log, end_of(shares.train), end_of(shares.train + shares.valid), split);
  for (Interactions* part : {&split.train, &split.valid, &split.test}) {
    detail::sort_by_user_and_item(*part);
  }
  return split;
}

/// A random split of each user's interactions, of which at least one goes to train. What does not
/// divide evenly is dealt out at random, so that the whole keeps the shares.
/// \param log sorted by user.
/// \throws std::invalid_argument for shares as above, or a log that is not sorted by user.
inline Split split_of_each_user(const Interactions& log, std::uint64_t seed,
                                const SplitShares& shares = {}) {
  const Index total = detail::checked_total(shares);
  detail::require(std::is_sorted(log.begin(), log.end(),
                                 [](const auto& a, const auto& b) { return a.user < b.user; }),
                  "the log must be sorted by user");
  Random random(seed);
  Split split;
  Interactions history;
  for (auto begin = log.begin(); begin != log.end();) {
    const auto end =
        std::find_if(begin, log.end(), [&](const Interaction& i) { return i.user != begin->user; });
    history.assign(begin, end);
    random.shuffle(history);
    const Index size = end - begin;
    const Index remainder = random.below(total);
    const auto end_of = [&](int parts) { return (size * parts + remainder) / total; };
    const Index train_end = std::max<Index>(end_of(shares.train), 1);
    const Index valid_end = std::max(end_of(shares.train + shares.valid), train_end);
    detail::deal(history, static_cast<std::size_t>(train_end), static_cast<std::size_t>(valid_end),
                 split);
    begin = end;
  }
  for (Interactions* part : {&split.train, &split.valid, &split.test}) {
    detail::sort_by_user_and_item(*part);
  }
  return split;
}

}  // namespace lae
