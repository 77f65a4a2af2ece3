#pragma once

/// \file
/// How the points of a grid that share P and Q rank: their scores are formed for one batch of users
/// and one range of items at a time, from sums of rows of P and Q that all points share.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lae/core/progress.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/evaluation/evaluate.hpp"
#include "lae/ranking/recommend.hpp"
#include "lae/ranking/top_k.hpp"
#include "lae/tuning/grid_point.hpp"
#include "lae/tuning/grid_semantics.hpp"

namespace lae::detail {

/// Means of the metrics of one point, one value a cutoff.
struct PointMetrics {
  std::vector<double> recall;
  std::vector<double> ndcg;
};

/// Ranks all items but those of the history for every held-out user, once for each point.
template <class Scalar>
class GridRanking {
 public:
  /// Users whose scores are formed together, so many that packing factors for their product costs
  /// little beside it.
  static constexpr Index batch_users = 256;

  /// \param p empty if there is no part on interactions
  /// \param semantic nullptr if there is no semantic part
  GridRanking(const HeldOut<Scalar>& held_out, const Matrix<Scalar>& p,
              const SemanticTerm<Scalar>* semantic,
              const std::vector<ColumnFactors<Scalar>>& points, std::vector<Index> cutoffs,
              RecallDenominator denominator)
      : held_out_(held_out),
        p_(p),
        semantic_(semantic),
        points_(points),
        cutoffs_(std::move(cutoffs)),
        longest_(*std::max_element(cutoffs_.begin(), cutoffs_.end())),
        denominator_(denominator),
        users_(static_cast<Index>(held_out.users.size())),
        items_(held_out.items.cols()) {
    const Matrix<double> none(users_, static_cast<Index>(cutoffs_.size()));
    recall_.assign(points.size(), none);
    ndcg_.assign(points.size(), none);
  }

  /// \param stage advances by one for each point and user
  std::vector<PointMetrics> measure(Stage& stage) {
    parallel_tiles(users_, batch_users, [&](Index first, Index batch) {
      measure_batch(first, batch);
      stage.advance(static_cast<double>(batch) * static_cast<double>(points_.size()));
    });
    std::vector<PointMetrics> metrics(points_.size());
    for (std::size_t point = 0; point < points_.size(); ++point) {
      for (Index c = 0; c < static_cast<Index>(cutoffs_.size()); ++c) {
        metrics[point].recall.push_back(mean_of_users(recall_[point], c));
        metrics[point].ndcg.push_back(mean_of_users(ndcg_[point], c));
      }
    }
    return metrics;
  }

 private:
  using Selections = std::vector<TopK<Scalar>>;  // of each user of a batch, one a point

  void measure_batch(Index first, Index batch) {
    Selections best(static_cast<std::size_t>(batch) * points_.size(), TopK<Scalar>(longest_));
    const Index widest = std::min(score_range, items_);
    Matrix<Scalar> of_p(p_.size() > 0 ? batch : 0, widest);
    Matrix<Scalar> of_q(semantic_ ? batch : 0, widest);
    Matrix<Scalar> left;
    if (semantic_ && !semantic_->is_whole()) left = semantic_->left_rows(held_out_, first, batch);
    for (Index begin = 0; begin < items_; begin += widest) {
      const Index length = std::min(widest, items_ - begin);
      if (p_.size() > 0) sum_history_rows(p_, first, begin, of_p.leftCols(length));
      if (semantic_ && semantic_->is_whole()) {
        sum_history_rows(semantic_->q(), first, begin, of_q.leftCols(length));
      } else if (semantic_) {
        semantic_->set_columns(left, begin, of_q.leftCols(length));
      }
      for (std::size_t point = 0; point < points_.size(); ++point) {
        offer_scores(point, first, begin, of_p.leftCols(length), of_q.leftCols(length), best);
      }
    }
    std::vector<Index> ranked(static_cast<std::size_t>(longest_));
    std::vector<Scalar> scores(ranked.size());
    for (Index b = 0; b < batch; ++b) {
      for (std::size_t point = 0; point < points_.size(); ++point) {
        selection(best, b, point).take(ranked.data(), scores.data());
        measure_list(point, first + b, ranked);
      }
    }
  }

  /// Columns [begin, begin + sums.cols()) of x times the rows, for a batch of users.
  void sum_history_rows(const Matrix<Scalar>& rows, Index first, Index begin,
                        Tile<Scalar> sums) const {
    sums.setZero();
    for (Index b = 0; b < sums.rows(); ++b) {
      add_history_rows(held_out_.histories, user(first + b), rows, begin, sums.row(b));
    }
  }

  void offer_scores(std::size_t point, Index first, Index begin, ConstTile<Scalar> of_p,
                    ConstTile<Scalar> of_q, Selections& best) const {
    const Index batch = std::max(of_p.rows(), of_q.rows());
    const Index length = of_p.cols();
    const auto c = points_[point].of_p.segment(begin, length).transpose();
    const auto e = points_[point].of_q.segment(begin, length).transpose();
    Eigen::Matrix<Scalar, 1, Eigen::Dynamic> scores(length);
    for (Index b = 0; b < batch; ++b) {
      if (of_q.rows() == 0) {
        scores = of_p.row(b).cwiseProduct(c);
      } else if (of_p.rows() == 0) {
        scores = of_q.row(b).cwiseProduct(e);
      } else {
        scores = of_p.row(b).cwiseProduct(c) + of_q.row(b).cwiseProduct(e);
      }
      offer_range(held_out_.histories, user(first + b), true, {}, begin, scores,
                  selection(best, b, point));
    }
  }

  void measure_list(std::size_t point, Index place, const std::vector<Index>& ranked) {
    const Index* start = held_out_.items.outerIndexPtr() + user(place);
    const Eigen::Map<const Vector<Index>> relevant(held_out_.items.innerIndexPtr() + start[0],
                                                   start[1] - start[0]);
    for (std::size_t c = 0; c < cutoffs_.size(); ++c) {
      const auto column = static_cast<Index>(c);
      recall_[point](place, column) = recall(ranked, relevant, cutoffs_[c], denominator_);
      ndcg_[point](place, column) = ndcg(ranked, relevant, cutoffs_[c]);
    }
  }

  Index user(Index place) const { return held_out_.users[static_cast<std::size_t>(place)]; }

  template <class List>
  auto& selection(List& best, Index b, std::size_t point) const {
    return best[static_cast<std::size_t>(b) * points_.size() + point];
  }

  const HeldOut<Scalar>& held_out_;
  const Matrix<Scalar>& p_;
  const SemanticTerm<Scalar>* semantic_;
  const std::vector<ColumnFactors<Scalar>>& points_;
  std::vector<Index> cutoffs_;
  Index longest_;
  RecallDenominator denominator_;
  Index users_;
  Index items_;
  std::vector<Matrix<double>> recall_;  // for each point, users x cutoffs
  std::vector<Matrix<double>> ndcg_;
};

}  // namespace lae::detail
