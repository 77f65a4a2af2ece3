#pragma once

/// \file
/// Interactions split into those to learn from, to choose by and to test on.
///
///     lae::Split split = lae::random_split(log, /*seed=*/1);  // 8:1:1
///     auto train = lae::interaction_matrix<float>(split.train, users, items);

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

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
  const auto end_of = [size = log.size(), total](int parts) {
    return size * static_cast<std::size_t>(parts) / total;
  };
  const std::size_t train_end = end_of(shares.train);
  const std::size_t valid_end = end_of(shares.train + shares.valid);
  Split split;
  detail::deal(log, split.train, split.valid, split.test, [&](std::size_t i) {
    return i < train_end   ? detail::Part::train
           : i < valid_end ? detail::Part::valid
                           : detail::Part::test;
  });
  return split;
}

/// A random split of each user's interactions, of which at least one goes to train. What does not
/// divide evenly is dealt out at random, so that the whole keeps the shares.
/// \param log sorted by user.
/// \throws std::invalid_argument for shares as above, or a log that is not sorted by user.
[[nodiscard]] inline Split split_of_each_user(Interactions log, std::uint64_t seed,
                                              const SplitShares& shares = {}) {
  const Index total = detail::total_of_shares(shares.train, shares.valid, shares.test);
  Random random(seed);
  Interactions history;
  std::vector<detail::Part> parts(log.size());
  detail::for_each_user(log, [&](std::size_t begin, std::size_t end) {
    const auto first = log.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = log.begin() + static_cast<std::ptrdiff_t>(end);
    history.assign(first, last);
    random.shuffle(history);
    std::copy(history.begin(), history.end(), first);
    const auto size = static_cast<Index>(end - begin);
    const Index remainder = random.below(total);
    const auto end_of = [&](int share) { return (size * share + remainder) / total; };
    const Index train_end = (std::max<Index>)(end_of(shares.train), 1);
    const Index valid_end = (std::max)(end_of(shares.train + shares.valid), train_end);
    for (Index i = 0; i < size; ++i) {
      parts[begin + static_cast<std::size_t>(i)] = i < train_end   ? detail::Part::train
                                                   : i < valid_end ? detail::Part::valid
                                                                   : detail::Part::test;
    }
  });
  Split split;
  detail::deal(log, split.train, split.valid, split.test, [&](std::size_t i) { return parts[i]; });
  return split;
}

/// Leaves the last ones out: each user's latest interaction (of several at once, the last in the
/// log) goes to test, the one before it to valid, the others to train. A user with two has nothing
/// to learn from, one with a single interaction is in test alone. So the benchmark of Amazon
/// Reviews 2023 does it.
/// \throws std::length_error if there are 2^32 interactions or more.
[[nodiscard]] inline Split split_last_out(Interactions log) {
  detail::sort_by_user_and_time(log);
  std::vector<detail::Part> parts(log.size(), detail::Part::train);
  detail::for_each_user(log, [&](std::size_t begin, std::size_t end) {
    parts[end - 1] = detail::Part::test;
    if (end - begin > 1) parts[end - 2] = detail::Part::valid;
  });
  Split split;
  detail::deal(log, split.train, split.valid, split.test, [&](std::size_t i) { return parts[i]; });
  return split;
}

/// Where parts begin that are split by time, in milliseconds since 1970; by default where those of
/// the benchmark of Amazon Reviews 2023 do.
struct TimeBorders {
  std::int64_t valid = 1628643414042;
  std::int64_t test = 1658002729837;
};

/// A split by time: what came before `borders.valid` goes to train, before `borders.test` to valid,
/// the rest to test.
/// \throws std::invalid_argument if valid ends before it begins.
[[nodiscard]] inline Split split_by_time(Interactions log, const TimeBorders& borders = {}) {
  detail::require(borders.valid <= borders.test, "valid begins at ", borders.valid,
                  ", after the beginning of test at ", borders.test);
  const Interactions& all = log;
  Split split;
  detail::deal(log, split.train, split.valid, split.test, [&](std::size_t i) {
    const std::int64_t time = all[i].timestamp;
    return time < borders.valid  ? detail::Part::train
           : time < borders.test ? detail::Part::valid
                                 : detail::Part::test;
  });
  return split;
}

}  // namespace LAE_ABI
}  // namespace lae
