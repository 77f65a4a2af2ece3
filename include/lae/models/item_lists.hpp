#pragma once

/// \file
/// The largest weights of each item, of any linear model: what a database or another language needs
/// to recommend by it.
///
/// \code
/// const lae::Csr<float> lists = lae::item_lists(model, 50);
/// lae::save_item_lists("items.csv", lists, item_ids);  // or .jsonl: lae/data/item_list_file.hpp
/// lae::save_npz("items.npz", lists);                   // for SciPy: lae/io/npz.hpp
/// \endcode

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/models/pruning.hpp"
#include "lae/detail/ranking/rank_users.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Row i holds the `per_item` largest of row i of B, by absolute value, of equal ones those of lower
/// columns: what item i of a history says most of, for or against. Without zeros and the diagonal,
/// which says nothing of items that are not in the history. For a history x, x · lists are the
/// scores that `prune` with as many weights a row would give; with per_item = n, those of the model.
///
/// \param model any scorer that is linear in the history: dense, sparse, spectral, a view
/// Cost: the scores of n histories of one item, and n² comparisons; 16 bytes a weight.
/// \throws std::invalid_argument if per_item < 1.
template <class Model>
[[nodiscard]] Csr<ScalarOf<Model>> item_lists(const Model& model, Index per_item) {
  using Scalar = ScalarOf<Model>;
  using Kept = typename detail::LargestWeights<Scalar>::Kept;
  static_assert(detail::is_linear<Model>,
                "lae: this model is not linear in the history, so items have no weights");
  detail::require(per_item > 0, "per_item must be positive, got ", per_item);
  const Index n = model.items();
  detail::require_places(n, "items");
  Csr<Scalar> each_item(n, n);
  each_item.setIdentity();
  std::vector<std::vector<Kept>> kept(static_cast<std::size_t>(n));
  detail::parallel_tiles(n, detail::default_batch_users, [&](Index first, Index count) {
    std::vector<Index> items(static_cast<std::size_t>(count));
    std::iota(items.begin(), items.end(), first);
    std::vector<detail::LargestWeights<Scalar>> largest(
        items.size(), detail::LargestWeights<Scalar>((std::min)(per_item, n)));
    detail::for_each_score_range(
        model, HistoryBatch<Scalar>(each_item, items.data(), count),
        [](Index, auto&& scores) { scores.setZero(); },
        [&](Index b, Index begin, const auto& scores) {
          for (Index i = 0; i < scores.size(); ++i) {
            if (scores[i] == 0 || begin + i == first + b) continue;
            largest[static_cast<std::size_t>(b)].offer(begin + i, scores[i]);
          }
        });
    for (Index b = 0; b < count; ++b) {
      kept[static_cast<std::size_t>(first + b)] = largest[static_cast<std::size_t>(b)].take();
    }
  });

  Csr<Scalar> lists(n, n);
  lists.reserve(std::accumulate(kept.begin(), kept.end(), Index(0), [](Index sum, const auto& row) {
    return sum + static_cast<Index>(row.size());
  }));
  for (Index i = 0; i < n; ++i) {
    lists.startVec(i);
    for (const Kept& each : kept[static_cast<std::size_t>(i)]) {
      lists.insertBack(i, static_cast<Index>(each.place)) = each.weight;
    }
  }
  lists.finalize();
  return lists;
}

}  // namespace LAE_ABI
}  // namespace lae
