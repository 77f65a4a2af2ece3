#pragma once

/// \file
/// Interactions split into those to learn from, to choose by and to test on.
///
///     lae::Split split = lae::random_split(log, /*seed=*/1);  // 8:1:1
///     auto train = lae::interaction_matrix<float>(split.train, users, items);

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lae/core/random.hpp"
#include "lae/data/interactions.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/split_parts.hpp"

namespace lae {
inline namespace LAE_ABI {

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

/// A random split of all interactions, as in the L3AE paper: users and items get what falls to
/// them, some perhaps nothing to learn from. The parts end at the shares of the total, rounded
/// down. The same log and seed give the same split everywhere.
/// \throws std::invalid_argument for shares that are negative or leave train empty.
[[nodiscard]] inline Split random_split(Interactions log, std::uint64_t seed,
                                        const SplitShares& shares = {}) {
  const auto total =
      static_cast<std::size_t>(detail::total_of_shares(shares.train, shares.valid, shares.test));
  Random(seed).shuffle(log);
  const auto end_of = [&](int parts) {
    return log.size() * static_cast<std::size_t>(parts) / total;
  };
  Split split;
  detail::deal(log, end_of(shares.train), end_of(shares.train + shares.valid), split.train,
               split.valid, split.test);
  for (Interactions* part : {&split.train, &split.valid, &split.test}) {
    detail::sort_by_user_and_item(*part);
  }
  return split;
}

/// A random split of each user's interactions, of which at least one goes to train. What does not
/// divide evenly is dealt out at random, so that the whole keeps the shares.
/// \param log sorted by user.
/// \throws std::invalid_argument for shares as above, or a log that is not sorted by user.
[[nodiscard]] inline Split split_of_each_user(const Interactions& log, std::uint64_t seed,
                                              const SplitShares& shares = {}) {
  const Index total = detail::total_of_shares(shares.train, shares.valid, shares.test);
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
    const Index train_end = (std::max<Index>)(end_of(shares.train), 1);
    const Index valid_end = (std::max)(end_of(shares.train + shares.valid), train_end);
    detail::deal(history, static_cast<std::size_t>(train_end), static_cast<std::size_t>(valid_end),
                 split.train, split.valid, split.test);
    begin = end;
  }
  for (Interactions* part : {&split.train, &split.valid, &split.test}) {
    detail::sort_by_user_and_item(*part);
  }
  return split;
}

}  // namespace LAE_ABI
}  // namespace lae
