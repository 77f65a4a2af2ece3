#pragma once

/// \file
/// A grid search from the caller's arguments to sorted trials.

#include <algorithm>
#include <cstddef>
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
#include "lae/detail/models/spectral_traits.hpp"
#include "lae/detail/recipe/fit.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/tuning/grid_engine.hpp"
#include "lae/detail/tuning/search_plan.hpp"
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
    static_assert(has_features == (Options::inputs != Inputs::interactions),
                  "lae: this model needs features, or takes none");
    require(train.rows() == valid.rows() && train.cols() == valid.cols(), "train is ", train.rows(),
            " x ", train.cols(), ", but valid is ", valid.rows(), " x ", valid.cols());
    ProblemSize size = problem_size(train);
    Bytes copies = copy_bytes<Scalar>(train) + copy_bytes<Scalar>(valid);
    if constexpr (has_features) {
      require_features_of(train.cols(), features);
      size = problem_size(train, features);
      copies += copy_bytes<Scalar>(features);
    }
    const SearchPlan plan = plan_search<Scalar>(recipes_, size, copies, users_with_entries(valid),
                                                measures_, wants_model_, control_.memory_budget);

    const Borrowed<Csr<Scalar>> histories = borrow_histories<has_interactions>(train);
    HeldOut<Scalar> held_out =
        held_out_of(Borrowed<Csr<Scalar>>::of(*histories), borrow_sparse<Scalar>(valid, "valid"));
    require(!held_out.users.empty(), "no user has a held-out item to measure on");
    FitData<Scalar> data{has_interactions ? Borrowed<Csr<Scalar>>::of(*histories)
                                          : Borrowed<Csr<Scalar>>(Csr<Scalar>())};
    set_user_weights(data, user_weights);
    if constexpr (has_features) add_features(features, recipes_.front(), data);
    require_complete(data, recipes_.front());

    std::optional<GridEngine<Scalar>> engine(std::in_place, std::move(data), std::move(held_out),
                                             recipes_, measures_, deciding_, plan, control_);
    measure_points(*engine);
    const std::vector<std::size_t> order = best_first(engine->results());
    std::vector<PointTrial> trials;
    for (const std::size_t i : order) trials.push_back(trial(i, engine->results()[i]));
    const PointResult& best = engine->results()[order.front()];
    if (best.failure) throw NotPositiveDefinite(*best.failure);
    if (!wants_model_) return trials;

    weights_ = engine->take_weights();
    engine.reset();
    if (!weights_) {
      FitData<Scalar> again{Borrowed<Csr<Scalar>>::of(*histories)};
      set_user_weights(again, user_weights);
      if constexpr (has_features) add_features(features, recipes_.front(), again);
      weights_ = fit_recipe(recipes_[order.front()], std::move(again), control_.progress);
    }
    return trials;
  }

  ItemModel<Scalar> take_model() { return ItemModel<Scalar>(*std::move(weights_)); }

 private:
  template <bool are_fitted_on, class Train>
  static Borrowed<Csr<Scalar>> borrow_histories(const Eigen::SparseMatrixBase<Train>& train) {
    if constexpr (are_fitted_on) return borrow_interactions<Scalar>(train);
    return borrow_sparse<Scalar>(train, "train");
  }

  /// An upper bound, without a copy.
  template <class Valid>
  static Index users_with_entries(const Eigen::SparseMatrixBase<Valid>& valid) {
    return (std::min)(valid.rows(), count_entries(valid));
  }

  static std::vector<std::size_t> best_first(const std::vector<PointResult>& results) {
    std::vector<std::size_t> order(results.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return is_better(results[a].score, results[b].score);
    });
    return order;
  }

  PointTrial trial(std::size_t i, const PointResult& result) const {
    PointTrial trial{points_[i], result.score, {}, {}, {}};
    if (result.failure) trial.failure = result.failure->what();
    if (result.measures.empty()) return trial;
    const auto begin = result.measures.begin();
    const auto cutoffs = static_cast<std::ptrdiff_t>(measures_.cutoffs.size());
    trial.recall.assign(begin, begin + cutoffs);
    trial.ndcg.assign(begin + cutoffs, begin + 2 * cutoffs);
    return trial;
  }

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
/// and so have a search of their own.
template <class Solver, class = void>
struct SearchFor {
  static_assert(!is_spectral<typename Solver::Model>,
                "lae: spectral models are searched with #include <lae/spectral.hpp>");
  using type = Search<Solver>;
};
template <class Solver>
using SearchOf = typename SearchFor<Solver>::type;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
