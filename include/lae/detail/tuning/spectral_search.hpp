#pragma once

/// \file
/// A grid search of spectral models, which share what depends on the normalisation alone.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/evaluation/held_out.hpp"
#include "lae/detail/models/spectral_cost.hpp"
#include "lae/detail/models/spectral_fit.hpp"
#include "lae/detail/models/spectral_traits.hpp"
#include "lae/detail/tuning/point_results.hpp"
#include "lae/detail/tuning/search.hpp"
#include "lae/detail/tuning/user_values.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/spectral_recipe.hpp"
#include "lae/tuning/trial.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Whether two points have the same N, and look for its singular vectors in the same way.
[[nodiscard]] inline bool have_one_basis(const SpectralRecipe& a, const SpectralRecipe& b) {
  return a.exponent == b.exponent && a.shift == b.shift && a.svd.tolerance == b.svd.tolerance &&
         a.svd.max_iterations == b.svd.max_iterations && a.svd.seed == b.svd.seed;
}

template <class Solver>
class SpectralSearch {
 public:
  using Scalar = typename Solver::Scalar;
  using Options = typename Solver::Options;
  using Model = typename Solver::Model;
  using PointTrial = Trial<Options>;

  /// \throws std::invalid_argument if options are out of range, or there is nothing to search.
  SpectralSearch(const std::vector<Options>& points, const GridSearchOptions& options,
                 const FitControl& control, bool wants_model)
      : points_(points), options_(options), control_(control), wants_model_(wants_model) {
    require(!points.empty(), "the grid has no points");
    for (const Options& point : points) recipes_.push_back(Solver(point).recipe());
    Measures measures;
    static_cast<void>(set_measures(options, measures));
  }

  /// Measures all points. \return them, best first
  template <class Train, class Features, class Valid>
  std::vector<PointTrial> run(const Eigen::SparseMatrixBase<Train>& train, const Features& features,
                              const Eigen::SparseMatrixBase<Valid>& valid,
                              const std::vector<double>& user_weights) {
    const ProblemSize size = size_of_search<false>(train, features, valid);
    require(user_weights.empty(), "spectral models take no user_weights");
    require_budget(size, bytes_of_copies<Scalar>(train, features, valid),
                   users_to_measure(valid, options_));
    const auto histories = borrow_interactions<Scalar>(train);
    const auto held_out = of_sampled_users(borrow_sparse<Scalar>(valid, "valid"), options_);
    require(held_out->nonZeros() > 0, "no user has a held-out item to measure on");

    std::vector<PointResult> results(points_.size());
    UserValues values(points_.size(), users_with_entries(*held_out));
    Stage stage(control_.progress, "grid", static_cast<double>(points_.size()));
    Homophilies<Scalar> homophilies;
    std::vector<char> is_done(points_.size(), 0);
    std::size_t best = 0;
    bool has_best = false;
    for (std::size_t first = 0; first < points_.size(); ++first) {
      if (is_done[first]) continue;
      SpectralRecipe widest = recipes_[first];
      for (const SpectralRecipe& recipe : recipes_) {
        if (have_one_basis(recipe, widest)) {
          widest.svd.rank = (std::max)(widest.svd.rank, recipe.svd.rank);
        }
      }
      const SpectralBasis<Scalar> basis = spectral_basis(widest, *histories, control_);
      for (std::size_t i = first; i < points_.size(); ++i) {
        if (!have_one_basis(recipes_[i], widest)) continue;
        is_done[i] = 1;
        std::optional<Model> model;
        make_model(recipes_[i], basis, homophilies, control_.progress, model);
        results[i] = measure_model(*model, *histories, *held_out, options_, i, values);
        // Of equal points the one that came first in the grid.
        const double lead = has_best ? results[i].score - results[best].score : 1;
        if (lead > 0 || (lead == 0 && i < best)) {
          best = i;
          has_best = true;
          if (wants_model_) model_ = std::move(model);
        }
        stage.advance(1);
      }
    }
    stage.finish();
    return trials_of(points_, results, values, options_.evaluation.cutoffs.size());
  }

  Model take_model() { return *std::move(model_); }

 private:
  /// \throws MemoryBudgetExceeded
  void require_budget(const ProblemSize& size, Bytes copies, Index users) const {
    Bytes fit = 0;
    Index rank = 1;
    for (const SpectralRecipe& recipe : recipes_) {
      fit = (std::max)(fit, spectral_cost<Scalar>(recipe, size).bytes);
      rank = (std::max)(rank, (std::min)({recipe.svd.rank, size.users, size.items}));
    }
    // The basis and a model of it stand beside the best so far and what it is measured by.
    const Bytes factors = 2 * dense_bytes<Scalar>(size.items, rank);
    const Bytes scores = static_cast<Bytes>(thread_count()) *
                         dense_bytes<Scalar>(options_.evaluation.batch_users, size.items + rank);
    const Bytes bytes = copies + fit + factors + scores + UserValues::bytes(points_.size(), users);
    if (bytes > control_.memory_budget) {
      throw MemoryBudgetExceeded("search", bytes, control_.memory_budget);
    }
  }

  const std::vector<Options>& points_;
  const GridSearchOptions& options_;
  const FitControl& control_;
  bool wants_model_;
  std::vector<SpectralRecipe> recipes_;
  std::optional<Model> model_;
};

template <class Solver>
struct SearchFor<Solver, std::enable_if_t<is_spectral<typename Solver::Model>>> {
  using type = SpectralSearch<Solver>;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
