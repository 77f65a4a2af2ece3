#pragma once

/// \file
/// Which users a search measures on, and how sure their number lets it be.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/evaluation/sample.hpp"
#include "lae/tuning/trial.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The held-out items of those users that the options let count.
/// \param valid canonical
/// \throws std::invalid_argument
template <class Scalar>
Borrowed<Csr<Scalar>> of_sampled_users(Borrowed<Csr<Scalar>> valid,
                                       const GridSearchOptions& options) {
  require(options.sample_users >= 0, "sample_users must not be negative, got ",
          options.sample_users);
  if (options.sample_users == 0) return valid;
  return sample_of_users(*valid, options.sample_users, options.sample_seed);
}

/// The deciding metric of single users, for each point of a grid. Of more than 65,536 users every
/// second, third, ... one is kept, which tells the spread of all just as well.
class UserValues {
 public:
  UserValues(std::size_t points, Index users)
      : users_(users),
        step_(step_of(users)),
        values_(points * static_cast<std::size_t>(kept_of(users)),
                std::numeric_limits<float>::quiet_NaN()) {}

  static Bytes bytes(std::size_t points, Index users) {
    return points * static_cast<Bytes>(kept_of(users)) * sizeof(float);
  }

  /// \param place of a user among those that are measured
  void set(std::size_t point, Index place, double value) {
    if (place % step_ == 0) of(point)[place / step_] = static_cast<float>(value);
  }

  /// Of the mean over the users; NaN if the point was not measured, or on a single user.
  double standard_error(std::size_t point) const {
    return error([&, one = of(point)](Index kept) { return static_cast<double>(one[kept]); });
  }

  /// Of the difference between two means.
  double paired_error(std::size_t point, std::size_t other) const {
    return error([&, one = of(point), two = of(other)](Index kept) {
      return static_cast<double>(one[kept]) - static_cast<double>(two[kept]);
    });
  }

 private:
  static constexpr Index most = Index(1) << 16;
  static Index step_of(Index users) { return (std::max)((users + most - 1) / most, Index(1)); }
  static Index kept_of(Index users) { return (users + step_of(users) - 1) / step_of(users); }

  float* of(std::size_t point) {
    return values_.data() + point * static_cast<std::size_t>(kept_of(users_));
  }
  const float* of(std::size_t point) const {
    return values_.data() + point * static_cast<std::size_t>(kept_of(users_));
  }

  template <class Value>
  double error(Value&& value) const {
    const Index kept = kept_of(users_);
    if (kept < 2) return std::numeric_limits<double>::quiet_NaN();
    double mean = 0;
    for (Index i = 0; i < kept; ++i) mean += value(i);
    mean /= static_cast<double>(kept);
    double squares = 0;
    for (Index i = 0; i < kept; ++i) {
      const double deviation = value(i) - mean;
      squares += deviation * deviation;
    }
    return std::sqrt(squares / static_cast<double>(kept - 1) / static_cast<double>(users_));
  }

  Index users_;
  Index step_;
  std::vector<float> values_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
