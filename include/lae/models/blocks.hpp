#pragma once

/// \file
/// Models of catalogues whose n x n matrix has no place: the same options, fitted by blocks.
///
/// \code
/// const lae::L3ae<float> solver({-50, 10, 150});
/// auto fit = lae::fit_blocks(solver, train, embeddings);         // or (…, {/*neighbours=*/100})
/// auto lists = lae::recommend(fit.model, train, {20});           // a scorer as any other
/// if (!fit.report.converged) std::cerr << fit.report.worst_residual;
/// \endcode
///
/// The same as a solver, with the options of the model and those of blocks side by side, which is
/// what searches take (with lae/blocks.hpp):
///
/// \code
/// const lae::Blocks<lae::L3ae<float>> by_blocks({{-50, 10, 150}, {/*neighbours=*/100}});
/// auto same = by_blocks.fit(train, embeddings);
/// \endcode
///
/// **What is computed.** What a model learns from interactions is, for each item j, the ridge
/// regression of column j of X on its k nearest neighbours N_j, those with the largest
/// G_ij / √A_ii, instead of on all items: E(N_j, j) = A_NN⁻¹ G_Nj and
/// P_jj ≈ 1 / (A_jj - G_jN E(N_j, j)), with A = G + diag(Λ). All the rest of the closed form is
/// computed as it stands, without an n x n matrix: L3AE is EASE with scaled columns plus a product
/// of rank d,
///
///     L3AE(i, j) = (1 + κ z_j·v_j / s_j) EASE(i, j) + κ z_i·v_j / s_j,   Z = A⁻¹ V,
///
/// and Z comes from conjugate gradients on X. Add-EASE's second summand, dense sources in the Gram
/// matrix (CEASE on embeddings: an update of low rank by Woodbury's identity), and refinements are
/// exact likewise; sparse sources of the Gram matrix are rows beside the interactions. Items that
/// nobody has are scored by the exact model's semantic part. With k >= n - 1 and a small
/// tolerance the model is the exact one.
///
/// Blocks as an approximation of the inverse: Steck, Markov Random Fields for Collaborative
/// Filtering, NeurIPS 2019 (arXiv 1910.09645). The split: L3AE, CIKM 2025, eq. 12, by columns.
///
/// **Cost.** 2 Σ r² flops for the pairs of items (r: lengths of histories, and of tags in the Gram
/// matrix), at most n k³ / 3 for the blocks, n d² for V, and 4 nnz + 12 n for each of d columns and
/// some ten iterations. Memory: see `estimate_blocks`. Pairs of items are kept if the budget has
/// room for them, and else counted anew from the interactions, which takes several times as long.

#include <type_traits>
#include <utility>

#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/models/block_cost.hpp"
#include "lae/detail/models/fit_blocks.hpp"
#include "lae/models/block_fit.hpp"
#include "lae/models/solver.hpp"
#include "lae/models/sparse_low_rank_model.hpp"
#include "lae/recipe/option_fields.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Peak memory and flops of `fit_blocks`. Bytes do not count the pairs of items that are kept only
/// if the budget has room for them: up to Σ r² / 2, some 8 or 12 bytes each.
/// \throws std::invalid_argument for options out of range.
template <class Options, class Scalar>
[[nodiscard]] FitCost estimate_blocks(const Solver<Options, Scalar>& solver,
                                      const ProblemSize& size, const BlockOptions& options = {}) {
  detail::require_valid(options);
  return detail::BlockLedger<Scalar>(solver.recipe(), size, options).fit();
}

/// Fits a model by blocks: on interactions (users x items), or, if it takes features alone, on
/// sparse ones (items x tags).
/// \throws std::invalid_argument (as `fit`, and for options out of range), NotPositiveDefinite,
/// MemoryBudgetExceeded, Cancelled.
template <class Options, class Scalar, class Interactions>
[[nodiscard]] BlockFit<Scalar> fit_blocks(const Solver<Options, Scalar>& solver,
                                          const Eigen::SparseMatrixBase<Interactions>& interactions,
                                          const BlockOptions& options = {},
                                          const FitControl& control = {}) {
  if constexpr (Options::inputs == Inputs::features) {
    return detail::fit_blocks_on_features(solver, interactions.derived(), options, control);
  } else {
    static_assert(Options::inputs == Inputs::interactions, "lae: this model needs item features");
    const ProblemSize size = problem_size(interactions);
    detail::check_blocks<Scalar>(solver.recipe(), size, options, control);
    detail::FitData<Scalar> data{detail::borrow_interactions<Scalar>(interactions)};
    return detail::fit_by_blocks(solver.recipe(), std::move(data), size, options, control);
  }
}

/// The same on interactions and side information, one row an item: dense embeddings, sparse tags,
/// or Sources.
template <class Options, class Scalar, class Interactions, class Features,
          std::enable_if_t<detail::is_features<Features>, int> = 0>
[[nodiscard]] BlockFit<Scalar> fit_blocks(const Solver<Options, Scalar>& solver,
                                          const Eigen::SparseMatrixBase<Interactions>& interactions,
                                          const Features& features,
                                          const BlockOptions& options = {},
                                          const FitControl& control = {}) {
  static_assert(Options::inputs == Inputs::interactions_and_features,
                "lae: this model is not fitted on both interactions and features");
  detail::require_features_of(interactions.cols(), features);
  const ProblemSize size = problem_size(interactions, features);
  detail::check_blocks<Scalar>(solver.recipe(), size, options, control);
  detail::FitData<Scalar> data{detail::borrow_interactions<Scalar>(interactions)};
  detail::add_features(features, solver.recipe(), data);
  return detail::fit_by_blocks(solver.recipe(), std::move(data), size, options, control);
}

/// The same on side information alone: dense embeddings or Sources.
template <class Options, class Scalar, class Features>
[[nodiscard]] BlockFit<Scalar> fit_blocks(const Solver<Options, Scalar>& solver,
                                          const Eigen::MatrixBase<Features>& features,
                                          const BlockOptions& options = {},
                                          const FitControl& control = {}) {
  return detail::fit_blocks_on_features(solver, features.derived(), options, control);
}
template <class Options, class Scalar, class Other>
[[nodiscard]] BlockFit<Scalar> fit_blocks(const Solver<Options, Scalar>& solver,
                                          const Sources<Other>& features,
                                          const BlockOptions& options = {},
                                          const FitControl& control = {}) {
  return detail::fit_blocks_on_features(solver, features, options, control);
}

/// The options of a model and, beside them, of its fit by blocks: `{{lambda}, {neighbours}}`.
template <class ModelOptions>
struct BlocksOptions : ModelOptions, BlockOptions {
  /// Those of the model, and `neighbours`.
  static OptionFields<BlocksOptions> fields() {
    OptionFields<BlocksOptions> list;
    list.add(ModelOptions::fields());
    list.add("neighbours", static_cast<Index BlocksOptions::*>(&BlockOptions::neighbours),
             "items that each item's weights are a regression on, at most");
    return list;
  }
};

/// Fits a model by blocks: what `fit_blocks` does, as a solver. Const and stateless.
/// \tparam Model_ a solver: L3ae<float>, or one of your own
template <class Model_>
class Blocks {
 public:
  using Scalar = typename Model_::Scalar;
  using Options = BlocksOptions<typename Model_::Options>;
  using Model = SparseLowRankModel<Scalar>;
  using Dense = Model_;  ///< The solver of the same model with an n x n matrix.

  Blocks() : Blocks(Options()) {}

  /// \throws std::invalid_argument for options out of range.
  explicit Blocks(const Options& options) : options_(options), dense_(options) {
    detail::require_valid(options_);
  }

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Recipe& recipe() const { return dense_.recipe(); }

  /// Fits on interactions (users x items), or on features alone, whichever the model takes.
  /// \throws as fit_blocks.
  template <class Data>
  [[nodiscard]] BlockFit<Scalar> fit(const Data& data, const FitControl& control = {}) const {
    return fit_blocks(dense_, data, block_options(), control);
  }

  /// Fits on interactions and side information, one row an item.
  /// \throws as fit_blocks.
  template <class Interactions, class Features,
            std::enable_if_t<detail::is_features<Features>, int> = 0>
  [[nodiscard]] BlockFit<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                                     const Features& features,
                                     const FitControl& control = {}) const {
    return fit_blocks(dense_, interactions, features, block_options(), control);
  }

  /// Peak memory and flops of `fit`, as estimate_blocks tells them.
  [[nodiscard]] FitCost estimate(const ProblemSize& size) const {
    return estimate_blocks(dense_, size, block_options());
  }

 private:
  const BlockOptions& block_options() const { return options_; }

  Options options_;
  Model_ dense_;
};

}  // namespace LAE_ABI
}  // namespace lae
