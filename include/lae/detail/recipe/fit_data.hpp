#pragma once

/// \file
/// What a model is fitted on, checked and in Scalar: from any Eigen expression that a caller
/// passes.

#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/recipe/feature_set.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/recipe/scaled.hpp"
#include "lae/recipe/sources.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

template <class T>
struct IsSources : std::false_type {};
template <class Scalar>
struct IsSources<Sources<Scalar>> : std::true_type {};

/// Side information that a fit takes: an Eigen matrix, dense or sparse, or Sources.
template <class T>
inline constexpr bool is_features =
    IsSources<T>::value || std::is_base_of_v<Eigen::EigenBase<T>, T>;

template <class Scalar>
struct FitData {
  Borrowed<Csr<Scalar>> x;             ///< users x items; empty if there are no interactions
  std::vector<double> user_weights{};  ///< empty: all 1
  FeatureSet<Scalar> in_gram{};        ///< beside the interactions
  FeatureSet<Scalar> in_semantics{};

  FeatureScale scale() const { return {in_gram.mean_square(), in_semantics.mean_square()}; }
};

/// \throws std::invalid_argument unless there is a weight >= 0 for each user, or none.
template <class Scalar>
void set_user_weights(FitData<Scalar>& data, std::vector<double> weights) {
  require(weights.empty() || static_cast<Index>(weights.size()) == data.x->rows(),
          "user_weights has ", weights.size(), " values, but interactions has ", data.x->rows(),
          " users (rows)");
  for (std::size_t user = 0; user < weights.size(); ++user) {
    require(std::isfinite(weights[user]) && weights[user] >= 0, "user_weights holds ",
            weights[user], " for user ", user, "; weights must be finite and not negative");
  }
  data.user_weights = std::move(weights);
}

/// The set in which a source of this role belongs.
/// \throws std::invalid_argument if the model has no place for it.
template <class Scalar>
FeatureSet<Scalar>& set_for(SourceRole role, const Recipe& recipe, FitData<Scalar>& data) {
  if (is_in_gram(role, recipe)) {
    require(recipe.ridge > 0, "features: this model has no Gram matrix for them to be added to");
    return data.in_gram;
  }
  require(recipe.semantic_use != SemanticUse::none, "features: this model has no semantic phase");
  return data.in_semantics;
}

template <class Scalar, class Derived>
void add_features(const Eigen::MatrixBase<Derived>& features, const Recipe& recipe,
                  FitData<Scalar>& data) {
  set_for(SourceRole::by_model, recipe, data)
      .add(borrow_features<Scalar>(features, "features"), 1.0);
}
template <class Scalar, class Derived>
void add_features(const Eigen::SparseMatrixBase<Derived>& features, const Recipe& recipe,
                  FitData<Scalar>& data) {
  set_for(SourceRole::by_model, recipe, data)
      .add(borrow_features<Scalar>(features, "features"), 1.0);
}
template <class Scalar, class Other>
void add_features(const Sources<Other>& sources, const Recipe& recipe, FitData<Scalar>& data) {
  require(sources.size() > 0, "features: the list of sources is empty");
  for (const Source<Other>& source : sources) {
    FeatureSet<Scalar>& set = set_for(source.role, recipe, data);
    std::visit(
        [&](const auto& matrix) {
          set.add(borrow_features<Scalar>(matrix, "features"), source.weight);
        },
        source.features);
  }
}

template <class Features>
Index items_of(const Eigen::EigenBase<Features>& features) {
  return features.rows();
}
template <class Scalar>
Index items_of(const Sources<Scalar>& sources) {
  return sources.items();
}

/// \throws std::invalid_argument
template <class Features>
void require_features_of(Index items, const Features& features) {
  require(items_of(features) == items, "features has ", items_of(features),
          " rows, but interactions has ", items, " items (columns)");
}

/// \throws std::invalid_argument if a part that the recipe needs has no source.
template <class Scalar>
void require_complete(const FitData<Scalar>& data, const Recipe& recipe) {
  require(recipe.semantic_use == SemanticUse::none || !data.in_semantics.empty(),
          "features: there is no source for the semantic phase");
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
