#pragma once

/// \file
/// What `evaluate` is told, and what it returns (see lae/evaluation/evaluate.hpp).

#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/group_fields.hpp"
#include "lae/evaluation/metric.hpp"

namespace lae {
inline namespace LAE_ABI {

struct EvaluateOptions {
  std::vector<Index> cutoffs = {10, 20};  ///< Each > 0, in any order.
  RecallDenominator recall_denominator = RecallDenominator::relevant;
  double head_fraction = 0.2;  ///< Share of the items, most popular in training first, in [0, 1].
  Index batch_users = 64;      ///< As in RecommendOptions; changes speed alone.
  /// Keep the values of every user for all metrics, not for recall and NDCG alone: four more
  /// matrices of users x cutoffs doubles in each of the three groups.
  bool all_user_values = false;
};

/// The metrics of the users that have at least one held-out item in some group of items. Means are
/// over these users, one value a cutoff, and NaN without users.
struct GroupMetrics {
  std::vector<Index> users;         ///< rows of the test matrix, rising
  Matrix<double> user_recall;       ///< users x cutoffs
  Matrix<double> user_ndcg;         ///< users x cutoffs
  std::vector<double> recall;       ///< mean of recall
  std::vector<double> ndcg;         ///< mean of NDCG
  Matrix<double> user_precision{};  ///< users x cutoffs with all_user_values, else empty
  Matrix<double> user_hit_rate{};   ///< users x cutoffs with all_user_values, else empty
  Matrix<double> user_mrr{};        ///< users x cutoffs with all_user_values, else empty
  Matrix<double> user_map{};        ///< users x cutoffs with all_user_values, else empty
  std::vector<double> precision{};  ///< mean of precision
  std::vector<double> hit_rate{};   ///< share of the users with a hit
  std::vector<double> mrr{};        ///< mean reciprocal rank
  std::vector<double> map{};        ///< mean average precision

  /// The means of a metric, one value a cutoff.
  [[nodiscard]] const std::vector<double>& mean(Metric metric) const {
    return this->*detail::group_field<GroupMetrics>(metric).means;
  }

  /// The values of a metric, users x cutoffs; empty if they were not kept.
  [[nodiscard]] const Matrix<double>& of_users(Metric metric) const {
    return this->*detail::group_field<GroupMetrics>(metric).of_users;
  }
};

struct EvaluationReport {
  std::vector<Index> cutoffs;
  GroupMetrics all;   ///< all held-out items
  GroupMetrics head;  ///< only held-out items that are popular in training
  GroupMetrics tail;  ///< only the others

  // Of the lists of all.users together, one value a cutoff:
  std::vector<double> coverage{};  ///< share of the items that anybody is recommended
  std::vector<double> novelty{};   ///< mean self-information of the recommendations, in bits
  std::vector<double> gini{};  ///< 0: all items are recommended equally often, 1: one item alone
};

}  // namespace LAE_ABI
}  // namespace lae
