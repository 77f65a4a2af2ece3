#pragma once

/// \file
/// Whether one model is better than another for the same users.

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdint>
#include <lae/core/errors.hpp>
#include <lae/core/random.hpp>
#include <vector>

namespace example {

/// Of a metric of two models, user by user.
struct PairedComparison {
  std::size_t users = 0;
  double difference = 0;  ///< mean over the users of first - second
  double t = 0;           ///< of the paired t-test; 0 if all differences are
  double p_value = 1;     ///< two-sided
  double low = 0;         ///< of the difference's 95 % interval, by a percentile bootstrap
  double high = 0;
};

/// \throws std::invalid_argument if the two have different users, or fewer than two.
inline PairedComparison compare_paired(const std::vector<double>& first,
                                       const std::vector<double>& second, std::uint64_t seed = 1,
                                       int resamples = 2000) {
  lae::detail::require(first.size() == second.size() && first.size() > 1, "cannot compare ",
                       first.size(), " users with ", second.size());
  PairedComparison result;
  result.users = first.size();
  const auto n = static_cast<double>(first.size());
  std::vector<double> differences(first.size());
  for (std::size_t u = 0; u < first.size(); ++u) {
    differences[u] = first[u] - second[u];
    result.difference += differences[u] / n;
  }
  double squares = 0;
  for (const double d : differences) squares += std::pow(d - result.difference, 2);
  if (squares > 0) {
    result.t = result.difference / std::sqrt(squares / (n - 1) / n);
    const boost::math::students_t distribution(n - 1);
    result.p_value =
        2 * boost::math::cdf(boost::math::complement(distribution, std::abs(result.t)));
  }
  lae::Random random(seed);
  std::vector<double> means(static_cast<std::size_t>(resamples));
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t u = 0; u < differences.size(); ++u)
      sum += differences[static_cast<std::size_t>(
          random.below(static_cast<lae::Index>(differences.size())))];
    mean = sum / n;
  }
  std::sort(means.begin(), means.end());
  result.low = means[static_cast<std::size_t>(0.025 * resamples)];
  result.high = means[static_cast<std::size_t>(0.975 * resamples) - 1];
  return result;
}

}  // namespace example
