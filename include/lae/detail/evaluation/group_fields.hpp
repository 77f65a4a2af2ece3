#pragma once

/// \file
/// Where the values of a metric stand among the fields of GroupMetrics.

#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/evaluation/metric.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

template <class Group>
struct GroupField {
  std::vector<double> Group::*means;
  Matrix<double> Group::*of_users;
};

/// \throws std::invalid_argument if there is no such metric.
template <class Group>
[[nodiscard]] GroupField<Group> group_field(Metric metric) {
  switch (metric) {
    case Metric::recall:
      return {&Group::recall, &Group::user_recall};
    case Metric::ndcg:
      return {&Group::ndcg, &Group::user_ndcg};
    case Metric::precision:
      return {&Group::precision, &Group::user_precision};
    case Metric::hit_rate:
      return {&Group::hit_rate, &Group::user_hit_rate};
    case Metric::mrr:
      return {&Group::mrr, &Group::user_mrr};
    case Metric::map:
      return {&Group::map, &Group::user_map};
  }
  require(false, "there is no metric ", static_cast<int>(metric));
  return {};
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
