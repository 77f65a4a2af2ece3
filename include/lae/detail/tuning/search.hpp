#pragma once

/// \file
/// A grid search from the caller's arguments to sorted trials.

#include <algorithm>
#include <cstddef>
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
#include "lae/detail/models/sparse_low_rank_traits.hpp"
#include "lae/detail/models/spectral_traits.hpp"
#include "lae/detail/recipe/fit.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/tuning/grid_engine.hpp"
#include "lae/detail/tuning/point_results.hpp"
#include "lae/detail/tuning/search_plan.hpp"
#include "lae/detail/tuning/user_values.hpp"
#include "lae/models/item_model.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/tuning/trial.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Stands for the features of a model that needs none.
struct NoFeatures {};

/// Bytes of the copy that has to be made of an argument; 0 if it can be used as it is.
template <class Scalar, class Derived>
Bytes copy_bytes(const Eigen::SparseMatrixBase<Derived>& matrix) {
  if constexpr (std::is_same_v<Derived, Csr<Scalar>>) {
    if (is_canonical(matrix.derived())) return 0;
  }
  return csr_bytes<Scalar>(matrix.rows(), count_entries(matrix));
}
template <class Scalar, class Derived>
Bytes copy_bytes(const Eigen::MatrixBase<Derived>& matrix) {
  return std::is_same_v<Derived, Matrix<Scalar>>
             ? 0
             : dense_bytes<Scalar>(matrix.rows(), matrix.cols());
}
template <class Scalar, class Other>
Bytes copy_bytes(const Sources<Other>& sources) {
  Bytes bytes = 0;
  for (const Source<Other>& source : sources) {
    bytes +=
        std::visit([](const auto& matrix) { return copy_bytes<Scalar>(matrix); }, source.features);
  }
  return bytes;
}

/// Checks that what a search is given belongs together. \return its size
/// \param needs_features of its models
/// \throws std::invalid_argument
template <bool needs_features, class Train, class Features, class Valid>
ProblemSize size_of_search(const Eigen::SparseMatrixBase<Train>& train, const Features& features,
                           const Eigen::SparseMatrixBase<Valid>& valid) {
  constexpr bool has_features = !std::is_same_v<Features, NoFeatures>;
  static_assert(has_features == needs_features, "lae: this model needs features, or takes none");
  require(train.rows() == valid.rows() && train.cols() == valid.cols(), "train is ", train.rows(),
          " x ", train.cols(), ", but valid is ", valid.rows(), " x ", valid.cols());
  if constexpr (has_features) {
    require_features_of(train.cols(), features);
    return problem_size(train, features);
  } else {
    static_cast<void>(features);
    return problem_size(train);
  }
}

/// Of what has to be copied, since it is not as a search takes it.
template <class Scalar, class Train, class Features, class Valid>
Bytes bytes_of_copies(const Train& train, const Features& features, const Valid& valid) {
  const Bytes bytes = copy_bytes<Scalar>(train) + copy_bytes<Scalar>(valid);
  if constexpr (std::is_same_v<Features, NoFeatures>) {
    static_cast<void>(features);
    return bytes;
  } else {
    return bytes + copy_bytes<Scalar>(features);
  }
}

/// What users are ranked for.
/// \param are_fitted_on whether models also learn from it
template <class Scalar, bool are_fitted_on, class Train>
Borrowed<Csr<Scalar>> borrow_histories(const Eigen::SparseMatrixBase<Train>& train) {
  if constexpr (are_fitted_on) return borrow_interactions<Scalar>(train);
  return borrow_sparse<Scalar>(train, "train");
}

/// An upper bound of how many users are measured, without a copy.
template <class Valid>
Index users_to_measure(const Eigen::SparseMatrixBase<Valid>& valid,
                       const GridSearchOptions& options) {
  const Index users = (std::min)(valid.rows(), count_entries(valid));
  return options.sample_users > 0 ? (std::min)(users, options.sample_users) : users;
}

/// What is measured of each point, and which of it decides: metric by metric, one place a cutoff.
/// \throws std::invalid_argument if there is nothing to decide by.
[[nodiscard]] inline std::size_t set_measures(const GridSearchOptions& options,
                                              Measures& measures) {
  const std::vector<Index>& cutoffs = options.evaluation.cutoffs;
  require_cutoffs(cutoffs);
  const auto place = std::find(cutoffs.begin(), cutoffs.end(), options.cutoff);
  require(place != cutoffs.end(), "the deciding cutoff (", options.cutoff,
          ") is not among the cutoffs");
  measures = {{Metric::recall, Metric::ndcg}, cutoffs, options.evaluation.recall_denominator};
  auto& metrics = measures.metrics;
  auto metric = std::find(metrics.begin(), metrics.end(), options.metric);
  if (metric == metrics.end()) metric = metrics.insert(metrics.end(), options.metric);
  return static_cast<std::size_t>(metric - metrics.begin()) * cutoffs.size() +
         static_cast<std::size_t>(place - cutoffs.begin());
}

template <class Solver>
class Search {
 public:
  using Scalar = typename Solver::Scalar;
  using Options = typename Solver::Options;
  using PointTrial = Trial<Options>;

  /// \throws std::invalid_argument if options are out of range, or there is nothing to search.
  Search(const std::vector<Options>& points, const GridSearchOptions& options,
         const FitControl& control, bool wants_model)
      : points_(points), options_(options), control_(control), wants_model_(wants_model) {
    require(!points.empty(), "the grid has no points");
    for (const Options& point : points) recipes_.push_back(Solver(point).recipe());
    deciding_ = set_measures(options, measures_);
  }

  /// Measures all points. \return them, best first
  template <class Train, class Features, class Valid>
  std::vector<PointTrial> run(const Eigen::SparseMatrixBase<Train>& train, const Features& features,
                              const Eigen::SparseMatrixBase<Valid>& valid,
                              const std::vector<double>& user_weights) {
    constexpr bool has_features = !std::is_same_v<Features, NoFeatures>;
    constexpr bool has_interactions = Options::inputs != Inputs::features;
    constexpr bool needs_features = Options::inputs != Inputs::interactions;
    const ProblemSize size = size_of_search<needs_features>(train, features, valid);
    const SearchPlan plan = plan_search<Scalar>(
        recipes_, size, bytes_of_copies<Scalar>(train, features, valid),
        users_to_measure(valid, options_), measures_, wants_model_, control_.memory_budget);

    const Borrowed<Csr<Scalar>> histories = borrow_histories<Scalar, has_interactions>(train);
    HeldOut<Scalar> held_out =
        held_out_of(Borrowed<Csr<Scalar>>::of(*histories),
                    of_sampled_users(borrow_sparse<Scalar>(valid, "valid"), options_));
    require(!held_out.users.empty(), "no user has a held-out item to measure on");
    FitData<Scalar> data{has_interactions ? Borrowed<Csr<Scalar>>::of(*histories)
                                          : Borrowed<Csr<Scalar>>(Csr<Scalar>())};
    set_user_weights(data, user_weights);
    if constexpr (has_features) add_features(features, recipes_.front(), data);
    require_complete(data, recipes_.front());

    std::optional<GridEngine<Scalar>> engine(std::in_place, std::move(data), std::move(held_out),
                                             recipes_, measures_, deciding_, plan, control_);
    measure_points(*engine);
    std::vector<PointTrial> trials =
        trials_of(points_, engine->results(), engine->user_values(), measures_.cutoffs.size());
    if (!wants_model_) return trials;

    const std::size_t best = best_first(engine->results()).front();
    weights_ = engine->take_weights();
    engine.reset();
    if (!weights_) {
      FitData<Scalar> again{Borrowed<Csr<Scalar>>::of(*histories)};
      set_user_weights(again, user_weights);
      if constexpr (has_features) add_features(features, recipes_.front(), again);
      weights_ = fit_recipe(recipes_[best], std::move(again), control_);
    }
    return trials;
  }

  ItemModel<Scalar> take_model() { return ItemModel<Scalar>(*std::move(weights_)); }

 private:
  const std::vector<Options>& points_;
  const GridSearchOptions& options_;
  const FitControl& control_;
  bool wants_model_;
  std::vector<Recipe> recipes_;
  Measures measures_;
  std::size_t deciding_ = 0;
  std::optional<Matrix<Scalar>> weights_;
};

/// What searches the models of a solver. Spectral ones share singular vectors instead of inverses,
/// those by blocks what a sparse inverse is made of, and so they have searches of their own.
template <class Solver, class = void>
struct SearchFor {
  static_assert(!is_spectral<typename Solver::Model>,
                "lae: spectral models are searched with #include <lae/spectral.hpp>");
  static_assert(!is_sparse_low_rank<typename Solver::Model>,
                "lae: models by blocks are searched with #include <lae/blocks.hpp>");
  using type = Search<Solver>;
};
template <class Solver>
using SearchOf = typename SearchFor<Solver>::type;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
