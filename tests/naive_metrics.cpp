#include "naive_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

namespace naive {
namespace {

/// How often each item stands among the first k of the lists.
std::map<Index, double> recommended(const std::vector<std::vector<Index>>& lists, Index k) {
  std::map<Index, double> times;
  for (const auto& list : lists) {
    for (std::size_t place = 0; place < list.size() && place < static_cast<std::size_t>(k);
         ++place) {
      if (list[place] >= 0) times[list[place]] += 1;
    }
  }
  return times;
}

}  // namespace

double metric(lae::Metric metric, const std::vector<Index>& ranked, const std::set<Index>& relevant,
              Index k, bool capped) {
  const auto is_hit = [&](Index place) {
    return place < static_cast<Index>(ranked.size()) &&
           relevant.count(ranked[static_cast<std::size_t>(place)]) != 0;
  };
  const auto hits_to = [&](Index place) {
    double hits = 0;
    for (Index p = 0; p <= place; ++p) hits += is_hit(p);
    return hits;
  };
  const double total = static_cast<double>(relevant.size());
  const double most = std::min(total, static_cast<double>(k));
  if (metric == lae::Metric::recall) return hits_to(k - 1) / (capped ? most : total);
  if (metric == lae::Metric::precision) return hits_to(k - 1) / static_cast<double>(k);
  if (metric == lae::Metric::hit_rate) return hits_to(k - 1) > 0 ? 1 : 0;
  double gain = 0;
  double ideal = 0;
  double reciprocal = 0;
  double precisions = 0;
  for (Index place = k - 1; place >= 0; --place) {
    const double rank = static_cast<double>(place) + 1;
    if (rank <= total) ideal += 1 / std::log2(rank + 1);
    if (!is_hit(place)) continue;
    gain += 1 / std::log2(rank + 1);
    reciprocal = 1 / rank;
    precisions += hits_to(place) / rank;
  }
  if (metric == lae::Metric::ndcg) return gain / ideal;
  if (metric == lae::Metric::mrr) return reciprocal;
  return precisions / most;
}

double coverage(const std::vector<std::vector<Index>>& lists, Index k, Index items) {
  return static_cast<double>(recommended(lists, k).size()) / static_cast<double>(items);
}

double novelty(const std::vector<std::vector<Index>>& lists, Index k, const Dense& train) {
  double bits = 0;
  double count = 0;
  for (const auto& [item, times] : recommended(lists, k)) {
    const double users = std::max(1.0, (train.col(item).array() != 0).cast<double>().sum());
    bits += times * std::log2(static_cast<double>(train.rows()) / users);
    count += times;
  }
  return bits / count;
}

double gini(const std::vector<std::vector<Index>>& lists, Index k, Index items) {
  std::map<Index, double> times = recommended(lists, k);
  double differences = 0;
  double total = 0;
  for (Index i = 0; i < items; ++i) {
    for (Index j = 0; j < items; ++j) differences += std::abs(times[i] - times[j]);
    total += times[i];
  }
  const double n = static_cast<double>(items);
  return differences / (n * (n - 1)) / (2 * total / n);
}

}  // namespace naive
