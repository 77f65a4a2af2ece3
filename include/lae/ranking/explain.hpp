#pragma once

/// \file
/// Why a score is what it is: which items of the history gave how much to it. The models are
/// linear, so this is no approximation, as it would be of a network: the parts add up to the score.
///
/// \code
/// auto why = lae::explain(model, histories.row(user), item, 3);
/// for (const auto& reason : why.reasons) std::cout << title[reason.item] << reason.value;
/// std::cout << why.rest << " by " << why.others << " more, " << why.total << " in all";
/// \endcode

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/ranking/history.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What one item of the history adds to a score.
template <class Scalar>
struct Reason {
  Index item;
  Scalar value;
};

/// The parts of one score. The values of `reasons` and `rest` add up to `total`, up to rounding.
template <class Scalar>
struct Explanation {
  /// At most k, of all items of the history those with the largest absolute values: first the
  /// largest, of equal ones the lower item. (Parts may be negative.)
  std::vector<Reason<Scalar>> reasons;
  Index others = 0;  ///< how many items of the history are not among the reasons
  Scalar rest = 0;   ///< what those add, together
  Scalar total = 0;  ///< the score
};

/// Takes the score of an item apart.
///
/// \param model any scorer that is linear in the history, as all item-to-item models are
/// \param history one row (1 x items, sparse), such as a row of the matrix that was ranked for
/// \param item whose score it is, in [0, model.items())
/// \param k the most reasons to name, >= 0
/// Cost: the score of a single item for each item of the history.
/// \throws std::invalid_argument if `history` is not one row of the model's items, a value is not
/// finite, item is out of range, or k < 0.
template <class Model, class Derived>
[[nodiscard]] Explanation<ScalarOf<Model>> explain(const Model& model,
                                                   const Eigen::SparseMatrixBase<Derived>& history,
                                                   Index item, Index k) {
  using Scalar = ScalarOf<Model>;
  static_assert(detail::is_linear<Model>,
                "lae: this model is not linear in the history, so its scores have no parts");
  detail::require(history.rows() == 1, "history must be one row, but has ", history.rows());
  detail::require(item >= 0 && item < model.items(), "item is ", item, ", but the model has ",
                  model.items(), " items");
  detail::require(k >= 0, "k must not be negative, got ", k);
  const Csr<Scalar> row = detail::canonical_sparse<Scalar>(history, "history");
  detail::require_items_of(model, row, "history");

  const History<Scalar> whole(row, 0);
  const auto score_of = [&](const History<Scalar>& part) {
    Eigen::Matrix<Scalar, 1, Eigen::Dynamic> score =
        Eigen::Matrix<Scalar, 1, Eigen::Dynamic>::Zero(1);
    model.add_scores(part, item, score);
    return score[0];
  };
  Explanation<Scalar> explanation;
  explanation.total = score_of(whole);
  std::vector<Reason<Scalar>>& parts = explanation.reasons;
  for (Index place = 0; place < whole.size(); ++place) {
    const History<Scalar> one(whole.items() + place, whole.values() + place, 1);
    parts.push_back({whole[place].item, score_of(one)});
  }
  // What is not a number comes first: it spoils the score.
  const auto magnitude = [](const Reason<Scalar>& reason) {
    return std::isnan(reason.value) ? std::numeric_limits<Scalar>::infinity()
                                    : std::abs(reason.value);
  };
  std::stable_sort(parts.begin(), parts.end(),
                   [&](const auto& a, const auto& b) { return magnitude(a) > magnitude(b); });
  const auto named = static_cast<std::size_t>((std::min)(k, whole.size()));
  for (std::size_t i = named; i < parts.size(); ++i) explanation.rest += parts[i].value;
  explanation.others = whole.size() - static_cast<Index>(named);
  parts.resize(named);
  return explanation;
}

}  // namespace LAE_ABI
}  // namespace lae
