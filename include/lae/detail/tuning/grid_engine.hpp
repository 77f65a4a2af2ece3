#pragma once

/// \file
/// The search of a grid for points of any model, given as recipes: what they share is computed
/// once, and kept as far as memory allows.

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/recipe/fit.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/recipe/inverse_phase.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/detail/recipe/weights.hpp"
#include "lae/detail/tuning/grid_ranking.hpp"
#include "lae/detail/tuning/point_results.hpp"
#include "lae/detail/tuning/search_plan.hpp"
#include "lae/detail/tuning/user_values.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

template <class Scalar>
class GridEngine {
 public:
  /// \param points of one model; at least one
  /// \param deciding which of the measures decides
  GridEngine(FitData<Scalar> data, HeldOut<Scalar> held_out, std::vector<Recipe> points,
             Measures measures, std::size_t deciding, const SearchPlan& plan,
             const FitControl& control)
      : data_(std::move(data)),
        scale_(data_.scale()),
        held_out_(std::move(held_out)),
        points_(std::move(points)),
        results_(points_.size()),
        values_(points_.size(), static_cast<Index>(held_out_.users.size())),
        measures_(std::move(measures)),
        deciding_(deciding),
        plan_(plan),
        control_(control),
        order_(in_shared_order(points_)) {}

  /// Measures all points. \throws Cancelled
  void run() {
    Stage stage(control_.progress, "grid",
                static_cast<double>(points_.size()) * static_cast<double>(held_out_.users.size()));
    InversePhase<Scalar> inverse(data_, scale_, plan_.keeps_grams);
    std::optional<SemanticPhase<Scalar>> semantics;
    if (first().semantic_use != SemanticUse::none) {
      semantics.emplace(std::move(data_.in_semantics), first(), scale_, true, control_.progress);
      semantics->prepare_for(count_semantic_ridges(points_), control_.progress);
    }
    for (const Group& group : grouped(points_, order_, inverse_key)) {
      run_group(group, inverse, semantics, stage);
    }
    stage.finish();
  }

  const std::vector<PointResult>& results() const { return results_; }
  const UserValues& user_values() const { return values_; }

  /// The weights of the best point; not kept, for lack of memory, if this is empty.
  std::optional<Matrix<Scalar>> take_weights() { return std::move(weights_); }

 private:
  const Recipe& first() const { return points_.front(); }
  bool has_inverse() const { return first().ridge > 0; }

  /// Points that share P.
  void run_group(const Group& group, InversePhase<Scalar>& inverse_phase,
                 std::optional<SemanticPhase<Scalar>>& semantics, Stage& stage) {
    Inverse<Scalar> inverse;
    if (has_inverse()) {
      const bool is_done =
          attempt(group, [&] { inverse = inverse_phase(points_[group.front()], control_); });
      if (!is_done) return;
    }
    if (semantics) semantics->set_inverse(inverse.p, control_.progress);
    const std::optional<std::size_t> best_before = best_;
    if (semantics) {
      for (const Group& part : grouped(points_, group, semantic_key)) {
        std::optional<SemanticTerm<Scalar>> term;
        const bool is_done =
            attempt(part, [&] { term = term_of(part.front(), *semantics, inverse); });
        if (!is_done) continue;
        if (plan_.forms_q && !term->is_whole()) term->make_whole(control_.progress);
        measure(part, inverse, &*term, stage);
      }
    } else {
      measure(group, inverse, nullptr, stage);
    }
    if (!plan_.wants_weights || best_ == best_before) return;
    weights_.reset();
    // The P of the last group is needed for nothing else any more.
    if (plan_.keeps_best || group.back() == order_.back()) {
      std::optional<SemanticTerm<Scalar>> term;
      if (semantics) term = term_of(*best_, *semantics, inverse);
      const auto factors = factors_of(*best_, inverse, term ? &*term : nullptr);
      weights_ = weights_of(inverse.p, term ? &*term : nullptr, factors, control_.progress);
    }
  }

  SemanticTerm<Scalar> term_of(std::size_t point, SemanticPhase<Scalar>& semantics,
                               const Inverse<Scalar>& inverse) const {
    return semantics.term(semantics.solve(points_[point], control_.progress), inverse.p,
                          control_.progress);
  }

  ColumnFactors<Scalar> factors_of(std::size_t point, const Inverse<Scalar>& inverse,
                                   const SemanticTerm<Scalar>* term) const {
    return detail::factors_of<Scalar>(points_[point], data_, inverse.ridge, inverse.p.diagonal(),
                                      term);
  }

  /// Takes a step that all these points need. If its numbers fail, the points have failed.
  template <class Step>
  bool attempt(const Group& group, Step&& step) {
    try {
      step();
      return true;
    } catch (const NotPositiveDefinite& error) {
      for (const std::size_t i : group) results_[i].failure = error;
      return false;
    }
  }

  /// Points that share P and Q.
  void measure(const Group& group, const Inverse<Scalar>& inverse, const SemanticTerm<Scalar>* term,
               Stage& stage) {
    std::vector<ColumnFactors<Scalar>> factors;
    for (const std::size_t i : group) factors.push_back(factors_of(i, inverse, term));
    const GridRanking<Scalar> ranking(held_out_, inverse.p, term, measures_);
    std::vector<std::vector<double>> means =
        ranking.measure(factors, stage, [&](std::size_t place, Index user, const double* measures) {
          values_.set(group[place], user, measures[deciding_]);
        });
    for (std::size_t place = 0; place < group.size(); ++place) {
      PointResult& result = results_[group[place]];
      result.measures = std::move(means[place]);
      result.score = result.measures[deciding_];
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

  FitData<Scalar> data_;
  FeatureScale scale_;
  HeldOut<Scalar> held_out_;
  std::vector<Recipe> points_;
  std::vector<PointResult> results_;
  UserValues values_;
  Measures measures_;
  std::size_t deciding_;
  SearchPlan plan_;
  FitControl control_;
  Group order_;
  std::optional<std::size_t> best_;
  std::optional<Matrix<Scalar>> weights_;  // of the best point
};

/// A search's work, all of it: a function that a program can compile once (see instances.hpp).
template <class Scalar>
void measure_points(GridEngine<Scalar>& engine) {
  engine.run();
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
