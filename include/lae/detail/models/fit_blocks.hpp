#pragma once

/// \file
/// A recipe, fitted by blocks. As with all forms (see detail/recipe/factors.hpp), off the diagonal
///
///     B = P diag(c) + Q diag(e),
///
/// and here P = E diag(-p) - Y Yᵀ. E are regressions on neighbours, with the Gram matrix of what is
/// sparse (interactions and tags), and p_j their P_jj. Dense sources of the Gram matrix, √α F, are
/// an update of low rank by Woodbury's identity: with Z = P_s √α F and I + √α FᵀZ = L Lᵀ,
/// Y = Z L⁻ᵀ. The semantic phase is Q = P V Vᵀ or V Vᵀ. So
///
///     B = E diag(-p c) + [Y, PV] [-diag(c) Y, diag(e) V]ᵀ
///
/// is sparse plus low rank, in which E alone is not exact, and it is where N_j is all items.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/block_products.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/models/block_cost.hpp"
#include "lae/detail/models/block_features.hpp"
#include "lae/detail/models/block_solve.hpp"
#include "lae/detail/models/gram_solve.hpp"
#include "lae/detail/models/neighbours.hpp"
#include "lae/detail/models/ranked_rows.hpp"
#include "lae/detail/models/sparse_part.hpp"
#include "lae/detail/recipe/factors.hpp"
#include "lae/detail/recipe/fit.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/models/block_fit.hpp"
#include "lae/models/sparse_low_rank_model.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// \throws std::invalid_argument
inline void require_valid(const BlockOptions& options) {
  require(options.neighbours >= 1, "neighbours must be at least 1, got ", options.neighbours);
  require(options.mean_entries >= 0, "mean_entries must not be negative, got ",
          options.mean_entries);
  require(options.most_entries >= 0, "most_entries must not be negative, got ",
          options.most_entries);
  require(options.tolerance > 0 && options.tolerance < 1, "tolerance must lie in (0, 1), got ",
          options.tolerance);
  require(options.max_iterations >= 1, "max_iterations must be at least 1, got ",
          options.max_iterations);
  require(options.rank >= 0, "rank must not be negative, got ", options.rank);
  require(options.spectrum > 0 && options.spectrum <= 1, "spectrum must lie in (0, 1], got ",
          options.spectrum);
}

/// The Gram matrix, whatever its ridge: of the rows that are sparse, and of dense features.
template <class Scalar>
struct BlockGram {
  RankedRows<Scalar> x;
  Vector<Scalar> sparse_squares;  ///< by item, the diagonal of the sparse part
  Vector<Scalar> all_squares;     ///< of both parts
  FeatureSet<Scalar> dense;       ///< empty if they have no weight
  Scalar alpha;                   ///< their weight
  TiledLines<Scalar> pairs{};     ///< those that look-ups go to; empty: there was no room
};

/// A = G + diag(Λ), with the update of low rank that dense features are.
template <class Scalar>
struct BlockRidge {
  Vector<Scalar> ridge;  ///< Λ, by item
  Vector<Scalar> ridge_by_rank;
  Vector<Scalar> diagonal_by_rank;  ///< of P_s⁻¹
  Matrix<Scalar> y{};               ///< n x 0 without dense sources
};

/// E and P_jj, in the form above.
template <class Scalar>
struct BlockInverse {
  TiledLines<Scalar> lines;   ///< E, by rank
  Vector<Scalar> p_by_rank;   ///< P_jj of P_s
  Vector<Scalar> p_diagonal;  ///< by item, of P
};

/// The steps of a fit by blocks, for one recipe.
template <class Scalar>
class BlockFitter {
 public:
  BlockFitter(const Recipe& recipe, const BlockOptions& options, const Progress& progress)
      : recipe_(recipe), options_(options), progress_(progress) {}

  BlockReport report;

  /// \param pair_bytes for the pairs that look-ups go to
  SparseLowRankModel<Scalar> fit(FitData<Scalar> data, Bytes pair_bytes) {
    const FeatureScale scale = data.scale();
    const Index n = recipe_.ridge > 0 ? data.x->cols() : data.in_semantics.items();
    require_places(n, "items");
    std::optional<BlockGram<Scalar>> gram;
    BlockRidge<Scalar> ridge;
    BlockInverse<Scalar> inverse;
    ridge.y.resize(n, 0);
    if (recipe_.ridge > 0) {
      gram.emplace(gram_of(data, scale));
      ridge = ridge_of(*gram);
      inverse = inverse_of(*gram, ridge, find(*gram, ridge, pair_bytes));
      gram->pairs = {};
      gram->x.columns = {};  // what follows takes X by rows
      add_update(*gram, ridge);
      set_diagonal(*gram, ridge, inverse);
    }
    std::optional<SemanticFactors<Scalar>> semantics;
    Matrix<Scalar> v(n, 0);
    Matrix<Scalar> q(n, 0);  // the left factor of Q
    if (recipe_.semantic_use != SemanticUse::none) {
      auto solution = solve_semantics(std::move(data.in_semantics), scale);
      v = std::move(solution.v);
      semantics = std::move(solution.factors);
      q = recipe_.semantic_use == SemanticUse::prior ? times_p(*gram, ridge, v) : v;
    }
    return assemble(data, gram ? &*gram : nullptr, std::move(ridge), std::move(inverse),
                    std::move(semantics), std::move(q), std::move(v));
  }

  BlockGram<Scalar> gram_of(const FitData<Scalar>& data, const FeatureScale& scale) {
    const auto alpha = static_cast<Scalar>(recipe_.gram_weight.at(scale));
    const Index n = data.x->cols();
    FeatureSet<Scalar> dense = data.in_gram.dense_part();
    Vector<Scalar> all_squares = Vector<Scalar>::Zero(n);
    if (!dense.empty()) add_scaled(n, alpha, dense.row_squares().data(), all_squares.data());
    const Borrowed<Csr<Scalar>> x =
        weigh_users(*data.x, data.user_weights, recipe_.refinements.user_exponent);
    Vector<Scalar> squares = gram_diagonal(*x);
    require_no_overflow(squares, "interactions");
    const FeatureSet<Scalar> sparse = data.in_gram.sparse_part();
    Csr<Scalar> tags(0, n);
    if (!sparse.empty()) {
      add_scaled(n, alpha, sparse.row_squares().data(), squares.data());
      tags = sparse.tag_rows(alpha);
    }
    all_squares += squares;
    require_no_overflow(all_squares, "interactions and features");
    if (!(alpha > 0)) dense = {};
    return {RankedRows<Scalar>(*x, tags), std::move(squares), std::move(all_squares),
            std::move(dense), alpha};
  }

  /// Without the update.
  BlockRidge<Scalar> ridge_of(const BlockGram<Scalar>& gram) {
    report.pair_products = gram.x.gram_products();
    report.longest_history = gram.x.longest_row();
    BlockRidge<Scalar> ridge;
    ridge.ridge = ridge_with_dropout(gram.all_squares, recipe_.ridge, recipe_.refinements.dropout);
    ridge.ridge_by_rank = by_rank(ridge.ridge, gram.x);
    ridge.diagonal_by_rank = by_rank(Vector<Scalar>(gram.sparse_squares + ridge.ridge), gram.x);
    ridge.y.resize(gram.x.items(), 0);
    return ridge;
  }

  /// The neighbours of each item; and the pairs, unless there is no room for them, or they are
  /// there.
  TiledLines<Scalar> find(BlockGram<Scalar>& gram, const BlockRidge<Scalar>& ridge,
                          Bytes pair_bytes) {
    const Index k = neighbours_of<Scalar>(options_, gram.x.items());
    Neighbourhoods<Scalar> found =
        find_neighbours(gram.x, ridge.diagonal_by_rank, k, pair_bytes, progress_);
    if (!found.pairs.empty()) gram.pairs = std::move(found.pairs);
    return std::move(found.neighbours);
  }

  /// \param lines the neighbours
  BlockInverse<Scalar> inverse_of(const BlockGram<Scalar>& gram, const BlockRidge<Scalar>& ridge,
                                  TiledLines<Scalar> lines) {
    report.neighbours = neighbours_of<Scalar>(options_, gram.x.items());
    report.pairs = gram.pairs.entries();
    report.entries = lines.entries();
    BlockInverse<Scalar> inverse;
    inverse.lines = std::move(lines);
    inverse.p_by_rank =
        BlockSolver<Scalar>(gram.x, gram.pairs, ridge.diagonal_by_rank, recipe_.ridge_name)
            .solve(inverse.lines, progress_);
    return inverse;
  }

  /// P_s⁻¹ + F Fᵀ instead of P_s⁻¹, F the dense features.
  void add_update(const BlockGram<Scalar>& gram, BlockRidge<Scalar>& ridge) {
    if (gram.dense.empty()) return;
    double kept = 1;
    Matrix<Scalar> f = reduced_features(gram.dense, options_, kept, progress_).take_side_by_side();
    report.kept_spectrum = (std::min)(report.kept_spectrum, kept);
    set_scaled(f.size(), std::sqrt(gram.alpha), f.data(), f.data());
    Matrix<Scalar> y = times_p(gram, ridge, f);
    Matrix<Scalar> core = transposed_product<Scalar>(f, y);
    for (Index i = 0; i < core.rows(); ++i) core(i, i) += 1;
    SpdTiles<Scalar>(core, {Pivot::dimension, "I + α FᵀPF", "feature dimension",
                            concat("raise the ridge (", recipe_.ridge_name,
                                   ") or compute in double, to a smaller tolerance")})
        .invert_factor(progress_);
    parallel_tiles(y.rows(), product_tile, [&](Index first, Index rows) {
      multiply_on_right_by_transposed<Scalar>(Tile<Scalar>(y).middleRows(first, rows), core);
    });
    ridge.y = std::move(y);
  }

  /// diag(P).
  void set_diagonal(const BlockGram<Scalar>& gram, const BlockRidge<Scalar>& ridge,
                    BlockInverse<Scalar>& inverse) const {
    inverse.p_diagonal.resize(gram.x.items());
    for (Index i = 0; i < inverse.p_diagonal.size(); ++i) {
      inverse.p_diagonal[static_cast<Index>(gram.x.item_at[static_cast<std::size_t>(i)])] =
          inverse.p_by_rank[i];
    }
    if (ridge.y.cols() == 0) return;
    const Vector<Scalar> less = row_dots(ridge.y, ridge.y);
    for (Index i = 0; i < less.size(); ++i) {
      // P_jj >= 1 / A_jj holds of every inverse, but not of a difference of two approximations.
      inverse.p_diagonal[i] =
          (std::max)(inverse.p_diagonal[i] - less[i], 1 / (gram.all_squares[i] + ridge.ridge[i]));
    }
  }

  /// P V.
  Matrix<Scalar> times_p(const BlockGram<Scalar>& gram, const BlockRidge<Scalar>& ridge,
                         const Matrix<Scalar>& v) {
    SolveReport solved;
    // Of an iteration in Scalar no more can be asked.
    constexpr double rounding = std::numeric_limits<Scalar>::epsilon();
    const double tolerance = (std::max)(options_.tolerance, 2 * rounding);
    Matrix<Scalar> z = GramSolver<Scalar>(gram.x, ridge.ridge_by_rank, ridge.diagonal_by_rank)
                           .solve(v, tolerance, options_.max_iterations, solved, progress_);
    report.iterations = (std::max)(report.iterations, solved.most_iterations);
    report.worst_residual = (std::max)(report.worst_residual, solved.worst_residual);
    // What is measured at the end, in Scalar, is a few rounding errors of the largest sums more.
    report.converged = report.worst_residual <= (std::max)(1.1 * tolerance, 100 * rounding);
    if (ridge.y.cols() > 0) {
      subtract_product<Scalar>(ridge.y, transposed_product<Scalar>(ridge.y, v), z);
    }
    return z;
  }

  SemanticSolution<Scalar> solve_semantics(FeatureSet<Scalar> features, const FeatureScale& scale) {
    features = reduced(std::move(features));
    if (recipe_.semantic_use == SemanticUse::similarity) return similarity(std::move(features));
    return SemanticPhase<Scalar>(std::move(features), recipe_, scale, false, progress_, true)
        .solve(recipe_, progress_);
  }

  /// Features of the semantic phase, of as few dimensions as asked for.
  FeatureSet<Scalar> reduced(FeatureSet<Scalar> features) {
    double kept = 1;
    features = reduced_features(std::move(features), options_, kept, progress_);
    report.kept_spectrum = (std::min)(report.kept_spectrum, kept);
    return features;
  }

  /// F Fᵀ as a solution, F of unit length if the recipe says so.
  SemanticSolution<Scalar> similarity(FeatureSet<Scalar> features) const {
    require_no_overflow(features.row_squares(), "features");
    SemanticSolution<Scalar> solution;
    solution.v = std::move(features).take_side_by_side();
    const Index n = solution.v.rows();
    if (recipe_.unit_length) {
      for (Index i = 0; i < n; ++i) {
        const Scalar norm = solution.v.row(i).norm();
        if (norm > 0) solution.v.row(i) /= norm;
      }
    }
    solution.factors.scale = Vector<Scalar>::Ones(n);
    solution.factors.own = Vector<Scalar>::Zero(n);
    return solution;
  }

  /// The model, of what is used up.
  /// \param gram nullptr if there is no part on interactions
  /// \param q, v Q = q vᵀ; n x 0 without a semantic phase
  SparseLowRankModel<Scalar> assemble(const FitData<Scalar>& data, const BlockGram<Scalar>* gram,
                                      BlockRidge<Scalar> ridge, BlockInverse<Scalar> inverse,
                                      std::optional<SemanticFactors<Scalar>> semantics,
                                      Matrix<Scalar> q, Matrix<Scalar> v) {
    SemanticTerm<Scalar> term;
    if (semantics) {
      term.factors = *std::move(semantics);  // which leaves it there, but empty
      if (recipe_.semantic_use == SemanticUse::prior) term.factors.q_diagonal = row_dots(q, v);
    }
    const ColumnFactors<Scalar> factors = factors_of<Scalar>(
        recipe_, data, ridge.ridge, inverse.p_diagonal, semantics ? &term : nullptr);
    const Index n = q.rows();
    const Index update = ridge.y.cols();
    parallel_tiles(n, 256, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        set_scaled(v.cols(), factors.of_q[i], v.data() + i * v.cols(), v.data() + i * v.cols());
      }
    });
    if (update > 0) {
      q = side_by_side(ridge.y, q);
      for (Index i = 0; i < n; ++i) {
        set_scaled(update, -factors.of_p[i], &ridge.y(i, 0), &ridge.y(i, 0));
      }
      v = side_by_side(ridge.y, v);
      ridge.y.resize(0, 0);
    }
    report.rank = q.cols();
    if (gram) cut(gram->x, inverse, factors.of_p);
    Vector<Scalar> diagonal;
    if (q.cols() > 0 || (factors.diagonal.array() != Scalar(0)).any()) {
      diagonal = factors.diagonal;
      if (q.cols() > 0) diagonal -= row_dots(q, v);
    }
    WeightRows<Scalar> rows = rows_of(inverse.lines, gram ? &gram->x : nullptr, diagonal, n);
    report.kept_entries = static_cast<Index>(rows.items.size()) - diagonal.size();
    const bool is_relaxed = (factors.diagonal.array() != Scalar(0)).any();
    return SparseLowRankModel<Scalar>(std::move(rows), std::move(q), std::move(v),
                                      is_relaxed ? factors.diagonal : Vector<Scalar>());
  }

 private:
  static Vector<Scalar> by_rank(const Vector<Scalar>& by_item, const RankedRows<Scalar>& x) {
    Vector<Scalar> values(by_item.size());
    for (Index i = 0; i < values.size(); ++i) {
      values[i] = by_item[static_cast<Index>(x.item_at[static_cast<std::size_t>(i)])];
    }
    return values;
  }

  static Vector<Scalar> row_dots(const Matrix<Scalar>& a, const Matrix<Scalar>& b) {
    Vector<Scalar> dots(a.rows());
    parallel_tiles(a.rows(), 256, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        dots[i] = dot(a.cols(), a.data() + i * a.cols(), b.data() + i * b.cols());
      }
    });
    return dots;
  }

  static Matrix<Scalar> side_by_side(const Matrix<Scalar>& left, const Matrix<Scalar>& right) {
    Matrix<Scalar> both = large_matrix<Scalar>(left.rows(), left.cols() + right.cols());
    parallel_tiles(both.rows(), 256, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        std::copy_n(left.data() + i * left.cols(), left.cols(), &both(i, 0));
        std::copy_n(right.data() + i * right.cols(), right.cols(), &both(i, 0) + left.cols());
      }
    });
    return both;
  }

  /// E becomes the weights, those that are kept.
  void cut(const RankedRows<Scalar>& x, BlockInverse<Scalar>& inverse, const Vector<Scalar>& of_p) {
    const Index n = x.items();
    TiledLines<Scalar>& lines = inverse.lines;
    for_each_line(lines, n, [&](Index j, Index size, const Place*, Scalar* value) {
      set_scaled(size, -inverse.p_by_rank[j], value, value);
    });
    if (options_.symmetrise) symmetrise(lines, n);
    for_each_line(lines, n, [&](Index j, Index size, const Place*, Scalar* value) {
      set_scaled(size, of_p[static_cast<Index>(x.item_at[static_cast<std::size_t>(j)])], value,
                 value);
      std::vector<Scalar> buffer;
      if (options_.most_entries > 0) keep_largest(value, size, options_.most_entries, buffer);
    });
    if (options_.mean_entries > 0) keep_largest_of_all(lines, n, options_.mean_entries);
  }

  const Recipe& recipe_;
  const BlockOptions& options_;
  const Progress& progress_;
};

/// \param size of the problem
/// \throws MemoryBudgetExceeded and what the fit throws
template <class Scalar>
BlockFit<Scalar> fit_by_blocks(const Recipe& recipe, FitData<Scalar> data, const ProblemSize& size,
                               const BlockOptions& options, const FitControl& control) {
  require_complete(data, recipe);
  set_user_weights(data, options.user_weights);
  BlockFitter<Scalar> fitter(recipe, options, control.progress);
  const Bytes before = BlockLedger<Scalar>(recipe, size, options).before_pairs();
  SparseLowRankModel<Scalar> model = fitter.fit(
      std::move(data), control.memory_budget > before ? control.memory_budget - before : 0);
  return {std::move(model), fitter.report};
}

/// \throws MemoryBudgetExceeded, std::invalid_argument
template <class Scalar>
void check_blocks(const Recipe& recipe, const ProblemSize& size, const BlockOptions& options,
                  const FitControl& control) {
  require_valid(options);
  const Bytes bytes = BlockLedger<Scalar>(recipe, size, options).fit().bytes;
  if (bytes > control.memory_budget) {
    throw MemoryBudgetExceeded("fit by blocks", bytes, control.memory_budget);
  }
}

/// Of a model that takes features alone.
template <template <class, class> class Solver, class Options, class Scalar, class Features>
BlockFit<Scalar> fit_blocks_on_features(const Solver<Options, Scalar>& solver,
                                        const Features& features, const BlockOptions& options,
                                        const FitControl& control) {
  static_assert(Options::inputs == Inputs::features, "lae: this model needs interactions, too");
  const ProblemSize size = feature_size(features);
  check_blocks<Scalar>(solver.recipe(), size, options, control);
  FitData<Scalar> data{Csr<Scalar>()};
  add_features(features, solver.recipe(), data);
  return fit_by_blocks(solver.recipe(), std::move(data), size, options, control);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
