#pragma once

/// \file
/// The fit of spectral models: interactions are normalised, their singular vectors found, and models
/// made of these. Points of a grid that share the first two take them from one SpectralBasis.

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/svd_driver.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/models/homophily.hpp"
#include "lae/detail/models/normalized.hpp"
#include "lae/detail/models/sharpening.hpp"
#include "lae/detail/models/spectral_cost.hpp"
#include "lae/models/sgfcf_model.hpp"
#include "lae/models/spectral_model.hpp"
#include "lae/recipe/spectral_recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// \throws std::invalid_argument
template <class Scalar>
void require_strengths(const Csr<Scalar>& x) {
  for (Index user = 0; user < x.rows(); ++user) {
    for (typename Csr<Scalar>::InnerIterator entry(x, user); entry; ++entry) {
      require(entry.value() >= 0, "interactions holds ", entry.value(), " in row ", user,
              ", column ", entry.col(), "; spectral models take none below 0");
    }
  }
}

/// What models of one normalisation have in common.
template <class Scalar>
struct SpectralBasis {
  std::shared_ptr<const NormalizedInteractions<Scalar>> interactions;
  Vector<double> item_sums;  ///< D_I
  Matrix<Scalar> v;          ///< right singular vectors of N, items x rank
  Vector<double> values;     ///< falling
  double residual = 0;
  Index iterations = 0;

  [[nodiscard]] SpectralSummary summary(Index rank) const {
    return {values[0], values[rank - 1], residual, iterations};
  }
};

/// The right singular vectors of N.
/// \throws MemoryBudgetExceeded if they need to be bidiagonalised, and there is no room for that
template <class Scalar>
void find_right_vectors(const SpectralRecipe& recipe, const FitControl& control,
                        SpectralBasis<Scalar>& basis) {
  const Csr<Scalar>& users = basis.interactions->users;
  const Csr<Scalar>& items = basis.interactions->items;
  const SparseFactor<Scalar> factor{users, items};
  TruncatedSvdOptions options = recipe.svd;
  options.rank = (std::min)({options.rank, users.rows(), users.cols()});
  Stage stage(control.progress, "singular vectors", 1);
  if (filtering_pays(options.rank, users.rows(), users.cols(), users.nonZeros())) {
    if (auto found = filtered_vectors(factor, options, stage)) {
      basis.values = found->values;
      basis.residual = found->residual;
      basis.iterations = found->iterations;
      if (users.rows() < users.cols()) {
        basis.v = other_side(items, found->vectors, found->values);
      } else {
        basis.v.swap(found->vectors);
      }
      stage.finish();
      return;
    }
    const Bytes bytes =
        spectral_bytes<Scalar>(recipe, false, users.rows(), users.cols(), users.nonZeros());
    if (bytes > control.memory_budget) {
      throw MemoryBudgetExceeded("fit", bytes, control.memory_budget);
    }
  }
  auto svd = lanczos_svd<TruncatedSvd<Scalar>, Scalar>(factor, options, stage);
  basis.v.swap(svd.v);
  basis.values = svd.values;
  basis.residual = svd.left_residual;
  basis.iterations = svd.iterations;
  stage.finish();
}

/// \param x canonical, with at least one entry
template <class Scalar>
[[nodiscard]] SpectralBasis<Scalar> spectral_basis(const SpectralRecipe& recipe, Csr<Scalar> x,
                                                   const FitControl& control) {
  require_strengths(x);
  SpectralBasis<Scalar> basis;
  basis.item_sums = column_sums(x);
  normalize(x, basis.item_sums, recipe);
  Csr<Scalar> n;
  n.swap(x);
  basis.interactions = std::make_shared<const NormalizedInteractions<Scalar>>(std::move(n));
  find_right_vectors(recipe, control, basis);
  require(basis.values.size() > 0,
          "interactions holds nothing but numbers too small to be squared");
  return basis;
}

/// diag(d) V for the first `rank` vectors.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> scaled_vectors(const SpectralBasis<Scalar>& basis, Index rank,
                                            double shift, double exponent) {
  Matrix<Scalar> scaled = basis.v.leftCols(rank);
  for (Index item = 0; item < scaled.rows(); ++item) {
    const double sum = basis.item_sums[item];
    scaled.row(item) *=
        sum > 0 ? static_cast<Scalar>(power_or_zero(sum + shift, exponent)) : Scalar(0);
  }
  return scaled;
}

/// Homophily of users and of items, counted when it is first asked for.
template <class Scalar>
class Homophilies {
 public:
  struct Values {
    HomophilyRange users;
    HomophilyRange item_range;
    Vector<double> items;
  };

  const Values& of(const NormalizedInteractions<Scalar>& n, const Progress& progress) {
    if (values_) return *values_;
    Stage stage(progress, "homophily", 2);
    Values values;
    values.users = HomophilyRange(homophily(n.users, n.items, stage));
    values.items = homophily(n.items, n.users, stage);
    values.item_range = HomophilyRange(values.items);
    stage.finish();
    values_ = std::move(values);
    return *values_;
  }

 private:
  std::optional<Values> values_;
};

/// A linear model of a basis of at least the rank of the recipe.
template <class Scalar>
void make_model(const SpectralRecipe& recipe, const SpectralBasis<Scalar>& basis,
                Homophilies<Scalar>&, const Progress& progress,
                std::optional<SpectralModel<Scalar>>& model) {
  const Index rank = (std::min)(recipe.svd.rank, basis.values.size());
  SpectralParts<Scalar> parts;
  parts.interactions = basis.interactions;
  parts.left = scaled_vectors(basis, rank, 0, -0.5);
  parts.right = scaled_vectors(basis, rank, 0, 0.5);
  parts.right *= static_cast<Scalar>(recipe.low_pass);
  parts.sharpening = recipe.sharpening;
  parts.summary = basis.summary(rank);
  if (recipe.sharpens_low_pass && recipe.sharpening.steps > 0) {
    // L·q(G) = D^(−½) V (q(G) D^(½) V)ᵀ
    constexpr Index width = panel_width<Scalar>;
    Stage stage(progress, "sharpening", static_cast<double>(rank));
    parallel_tiles(rank, width, [&](Index first, Index count) {
      Sharpener<Scalar> sharpener(*basis.interactions, recipe.sharpening);
      sharpener.panel().setZero();
      sharpener.panel().leftCols(count) = parts.right.middleCols(first, count);
      sharpener.run(false);
      parts.right.middleCols(first, count) = sharpener.panel().leftCols(count);
      stage.advance(static_cast<double>(count));
    });
    stage.finish();
  }
  model.emplace(std::move(parts));
}

/// SGFCF.
template <class Scalar>
void make_model(const SpectralRecipe& recipe, const SpectralBasis<Scalar>& basis,
                Homophilies<Scalar>& homophilies, const Progress& progress,
                std::optional<SgfcfModel<Scalar>>& model) {
  const Index rank = (std::min)(recipe.svd.rank, basis.values.size());
  const Index items = basis.v.rows();
  SgfcfParts<Scalar> parts;
  parts.interactions = basis.interactions;
  parts.left = scaled_vectors(basis, rank, recipe.shift, -recipe.exponent);
  parts.right = basis.v.leftCols(rank);
  parts.values = (basis.values.head(rank) / basis.values[0]).template cast<Scalar>();
  parts.exponent_low = recipe.exponent_low;
  parts.exponent_high = recipe.exponent_high;
  parts.gram_weight = recipe.gram_weight;
  parts.summary = basis.summary(rank);

  Vector<double> exponents = Vector<double>::Constant(items, recipe.exponent_low);
  if (recipe.exponent_low != recipe.exponent_high) {
    const auto& values = homophilies.of(*basis.interactions, progress);
    parts.least_homophily = values.users.lowest;
    parts.most_homophily = values.users.highest;
    for (Index item = 0; item < items; ++item) {
      exponents[item] =
          values.item_range.exponent(values.items[item], recipe.exponent_low, recipe.exponent_high);
    }
  }
  const Vector<double> logarithms = (basis.values.head(rank) / basis.values[0]).array().log();
  Vector<double> right_sum = Vector<double>::Zero(rank);
  for (Index item = 0; item < items; ++item) {
    for (Index k = 0; k < rank; ++k) {
      Scalar& value = parts.right(item, k);
      value = static_cast<Scalar>(double(value) * std::exp(exponents[item] * logarithms[k]));
      right_sum[k] += double(value);
    }
  }
  parts.right_sum = right_sum.template cast<Scalar>();

  // The sums of the rows of G, by way of N and back.
  const Csr<Scalar>& n = basis.interactions->users;
  Vector<double> gram_sum = Vector<double>::Zero(items);
  for (Index user = 0; user < n.rows(); ++user) {
    double sum = 0;
    for (typename Csr<Scalar>::InnerIterator e(n, user); e; ++e) sum += double(e.value());
    for (typename Csr<Scalar>::InnerIterator e(n, user); e; ++e) {
      gram_sum[e.col()] += sum * double(e.value());
    }
  }
  parts.item_scale.resize(items);
  for (Index item = 0; item < items; ++item) {
    const double sum = basis.item_sums[item];
    const double scale = sum > 0 ? power_or_zero(sum + recipe.shift, -recipe.exponent) : 0;
    parts.item_scale[item] = static_cast<Scalar>(scale);
    gram_sum[item] *= scale;
  }
  parts.gram_sum = gram_sum.template cast<Scalar>();
  model.emplace(std::move(parts));
}

/// A fit, all of it: a function that a program can compile once (see instances.hpp).
template <class Model>
[[nodiscard]] Model fit_spectral(const SpectralRecipe& recipe, Csr<typename Model::Scalar> x,
                                 const FitControl& control) {
  using Scalar = typename Model::Scalar;
  Csr<Scalar> own;
  own.swap(x);
  const SpectralBasis<Scalar> basis = spectral_basis<Scalar>(recipe, std::move(own), control);
  Homophilies<Scalar> homophilies;
  std::optional<Model> model;
  make_model(recipe, basis, homophilies, control.progress, model);
  return *std::move(model);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
