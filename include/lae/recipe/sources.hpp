#pragma once

/// \file
/// Side information: what is known of the items, as any number of sources. A single matrix, dense
/// or sparse, is passed to `fit` as it is; several go into a list:
///
///     lae::Sources<double> side;
///     side.add(embeddings);                             // items x dims, dense
///     side.add(tags, 0.5);                              // items x tags, sparse, weight 0.5
///     auto model = lae::L3ae<double>().fit(train, side);
///
/// Their Gram matrices add up with their weights, F Fᵀ = Σ w_s F_s F_sᵀ, which is what features
/// side by side, each times √w_s, would give.

#include <cmath>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/recipe/scaled.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What a model makes of a source.
enum class SourceRole {
  by_model,   ///< what it makes of side information: CEASE's Gram matrix, L3AE's semantic phase
  gram,       ///< a part of the Gram matrix that is inverted, beside the interactions
  semantics,  ///< a part of the semantic phase
};

/// Whether a source of this role stands in the Gram matrix of a model.
[[nodiscard]] inline bool is_in_gram(SourceRole role, const Recipe& recipe) {
  return role == SourceRole::gram ||
         (role == SourceRole::by_model && recipe.semantic_use == SemanticUse::none);
}

/// Item features from one place: one row an item.
template <class Scalar>
struct Source {
  std::variant<Matrix<Scalar>, Csr<Scalar>> features;
  double weight = 1;
  SourceRole role = SourceRole::by_model;

  [[nodiscard]] Index rows() const {
    return std::visit([](const auto& matrix) { return matrix.rows(); }, features);
  }
  [[nodiscard]] Index cols() const {
    return std::visit([](const auto& matrix) { return matrix.cols(); }, features);
  }
};

/// Sources of the same items. It owns its matrices, in Scalar.
template <class Scalar>
class Sources {
 public:
  /// \param features one row an item: a dense matrix (embeddings), or a sparse one (tags)
  /// \param weight of its Gram matrix; finite and >= 0
  /// \throws std::invalid_argument if it is empty, has other items than the sources before it, or
  /// holds a value that is not finite, or if the weight is out of range.
  template <class Derived>
  Sources& add(const Eigen::EigenBase<Derived>& features, double weight = 1,
               SourceRole role = SourceRole::by_model) {
    require_fits(features.rows(), weight);
    list_.push_back({detail::canonical_features<Scalar>(features.derived()), weight, role});
    return *this;
  }

  /// Takes over a dense matrix, without a copy. \throws as above.
  Sources& add(Matrix<Scalar>&& features, double weight = 1,
               SourceRole role = SourceRole::by_model) {
    require_fits(features.rows(), weight);
    detail::require_features(features, "features");
    list_.push_back({std::move(features), weight, role});
    return *this;
  }

  /// Items, 0 while there are no sources.
  [[nodiscard]] Index items() const { return list_.empty() ? 0 : list_.front().rows(); }
  [[nodiscard]] std::size_t size() const { return list_.size(); }
  [[nodiscard]] const Source<Scalar>& operator[](std::size_t i) const { return list_[i]; }
  [[nodiscard]] auto begin() const { return list_.begin(); }
  [[nodiscard]] auto end() const { return list_.end(); }

 private:
  void require_fits(Index rows, double weight) const {
    detail::require(list_.empty() || rows == items(), "a source has ", rows,
                    " rows, but those before it have ", items(), " items");
    detail::require(std::isfinite(weight) && weight >= 0,
                    "the weight of a source must not be negative, got ", weight);
  }

  std::vector<Source<Scalar>> list_;
};

/// q, the mean squared length of an item's features (see recipe/scaled.hpp).
template <class Derived>
[[nodiscard]] double mean_squared_length(const Eigen::MatrixBase<Derived>& features) {
  return features.derived().template cast<double>().squaredNorm() /
         static_cast<double>(features.rows());
}
template <class Derived>
[[nodiscard]] double mean_squared_length(const Eigen::SparseMatrixBase<Derived>& features) {
  return features.derived().template cast<double>().squaredNorm() /
         static_cast<double>(features.rows());
}

/// q of what each part of a model's features would be: by its recipe, a single matrix stands in the
/// semantic phase, or in the Gram matrix of a model that has none.
template <class Features>
[[nodiscard]] FeatureScale feature_scale(const Recipe& recipe,
                                         const Eigen::EigenBase<Features>& features) {
  const double q = detail::scale_or_one(mean_squared_length(features.derived()));
  return recipe.semantic_use == SemanticUse::none ? FeatureScale{q, 1} : FeatureScale{1, q};
}
template <class Scalar>
[[nodiscard]] FeatureScale feature_scale(const Recipe& recipe, const Sources<Scalar>& sources) {
  FeatureScale scale{0, 0};
  for (const Source<Scalar>& source : sources) {
    const bool in_gram = is_in_gram(source.role, recipe);
    (in_gram ? scale.in_gram : scale.in_semantics) +=
        source.weight *
        std::visit([](const auto& matrix) { return mean_squared_length(matrix); }, source.features);
  }
  return {detail::scale_or_one(scale.in_gram), detail::scale_or_one(scale.in_semantics)};
}

}  // namespace LAE_ABI
}  // namespace lae
