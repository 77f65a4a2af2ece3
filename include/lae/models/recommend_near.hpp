#pragma once

/// \file
/// A fast mode for single users of a large catalogue: only items near their history are scored.
///
/// \code
/// auto lists = lae::recommend_near(fit.model, history, {20}, new_items);
/// // How much of the full lists that is, on a sample of users:
/// double recall = lae::recall_of(lae::recommend_near(fit.model, sample, {20}),
///                                lae::recommend(fit.model, sample, {20}));
/// \endcode

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/ranking/rank_users.hpp"
#include "lae/ranking/recommendations.hpp"
#include "lae/ranking/scorer.hpp"
#include "lae/ranking/top_k.hpp"

namespace lae {
inline namespace LAE_ABI {

/// As `recommend`, but from `model.candidates(history)` and the items of `also` alone, which are
/// scored as ever: those of a full list that are not among them, items that nobody with this
/// history had anything to do with, are missed. Items that are new and have no interactions are
/// never candidates: give them as `also`.
/// \param model a SparseLowRankModel, a SparseLowRankView, or another scorer with `candidates` and
/// `scores_of` as these have
/// \param also items, in any order
/// Cost for a user: the entries of E in the rows of their history, and 2 rank flops a candidate, of
/// which there are a few thousand, instead of 2 n rank flops.
/// \throws std::invalid_argument as `recommend`, and for an item of `also` out of range.
template <class Model, class Derived>
[[nodiscard]] Recommendations<ScalarOf<Model>> recommend_near(
    const Model& model, const Eigen::SparseMatrixBase<Derived>& histories,
    const RecommendOptions& options = {}, std::vector<Index> also = {}) {
  using Scalar = ScalarOf<Model>;
  const auto rows = detail::borrow_sparse<Scalar>(histories, "histories");
  detail::require_items_of(model, *rows, "histories");
  const detail::Filters filters(options, rows->rows(), model.items());
  for (const Index item : also) {
    detail::require(item >= 0 && item < model.items(), "also holds item ", item,
                    ", but the model has ", model.items(), " items");
  }
  std::sort(also.begin(), also.end());
  also.erase(std::unique(also.begin(), also.end()), also.end());

  const Index users = rows->rows();
  Recommendations<Scalar> lists{Matrix<Index>(users, options.k), Matrix<Scalar>(users, options.k)};
  detail::parallel_tiles(users, 16, [&](Index first, Index count) {
    for (Index user = first; user < first + count; ++user) {
      const History<Scalar> history(*rows, user);
      const std::vector<Index> near = model.candidates(history);
      std::vector<Index> items;
      std::set_union(near.begin(), near.end(), also.begin(), also.end(), std::back_inserter(items));
      if (!options.exclude_seen) {
        std::vector<Index> more;
        std::set_union(items.begin(), items.end(), history.items(),
                       history.items() + history.size(), std::back_inserter(more));
        items.swap(more);
      }
      Vector<Scalar> scores = model.scores_of(history, items);
      if (options.boost.size() > 0) scores += options.boost(items).template cast<Scalar>();
      TopK<Scalar> top = filters.selection<Scalar>();
      for (std::size_t place = 0; place < items.size(); ++place) {
        const Index item = items[place];
        const Scalar score = scores[static_cast<Index>(place)];
        if (top.admits(score) && filters.let_pass(user, item) &&
            !(options.exclude_seen && detail::has_item(history, item))) {
          top.enter(item, score);
        }
      }
      filters.take(top, lists.items.row(user).data(), lists.scores.row(user).data());
    }
  });
  return lists;
}

/// The share of the items in the full lists that the others have, too; 1 if those are empty.
/// \throws std::invalid_argument if they are not lists of as many users.
template <class Scalar>
[[nodiscard]] double recall_of(const Recommendations<Scalar>& lists,
                               const Recommendations<Scalar>& full) {
  detail::require(lists.items.rows() == full.items.rows(), "there are lists of ",
                  lists.items.rows(), " users, but full lists of ", full.items.rows());
  Index items = 0;
  Index found = 0;
  for (Index user = 0; user < full.items.rows(); ++user) {
    for (Index place = 0; place < full.items.cols(); ++place) {
      const Index item = full.items(user, place);
      if (item < 0) continue;
      ++items;
      found += (lists.items.row(user).array() == item).any() ? 1 : 0;
    }
  }
  return items > 0 ? static_cast<double>(found) / static_cast<double>(items) : 1;
}

}  // namespace LAE_ABI
}  // namespace lae
