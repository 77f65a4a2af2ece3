#pragma once

/// \file
/// What can be ranked, evaluated, explained and saved: a *scorer*, anything that can add its scores
/// of a range of items for one user's history. `ItemModel` is one; yours is another if it has
///
/// - `using Scalar = float;` or `double`: of the scores and of the histories' values;
/// - `Index items() const`: number of items, n;
/// - `void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const`:
///   adds to `scores` those of items [begin, begin + scores.size()), a range within [0, n).
///
/// Nothing else is asked: no base class, no registration. A low-rank model B = L Rᵀ as a whole:
///
/// \code
/// struct LowRank {
///   using Scalar = float;
///   lae::Matrix<float> left, right;  // items x rank
///
///   lae::Index items() const { return left.rows(); }
///
///   void add_scores(const lae::History<float>& history, lae::Index begin,
///                   lae::ScoreRow<float> scores) const {
///     Eigen::RowVectorXf x = Eigen::RowVectorXf::Zero(left.cols());
///     for (const auto& [item, value] : history) x += value * left.row(item);
///     scores.noalias() += x * right.middleRows(begin, scores.size()).transpose();
///   }
/// };
///
/// auto lists = lae::recommend(LowRank{left, right}, histories, {20});
/// \endcode
///
/// Rules:
/// - `add_scores` adds; it does not overwrite. The scores of an item do not depend on the range.
/// - It is called from several threads at once, many times: for ranges of about a thousand items,
///   which stay in a core's cache, once a user and range. Results are the same bits for any number
///   of threads if its own are the same for the same arguments.
/// - `explain` and `save_model` take scores to be linear in the history, as those of all
///   item-to-item models are; ranking and evaluation do not. A scorer that is not says so, `static
///   constexpr bool is_linear = false;`, and these two then do not compile with it.
///
/// **Work that users share.** The x above is formed anew for every range, and a product with one
/// row is far from the full rate. A scorer may have another member,
/// `batch(const HistoryBatch<Scalar>& histories) const`, which returns an object with
/// `void add_scores(Index begin, ScoreTile<Scalar> scores) const`, users of the batch x items of
/// the range. Where a scorer has it, ranking takes it (`add_scores` for one user must be there all
/// the same), once for each batch of users, on one thread:
///
/// \code
///   struct Batch {
///     const lae::Matrix<float>& right;
///     lae::Matrix<float> x;  // users x rank
///
///     void add_scores(lae::Index begin, lae::ScoreTile<float> scores) const {
///       scores.noalias() += x * right.middleRows(begin, scores.cols()).transpose();
///     }
///   };
///
///   Batch batch(const lae::HistoryBatch<float>& histories) const {
///     lae::Matrix<float> x = lae::Matrix<float>::Zero(histories.size(), left.cols());
///     for (lae::Index user = 0; user < histories.size(); ++user) {
///       for (const auto& [item, value] : histories[user]) x.row(user) += value * left.row(item);
///     }
///     return {right, std::move(x)};
///   }
/// \endcode
///
/// Such products may round differently for batches of other sizes; otherwise `batch_users` changes
/// speed alone.

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/detail/ranking/scorer_traits.hpp"
#include "lae/ranking/history.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Whether a type is a scorer (see the top of this header).
template <class Model>
inline constexpr bool is_scorer_v =
    detail::has_scalar<Model>&& detail::has_items<Model>&& detail::has_add_scores<Model>;

/// Whether a scorer can score users together, by `batch`.
template <class Model>
inline constexpr bool is_batch_scorer_v = is_scorer_v<Model>&& detail::has_batch<Model>;

/// The Scalar of a scorer. Of a type that is none it does not compile, and the message says what
/// the type lacks.
template <class Model>
using ScalarOf = typename detail::RequireScorer<Model>::Scalar;

/// Scores of all items for each row of `histories` (users x items, sparse; users the model never
/// saw are fine): a dense users x items matrix. Meant for a few users; `recommend` ranks any number
/// of them without holding the scores.
/// \throws std::invalid_argument if histories.cols() != model.items() or a value is not finite.
template <class Model, class Derived>
[[nodiscard]] Matrix<ScalarOf<Model>> score(const Model& model,
                                            const Eigen::SparseMatrixBase<Derived>& histories) {
  using Scalar = ScalarOf<Model>;
  const auto rows = detail::borrow_sparse<Scalar>(histories, "histories");
  detail::require_items_of(model, *rows, "histories");
  Matrix<Scalar> scores(rows->rows(), rows->cols());
  detail::set_all_scores(model, *rows, scores);
  return scores;
}

}  // namespace LAE_ABI
}  // namespace lae
