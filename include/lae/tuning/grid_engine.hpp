#pragma once

/// \file
/// The search of a grid for points of any model: what they share is computed once, and kept as far
/// as memory allows.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/progress.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/evaluation/evaluate.hpp"
#include "lae/tuning/grid_inverse.hpp"
#include "lae/tuning/grid_point.hpp"
#include "lae/tuning/grid_ranking.hpp"
#include "lae/tuning/grid_semantics.hpp"

namespace lae {

/// What a point of a grid is judged by.
enum class Metric { ndcg, recall };

struct GridSearchOptions {
  Metric metric = Metric::ndcg;
  Index cutoff = 20;                      ///< Of the metric that decides; one of the cutoffs.
  std::vector<Index> cutoffs = {10, 20};  ///< All that are measured; each > 0, in any order.
  RecallDenominator recall_denominator = RecallDenominator::relevant;
};

namespace detail {

/// The data of a search.
template <class Scalar>
struct GridData {
  Csr<Scalar> x;                              ///< users x items; empty for features alone
  SideInformation<Scalar> side_in_gram;       ///< of CEASE
  SideInformation<Scalar> side_in_semantics;  ///< of the other models with side information
  HeldOut<Scalar> held_out;
};

/// How one point did.
struct PointResult {
  PointMetrics metrics;
  double score = std::numeric_limits<double>::quiet_NaN();
  std::string failure;
};

/// \throws std::invalid_argument
inline void require_valid(const GridSearchOptions& options) {
  require_cutoffs(options.cutoffs);
  require(std::count(options.cutoffs.begin(), options.cutoffs.end(), options.cutoff) > 0,
          "the deciding cutoff (", options.cutoff, ") is not among the cutoffs");
}

/// The metric that decides.
inline double score_of(const PointMetrics& metrics, const GridSearchOptions& options) {
  const auto place = std::find(options.cutoffs.begin(), options.cutoffs.end(), options.cutoff);
  const auto c = static_cast<std::size_t>(place - options.cutoffs.begin());
  return options.metric == Metric::ndcg ? metrics.ndcg[c] : metrics.recall[c];
}

/// Whether a score beats another; that of a failure, NaN, beats none.
inline bool is_better(double score, double other) {
  return score > other || (!std::isnan(score) && std::isnan(other));
}

template <class Scalar>
class GridEngine {
 public:
  /// \param points of one model
  /// \throws std::invalid_argument if there is nothing to search or to measure;
  /// MemoryBudgetExceeded.
  GridEngine(GridData<Scalar> data, std::vector<GridPoint> points, const GridSearchOptions& options,
             const FitControl& control)
      : data_(std::move(data)),
        points_(std::move(points)),
        results_(points_.size()),
        options_(options),
        control_(control),
        items_(data_.held_out.items.cols()) {
    require(!points_.empty(), "the grid has no points");
    require_valid(options);
    require(!data_.held_out.users.empty(), "no user has a held-out item to measure on");
    has_inverse_ = points_.front().ridge > 0;
    has_semantics_ = points_.front().semantic_ridge > 0;
    order_points();
    plan_memory();
  }

  /// Measures all points. \throws Cancelled
  void run() {
    Stage stage(
        control_.progress, "grid",
        static_cast<double>(points_.size()) * static_cast<double>(data_.held_out.users.size()));
    GridInverse<Scalar> inverse(data_.x, data_.side_in_gram, control_.form, keeps_grams_);
    std::optional<GridSemantics<Scalar>> semantics;
    if (has_semantics_) semantics.emplace(data_.side_in_semantics, count_semantic_ridges());
    for (const Group& group : groups(order_, inverse_key)) {
      run_group(group, inverse, semantics, stage);
    }
    stage.finish();
  }

  const std::vector<PointResult>& results() const { return results_; }

  /// The form of P.
  FitForm form() const { return form_; }

  /// The weights of the best point, unless there was no memory to keep them.
  std::optional<Matrix<Scalar>> take_weights() { return std::move(weights_); }

 private:
  using Group = std::vector<std::size_t>;  // indices of points

  static double semantic_key(const GridPoint& point) { return point.semantic_ridge; }

  /// Puts points that share the most beside one another.
  void order_points() {
    order_.resize(points_.size());
    std::iota(order_.begin(), order_.end(), std::size_t(0));
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      const auto key = [&](std::size_t i) {
        return std::tuple_cat(inverse_key(points_[i]), std::tie(points_[i].semantic_ridge));
      };
      return key(a) < key(b);
    });
  }

  /// Cuts a list of points where their key changes.
  template <class Key>
  std::vector<Group> groups(const Group& indices, Key&& key) const {
    std::vector<Group> parts;
    for (const std::size_t i : indices) {
      if (parts.empty() || key(points_[parts.back().back()]) != key(points_[i]))
        parts.push_back({});
      parts.back().push_back(i);
    }
    return parts;
  }

  Index count_semantic_ridges() const {
    Group by_ridge = order_;
    std::stable_sort(by_ridge.begin(), by_ridge.end(), [&](std::size_t a, std::size_t b) {
      return semantic_key(points_[a]) < semantic_key(points_[b]);
    });
    return static_cast<Index>(groups(by_ridge, semantic_key).size());
  }

  /// Decides which matrices may be kept. \throws MemoryBudgetExceeded if even without any the
  /// search does not fit.
  void plan_memory() {
    const std::uint64_t square = dense_bytes<Scalar>(items_, items_);
    std::uint64_t needed = square;  // the model
    if (has_inverse_) {
      const FitCost cost =
          GridInverse<Scalar>(data_.x, data_.side_in_gram, control_.form, false).cost();
      needed = cost.bytes;
      form_ = cost.form;
    }
    if (has_semantics_) needed += GridSemantics<Scalar>::bytes(data_.side_in_semantics);
    control_.check({0, needed, form_});
    const auto keeps = [&](bool is_useful) {
      if (!is_useful || needed + square > control_.memory_budget) return false;
      needed += square;
      return true;
    };
    const bool has_many_inverses = groups(order_, inverse_key).size() > 1;
    keeps_grams_ = keeps(has_inverse_ && has_many_inverses && form_ == FitForm::primal);
    keeps_best_ = keeps(has_many_inverses);
    // Q as a whole pays off once more users are scored with it than it has rows.
    forms_q_ =
        keeps(has_semantics_ && static_cast<Index>(data_.held_out.users.size()) > 2 * items_);
  }

  /// Points that share P.
  void run_group(const Group& group, GridInverse<Scalar>& inverse,
                 std::optional<GridSemantics<Scalar>>& semantics, Stage& stage) {
    const GridPoint& shared = points_[group.front()];
    Matrix<Scalar> p;
    Regularization<Scalar> regularization;
    if (has_inverse_) {
      const bool is_done =
          attempt(group, [&] { std::tie(p, regularization) = inverse(shared, control_.progress); });
      if (!is_done) return;
      if (semantics && shared.distils) semantics->set_inverse(p);
    }
    const std::optional<std::size_t> best_before = best_;
    if (semantics) {
      for (const Group& part : groups(group, semantic_key)) {
        std::optional<SemanticTerm<Scalar>> term;
        const bool is_done =
            attempt(part, [&] { term = term_of(points_[part.front()], *semantics); });
        if (!is_done) continue;
        if (forms_q_ && !term->is_whole()) term->make_whole();
        measure(part, p, &*term, regularization, stage);
      }
    } else {
      measure(group, p, nullptr, regularization, stage);
    }
    if (best_ == best_before) return;
    weights_.reset();
    // The P of the last group is needed for nothing else any more.
    if (keeps_best_ || group.back() == order_.back()) {
      std::optional<SemanticTerm<Scalar>> term;
      if (semantics) term = term_of(points_[*best_], *semantics);
      make_weights(p, term ? &*term : nullptr,
                   factors_of(points_[*best_], p, term ? &*term : nullptr, regularization));
      weights_ = std::move(p);
    }
  }

  SemanticTerm<Scalar> term_of(const GridPoint& point,
                               const GridSemantics<Scalar>& semantics) const {
    return semantics.term(point.semantic_ridge, point.distils, control_.progress);
  }

  /// Takes a step that all these points need. If its numbers fail, the points have failed.
  template <class Step>
  bool attempt(const Group& group, Step&& step) {
    try {
      step();
      return true;
    } catch (const NotPositiveDefinite& error) {
      for (const std::size_t i : group) results_[i].failure = error.what();
      return false;
    }
  }

  ColumnFactors<Scalar> factors_of(const GridPoint& point, const Matrix<Scalar>& p,
                                   const SemanticTerm<Scalar>* term,
                                   const Regularization<Scalar>& shared) const {
    Regularization<Scalar> regularization;
    if (has_inverse_) {
      regularization = {shared.ridge, static_cast<Scalar>(point.refinements.diagonal_bound),
                        target_scale(data_.x, point.refinements.target_exponent)};
    }
    return column_factors<Scalar>(point, regularization, p.diagonal(),
                                  term ? &term->factors : nullptr);
  }

  /// Points that share P and Q.
  void measure(const Group& group, const Matrix<Scalar>& p, const SemanticTerm<Scalar>* term,
               const Regularization<Scalar>& regularization, Stage& stage) {
    std::vector<ColumnFactors<Scalar>> factors;
    for (const std::size_t i : group) {
      factors.push_back(factors_of(points_[i], p, term, regularization));
    }
    GridRanking<Scalar> ranking(data_.held_out, p, term, factors, options_.cutoffs,
                                options_.recall_denominator);
    std::vector<PointMetrics> metrics = ranking.measure(stage);
    for (std::size_t place = 0; place < group.size(); ++place) {
      PointResult& result = results_[group[place]];
      result.metrics = std::move(metrics[place]);
      result.score = score_of(result.metrics, options_);
      enter(group[place]);
    }
  }

  /// Of equal points the one that came first wins.
  void enter(std::size_t i) {
    const double score = results_[i].score;
    if (!best_ || is_better(score, results_[*best_].score) ||
        (score == results_[*best_].score && i < *best_)) {
      best_ = i;
    }
  }

  /// B = P diag(c) + Q diag(e) with its diagonal, in the storage of P if there is one.
  void make_weights(Matrix<Scalar>& p, const SemanticTerm<Scalar>* term,
                    const ColumnFactors<Scalar>& factors) const {
    const bool has_p = p.size() > 0;
    if (!has_p) p = large_matrix<Scalar>(items_, items_);
    parallel_tiles(items_, product_tile, [&](Index first, Index rows) {
      auto b = p.middleRows(first, rows);
      Matrix<Scalar> q;
      if (term) {
        // Where Q is made of rows of P, these are still what they were.
        q = term->q_rows(first, rows);
        q.array().rowwise() *= factors.of_q.transpose().array();
      }
      if (has_p) b.array().rowwise() *= factors.of_p.transpose().array();
      if (has_p && term) {
        b += q;
      } else if (term) {
        b = q;
      }
      p.diagonal().segment(first, rows) = factors.diagonal.segment(first, rows);
    });
  }

  GridData<Scalar> data_;
  std::vector<GridPoint> points_;
  std::vector<PointResult> results_;
  GridSearchOptions options_;
  FitControl control_;
  Index items_;
  bool has_inverse_ = false;
  bool has_semantics_ = false;
  Group order_;
  bool keeps_grams_ = false;
  bool keeps_best_ = false;
  bool forms_q_ = false;
  FitForm form_ = FitForm::primal;
  std::optional<std::size_t> best_;
  std::optional<Matrix<Scalar>> weights_;  // of the best point
};

}  // namespace detail
}  // namespace lae
