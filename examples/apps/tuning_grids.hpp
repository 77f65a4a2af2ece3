#pragma once

/// \file
/// Which hyper-parameters are tried for each model, and how the refined L3AE is searched. What acts
/// on embeddings is relative to q, the mean squared length of an item's embedding.

#include <algorithm>
#include <lae/blocks.hpp>
#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <string>
#include <utility>
#include <vector>

namespace example {

inline std::vector<double> scaled(double factor, std::vector<double> values) {
  for (double& value : values) value *= factor;
  return values;
}

namespace grids {

inline const std::vector<double> lambda = {20, 50, 100, 200, 500};
inline const std::vector<double> lambda_f_per_q = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20};
inline const std::vector<double> share_of_kd = {0.25, 0.5, 0.75, 1, 1.5, 2};  ///< λ_KD / λ*

inline std::vector<lae::EaseOptions> ease() {
  return lae::vary(std::vector<lae::EaseOptions>(1), &lae::EaseOptions::lambda, lambda);
}

inline std::vector<lae::FeatureEaseOptions> semantic_ease(double q) {
  return lae::vary(std::vector<lae::FeatureEaseOptions>(1), &lae::FeatureEaseOptions::lambda_f,
                   scaled(q, lambda_f_per_q));
}

/// With the best ridge of EASE.
inline std::vector<lae::CeaseOptions> cease(double best_lambda, const std::vector<double>& alpha) {
  return lae::vary(std::vector<lae::CeaseOptions>{{best_lambda, 0, {}}}, &lae::CeaseOptions::alpha,
                   alpha);
}
inline std::vector<lae::CeaseOptions> cease(double best_lambda) {
  return cease(best_lambda, {0.0625, 0.25, 1, 4});
}
inline std::vector<lae::CeaseOptions> llm_cease(double best_lambda, double q) {
  return cease(best_lambda, scaled(1 / q, {1, 4, 16, 64}));
}

inline std::vector<lae::AddEaseOptions> add_ease(double best_lambda,
                                                 const std::vector<double>& lambda_t) {
  lae::AddEaseOptions base;
  base.lambda_x = best_lambda;
  const auto points =
      lae::vary(std::vector<lae::AddEaseOptions>{base}, &lae::AddEaseOptions::lambda_t, lambda_t);
  return lae::vary(points, &lae::AddEaseOptions::alpha, {0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6});
}
inline std::vector<lae::AddEaseOptions> add_ease(double best_lambda) {
  return add_ease(best_lambda, {5, 20, 50, 100, 500});
}
inline std::vector<lae::AddEaseOptions> llm_add_ease(double best_lambda, double q) {
  return add_ease(best_lambda, scaled(q, {0.5, 1, 2, 5, 10}));
}

/// λ_X + λ_KD = λ*, as in the paper.
inline std::vector<lae::L3aeOptions> l3ae(double best_lambda, double q) {
  lae::L3aeProtocol protocol;
  protocol.lambda_f = scaled(q, lambda_f_per_q);
  protocol.lambda_kd = scaled(best_lambda, share_of_kd);
  return lae::l3ae_grid(best_lambda, protocol);
}

/// The same points, by blocks of so many neighbours.
template <class Options>
std::vector<lae::BlocksOptions<Options>> by_blocks(const std::vector<Options>& points,
                                                   lae::Index neighbours) {
  std::vector<lae::BlocksOptions<Options>> varied;
  for (const Options& point : points) {
    varied.push_back({point, {}});
    varied.back().neighbours = neighbours;
  }
  return varied;
}

/// Around the weight and the rank of the authors' code.
inline std::vector<lae::GfCfOptions> gf_cf() {
  const auto points =
      lae::vary(std::vector<lae::GfCfOptions>(1), "low_pass", {0, 0.1, 0.2, 0.3, 0.5, 1});
  return lae::vary(points, "rank", {32, 64, 128, 256, 512});
}

/// The settings that its paper and the L3AE paper run, and between them.
inline std::vector<lae::BspmOptions> bspm() {
  auto points = lae::vary(std::vector<lae::BspmOptions>(1), "low_pass", {0.1, 0.3, 0.5});
  points = lae::vary(points, "rank", {64, 256});
  points = lae::vary(points, "time", {0.6, 1.2, 1.8, 2.4});
  return lae::vary(points, "late_merge", {0, 1});
}

/// With and without individual filters.
inline std::vector<lae::SgfcfOptions> sgfcf() {
  std::vector<lae::SgfcfOptions> points;
  for (const auto& [beta, beta_end] :
       {std::pair(0.25, 0.75), {0.5, 0.5}, {0.5, 1.0}, {0.5, 1.5}, {0.4, 2.0}}) {
    points.push_back({100, 0.4, beta, beta_end});
  }
  points = lae::vary(points, "epsilon", {0.3, 0.4, 0.5});
  points = lae::vary(points, "rank", {50, 100, 200});
  return lae::vary(points, "gamma", {0.8, 1.6, 3.2});
}

}  // namespace grids

/// Improves L3AE with refinements step by step, starting from the plain one: each step varies some
/// options of the best point so far, and is taken if that is better on the validation set.
class RefinedSearch {
 public:
  using Points = std::vector<lae::L3aeOptions>;

  explicit RefinedSearch(lae::L3aeOptions start) : best_(std::move(start)) {}

  static constexpr int rounds = 2;
  static constexpr int steps_a_round = 5;

  /// The points of a step, from 0 on, around the best point. The first round looks far for the
  /// refinements that need a new inverse, the others near.
  Points step(int number) const {
    const bool is_first = number < steps_a_round;
    switch (number % steps_a_round) {
      case 0:
        return with_sums(vary_by(&lae::Refinements::user_exponent,
                                 is_first ? Values{0.2, 0.35} : Values{-0.1, 0.1}, -1),
                         is_first ? Values{0.25, 0.5} : Values{1});
      case 1:
        return with_sums(vary_by(&lae::Refinements::dropout,
                                 is_first ? Values{0.4, 0.7} : Values{-0.15, 0.15}, 0),
                         is_first ? Values{0.5, 1} : Values{1});
      case 2:
        return with_targets_and_diagonal();
      case 3:
        return with_shares(lae::vary(Points{best_}, &lae::L3aeOptions::lambda_f,
                                     scaled(best_.lambda_f.value, {0.25, 0.5, 1, 2, 4})));
      default:
        return with_sums({best_}, {0.6, 1.6});
    }
  }

  void take(const lae::L3aeOptions& better) { best_ = better; }
  const lae::L3aeOptions& best() const { return best_; }

 private:
  using Values = std::vector<double>;

  static double sum_of(const lae::L3aeOptions& o) { return o.lambda_x + o.lambda_kd; }

  /// The best point with one refinement moved by each offset, between a bound and 0.9.
  Points vary_by(double lae::Refinements::*refinement, Values offsets, double least) const {
    for (double& offset : offsets) {
      offset = std::clamp(best_.refinements.*refinement + offset, least, 0.9);
    }
    const auto option = [=](lae::L3aeOptions& o) -> double& { return o.refinements.*refinement; };
    return lae::vary(Points{best_}, option, offsets);
  }

  /// Other λ_X + λ_KD, with different parts of it for λ_KD: the inverse is the same for all those.
  static Points with_sums(const Points& points, const Values& factors) {
    Points varied;
    for (const lae::L3aeOptions& point : points) {
      for (const double factor : factors) {
        lae::L3aeOptions scaled_point = point;
        scaled_point.lambda_x *= factor;
        scaled_point.lambda_kd *= factor;
        varied.push_back(scaled_point);
      }
    }
    return with_shares(varied);
  }

  static Points with_shares(const Points& points) {
    Points varied;
    for (const lae::L3aeOptions& point : points) {
      for (const double share : {0.25, 0.5, 0.75, 1.0, 1.5}) {
        lae::L3aeOptions shared = point;
        shared.lambda_kd = share * sum_of(point);
        shared.lambda_x = sum_of(point) - shared.lambda_kd;
        varied.push_back(shared);
      }
    }
    return varied;
  }

  Points with_targets_and_diagonal() const {
    Points points = lae::vary(
        Points{best_}, [](lae::L3aeOptions& o) -> double& { return o.refinements.target_exponent; },
        {0, 0.1, 0.2, 0.3});
    points = lae::vary(points,
                       [](lae::L3aeOptions& o) -> double& { return o.refinements.diagonal_bound; },
                       {0, 0.1, 0.2, 0.3});
    return with_shares(points);
  }

  lae::L3aeOptions best_;
};

}  // namespace example
