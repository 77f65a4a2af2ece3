#pragma once

/// \file
/// How lists are made: scores of a batch of users and a range of items at a time, offered to one
/// selection a user.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <type_traits>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/ranking/diversify.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/ranking/recommendations.hpp"
#include "lae/ranking/scorer.hpp"
#include "lae/ranking/top_k.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// What the options of a call leave of the items, checked once.
class Filters {
 public:
  /// \throws std::invalid_argument for what does not fit `users` histories of a model of `items`.
  Filters(const RecommendOptions& options, Index users, Index items) : options_(options) {
    require(options.k > 0, "k must be positive, got ", options.k);
    require(!std::isnan(options.minimum_score), "minimum_score must not be NaN");
    require_boost(items);
    require_diversity(items);
    if (options.allow || !options.deny.empty()) {
      mask_.assign(static_cast<std::size_t>(items), options.allow ? 0 : 1);
      if (options.allow) mark(*options.allow, "allow", 1);
      mark(options.deny, "deny", 0);
    }
    const auto lists_of_users = [&](const auto& lists, const char* name) {
      require(lists.empty() || static_cast<Index>(lists.size()) == users, name, " has ",
              lists.size(), " lists, but there are ", users, " users");
      return lists;
    };
    user_allow_ = lists_of_users(options.user_allow, "user_allow");
    user_deny_ = lists_of_users(options.user_deny, "user_deny");
    for (auto& list : user_allow_) {
      if (list) make_searchable(*list, "user_allow", items);
    }
    for (auto& list : user_deny_) make_searchable(list, "user_deny", items);
    has_lists_ = !mask_.empty() || !user_allow_.empty() || !user_deny_.empty();
  }

  /// Whether the lists let a user have an item.
  [[nodiscard]] bool let_pass(Index user, Index item) const {
    return !has_lists_ || lists_let_pass(user, item);
  }

  /// Where a user's items are to be offered.
  template <class Scalar>
  [[nodiscard]] TopK<Scalar> selection() const {
    return TopK<Scalar>(wanted(), static_cast<Scalar>(options_.minimum_score));
  }

  /// Writes a user's list to k places each.
  template <class Scalar>
  void take(TopK<Scalar>& best, Index* items, Scalar* scores) const {
    if (!diversifies()) {
      best.take(items, scores);
      return;
    }
    std::vector<Index> candidates(static_cast<std::size_t>(wanted()));
    std::vector<Scalar> of_candidates(candidates.size());
    best.take(candidates.data(), of_candidates.data());
    diversify(options_.diversity, candidates, of_candidates, options_.k, items, scores);
  }

  /// What the items from `begin` on have before they are scored.
  template <class Scores>
  void start(Index begin, Scores&& scores) const {
    if (options_.boost.size() == 0) {
      scores.setZero();
    } else {
      using Scalar = typename std::decay_t<Scores>::Scalar;
      scores.rowwise() =
          options_.boost.segment(begin, scores.cols()).transpose().template cast<Scalar>();
    }
  }

 private:
  [[nodiscard]] bool lists_let_pass(Index user, Index item) const {
    const auto row = static_cast<std::size_t>(user);
    if (!mask_.empty() && !mask_[static_cast<std::size_t>(item)]) return false;
    if (!user_deny_.empty() && holds(user_deny_[row], item)) return false;
    return user_allow_.empty() || !user_allow_[row] || holds(*user_allow_[row], item);
  }

  [[nodiscard]] bool diversifies() const { return options_.diversity.weight > 0; }

  /// How many of the best items a list is made of.
  [[nodiscard]] Index wanted() const {
    return diversifies() ? (std::max)(options_.k, options_.diversity.candidates) : options_.k;
  }

  void require_boost(Index items) const {
    const Vector<double>& boost = options_.boost;
    require(boost.size() == 0 || boost.size() == items, "boost has ", boost.size(),
            " values, but the model has ", items, " items");
    for (Index item = 0; item < boost.size(); ++item) {
      require(std::isfinite(boost[item]), "boost of item ", item, " must be finite, got ",
              boost[item]);
    }
  }

  void require_diversity(Index items) const {
    const Diversity& diversity = options_.diversity;
    require(diversity.weight >= 0 && diversity.weight <= 1,
            "the weight of diversity must be from 0 to 1, got ", diversity.weight);
    if (!diversifies()) return;
    require(diversity.candidates > 0, "candidates of diversity must be positive, got ",
            diversity.candidates);
    require(diversity.vectors != nullptr, "diversity needs vectors of the items");
    require(diversity.vectors->items() == items, "the vectors of diversity have ",
            diversity.vectors->items(), " rows, but the model has ", items, " items");
  }

  static void require_item(Index item, Index items, const char* name) {
    require(item >= 0 && item < items, name, " holds item ", item, ", but the model has ", items,
            " items");
  }

  void mark(const std::vector<Index>& list, const char* name, char value) {
    for (const Index item : list) {
      require_item(item, static_cast<Index>(mask_.size()), name);
      mask_[static_cast<std::size_t>(item)] = value;
    }
  }

  static void make_searchable(std::vector<Index>& list, const char* name, Index items) {
    for (const Index item : list) require_item(item, items, name);
    std::sort(list.begin(), list.end());
  }

  static bool holds(const std::vector<Index>& list, Index item) {
    return std::binary_search(list.begin(), list.end(), item);
  }

  const RecommendOptions& options_;
  std::vector<char> mask_;  // which items may be recommended at all; empty if all may
  std::vector<std::optional<std::vector<Index>>> user_allow_;
  std::vector<std::vector<Index>> user_deny_;
  bool has_lists_ = false;
};

/// Scores exist for so many items of a user at a time, few enough to stay in a core's cache.
inline constexpr Index score_range = 1024;

/// Whether an item is in a history.
template <class Scalar>
bool has_item(const History<Scalar>& history, Index item) {
  return std::binary_search(history.items(), history.items() + history.size(), item);
}

/// The predicate of users and items that lets all pass.
struct EveryItem {
  constexpr bool operator()(Index, Index) const { return true; }
};

/// Offers the items from `begin` on, with these scores, to a user's selection.
/// \param allowed bool(Index item), asked for items alone that would enter the selection
template <class Scalar, class Scores, class Allowed>
void offer_range(Index begin, const Scores& scores, TopK<Scalar>& top, const Allowed& allowed) {
  for (Index i = 0; i < scores.size(); ++i) {
    if (top.admits(scores[i]) && allowed(begin + i)) top.enter(begin + i, scores[i]);
  }
}

/// Calls offer(b, begin, scores) for each user b of a batch and each range of items, which come in
/// rising order.
/// \param start start(begin, scores) sets what the model adds its scores to
template <class Model, class Scalar, class Start, class Offer>
void for_each_score_range(const Model& model, const HistoryBatch<Scalar>& batch, const Start& start,
                          Offer&& offer) {
  const Index n = model.items();
  const Index widest = (std::min)(score_range, n);
  if constexpr (has_batch<Model>) {
    const auto prepared = model.batch(batch);
    Matrix<Scalar> scores(batch.size(), widest);
    for (Index begin = 0; begin < n; begin += widest) {
      auto range = scores.leftCols((std::min)(widest, n - begin));
      start(begin, range);
      prepared.add_scores(begin, range);
      for (Index b = 0; b < batch.size(); ++b) offer(b, begin, range.row(b));
    }
  } else {
    Eigen::Matrix<Scalar, 1, Eigen::Dynamic> scores(widest);
    for (Index begin = 0; begin < n; begin += widest) {
      auto range = scores.head((std::min)(widest, n - begin));
      for (Index b = 0; b < batch.size(); ++b) {
        start(begin, range);
        model.add_scores(batch[b], begin, range);
        offer(b, begin, range);
      }
    }
  }
}

/// Ranks items for the given rows of `histories`.
template <class Model, class Scalar, class Allowed = EveryItem>
[[nodiscard]] Recommendations<Scalar> rank_users(const Model& model, const Csr<Scalar>& histories,
                                                 const std::vector<Index>& users,
                                                 const RecommendOptions& options,
                                                 const Allowed& allowed = EveryItem()) {
  require_items_of(model, histories, "histories");
  require(options.batch_users > 0, "batch_users must be positive, got ", options.batch_users);
  const Filters filters(options, histories.rows(), model.items());

  const Index count = static_cast<Index>(users.size());
  Recommendations<Scalar> lists{Matrix<Index>(count, options.k), Matrix<Scalar>(count, options.k)};
  parallel_tiles(count, options.batch_users, [&](Index first, Index batch) {
    std::vector<TopK<Scalar>> best(static_cast<std::size_t>(batch), filters.selection<Scalar>());
    for_each_score_range(
        model, HistoryBatch<Scalar>(histories, users.data() + first, batch),
        [&](Index begin, auto&& scores) { filters.start(begin, scores); },
        [&](Index b, Index begin, const auto& scores) {
          const Index user = users[static_cast<std::size_t>(first + b)];
          const History<Scalar> history(histories, user);
          offer_range(begin, scores, best[static_cast<std::size_t>(b)], [&](Index item) {
            return filters.let_pass(user, item) &&
                   !(options.exclude_seen && has_item(history, item)) && allowed(user, item);
          });
        });
    for (Index b = 0; b < batch; ++b) {
      filters.take(best[static_cast<std::size_t>(b)], lists.items.row(first + b).data(),
                   lists.scores.row(first + b).data());
    }
  });
  return lists;
}

/// Ranks items for all rows of `histories`.
template <class Scalar, class Model, class Derived, class Allowed = EveryItem>
[[nodiscard]] Recommendations<Scalar> rank_rows(const Model& model,
                                                const Eigen::SparseMatrixBase<Derived>& histories,
                                                const RecommendOptions& options,
                                                const Allowed& allowed = EveryItem()) {
  std::vector<Index> users(static_cast<std::size_t>(histories.rows()));
  std::iota(users.begin(), users.end(), Index(0));
  return rank_users(model, *borrow_sparse<Scalar>(histories, "histories"), users, options, allowed);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
