#pragma once

/// \file
/// Hyper-parameters that depend on how long the item features are.
///
/// What suits unit vectors is far off for raw BERT vectors, whose squared length is some 200. So a
/// ridge on features, and the weight of their Gram matrix beside that of the interactions, can be
/// given relative to q, the mean squared length of an item's features:
///
///     lae::L3aeOptions options;
///     options.lambda_f = 431.2;                       // as it is
///     options.lambda_f = lae::FeatureRidge::times_q(2);  // 2 q, the default

#include <string>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// q, the mean over the items of the squared length of their features, all sources of a model with
/// their weights together; 1 where there are no features, or none but zeros.
struct FeatureScale {
  double in_gram = 1;       ///< of the sources whose Gram matrix stands beside that of interactions
  double in_semantics = 1;  ///< of those of the semantic phase
};

/// A ridge on item features: a number, or a multiple of q.
struct FeatureRidge {
  double value = 1;
  bool is_relative = false;

  FeatureRidge() = default;
  FeatureRidge(double ridge) : value(ridge) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] static FeatureRidge times_q(double factor) {
    FeatureRidge ridge(factor);
    ridge.is_relative = true;
    return ridge;
  }

  /// The ridge for features of this scale.
  [[nodiscard]] double at(const FeatureScale& q) const {
    return is_relative ? value * q.in_semantics : value;
  }

  /// "431.2", "2 q"
  [[nodiscard]] std::string text() const { return detail::concat(value, is_relative ? " q" : ""); }
};

/// The weight of the Gram matrix of item features: a number, or one divided by q.
struct FeatureWeight {
  double value = 1;
  bool is_relative = false;

  FeatureWeight() = default;
  FeatureWeight(double weight) : value(weight) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] static FeatureWeight over_q(double share) {
    FeatureWeight weight(share);
    weight.is_relative = true;
    return weight;
  }

  /// The weight for features of this scale.
  [[nodiscard]] double at(const FeatureScale& q) const {
    return is_relative ? value / q.in_gram : value;
  }

  /// "0.25", "10 / q"
  [[nodiscard]] std::string text() const {
    return detail::concat(value, is_relative ? " / q" : "");
  }
};

}  // namespace LAE_ABI
}  // namespace lae
