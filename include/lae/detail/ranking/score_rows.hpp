#pragma once

/// \file
/// Scores of whole rows, and the sums of rows that dense models are scored by.

#include <algorithm>
#include <numeric>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/ranking/scorer_traits.hpp"
#include "lae/ranking/history.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// scores += sum over the history of x_i * weights(i, [begin, begin + scores.size())). The terms of
/// an item are added one after the other in the history's order, but of four rows at a time, so
/// that sums stay in registers. Weights are a row-major matrix, or a map of one.
template <class Scalar, class Weights, class Scores>
void add_history_rows(const History<Scalar>& history, const Weights& weights, Index begin,
                      Scores&& scores) {
  const auto term = [&](Index place) {
    const auto [item, value] = history[place];
    return value * weights.row(item).segment(begin, scores.size());
  };
  Index place = 0;
  for (; place + 4 <= history.size(); place += 4) {
    scores = scores + term(place) + term(place + 1) + term(place + 2) + term(place + 3);
  }
  for (; place < history.size(); ++place) scores += term(place);
}

/// The same for the history in a row of a compressed matrix.
template <class Scalar, class Scores>
void add_history_rows(const Csr<Scalar>& histories, Index user, const Matrix<Scalar>& weights,
                      Index begin, Scores&& scores) {
  add_history_rows(History<Scalar>(histories, user), weights, begin, scores);
}

/// \throws std::invalid_argument if the matrix is not users x the model's items.
template <class Model, class Scalar>
void require_items_of(const Model& model, const Csr<Scalar>& histories, const char* name) {
  require(histories.cols() == model.items(), name, " has ", histories.cols(),
          " columns, but the model has ", model.items(), " items");
}

/// Users scored together where nobody says how many.
inline constexpr Index default_batch_users = 64;

/// Writes the scores of all items, one row for each user of a batch.
template <class Model, class Scalar>
void set_batch_scores(const Model& model, const HistoryBatch<Scalar>& histories,
                      ScoreTile<Scalar> scores) {
  scores.setZero();
  if constexpr (has_batch<Model>) {
    model.batch(histories).add_scores(0, scores);
  } else {
    for (Index b = 0; b < histories.size(); ++b) model.add_scores(histories[b], 0, scores.row(b));
  }
}

/// Writes the scores of all items for all rows of a compressed matrix, in parallel, to as many rows
/// of `scores`, which may have more.
template <class Model, class Scalar>
void set_all_scores(const Model& model, const Csr<Scalar>& histories, Matrix<Scalar>& scores) {
  std::vector<Index> users(static_cast<std::size_t>(histories.rows()));
  std::iota(users.begin(), users.end(), Index(0));
  parallel_tiles(histories.rows(), default_batch_users, [&](Index first, Index batch) {
    set_batch_scores<Model, Scalar>(model, {histories, users.data() + first, batch},
                                    scores.middleRows(first, batch));
  });
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
