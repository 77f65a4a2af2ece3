#pragma once

/// \file
/// The metrics of ranked lists by name, for what lets its caller choose one.
///
/// \code
/// for (const lae::Metric metric : lae::all_metrics) {
///   std::cout << lae::metric_name(metric) << " " << lae::measure(metric, ranked, relevant, 20);
/// }
/// \endcode

#include <array>
#include <string_view>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/evaluation/hit_rate.hpp"
#include "lae/evaluation/map.hpp"
#include "lae/evaluation/mrr.hpp"
#include "lae/evaluation/ndcg.hpp"
#include "lae/evaluation/precision.hpp"
#include "lae/evaluation/recall.hpp"

namespace lae {
inline namespace LAE_ABI {

/// A metric of one ranked list, in [0, 1], more is better.
enum class Metric {
  recall,     ///< lae/evaluation/recall.hpp
  ndcg,       ///< lae/evaluation/ndcg.hpp
  precision,  ///< lae/evaluation/precision.hpp
  hit_rate,   ///< lae/evaluation/hit_rate.hpp
  mrr,        ///< of one list its reciprocal rank: lae/evaluation/mrr.hpp
  map         ///< of one list its average precision: lae/evaluation/map.hpp
};

inline constexpr std::array<Metric, 6> all_metrics{
    Metric::recall, Metric::ndcg, Metric::precision, Metric::hit_rate, Metric::mrr, Metric::map};

/// As the enumerator is spelt: "hit_rate".
/// \throws std::invalid_argument if it is none of them.
[[nodiscard]] inline std::string_view metric_name(Metric metric) {
  switch (metric) {
    case Metric::recall:
      return "recall";
    case Metric::ndcg:
      return "ndcg";
    case Metric::precision:
      return "precision";
    case Metric::hit_rate:
      return "hit_rate";
    case Metric::mrr:
      return "mrr";
    case Metric::map:
      return "map";
  }
  detail::require(false, "there is no metric ", static_cast<int>(metric));
  return "";
}

/// Measures a ranked list by the chosen metric.
///
/// \param ranked item indices, best first; negative ones (padding) are never hits. May be shorter
/// than k.
/// \param relevant item indices, sorted, distinct.
/// \param denominator of recall; the other metrics have no choice
/// \return a value in [0, 1]; NaN if nothing is relevant.
/// \throws std::invalid_argument if k < 1, `relevant` is not sorted, or there is no such metric.
template <class Ranked, class Relevant>
[[nodiscard]] double measure(Metric metric, const Ranked& ranked, const Relevant& relevant, Index k,
                             RecallDenominator denominator = RecallDenominator::relevant) {
  switch (metric) {
    case Metric::recall:
      return recall(ranked, relevant, k, denominator);
    case Metric::ndcg:
      return ndcg(ranked, relevant, k);
    case Metric::precision:
      return precision(ranked, relevant, k);
    case Metric::hit_rate:
      return hit_rate(ranked, relevant, k);
    case Metric::mrr:
      return reciprocal_rank(ranked, relevant, k);
    case Metric::map:
      return average_precision(ranked, relevant, k);
  }
  detail::require(false, "there is no metric ", static_cast<int>(metric));
  return 0;
}

}  // namespace LAE_ABI
}  // namespace lae
