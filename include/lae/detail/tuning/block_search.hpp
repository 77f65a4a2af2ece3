#pragma once

/// \file
/// A grid search of models by blocks. What points share is computed once, from the outside in:
///
/// - features of few dimensions, and V; for several λ_F, F E with the eigenvectors of FᵀF, of
///   which V = F E diag(1 / √(e + λ_F));
/// - the rows of the Gram matrix, and pairs of items, for all ridges;
/// - for each ridge Λ: its neighbours (that of the most, of which others are chosen), the update of
///   low rank, and Z = A⁻¹ V or A⁻¹ F E, whose columns are those of each λ_F up to a factor, which
///   conjugate gradients and their tolerance do not see;
/// - for each k: the blocks.
///
/// A point itself costs the assembly of its model and the evaluation of that.

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/threads.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/models/block_cost.hpp"
#include "lae/detail/models/fit_blocks.hpp"
#include "lae/detail/models/neighbours.hpp"
#include "lae/detail/ranking/rank_users.hpp"
#include "lae/detail/recipe/factors.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/recipe/inverse_phase.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/detail/tuning/grid_ranking.hpp"
#include "lae/detail/tuning/point_results.hpp"
#include "lae/detail/tuning/search.hpp"
#include "lae/detail/tuning/search_plan.hpp"
#include "lae/detail/tuning/user_values.hpp"
#include "lae/models/block_fit.hpp"
#include "lae/models/blocks.hpp"
#include "lae/models/sparse_low_rank_model.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/tuning/trial.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

struct BlockPoint {
  Recipe recipe;
  BlockOptions options;
};

// Points alike in one of these, and in those before, share what it is named after.

/// Features, and how products with P are solved for.
inline std::array<double, 4> features_key(const BlockPoint& p) {
  return {static_cast<double>(p.options.rank), p.options.spectrum, p.options.tolerance,
          static_cast<double>(p.options.max_iterations)};
}
inline std::array<double, 3> gram_key(const BlockPoint& p) {
  const Recipe& r = p.recipe;
  return {r.refinements.user_exponent, r.gram_weight.value, r.gram_weight.is_relative ? 1.0 : 0.0};
}
inline std::array<double, 2> ridge_key(const BlockPoint& p) {
  return {p.recipe.refinements.dropout, p.recipe.ridge};
}
/// Falling: the first of a group has the most neighbours.
template <class Scalar>
Index blocks_key(const BlockPoint& p, Index items) {
  return p.recipe.ridge > 0 ? -neighbours_of<Scalar>(p.options, items) : 0;
}
inline std::array<double, 3> block_semantic_key(const BlockPoint& p) {
  return semantic_key(p.recipe);
}

/// S of one point after the other, as V Vᵀ, from what they share.
template <class Scalar>
class BlockSemantics {
 public:
  /// \param first of the points
  /// \param ridges how many different λ_F they have
  BlockSemantics(const BlockPoint& first, FeatureSet<Scalar> features, const FeatureScale& scale,
                 Index ridges, const Progress& progress)
      : progress_(progress) {
    BlockFitter<Scalar> fitter(first.recipe, first.options, progress);
    features_ = fitter.reduced(std::move(features));
    if (first.recipe.semantic_use == SemanticUse::similarity) return;
    is_rotated_ = ridges > 1;
    phase_.emplace(std::move(features_), first.recipe, scale, is_rotated_, progress, true);
    if (is_rotated_) phase_->rotate(progress);
  }

  /// Turns to the point. \throws NotPositiveDefinite
  void turn_to(const BlockPoint& point) {
    if (key_ == block_semantic_key(point)) {
      if (failure_) throw NotPositiveDefinite(*failure_);
      return;
    }
    key_ = block_semantic_key(point);
    failure_.reset();
    try {
      SemanticSolution<Scalar> solution =
          phase_ ? phase_->solve(point.recipe, progress_)
                 : BlockFitter<Scalar>(point.recipe, point.options, progress_)
                       .similarity(FeatureSet<Scalar>(features_));
      factors_ = std::move(solution.factors);
      scale_ = std::move(solution.core_scale);
      if (!is_rotated_) v_ = std::move(solution.v);
    } catch (const NotPositiveDefinite& error) {
      failure_ = error;
      throw;
    }
  }

  const SemanticFactors<Scalar>& factors() const { return factors_; }

  /// V, up to factors of its columns.
  const Matrix<Scalar>& shared_v() const { return is_rotated_ ? phase_->features() : v_; }

  /// What is the same up to those, for this point.
  Matrix<Scalar> of_point(const Matrix<Scalar>& shared) const {
    Matrix<Scalar> own = shared;
    if (scale_.size() == 0) return own;
    parallel_tiles(own.rows(), 256, [&](Index begin, Index rows) {
      for (Index i = begin; i < begin + rows; ++i) {
        multiply_by(own.cols(), scale_.data(), own.data() + i * own.cols());
      }
    });
    return own;
  }

 private:
  const Progress& progress_;
  FeatureSet<Scalar> features_;  // of a similarity
  std::optional<SemanticPhase<Scalar>> phase_;
  bool is_rotated_ = false;
  std::optional<std::array<double, 3>> key_;
  std::optional<NotPositiveDefinite> failure_;
  SemanticFactors<Scalar> factors_;
  Vector<Scalar> scale_;
  Matrix<Scalar> v_;
};

struct BlockSearchPlan {
  Bytes needed = 0;         ///< without pairs of items
  Bytes pairs = 0;          ///< what is left for them
  bool keeps_best = false;  ///< the best model so far; else its point is fitted again
};

/// \param copies bytes of the data that have to be copied
/// \param users that are measured, at most
/// \throws MemoryBudgetExceeded; std::invalid_argument as BlockLedger.
template <class Scalar>
BlockSearchPlan plan_block_search(const std::vector<BlockPoint>& points, const ProblemSize& size,
                                  Bytes copies, Index users, const GridSearchOptions& options,
                                  bool wants_model, Bytes budget) {
  Bytes fit = 0;
  Bytes model = 0;
  Bytes factor = 0;
  Index rank = 0;
  for (const BlockPoint& point : points) {
    const BlockLedger<Scalar> ledger(point.recipe, size, point.options);
    fit = (std::max)(fit, ledger.fit().bytes);
    model = (std::max)(model, ledger.model());
    factor = (std::max)(factor, ledger.factor());
    rank = (std::max)(rank, ledger.rank());
  }
  const EvaluateOptions& evaluation = options.evaluation;
  const Index longest = *std::max_element(evaluation.cutoffs.begin(), evaluation.cutoffs.end());
  const Bytes measuring =
      static_cast<Bytes>(thread_count()) *
          dense_bytes<Scalar>(evaluation.batch_users, score_range + rank) +
      static_cast<Bytes>(users) *
          (static_cast<Bytes>((std::min)(longest, size.items)) * (sizeof(Scalar) + sizeof(Index)) +
           evaluation.cutoffs.size() * 18 * sizeof(double));
  BlockSearchPlan plan;
  // A model stands beside what it was assembled from; V of a λ_F beside F and F E.
  const bool is_rotated = count_keys(points, block_semantic_key) > 1;
  plan.needed = copies + fit + model + (is_rotated ? 2 * factor : 0) + measuring +
                UserValues::bytes(points.size(), users);
  if (plan.needed > budget) throw MemoryBudgetExceeded("search", plan.needed, budget);
  plan.keeps_best = wants_model && plan.needed + model <= budget;
  if (plan.keeps_best) plan.needed += model;
  plan.pairs = budget - plan.needed;
  return plan;
}

/// Measures the points of a grid.
template <class Scalar>
class BlockEngine {
 public:
  /// \param points of one model; at least one
  BlockEngine(FitData<Scalar> data, const Csr<Scalar>& histories, const Csr<Scalar>& held_out,
              const std::vector<BlockPoint>& points, const GridSearchOptions& options,
              const BlockSearchPlan& plan, const Progress& progress)
      : data_(std::move(data)),
        scale_(data_.scale()),
        histories_(histories),
        held_out_(held_out),
        points_(points),
        options_(options),
        plan_(plan),
        progress_(progress),
        items_(histories.cols()),
        results_(points.size()),
        values_(points.size(), users_with_entries(held_out)) {}

  /// \throws Cancelled
  void run() {
    require_places(items_, "items");
    Stage stage(progress_, "grid", static_cast<double>(points_.size()));
    const Group order = sorted_by(points_, [&](const BlockPoint& p) {
      return std::make_tuple(features_key(p), gram_key(p), ridge_key(p), of_blocks(p),
                             block_semantic_key(p));
    });
    for (const Group& group : grouped(points_, order, features_key)) {
      std::optional<BlockSemantics<Scalar>> semantics;
      if (of(group).recipe.semantic_use != SemanticUse::none) {
        std::vector<BlockPoint> those;
        for (const std::size_t i : group) those.push_back(points_[i]);
        semantics.emplace(of(group), data_.in_semantics, scale_,
                          count_keys(those, block_semantic_key), progress_);
      }
      for (const Group& part : grouped(points_, group, gram_key)) {
        run_gram(part, semantics ? &*semantics : nullptr, stage);
      }
    }
    stage.finish();
  }

  const std::vector<PointResult>& results() const { return results_; }
  const UserValues& user_values() const { return values_; }

  /// That of the best point; not kept, for lack of memory, if this is empty.
  std::optional<SparseLowRankModel<Scalar>> take_model() { return std::move(model_); }

 private:
  using Fitter = BlockFitter<Scalar>;

  const BlockPoint& of(const Group& group) const { return points_[group.front()]; }
  Index of_blocks(const BlockPoint& p) const { return blocks_key<Scalar>(p, items_); }
  Fitter fitter(const BlockPoint& point) const {
    return Fitter(point.recipe, point.options, progress_);
  }

  void run_gram(const Group& group, BlockSemantics<Scalar>* semantics, Stage& stage) {
    if (!(of(group).recipe.ridge > 0)) {
      BlockRidge<Scalar> ridge;
      ridge.y.resize(items_, 0);
      run_blocks(group, nullptr, ridge, {}, semantics, stage);
      return;
    }
    BlockGram<Scalar> gram = fitter(of(group)).gram_of(data_, scale_);
    bool has_looked = false;
    for (const Group& part : grouped(points_, group, ridge_key)) {
      attempt(part, [&] {
        Fitter first = fitter(of(part));
        BlockRidge<Scalar> ridge = first.ridge_of(gram);
        first.add_update(gram, ridge);
        const TiledLines<Scalar> lines = first.find(gram, ridge, has_looked ? 0 : plan_.pairs);
        has_looked = true;
        z_.resize(0, 0);
        for (const Group& alike :
             grouped(points_, part, [&](const BlockPoint& p) { return of_blocks(p); })) {
          attempt(alike, [&] {
            const Index k = -of_blocks(of(alike));
            Fitter one = fitter(of(alike));
            BlockInverse<Scalar> inverse =
                one.inverse_of(gram, ridge, nearest_of(lines, gram.x, ridge.diagonal_by_rank, k));
            one.set_diagonal(gram, ridge, inverse);
            run_blocks(alike, &gram, ridge, std::move(inverse), semantics, stage);
          });
        }
      });
    }
  }

  /// Points that share P.
  void run_blocks(const Group& group, const BlockGram<Scalar>* gram,
                  const BlockRidge<Scalar>& ridge, BlockInverse<Scalar> inverse,
                  BlockSemantics<Scalar>* semantics, Stage& stage) {
    for (const std::size_t i : group) {
      attempt({i}, [&] {
        Fitter one = fitter(points_[i]);
        std::optional<SemanticFactors<Scalar>> factors;
        Matrix<Scalar> v(items_, 0);
        Matrix<Scalar> q(items_, 0);
        if (semantics) {
          semantics->turn_to(points_[i]);
          const bool is_prior = points_[i].recipe.semantic_use == SemanticUse::prior;
          if (is_prior && z_.size() == 0) z_ = one.times_p(*gram, ridge, semantics->shared_v());
          factors = semantics->factors();
          q = semantics->of_point(is_prior ? z_ : semantics->shared_v());
          v = semantics->of_point(semantics->shared_v());
        }
        const bool is_last = i == group.back();
        SparseLowRankModel<Scalar> model =
            one.assemble(data_, gram, ridge, is_last ? std::move(inverse) : copy_of(inverse),
                         std::move(factors), std::move(q), std::move(v));
        results_[i] = measure_model(model, histories_, held_out_, options_, i, values_);
        enter(i, std::move(model));
      });
      stage.advance(1);
    }
  }

  static BlockInverse<Scalar> copy_of(const BlockInverse<Scalar>& inverse) { return inverse; }

  /// Takes a step that all these points need. If its numbers fail, the points have failed.
  template <class Step>
  void attempt(const Group& group, Step&& step) {
    try {
      step();
    } catch (const NotPositiveDefinite& error) {
      for (const std::size_t i : group) results_[i].failure = error;
    }
  }

  /// Of equal points the one that came first wins.
  void enter(std::size_t i, SparseLowRankModel<Scalar> model) {
    const double score = results_[i].score;
    if (best_ && !is_better(score, results_[*best_].score) &&
        !(score == results_[*best_].score && i < *best_)) {
      return;
    }
    best_ = i;
    if (plan_.keeps_best) model_.emplace(std::move(model));
  }

  FitData<Scalar> data_;
  FeatureScale scale_;
  const Csr<Scalar>& histories_;
  const Csr<Scalar>& held_out_;
  const std::vector<BlockPoint>& points_;
  const GridSearchOptions& options_;
  BlockSearchPlan plan_;
  const Progress& progress_;
  Index items_;
  std::vector<PointResult> results_;
  UserValues values_;
  Matrix<Scalar> z_;  // A⁻¹ times what V has up to factors; empty if it is not known for this ridge
  std::optional<std::size_t> best_;
  std::optional<SparseLowRankModel<Scalar>> model_;
};

/// A search's work, all of it: a function that a program can compile once (see instances.hpp).
template <class Scalar>
void measure_blocks(BlockEngine<Scalar>& engine) {
  engine.run();
}

template <class Solver>
class BlockSearch {
 public:
  using Scalar = typename Solver::Scalar;
  using Options = typename Solver::Options;
  using Model = typename Solver::Model;
  using PointTrial = Trial<Options>;

  /// \throws std::invalid_argument if options are out of range, or there is nothing to search.
  BlockSearch(const std::vector<Options>& points, const GridSearchOptions& options,
              const FitControl& control, bool wants_model)
      : options_(options), control_(control), wants_model_(wants_model), given_(points) {
    require(!points.empty(), "the grid has no points");
    for (const Options& point : points) {
      require(point.user_weights.empty(),
              "user_weights are an argument of a search, not an option of its points");
      points_.push_back({Solver(point).recipe(), point});
    }
    Measures measures;
    static_cast<void>(set_measures(options, measures));
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
    for (BlockPoint& point : points_) point.options.user_weights = user_weights;
    const BlockSearchPlan plan = plan_block_search<Scalar>(
        points_, size, bytes_of_copies<Scalar>(train, features, valid),
        users_to_measure(valid, options_), options_, wants_model_, control_.memory_budget);

    const Borrowed<Csr<Scalar>> histories = borrow_histories<Scalar, has_interactions>(train);
    const auto held_out = of_sampled_users(borrow_sparse<Scalar>(valid, "valid"), options_);
    require(held_out->nonZeros() > 0, "no user has a held-out item to measure on");
    FitData<Scalar> data{has_interactions ? Borrowed<Csr<Scalar>>::of(*histories)
                                          : Borrowed<Csr<Scalar>>(Csr<Scalar>())};
    set_user_weights(data, user_weights);
    if constexpr (has_features) add_features(features, points_.front().recipe, data);
    require_complete(data, points_.front().recipe);

    const FitData<Scalar> again = data;
    std::optional<BlockEngine<Scalar>> engine(std::in_place, std::move(data), *histories, *held_out,
                                              points_, options_, plan, control_.progress);
    measure_blocks(*engine);
    auto trials = trials_of(given_, engine->results(), engine->user_values(),
                            options_.evaluation.cutoffs.size());
    if (!wants_model_) return trials;
    model_ = engine->take_model();
    const BlockPoint& best = points_[best_first(engine->results()).front()];
    engine.reset();
    if (!model_) {
      model_ = fit_by_blocks(best.recipe, again, size, best.options, control_).model;
    }
    return trials;
  }

  Model take_model() { return *std::move(model_); }

 private:
  const GridSearchOptions& options_;
  const FitControl& control_;
  bool wants_model_;
  const std::vector<Options>& given_;
  std::vector<BlockPoint> points_;
  std::optional<Model> model_;
};

template <class Solver>
struct SearchFor<Solver, std::enable_if_t<is_sparse_low_rank<typename Solver::Model>>> {
  using type = BlockSearch<Solver>;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
