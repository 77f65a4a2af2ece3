#pragma once

/// \file
/// How lists are made: scores of a batch of users and a range of items at a time, offered to one
/// selection a user.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/ranking/recommendations.hpp"
#include "lae/ranking/scorer.hpp"
#include "lae/ranking/top_k.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Which items may be recommended at all; empty if all may.
[[nodiscard]] inline std::vector<char> candidate_mask(const RecommendOptions& options,
                                                      Index items) {
  if (!options.allow && options.deny.empty()) return {};
  std::vector<char> mask(static_cast<std::size_t>(items), options.allow ? 0 : 1);
  const auto mark = [&](const std::vector<Index>& list, const char* name, char value) {
    for (const Index item : list) {
      require(item >= 0 && item < items, name, " holds item ", item, ", but the model has ", items,
              " items");
      mask[static_cast<std::size_t>(item)] = value;
    }
  };
  if (options.allow) mark(*options.allow, "allow", 1);
  mark(options.deny, "deny", 0);
  return mask;
}

/// Scores exist for so many items of a user at a time, few enough to stay in a core's cache.
inline constexpr Index score_range = 1024;

/// The predicate of users and items that lets all pass.
struct EveryItem {
  constexpr bool operator()(Index, Index) const { return true; }
};

/// Offers the items from `begin` on, with these scores, to a user's selection.
/// \param mask which items may be recommended at all; empty if all may
/// \param allowed asked last, so for items alone that would enter the selection
template <class Scalar, class Scores, class Allowed = EveryItem>
void offer_range(const Csr<Scalar>& histories, Index user, bool exclude_seen,
                 const std::vector<char>& mask, Index begin, const Scores& scores,
                 TopK<Scalar>& top, const Allowed& allowed = EveryItem()) {
  const Index* seen = histories.innerIndexPtr() + histories.outerIndexPtr()[user];
  const Index* seen_end = histories.innerIndexPtr() + histories.outerIndexPtr()[user + 1];
  for (Index i = 0; i < scores.size(); ++i) {
    if (!top.admits(scores[i])) continue;
    const Index item = begin + i;
    if (!mask.empty() && !mask[static_cast<std::size_t>(item)]) continue;
    if (exclude_seen && std::binary_search(seen, seen_end, item)) continue;
    if (!allowed(user, item)) continue;
    top.enter(item, scores[i]);
  }
}

/// Calls offer(b, begin, scores) for each user b of a batch and each range of items, which come in
/// rising order.
template <class Model, class Scalar, class Offer>
void for_each_score_range(const Model& model, const HistoryBatch<Scalar>& batch, Offer&& offer) {
  const Index n = model.items();
  const Index widest = (std::min)(score_range, n);
  if constexpr (has_batch<Model>) {
    const auto prepared = model.batch(batch);
    Matrix<Scalar> scores(batch.size(), widest);
    for (Index begin = 0; begin < n; begin += widest) {
      auto range = scores.leftCols((std::min)(widest, n - begin));
      range.setZero();
      prepared.add_scores(begin, range);
      for (Index b = 0; b < batch.size(); ++b) offer(b, begin, range.row(b));
    }
  } else {
    Eigen::Matrix<Scalar, 1, Eigen::Dynamic> scores(widest);
    for (Index begin = 0; begin < n; begin += widest) {
      auto range = scores.head((std::min)(widest, n - begin));
      for (Index b = 0; b < batch.size(); ++b) {
        range.setZero();
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
  require(options.k > 0, "k must be positive, got ", options.k);
  require(options.batch_users > 0, "batch_users must be positive, got ", options.batch_users);
  const std::vector<char> mask = candidate_mask(options, model.items());

  const Index count = static_cast<Index>(users.size());
  Recommendations<Scalar> lists{Matrix<Index>(count, options.k), Matrix<Scalar>(count, options.k)};
  parallel_tiles(count, options.batch_users, [&](Index first, Index batch) {
    std::vector<TopK<Scalar>> best(static_cast<std::size_t>(batch), TopK<Scalar>(options.k));
    for_each_score_range(model, HistoryBatch<Scalar>(histories, users.data() + first, batch),
                         [&](Index b, Index begin, const auto& scores) {
                           offer_range(histories, users[static_cast<std::size_t>(first + b)],
                                       options.exclude_seen, mask, begin, scores,
                                       best[static_cast<std::size_t>(b)], allowed);
                         });
    for (Index b = 0; b < batch; ++b) {
      best[static_cast<std::size_t>(b)].take(lists.items.row(first + b).data(),
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
