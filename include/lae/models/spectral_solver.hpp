#pragma once

/// \file
/// What turns the options of a spectral model into a fit. Such a model is a struct of options that
/// says three things of itself: which form its fit returns, a list of its options, and its recipe.
/// One of your own, a low-pass filter alone of interactions that are normalised less:
///
///     struct LowPass {
///       lae::Index rank = 64;
///       double exponent = 0.4;
///
///       template <class Scalar>
///       using Model = lae::SgfcfModel<Scalar>;
///       static lae::OptionFields<LowPass> fields() { ... }
///       lae::SpectralRecipe recipe() const {
///         lae::SpectralRecipe recipe;
///         recipe.svd.rank = rank;
///         recipe.exponent = exponent;
///         return recipe;
///       }
///     };
///
///     auto model = lae::SpectralSolver<LowPass>({32}).fit(train);

#include <cstdint>
#include <initializer_list>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/models/spectral_cost.hpp"
#include "lae/detail/models/spectral_fit.hpp"
#include "lae/detail/recipe/model_traits.hpp"
#include "lae/recipe/option_fields.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/spectral_recipe.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Fits a spectral model. Const and stateless: what a fit learns is in the model that it returns.
template <class Options_, class Scalar_ = double>
class SpectralSolver {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  using Options = Options_;
  using Model = typename Options::template Model<Scalar>;

  SpectralSolver() : SpectralSolver(Options()) {}

  /// \throws std::invalid_argument for options out of range.
  explicit SpectralSolver(const Options& options) : options_(options) {
    Options::fields().require_valid(options);
    recipe_ = options.recipe();
  }

  /// For `SpectralSolver<Options> solver({})`, which would be ambiguous without it.
  explicit SpectralSolver(std::initializer_list<detail::NoOption>) : SpectralSolver(Options()) {}

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const SpectralRecipe& recipe() const { return recipe_; }

  /// Fits on interactions, users x items, none of them negative: how strong they are, or 1. Users
  /// and items without any are valid; a rank beyond the sizes, or beyond that of the matrix, is cut.
  /// \throws std::invalid_argument (empty, a value that is not finite or negative),
  /// MemoryBudgetExceeded, Cancelled.
  template <class Interactions>
  [[nodiscard]] Model fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                          const FitControl& control = {}) const {
    const std::uint64_t bytes = estimate(problem_size(interactions)).bytes;
    if (bytes > control.memory_budget) {
      throw MemoryBudgetExceeded("fit", bytes, control.memory_budget);
    }
    return detail::fit_spectral<Model>(
        recipe_, detail::borrow_interactions<Scalar>(interactions).take(), control);
  }

  /// Peak memory and flops of `fit`. What is held for singular vectors is for interactions as they
  /// come; where all singular values are alike it may be more (see truncated_svd.hpp), and if that
  /// is beyond the budget the fit ends when it turns out.
  [[nodiscard]] FitCost estimate(const ProblemSize& size) const {
    return detail::spectral_cost<Scalar>(recipe_, size);
  }

 private:
  Options options_;
  SpectralRecipe recipe_;
};

}  // namespace LAE_ABI
}  // namespace lae
