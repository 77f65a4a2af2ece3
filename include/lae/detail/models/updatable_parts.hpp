#pragma once

/// \file
/// The parts of an updatable model: made of what a caller passes, and checked.

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/models/updatable_data.hpp"
#include "lae/detail/models/update_ledger.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/models/update.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/recipe/sources.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// \throws std::invalid_argument if there is no P to be updated, or, as forged files may have it, a
/// number is out of its range.
inline void require_updatable(const Recipe& recipe) {
  const auto require_finite = [](double value, const char* name) {
    require(std::isfinite(value), name, " must be finite, got ", value);
  };
  require(recipe.ridge > 0 && recipe.semantic_use != SemanticUse::similarity,
          "a model without a part on interactions, or of similarities, has nothing to update");
  require_finite(recipe.ridge, "ridge");
  require_finite(recipe.semantic_weight, "semantic_weight");
  require(std::isfinite(recipe.gram_weight.value) && recipe.gram_weight.value >= 0,
          "gram_weight must not be negative, got ", recipe.gram_weight.value);
  require_positive(recipe.semantic_ridge.value, "semantic_ridge");
  const Refinements& refinements = recipe.refinements;
  require(refinements.dropout >= 0 && refinements.dropout < 1,
          "dropout must be at least 0 and below 1, got ", refinements.dropout);
  require_finite(refinements.user_exponent, "user_exponent");
  require_finite(refinements.target_exponent, "target_exponent");
  require(refinements.diagonal_bound >= 0, "diagonal_bound must not be negative, got ",
          refinements.diagonal_bound);
}

/// \throws std::invalid_argument
template <class Scalar>
void require_valid(const UpdatableParts<Scalar>& parts) {
  require_updatable(parts.recipe);
  require(parts.interactions != nullptr && parts.interactions->cols() > 0 &&
              is_canonical(*parts.interactions),
          "interactions must be compressed and sorted, without zeros and of at least one item");
  const Index n = parts.interactions->cols();
  UpdatableData<Scalar> data{parts.interactions, {}, parts.sources};
  if (parts.sources) require_features_of(n, *parts.sources);
  FitData<Scalar> fit = data.for_fit(parts.recipe);
  set_user_weights(fit, parts.user_weights);
  require_complete(fit, parts.recipe);
  if (parts.inverse.size() == 0) return;

  require(parts.inverse.rows() == n && parts.inverse.cols() == n, "inverse is ",
          parts.inverse.rows(), " x ", parts.inverse.cols(), ", but there are ", n, " items");
  require(parts.ridge.size() == n && parts.peaks.size() == n, "ridge and peaks have ",
          parts.ridge.size(), " and ", parts.peaks.size(), " values, but there are ", n, " items");
  for (Index item = 0; item < n; ++item) {
    require(parts.inverse(item, item) > 0 && parts.ridge[item] > 0 && parts.peaks[item] > 0,
            "the diagonal of inverse, ridge and peaks must be positive, got ",
            parts.inverse(item, item), ", ", parts.ridge[item], " and ", parts.peaks[item],
            " for item ", item);
  }
  const bool is_prior = parts.recipe.semantic_use == SemanticUse::prior;
  const Index d = is_prior ? fit.in_semantics.columns() : 0;
  require(parts.inverse_features.cols() == d && (d == 0 || parts.inverse_features.rows() == n),
          "inverse_features is ", parts.inverse_features.rows(), " x ",
          parts.inverse_features.cols(), ", but the prior has ", d, " columns of ", n, " items");
}

/// Parts without P, from any expression.
/// \throws std::invalid_argument, MemoryBudgetExceeded before anything is allocated
template <class Scalar, class Interactions>
UpdatableParts<Scalar> parts_to_fit(const Recipe& recipe, const ProblemSize& size,
                                    const Eigen::SparseMatrixBase<Interactions>& interactions,
                                    const std::vector<double>& user_weights,
                                    const FitControl& control) {
  require_updatable(recipe);
  const UpdateLedger<Scalar> ledger(recipe, size);
  const Bytes bytes = ledger.fit().bytes + ledger.data_bytes();
  if (bytes > control.memory_budget) {
    throw MemoryBudgetExceeded("fit", bytes, control.memory_budget);
  }
  UpdatableParts<Scalar> parts;
  parts.recipe = recipe;
  parts.interactions =
      std::make_shared<const Csr<Scalar>>(*borrow_interactions<Scalar>(interactions));
  parts.user_weights = user_weights;
  return parts;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
