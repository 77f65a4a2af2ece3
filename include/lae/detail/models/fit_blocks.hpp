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

/// P, in the form above.
template <class Scalar>
struct BlockInverse {
  std::optional<RankedRows<Scalar>> x;
  TiledLines<Scalar> lines;  ///< E, by rank
  Vector<Scalar> p;          ///< by item, P_jj of P_s
  Vector<Scalar> p_by_rank;
  Vector<Scalar> ridge;  ///< Λ, by item
  Vector<Scalar> ridge_by_rank;
  Vector<Scalar> diagonal_by_rank;  ///< of P_s⁻¹
  Matrix<Scalar> y;                 ///< n x 0 without dense sources
  Vector<Scalar> p_diagonal;        ///< by item, of P
};

template <class Scalar>
class BlockFitter {
 public:
  BlockFitter(const Recipe& recipe, const BlockOptions& options, const Progress& progress)
      : recipe_(recipe), options_(options), progress_(progress) {}

  BlockReport report;

  /// \param pair_bytes for the pairs that look-ups go to
  SparseLowRankModel<Scalar> fit(FitData<Scalar> data, Bytes pair_bytes) {
    const FeatureScale scale = data.scale();
    BlockInverse<Scalar> inverse;
    const Index n = recipe_.ridge > 0 ? data.x->cols() : data.in_semantics.items();
    require_places(n, "items");
    if (recipe_.ridge > 0) {
      inverse = invert(data, scale, pair_bytes);
    } else {
      inverse.y.resize(n, 0);
    }
    std::optional<SemanticFactors<Scalar>> semantics;
    Matrix<Scalar> v(n, 0);
    Matrix<Scalar> q(n, 0);  // the left factor of Q
    if (recipe_.semantic_use != SemanticUse::none) {
      auto solution = solve_semantics(std::move(data.in_semantics), scale);
      v = std::move(solution.v);
      semantics = std::move(solution.factors);
      q = recipe_.semantic_use == SemanticUse::prior ? times_p(inverse, v) : v;
      if (recipe_.semantic_use == SemanticUse::prior) {
        semantics->q_diagonal = row_dots(q, v);
      }
    }
    SemanticTerm<Scalar> term;
    if (semantics) term.factors = std::move(*semantics);
    const ColumnFactors<Scalar> factors = factors_of<Scalar>(
        recipe_, data, inverse.ridge, inverse.p_diagonal, semantics ? &term : nullptr);
    return assemble(std::move(inverse), std::move(q), std::move(v), factors);
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

  BlockInverse<Scalar> invert(FitData<Scalar>& data, const FeatureScale& scale, Bytes pair_bytes) {
    BlockInverse<Scalar> inverse;
    const auto alpha = static_cast<Scalar>(recipe_.gram_weight.at(scale));
    const Index n = data.x->cols();
    FeatureSet<Scalar> dense = data.in_gram.dense_part();
    Vector<Scalar> squares;
    Vector<Scalar> dense_squares = Vector<Scalar>::Zero(n);
    {
      const Borrowed<Csr<Scalar>> x =
          weigh_users(*data.x, data.user_weights, recipe_.refinements.user_exponent);
      squares = gram_diagonal(*x);
      require_no_overflow(squares, "interactions");
      const FeatureSet<Scalar> sparse = data.in_gram.sparse_part();
      Csr<Scalar> tags(0, n);
      if (!sparse.empty()) {
        add_scaled(n, alpha, sparse.row_squares().data(), squares.data());
        tags = sparse.tag_rows(alpha);
      }
      if (!dense.empty()) add_scaled(n, alpha, dense.row_squares().data(), dense_squares.data());
      inverse.x.emplace(*x, tags);
    }
    RankedRows<Scalar>& x = *inverse.x;
    report.pair_products = x.gram_products();
    for (Index row = 0; row < x.rows.lines(); ++row) {
      report.longest_history =
          (std::max)(report.longest_history, x.rows.end(row) - x.rows.begin(row));
    }
    const Vector<Scalar> all_squares = squares + dense_squares;
    require_no_overflow(all_squares, "interactions and features");
    inverse.ridge = ridge_with_dropout(all_squares, recipe_.ridge, recipe_.refinements.dropout);
    inverse.ridge_by_rank = by_rank(inverse.ridge, x);
    const Vector<Scalar> sparse_diagonal = squares + inverse.ridge;
    inverse.diagonal_by_rank = by_rank(sparse_diagonal, x);

    report.neighbours = neighbours_of<Scalar>(options_, n);
    {
      Neighbourhoods<Scalar> found =
          find_neighbours(x, inverse.diagonal_by_rank, report.neighbours, pair_bytes, progress_);
      report.pairs = found.pairs.entries();
      inverse.lines = std::move(found.neighbours);
      report.entries = inverse.lines.entries();
      inverse.p_by_rank =
          BlockSolver<Scalar>(x, found.pairs, inverse.diagonal_by_rank, recipe_.ridge_name)
              .solve(inverse.lines, progress_);
      x.columns = {};  // what follows takes X by rows
    }
    inverse.p.resize(n);
    for (Index i = 0; i < n; ++i) {
      inverse.p[static_cast<Index>(x.item_at[static_cast<std::size_t>(i)])] = inverse.p_by_rank[i];
    }
    inverse.p_diagonal = inverse.p;
    inverse.y.resize(n, 0);
    if (!dense.empty() && alpha > 0) {
      double kept = 1;
      Matrix<Scalar> f =
          reduced_features(std::move(dense), options_, kept, progress_).take_side_by_side();
      report.kept_spectrum = (std::min)(report.kept_spectrum, kept);
      set_scaled(f.size(), std::sqrt(alpha), f.data(), f.data());
      add_update(inverse, f, all_squares + inverse.ridge);
    }
    return inverse;
  }

  /// P_s⁻¹ + F Fᵀ instead of P_s⁻¹.
  /// \param diagonal of that
  void add_update(BlockInverse<Scalar>& inverse, const Matrix<Scalar>& f,
                  const Vector<Scalar>& diagonal) {
    inverse.y = times_p(inverse, f);
    Matrix<Scalar> core = transposed_product<Scalar>(f, inverse.y);
    for (Index i = 0; i < core.rows(); ++i) core(i, i) += 1;
    SpdTiles<Scalar>(core, {Pivot::dimension, "I + α FᵀPF", "feature dimension",
                            concat("raise the ridge (", recipe_.ridge_name,
                                   ") or compute in double, to a smaller tolerance")})
        .invert_factor(progress_);
    parallel_tiles(inverse.y.rows(), product_tile, [&](Index first, Index rows) {
      multiply_on_right_by_transposed<Scalar>(Tile<Scalar>(inverse.y).middleRows(first, rows),
                                              core);
    });
    const Vector<Scalar> less = row_dots(inverse.y, inverse.y);
    for (Index i = 0; i < less.size(); ++i) {
      // P_jj >= 1 / A_jj holds of every inverse, but not of a difference of two approximations.
      inverse.p_diagonal[i] = (std::max)(inverse.p[i] - less[i], 1 / diagonal[i]);
    }
  }

  /// P V.
  Matrix<Scalar> times_p(const BlockInverse<Scalar>& inverse, const Matrix<Scalar>& v) {
    SolveReport solved;
    // Of an iteration in Scalar no more can be asked.
    constexpr double rounding = std::numeric_limits<Scalar>::epsilon();
    const double tolerance = (std::max)(options_.tolerance, 2 * rounding);
    Matrix<Scalar> z =
        GramSolver<Scalar>(*inverse.x, inverse.ridge_by_rank, inverse.diagonal_by_rank)
            .solve(v, tolerance, options_.max_iterations, solved, progress_);
    report.iterations = (std::max)(report.iterations, solved.most_iterations);
    report.worst_residual = (std::max)(report.worst_residual, solved.worst_residual);
    // What is measured at the end, in Scalar, is a few rounding errors of the largest sums more.
    report.converged = report.worst_residual <= (std::max)(1.1 * tolerance, 100 * rounding);
    if (inverse.y.cols() > 0) {
      subtract_product<Scalar>(inverse.y, transposed_product<Scalar>(inverse.y, v), z);
    }
    return z;
  }

  SemanticSolution<Scalar> solve_semantics(FeatureSet<Scalar> features, const FeatureScale& scale) {
    double kept = 1;
    features = reduced_features(std::move(features), options_, kept, progress_);
    report.kept_spectrum = (std::min)(report.kept_spectrum, kept);
    if (recipe_.semantic_use != SemanticUse::similarity) {
      return SemanticPhase<Scalar>(std::move(features), recipe_, scale, false, progress_, true)
          .solve(recipe_, progress_);
    }
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

  SparseLowRankModel<Scalar> assemble(BlockInverse<Scalar> inverse, Matrix<Scalar> q,
                                      Matrix<Scalar> v, const ColumnFactors<Scalar>& factors) {
    const Index n = q.rows();
    const Index update = inverse.y.cols();
    parallel_tiles(n, 256, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        set_scaled(v.cols(), factors.of_q[i], v.data() + i * v.cols(), v.data() + i * v.cols());
      }
    });
    if (update > 0) {
      q = side_by_side(inverse.y, q);
      for (Index i = 0; i < n; ++i) {
        set_scaled(update, -factors.of_p[i], &inverse.y(i, 0), &inverse.y(i, 0));
      }
      v = side_by_side(inverse.y, v);
      inverse.y.resize(0, 0);
    }
    report.rank = q.cols();
    if (inverse.x) cut(inverse, factors.of_p);
    Vector<Scalar> diagonal;
    if (q.cols() > 0 || (factors.diagonal.array() != Scalar(0)).any()) {
      diagonal = factors.diagonal;
      if (q.cols() > 0) diagonal -= row_dots(q, v);
    }
    WeightRows<Scalar> rows =
        rows_of(inverse.lines, inverse.x ? &*inverse.x : nullptr, diagonal, n);
    report.kept_entries = static_cast<Index>(rows.items.size()) - diagonal.size();
    const bool is_relaxed = (factors.diagonal.array() != Scalar(0)).any();
    return SparseLowRankModel<Scalar>(std::move(rows), std::move(q), std::move(v),
                                      is_relaxed ? factors.diagonal : Vector<Scalar>());
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
  void cut(BlockInverse<Scalar>& inverse, const Vector<Scalar>& of_p) {
    const RankedRows<Scalar>& x = *inverse.x;
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
