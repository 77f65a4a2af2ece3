#pragma once

/// \file
/// How the lists of users are measured against some of the held-out items.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/evaluation/group_fields.hpp"
#include "lae/detail/evaluation/held_out.hpp"
#include "lae/detail/evaluation/hits.hpp"
#include "lae/evaluation/metric.hpp"
#include "lae/evaluation/report.hpp"
#include "lae/ranking/history.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// 1 for the items that make up the head: the most popular share, lower index first among equals.
[[nodiscard]] inline std::vector<char> head_items(const std::vector<Index>& users_of_items,
                                                  double head_fraction) {
  const std::size_t n = users_of_items.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return users_of_items[a] > users_of_items[b];
  });
  std::vector<char> head(n, 0);
  const auto count = static_cast<std::size_t>(head_fraction * static_cast<double>(n));
  for (std::size_t place = 0; place < count; ++place) head[order[place]] = 1;
  return head;
}

/// Metrics of ranked lists (one row for each of `held_out.users`) against the held-out items that
/// `counts`.
template <class Scalar, class Counts>
[[nodiscard]] GroupMetrics measure_group(const Matrix<Index>& lists,
                                         const HeldOut<Scalar>& held_out,
                                         const EvaluateOptions& options, Counts&& counts) {
  GroupMetrics group;
  std::vector<Index> list_of;  // of each user of the group
  for (std::size_t u = 0; u < held_out.users.size(); ++u) {
    bool has_any = false;
    for (const auto& [item, value] : History<Scalar>(*held_out.items, held_out.users[u])) {
      has_any = has_any || counts(item);
    }
    if (!has_any) continue;
    list_of.push_back(static_cast<Index>(u));
    group.users.push_back(held_out.users[u]);
  }

  const Index users = static_cast<Index>(group.users.size());
  const Index cutoffs = static_cast<Index>(options.cutoffs.size());
  const Index longest = *std::max_element(options.cutoffs.begin(), options.cutoffs.end());
  const Index tiles = (users + mean_tile_users - 1) / mean_tile_users;
  std::vector<Matrix<double>> tile_sums(all_metrics.size(), Matrix<double>::Zero(tiles, cutoffs));
  const auto is_kept = [&](Metric metric) {
    return options.all_user_values || metric == Metric::recall || metric == Metric::ndcg;
  };
  const auto of_users = [&](Metric metric) -> Matrix<double>& {
    return group.*group_field<GroupMetrics>(metric).of_users;
  };
  for (const Metric metric : all_metrics) {
    if (is_kept(metric)) of_users(metric).resize(users, cutoffs);
  }
  parallel_tiles(users, mean_tile_users, [&](Index first, Index length) {
    std::vector<Index> relevant;
    FoundHits hits;
    for (Index u = first; u < first + length; ++u) {
      const auto place = static_cast<std::size_t>(u);
      relevant.clear();
      for (const auto& [item, value] : History<Scalar>(*held_out.items, group.users[place])) {
        if (counts(item)) relevant.push_back(item);
      }
      hits.find(lists.row(list_of[place]), relevant, longest);
      for (std::size_t m = 0; m < all_metrics.size(); ++m) {
        const Metric metric = all_metrics[m];
        for (Index c = 0; c < cutoffs; ++c) {
          const Index k = options.cutoffs[static_cast<std::size_t>(c)];
          const double value = measure(metric, hits, hits, k, options.recall_denominator);
          tile_sums[m](first / mean_tile_users, c) += value;
          if (is_kept(metric)) of_users(metric)(u, c) = value;
        }
      }
    }
  });
  for (std::size_t m = 0; m < all_metrics.size(); ++m) {
    std::vector<double>& means = group.*group_field<GroupMetrics>(all_metrics[m]).means;
    for (Index c = 0; c < cutoffs; ++c) means.push_back(mean_of_tiles(tile_sums[m], c, users));
  }
  return group;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
