#pragma once

/// \file
/// What turns a model's options into a fit. A model is a struct of options that says three things
/// of itself: what it is fitted on, a list of its options, and its recipe. That is all it takes to
/// write one of your own:
///
///     struct Edlae {
///       double lambda = 100;
///       double dropout = 0.3;
///
///       static constexpr lae::Inputs inputs = lae::Inputs::interactions;
///       static lae::OptionFields<Edlae> fields() {
///         lae::OptionFields<Edlae> list;
///         list.add("lambda", &Edlae::lambda, lae::Range::positive(), "ridge");
///         list.add("dropout", &Edlae::dropout, lae::Range::from_below(0, 1), "dropout rate");
///         return list;
///       }
///       lae::Recipe recipe() const {
///         lae::Recipe recipe;
///         recipe.ridge = lambda;
///         recipe.refinements.dropout = dropout;
///         return recipe;
///       }
///     };
///
///     auto model = lae::Solver<Edlae>({50, 0.4}).fit(train);
///     auto search = lae::grid_search<lae::Solver<Edlae>>(points, train, valid);

#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/recipe/fit.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/recipe/model_traits.hpp"
#include "lae/models/item_model.hpp"
#include "lae/recipe/cost.hpp"
#include "lae/recipe/option_fields.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/recipe/sources.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Fits a model. Const and stateless: what a fit learns is in the ItemModel that it returns.
template <class Options_, class Scalar_ = double>
class Solver {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");
  static_assert(detail::is_model<Options_>,
                "lae: a model needs `static constexpr lae::Inputs inputs`, `static "
                "lae::OptionFields<Options> fields()` and `lae::Recipe recipe() const`; see "
                "lae/models/solver.hpp");

 public:
  using Scalar = Scalar_;
  using Options = Options_;
  using Model = ItemModel<Scalar>;

  Solver() : Solver(Options()) {}

  /// \throws std::invalid_argument for options out of range.
  explicit Solver(const Options& options) : options_(options) {
    Options::fields().require_valid(options);
    recipe_ = options.recipe();
  }

  /// For `Solver<Options> solver({})`, which would be ambiguous without it.
  explicit Solver(std::initializer_list<detail::NoOption>) : Solver(Options()) {}

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Recipe& recipe() const { return recipe_; }

  /// Fits on interactions, users x items. Items nobody interacted with are valid.
  /// \throws std::invalid_argument (empty, a value that is not finite or whose square overflows, or
  /// the dual form asked for where there is none), NotPositiveDefinite, MemoryBudgetExceeded,
  /// Cancelled.
  template <class Interactions>
  [[nodiscard]] ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                                      const FitControl& control = {}) const {
    if constexpr (Options::inputs == Inputs::features) {
      return fit_features(interactions.derived(), control);
    } else {
      return fit(interactions, std::vector<double>(), control);
    }
  }

  /// The same with a weight >= 0 for each user: X becomes diag(√w) X.
  template <class Interactions>
  [[nodiscard]] ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                                      const std::vector<double>& user_weights,
                                      const FitControl& control = {}) const {
    static_assert(Options::inputs == Inputs::interactions, "lae: this model needs item features");
    check(problem_size(interactions), control);
    detail::FitData<Scalar> data{detail::borrow_interactions<Scalar>(interactions)};
    detail::set_user_weights(data, user_weights);
    return fitted(std::move(data), control);
  }

  /// Fits on interactions (users x items) and side information, one row an item: dense embeddings,
  /// sparse tags, or Sources. Items never seen in training and rows of zeros are valid.
  /// \throws as on interactions; std::invalid_argument if sizes differ or there is no place for a
  /// source.
  template <class Interactions, class Features,
            std::enable_if_t<detail::is_features<Features>, int> = 0>
  [[nodiscard]] ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                                      const Features& features,
                                      const FitControl& control = {}) const {
    return fit(interactions, features, std::vector<double>(), control);
  }

  /// The same with a weight >= 0 for each user: X becomes diag(√w) X.
  template <class Interactions, class Features,
            std::enable_if_t<detail::is_features<Features>, int> = 0>
  [[nodiscard]] ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                                      const Features& features,
                                      const std::vector<double>& user_weights,
                                      const FitControl& control = {}) const {
    static_assert(Options::inputs == Inputs::interactions_and_features,
                  "lae: this model is not fitted on both interactions and features");
    detail::require_features_of(interactions.cols(), features);
    check(problem_size(interactions, features), control);
    detail::FitData<Scalar> data{detail::borrow_interactions<Scalar>(interactions)};
    detail::set_user_weights(data, user_weights);
    detail::add_features(features, recipe_, data);
    return fitted(std::move(data), control);
  }

  /// Fits on side information alone: dense embeddings or Sources (or sparse tags, as above).
  /// \throws as on interactions.
  template <class Features>
  [[nodiscard]] ItemModel<Scalar> fit(const Eigen::MatrixBase<Features>& features,
                                      const FitControl& control = {}) const {
    return fit_features(features.derived(), control);
  }
  template <class Other>
  [[nodiscard]] ItemModel<Scalar> fit(const Sources<Other>& features,
                                      const FitControl& control = {}) const {
    return fit_features(features, control);
  }

  /// Peak memory and flops of `fit`, and the form it takes.
  /// \throws std::invalid_argument if the dual form is asked for where there is none.
  [[nodiscard]] FitCost estimate(const ProblemSize& size) const {
    return fit_cost<Scalar>(recipe_, size);
  }

 private:
  template <class Features>
  ItemModel<Scalar> fit_features(const Features& features, const FitControl& control) const {
    static_assert(Options::inputs == Inputs::features, "lae: this model needs interactions, too");
    check(feature_size(features), control);
    detail::FitData<Scalar> data{Csr<Scalar>()};
    detail::add_features(features, recipe_, data);
    return fitted(std::move(data), control);
  }

  void check(const ProblemSize& size, const FitControl& control) const {
    const std::uint64_t bytes = estimate(size).bytes;
    if (bytes > control.memory_budget) {
      throw MemoryBudgetExceeded("fit", bytes, control.memory_budget);
    }
  }

  ItemModel<Scalar> fitted(detail::FitData<Scalar> data, const FitControl& control) const {
    detail::require_complete(data, recipe_);
    return ItemModel<Scalar>(detail::fit_recipe(recipe_, std::move(data), control));
  }

  Options options_;
  Recipe recipe_;
};

}  // namespace LAE_ABI
}  // namespace lae
