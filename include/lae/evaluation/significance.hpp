#pragma once

/// \file
/// Whether one model is better than another for the same users. Needs Boost's headers: the CMake
/// target `lae::significance`.
///
/// \code
/// const auto a = lae::evaluate(one, train, test).all;
/// const auto b = lae::evaluate(other, train, test).all;
/// const auto result = lae::compare_paired(lae::values_of_users(a.user_ndcg, 1),
///                                         lae::values_of_users(b.user_ndcg, 1));
/// if (result.p_value < 0.05) std::cout << "better by " << result.difference;
/// \endcode

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "lae/core/random.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

struct SignificanceOptions {
  std::uint64_t seed = 1;    ///< Of the bootstrap: the same interval for the same seed, everywhere.
  int resamples = 2000;      ///< Of the users, > 0.
  double confidence = 0.95;  ///< Of the interval, in (0, 1).
};

/// Of a metric of two models, user by user.
struct PairedComparison {
  std::size_t users = 0;
  double difference = 0;  ///< mean over the users of first - second
  double t = 0;           ///< of the paired t-test; 0 if no user differs, infinite if all do alike
  double p_value = 1;     ///< two-sided, in [0, 1]
  double low = 0;         ///< of the difference's interval
  double high = 0;
};

/// A column of users x cutoffs, as `compare_paired` takes it.
/// \throws std::invalid_argument if there is no such column.
[[nodiscard]] inline std::vector<double> values_of_users(const Matrix<double>& values,
                                                         Index cutoff) {
  detail::require(cutoff >= 0 && cutoff < values.cols(), "there is no column ", cutoff, " among ",
                  values.cols());
  std::vector<double> column(static_cast<std::size_t>(values.rows()));
  for (Index user = 0; user < values.rows(); ++user) {
    column[static_cast<std::size_t>(user)] = values(user, cutoff);
  }
  return column;
}

/// Compares two models by the values of a metric for the same users, in the same order.
///
/// Two-sided paired t-test with users - 1 degrees of freedom (Student 1908; for its use on such
/// metrics see Smucker, Allan and Carterette, CIKM 2007), and the percentile bootstrap interval of
/// the mean difference (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13)
/// from resamples of the users.
/// Cost: O(users resamples), on one thread.
/// \throws std::invalid_argument if the two have different users, or fewer than two, a value is not
/// finite, or options are out of range.
[[nodiscard]] inline PairedComparison compare_paired(const std::vector<double>& first,
                                                     const std::vector<double>& second,
                                                     const SignificanceOptions& options = {}) {
  detail::require(first.size() == second.size() && first.size() > 1, "cannot compare ",
                  first.size(), " users with ", second.size());
  detail::require(options.resamples > 0, "resamples must be positive, got ", options.resamples);
  detail::require(options.confidence > 0 && options.confidence < 1,
                  "confidence must lie in (0, 1), got ", options.confidence);
  PairedComparison result;
  result.users = first.size();
  const auto n = static_cast<double>(first.size());
  std::vector<double> differences(first.size());
  bool all_alike = true;
  for (std::size_t u = 0; u < first.size(); ++u) {
    differences[u] = first[u] - second[u];
    detail::require(std::isfinite(differences[u]), "the values of user ", u, ", ", first[u],
                    " and ", second[u], ", have no finite difference");
    all_alike = all_alike && differences[u] == differences[0];
    result.difference += differences[u] / n;
  }
  if (all_alike) {
    // Told apart from a tiny deviation, which rounding of the mean would make of it.
    result.difference = differences[0];
    if (result.difference != 0) {
      result.t = std::copysign(std::numeric_limits<double>::infinity(), result.difference);
      result.p_value = 0;
    }
  } else {
    double squares = 0;
    for (const double d : differences) squares += std::pow(d - result.difference, 2);
    result.t = result.difference / std::sqrt(squares / (n - 1) / n);
    const boost::math::students_t distribution(n - 1);
    result.p_value =
        2 * boost::math::cdf(boost::math::complement(distribution, std::abs(result.t)));
  }

  Random random(options.seed);
  std::vector<double> means(static_cast<std::size_t>(options.resamples));
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t u = 0; u < differences.size(); ++u) {
      sum += differences[static_cast<std::size_t>(
          random.below(static_cast<Index>(differences.size())))];
    }
    mean = sum / n;
  }
  std::sort(means.begin(), means.end());
  // As many resamples are left out below as above.
  const auto outside = static_cast<std::size_t>((1 - options.confidence) / 2 * options.resamples);
  result.low = means[outside];
  result.high = means[means.size() - 1 - outside];
  return result;
}

}  // namespace LAE_ABI
}  // namespace lae
