#pragma once

/// \file
/// Who interacted with what, from a log of ratings to the matrices that models are fitted on.
///
///     lae::Catalog catalog;
///     lae::InteractionLog lines(catalog);
///     lines.add({"ann", "tent", 5});
///     lae::Interactions log = lines.take();
///     lae::keep_latest_of_each_pair(log);
///     const auto [users, items] = std::pair(catalog.users.size(), catalog.items.size());
///     auto train = lae::interaction_matrix<float>(log, users, items);

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"
#include "lae/data/id_index.hpp"
#include "lae/data/interaction.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/sort_log.hpp"

namespace lae {
inline namespace LAE_ABI {

/// One line of a log of ratings, as it stands in a file.
struct RatingLine {
  std::string_view user;
  std::string_view item;
  float rating = 0;
  std::int64_t timestamp = 0;  ///< milliseconds since 1970
  std::string_view history{};  ///< the user's earlier items, separated by spaces, in files that say
};

/// The ids that stand for the rows and columns of matrices.
struct Catalog {
  IdIndex users;
  IdIndex items;
};

/// Makes interactions of lines, whose users and items are added to a catalog.
class InteractionLog {
 public:
  /// Lines that get their numbers at once. Two threads share that, of which OpenMP lets the second
  /// one spin for some milliseconds before it sleeps: reading a batch should take much longer.
  static constexpr std::size_t batch = std::size_t(1) << 17;

  explicit InteractionLog(Catalog& catalog) : catalog_(catalog) {}

  [[nodiscard]] std::size_t size() const { return numbered_.size() + waiting_.size(); }

  /// Makes room for as many interactions, so that the log is not copied while it grows. What is
  /// never filled takes addresses alone, no memory.
  void reserve(std::size_t interactions) { numbered_.reserve(interactions); }

  /// Copies what the line points to.
  /// \throws std::length_error if there are more than 2^31 - 1 users or items.
  void add(const RatingLine& line) {
    waiting_.emplace_back(0, 0, line.rating, line.timestamp);
    for (const std::string_view id : {line.user, line.item}) {
      characters_ += id;
      ends_.push_back(characters_.size());
    }
    if (waiting_.size() == batch) number_waiting();
  }

  /// All interactions, in the order of their lines; the log is empty then.
  Interactions take() {
    number_waiting();
    return std::move(numbered_);
  }

 private:
  void number_waiting() {
    users_.clear();
    items_.clear();
    std::size_t begin = 0;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
      const std::string_view id = std::string_view(characters_).substr(begin, ends_[i] - begin);
      (i % 2 == 0 ? users_ : items_).push_back(id);
      begin = ends_[i];
    }
    detail::parallel_for(2, [&](Index which) {
      if (which == 0) {
        catalog_.users.insert(users_, user_numbers_);
      } else {
        catalog_.items.insert(items_, item_numbers_);
      }
    });
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      waiting_[i].user = user_numbers_[i];
      waiting_[i].item = item_numbers_[i];
    }
    numbered_.insert(numbered_.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    characters_.clear();
    ends_.clear();
  }

  Catalog& catalog_;
  Interactions numbered_;
  Interactions waiting_;           ///< interactions still without numbers
  std::string characters_;         ///< of their ids, user and item in turn
  std::vector<std::size_t> ends_;  ///< of the ids in characters_
  std::vector<std::string_view> users_;
  std::vector<std::string_view> items_;
  std::vector<std::int32_t> user_numbers_;
  std::vector<std::int32_t> item_numbers_;
};

/// Keeps ratings above a threshold: with 3, those of 4 and 5 stars, as in the L3AE paper.
inline void keep_ratings_above(Interactions& log, double threshold) {
  log.erase(std::remove_if(log.begin(), log.end(),
                           [=](const Interaction& i) { return !(i.rating > threshold); }),
            log.end());
}

/// Keeps one interaction of every user and item, the latest one (of several at once, the last in
/// the log), and sorts the log by user and item. In place. To be done before ratings are filtered:
/// who changes their mind about an item has the rating that counts last.
/// \throws std::length_error if there are 2^32 interactions or more.
inline void keep_latest_of_each_pair(Interactions& log) {
  detail::sort_by_pair_and_time(log);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const bool is_last = i + 1 == log.size() || !detail::is_same_pair(log[i], log[i + 1]);
    if (is_last) log[kept++] = log[i];
  }
  log.resize(kept);
}

/// The same with the earliest one (of several at once, the first in the log), as the benchmark of
/// Amazon Reviews 2023 has it.
inline void keep_earliest_of_each_pair(Interactions& log) {
  detail::sort_by_pair_and_time(log);
  const auto end = std::unique(log.begin(), log.end(), detail::is_same_pair);
  log.erase(end, log.end());
}

/// Takes away users and items with fewer than k interactions, again and again, until all that are
/// left have k or more. \return the number of rounds.
inline int keep_k_core(Interactions& log, const Catalog& catalog, Index k) {
  for (int round = 0;; ++round) {
    std::vector<std::int32_t> of_user(static_cast<std::size_t>(catalog.users.size()), 0);
    std::vector<std::int32_t> of_item(static_cast<std::size_t>(catalog.items.size()), 0);
    for (const Interaction& i : log) {
      ++of_user[static_cast<std::size_t>(i.user)];
      ++of_item[static_cast<std::size_t>(i.item)];
    }
    const auto is_rare = [&](const Interaction& i) {
      return of_user[static_cast<std::size_t>(i.user)] < k ||
             of_item[static_cast<std::size_t>(i.item)] < k;
    };
    const auto end = std::remove_if(log.begin(), log.end(), is_rare);
    if (end == log.end()) return round;
    log.erase(end, log.end());
  }
}

/// Takes away the interactions of `log` that `earlier` holds, too; both are sorted by user and
/// item. \return how many were taken away.
inline Index remove_pairs(Interactions& log, const Interactions& earlier) {
  const auto pair = [](const Interaction& i) { return std::make_pair(i.user, i.item); };
  const auto end = std::remove_if(log.begin(), log.end(), [&](const Interaction& i) {
    return std::binary_search(
        earlier.begin(), earlier.end(), i,
        [&](const Interaction& a, const Interaction& b) { return pair(a) < pair(b); });
  });
  const Index removed = log.end() - end;
  log.erase(end, log.end());
  return removed;
}

/// Numbers the users and items of several logs anew, leaving out ids that no log holds any more;
/// the order of the others stays.
[[nodiscard]] inline Catalog renumber(const Catalog& catalog,
                                      const std::vector<Interactions*>& logs) {
  std::vector<std::int32_t> user(static_cast<std::size_t>(catalog.users.size()), -1);
  std::vector<std::int32_t> item(static_cast<std::size_t>(catalog.items.size()), -1);
  for (const Interactions* log : logs) {
    for (const Interaction& i : *log) {
      user[static_cast<std::size_t>(i.user)] = 0;
      item[static_cast<std::size_t>(i.item)] = 0;
    }
  }
  const auto keep = [](const IdIndex& ids, std::vector<std::int32_t>& numbers) {
    IdIndex kept;
    for (std::size_t old = 0; old < numbers.size(); ++old) {
      if (numbers[old] < 0) continue;
      numbers[old] = kept.insert(ids[static_cast<Index>(old)]);
    }
    return kept;
  };
  Catalog kept{keep(catalog.users, user), keep(catalog.items, item)};
  for (Interactions* log : logs) {
    for (Interaction& i : *log) {
      i.user = user[static_cast<std::size_t>(i.user)];
      i.item = item[static_cast<std::size_t>(i.item)];
    }
  }
  return kept;
}

/// Users x items, 1 where the log holds an interaction. Cost: O(interactions), and 8 bytes a user
/// besides the matrix.
/// \throws std::invalid_argument if the log holds a number out of range, or a pair twice.
template <class Scalar>
[[nodiscard]] Csr<Scalar> interaction_matrix(const Interactions& log, Index users, Index items) {
  std::vector<Index> row_start(static_cast<std::size_t>(users) + 1, 0);
  for (const Interaction& i : log) {
    detail::require(i.user >= 0 && i.user < users && i.item >= 0 && i.item < items,
                    "the log holds user ", i.user, " and item ", i.item, ", out of ", users,
                    " users and ", items, " items");
    ++row_start[static_cast<std::size_t>(i.user) + 1];
  }
  for (std::size_t user = 1; user < row_start.size(); ++user) {
    row_start[user] += row_start[user - 1];
  }
  Csr<Scalar> matrix(users, items);
  matrix.resizeNonZeros(static_cast<Index>(log.size()));
  std::copy(row_start.begin(), row_start.end(), matrix.outerIndexPtr());
  Index* const columns = matrix.innerIndexPtr();
  for (const Interaction& i : log) {
    columns[row_start[static_cast<std::size_t>(i.user)]++] = i.item;
  }
  for (Index user = 0; user < users; ++user) {
    Index* const begin = columns + matrix.outerIndexPtr()[user];
    Index* const end = columns + matrix.outerIndexPtr()[user + 1];
    std::sort(begin, end);
    detail::require(std::adjacent_find(begin, end) == end, "the log holds an interaction of user ",
                    user, " twice");
  }
  std::fill_n(matrix.valuePtr(), log.size(), Scalar(1));
  return matrix;
}

}  // namespace LAE_ABI
}  // namespace lae
