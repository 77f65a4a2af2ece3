#pragma once

/// \file
/// Small models: the largest weights of a fitted one, in the sparse form.
///
/// \code
/// lae::PruneOptions options;
/// options.per_row = 64;                           // each item speaks for as many
/// auto small = lae::prune(model, options);        // a lae::SparseLowRankModel
/// lae::save_model("small.lae", small);            // #include <lae/blocks.hpp>
/// \endcode

#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/models/pruning.hpp"
#include "lae/models/item_model.hpp"
#include "lae/models/item_model_view.hpp"
#include "lae/models/sparse_low_rank_model.hpp"
#include "lae/models/sparse_low_rank_view.hpp"

namespace lae {
inline namespace LAE_ABI {

/// How many weights are kept: one of the first three, the others 0. With few, choose those of rows
/// or of all. (L3AE on 8,330 games, NDCG@20 on test users, against the whole matrix: 128 an item
/// gain 0.7 to 0.9 %; 64 keep it within 0.3 %; 16 lose 5.6 % by columns, 2.1 % by rows, 1.1 % of
/// all.)
struct PruneOptions {
  /// The largest of each column: what speaks most for, or against, an item.
  Index per_column = 0;
  /// The largest of each row: what an item of a history says most of.
  Index per_row = 0;
  /// The largest of all.
  Index total = 0;
  /// Keeps (j, i) wherever (i, j) is kept, with the value that it has: up to twice as many.
  bool symmetric = false;
};

/// The largest weights of a dense model, by absolute value, and the diagonal; of equal ones those
/// of lower rows, then columns. The same on any number of threads.
///
/// Cost: n² comparisons (of `total`: three times that in float, five times in double); 8 bytes a
/// weight that is kept in float and 12 in double, twice that on the way.
/// \throws std::invalid_argument unless one of the three counts is positive and the others are 0.
template <class Scalar>
[[nodiscard]] SparseLowRankModel<Scalar> prune(const ItemModelView<Scalar>& model,
                                               const PruneOptions& options) {
  const Index n = model.items();
  const detail::DenseWeights<Scalar> weights(model);
  WeightRows<Scalar> rows = detail::kept_rows<Scalar>(weights, options);
  Vector<Scalar> diagonal = model.weights().diagonal();
  if ((diagonal.array() == 0).all()) diagonal.resize(0);
  return {std::move(rows), Matrix<Scalar>(n, 0), Matrix<Scalar>(n, 0), std::move(diagonal)};
}
template <class Scalar>
[[nodiscard]] SparseLowRankModel<Scalar> prune(const ItemModel<Scalar>& model,
                                               const PruneOptions& options) {
  return prune(model.view(), options);
}

/// The same of a model fitted by blocks: of its sparse weights; the product of thin factors stays.
/// Cost: the entries of E and a logarithm each.
template <class Scalar>
[[nodiscard]] SparseLowRankModel<Scalar> prune(const SparseLowRankModel<Scalar>& model,
                                               const PruneOptions& options) {
  WeightRows<Scalar> rows =
      detail::kept_rows<Scalar>(detail::SparseWeights<Scalar>(model.view()), options);
  return {std::move(rows), Matrix<Scalar>(model.left()), Matrix<Scalar>(model.right()),
          Vector<Scalar>(model.diagonal())};
}

}  // namespace LAE_ABI
}  // namespace lae
