#pragma once

/// \file
/// Ranking quality of any scorer (see lae/ranking/scorer.hpp) on held-out interactions.
///
/// \code
/// const auto report = lae::evaluate(model, train, test, {{10, 20}});
/// report.all.recall[1];   // mean recall@20
/// report.tail.ndcg[1];    // mean NDCG@20 on items that are not popular
/// report.coverage[1];     // share of the catalogue among the first 20 of anybody's list
/// \endcode

#include <algorithm>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/evaluation/group_metrics.hpp"
#include "lae/detail/evaluation/held_out.hpp"
#include "lae/detail/ranking/rank_users.hpp"
#include "lae/evaluation/coverage.hpp"
#include "lae/evaluation/gini.hpp"
#include "lae/evaluation/novelty.hpp"
#include "lae/evaluation/report.hpp"
#include "lae/ranking/recommendations.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Ranks all items for each user of `train` (users x items) and measures the lists against `test`
/// (same shape). Items of the user's training row are left out, nothing else is. Users without a
/// held-out item do not count; users without a history do.
///
/// Head and tail metrics keep only held-out items of that kind, rank all items, and drop users that
/// have none left. Coverage, novelty and Gini are those of the lists of all users that count.
/// Cost: that of `recommend` for the users with held-out items, at the largest cutoff; the same
/// bits for any number of threads. Memory: 8 bytes and a score for each user and place of the
/// largest cutoff, and 16 bytes for each user, cutoff and group (48 with `all_user_values`);
/// besides, copies of matrices that are not `Csr<Scalar>` with sorted rows.
/// \throws std::invalid_argument if sizes differ, a cutoff is not positive or there is none,
/// head_fraction lies outside [0, 1], or a value is not finite.
template <class Model, class Train, class Test>
[[nodiscard]] EvaluationReport evaluate(const Model& model,
                                        const Eigen::SparseMatrixBase<Train>& train,
                                        const Eigen::SparseMatrixBase<Test>& test,
                                        const EvaluateOptions& options = {}) {
  detail::require_cutoffs(options.cutoffs);
  detail::require(options.head_fraction >= 0 && options.head_fraction <= 1,
                  "head_fraction must lie in [0, 1], got ", options.head_fraction);
  const auto held_out = detail::held_out_of<ScalarOf<Model>>(train, test);

  RecommendOptions ranking;
  // Beyond the number of items there is only padding.
  ranking.k = (std::min)(*std::max_element(options.cutoffs.begin(), options.cutoffs.end()),
                         Index(model.items()));
  ranking.batch_users = options.batch_users;
  const Matrix<Index> lists =
      detail::rank_users(model, *held_out.histories, held_out.users, ranking).items;

  const std::vector<Index> users_of_items = detail::column_counts(*held_out.histories);
  const std::vector<char> head = detail::head_items(users_of_items, options.head_fraction);
  const auto is_head = [&](Index item) { return head[static_cast<std::size_t>(item)] != 0; };
  const auto group = [&](auto&& counts) {
    return detail::measure_group(lists, held_out, options, counts);
  };
  EvaluationReport report{options.cutoffs, group([](Index) { return true; }), group(is_head),
                          group([&](Index item) { return !is_head(item); })};
  for (const Index k : options.cutoffs) {
    report.coverage.push_back(coverage(lists, k, model.items()));
    report.novelty.push_back(novelty(lists, k, users_of_items, held_out.histories->rows()));
    report.gini.push_back(gini(lists, k, model.items()));
  }
  return report;
}

}  // namespace LAE_ABI
}  // namespace lae
