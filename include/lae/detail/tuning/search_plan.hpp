#pragma once

/// \file
/// What a search takes, and which intermediate results it can keep within its memory budget.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/recipe/inverse_phase.hpp"
#include "lae/detail/recipe/ledger.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/detail/tuning/grid_ranking.hpp"
#include "lae/detail/tuning/user_values.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

using Group = std::vector<std::size_t>;  ///< indices of points

/// Cuts a list of points where their key changes.
template <class Point, class Key>
std::vector<Group> grouped(const std::vector<Point>& points, const Group& indices, Key&& key) {
  std::vector<Group> parts;
  for (const std::size_t i : indices) {
    if (parts.empty() || key(points[parts.back().back()]) != key(points[i])) parts.push_back({});
    parts.back().push_back(i);
  }
  return parts;
}

template <class Point, class Key>
Group sorted_by(const std::vector<Point>& points, Key&& key) {
  Group order(points.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return key(points[a]) < key(points[b]); });
  return order;
}

/// The points with those beside one another that share the most.
inline Group in_shared_order(const std::vector<Recipe>& points) {
  return sorted_by(points, [](const Recipe& point) {
    return std::make_pair(inverse_key(point), semantic_key(point));
  });
}

/// How many different values of a key there are.
template <class Point, class Key>
Index count_keys(const std::vector<Point>& points, Key&& key) {
  return static_cast<Index>(grouped(points, sorted_by(points, key), key).size());
}
inline Index count_semantic_ridges(const std::vector<Recipe>& points) {
  return count_keys(points, semantic_key);
}

/// Which matrices are kept, where they are of use.
struct SearchPlan {
  Bytes needed = 0;  ///< with them
  bool wants_weights = true;
  bool keeps_grams = false;  ///< of the interactions and of the features
  bool keeps_best = false;   ///< the weights of the best point so far; else it is fitted again
  bool forms_q = false;      ///< Q as a whole
};

/// \param size of the problem; sources as in a fit
/// \param copies bytes of the data that have to be copied
/// \param users that are measured
/// \throws MemoryBudgetExceeded if the search does not fit even if it keeps nothing;
/// std::invalid_argument as Ledger.
template <class Scalar>
SearchPlan plan_search(const std::vector<Recipe>& points, const ProblemSize& size, Bytes copies,
                       Index users, const Measures& measures, bool wants_weights, Bytes budget) {
  const Recipe& first = points.front();
  const Index n = size.items;
  const Group order = in_shared_order(points);
  const auto groups = grouped(points, order, inverse_key);
  const Index ridges = count_semantic_ridges(points);
  const bool has_inverse = first.ridge > 0;

  SearchPlan plan;
  plan.wants_weights = wants_weights;
  // P, at the peak of its computation, of the points that need most; and its form.
  Bytes inverse = 0;
  bool is_primal = false;
  for (const Group& group : groups) {
    if (!has_inverse) break;
    const FitCost cost = Ledger<Scalar>(points[group.front()], size).inverse();
    inverse = (std::max)(inverse, cost.bytes);
    is_primal = is_primal || cost.form != FitForm::dual;
  }
  std::size_t largest_group = 0;
  for (const Group& group : groups) {
    for (const Group& part : grouped(points, group, semantic_key)) {
      largest_group = (std::max)(largest_group, part.size());
    }
  }

  const Ledger<Scalar> ledger(first, size);
  const Bytes square = ledger.square();
  const Bytes vectors = 3 * dense_bytes<Scalar>(n, static_cast<Index>(largest_group) + 2) +
                        static_cast<Bytes>(users) * sizeof(Index) +
                        UserValues::bytes(points.size(), users);
  const SemanticSearchCost semantics = ledger.semantic_search(ridges);
  const Bytes measuring = grid_ranking_bytes<Scalar>(users, n, static_cast<Index>(largest_group),
                                                     semantics.rank, measures);
  const Bytes p = has_inverse ? square : 0;
  const Bytes shared = copies + vectors + semantics.shared;
  plan.needed = (std::max)({
      shared + semantics.preparing,             // what all semantic ridges share
      shared + semantics.of_inverse + inverse,  // a P, while that of the one before ends
      shared + semantics.of_inverse + p + semantics.solving,
      shared + semantics.of_inverse + p + semantics.of_term + measuring,
      shared + semantics.of_inverse + p + semantics.of_term + semantics.writing,
  });
  const auto keeps = [&](bool is_useful) {
    if (!is_useful || plan.needed + square > budget) return false;
    plan.needed += square;
    return true;
  };
  plan.keeps_grams = keeps(is_primal && groups.size() > 1);
  plan.keeps_best = wants_weights && keeps(groups.size() > 1);
  // Q as a whole pays off once more users are scored with it than it has rows.
  plan.forms_q = keeps(semantics.rank > 0 && users > 2 * n);
  if (wants_weights && groups.size() > 1 && !plan.keeps_best) {
    // The best point is fitted again once all else is gone.
    plan.needed = (std::max)(plan.needed, copies + ledger.fit().bytes);
  }
  if (plan.needed > budget) throw MemoryBudgetExceeded("search", plan.needed, budget);
  return plan;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
