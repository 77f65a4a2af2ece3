#pragma once

/// \file
/// How the points of a grid that share P and Q rank: their scores are formed for one batch of users
/// and one range of items at a time, from sums of rows of P and Q that all points share. Scores of
/// unseen items, x B = (x P) ∘ c + (x Q) ∘ e, need no B.

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/evaluation/held_out.hpp"
#include "lae/detail/ranking/rank_users.hpp"
#include "lae/detail/recipe/factors.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/evaluation/metric.hpp"
#include "lae/evaluation/recall.hpp"
#include "lae/ranking/top_k.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// What is measured of every point: some metrics at some cutoffs.
struct Measures {
  std::vector<Metric> metrics;
  std::vector<Index> cutoffs;
  RecallDenominator denominator = RecallDenominator::relevant;

  Index longest() const { return *std::max_element(cutoffs.begin(), cutoffs.end()); }
  std::size_t count() const { return metrics.size() * cutoffs.size(); }
};

/// Users whose scores are formed together, so many that packing factors for their product costs
/// little beside it.
inline constexpr Index grid_batch = 256;

/// So many points are ranked at once that the lists of a batch take a few megabytes.
inline Index grid_points_at_once(Index longest) {
  constexpr Index entries = Index(1) << 18;
  return std::max<Index>(entries / (grid_batch * longest), 1);
}

/// What GridRanking takes, on all threads and in all.
/// \param rank columns of the left factor of Q; 0: Q is whole, or there is none
template <class Scalar>
Bytes grid_ranking_bytes(Index users, Index items, Index points, Index rank,
                         const Measures& measures) {
  const Index range = (std::min)(score_range, items);
  const Index at_once = (std::min)(points, grid_points_at_once(measures.longest()));
  const auto entry = sizeof(Scalar) + sizeof(Index) + sizeof(Scalar);
  const Bytes of_thread =
      dense_bytes<Scalar>(grid_batch, 2 * range + 2 * rank) +
      static_cast<Bytes>(grid_batch * at_once) *
          (2 * static_cast<Bytes>((std::min)(measures.longest(), items)) * entry + 64);
  const auto batches = static_cast<Bytes>((users + grid_batch - 1) / grid_batch);
  return static_cast<Bytes>(thread_count()) * of_thread + product_bytes<Scalar>() +
         batches * static_cast<Bytes>(at_once) * measures.count() * sizeof(double);
}

/// Ranks all items but those of the history for every held-out user, once for each point.
template <class Scalar>
class GridRanking {
 public:
  /// \param p empty if there is no part on interactions
  /// \param semantic nullptr if there is no semantic part
  GridRanking(const HeldOut<Scalar>& held_out, const Matrix<Scalar>& p,
              const SemanticTerm<Scalar>* semantic, const Measures& measures)
      : held_out_(held_out),
        p_(p),
        semantic_(semantic),
        measures_(measures),
        longest_((std::min)(measures.longest(), held_out.items->cols())),
        users_(static_cast<Index>(held_out.users.size())),
        items_(held_out.items->cols()) {}

  /// Means over the users, for each of `points`: metric by metric, one value a cutoff.
  /// \param stage advances by one for each point and user
  /// \param take (point, user, measures) takes what is measured of single users, from any thread;
  /// users by their place among those held out
  template <class Take>
  std::vector<std::vector<double>> measure(const std::vector<ColumnFactors<Scalar>>& points,
                                           Stage& stage, const Take& take) const {
    std::vector<std::vector<double>> means;
    const auto at_once = static_cast<std::size_t>(grid_points_at_once(longest_));
    for (std::size_t first = 0; first < points.size(); first += at_once) {
      const std::size_t count = (std::min)(at_once, points.size() - first);
      const Points some{&points[first], count};
      // Sums over each batch, which are added up in the order of the batches.
      const Index batches = (users_ + grid_batch - 1) / grid_batch;
      Matrix<double> sums =
          Matrix<double>::Zero(batches, static_cast<Index>(count * measures_.count()));
      parallel_for(batches, [&](Index batch) {
        const Index begin = batch * grid_batch;
        const Index size = (std::min)(grid_batch, users_ - begin);
        measure_batch(some, begin, size, sums.row(batch).data(),
                      [&](std::size_t point, Index user, const double* measures) {
                        take(first + point, user, measures);
                      });
        stage.advance(static_cast<double>(size) * static_cast<double>(count));
      });
      for (std::size_t point = 0; point < count; ++point) {
        std::vector<double>& mean = means.emplace_back(measures_.count(), 0.0);
        for (std::size_t m = 0; m < mean.size(); ++m) {
          const auto column = static_cast<Index>(point * mean.size() + m);
          for (Index batch = 0; batch < batches; ++batch) mean[m] += sums(batch, column);
          mean[m] /= static_cast<double>(users_);
        }
      }
    }
    return means;
  }

 private:
  struct Points {
    const ColumnFactors<Scalar>* factors;
    std::size_t count;
  };
  using Selections = std::vector<TopK<Scalar>>;  // of each user of a batch, one a point

  /// \param sums for each point and measure, over the users of the batch
  template <class Take>
  void measure_batch(const Points& points, Index first, Index batch, double* sums,
                     const Take& take) const {
    Selections best(static_cast<std::size_t>(batch) * points.count, TopK<Scalar>(longest_));
    const Index widest = (std::min)(score_range, items_);
    Matrix<Scalar> of_p(p_.size() > 0 ? batch : 0, widest);
    Matrix<Scalar> of_q(semantic_ ? batch : 0, widest);
    Matrix<Scalar> left;
    if (semantic_ && !semantic_->is_whole()) {
      const Matrix<Scalar>& rows = semantic_->left();
      left = Matrix<Scalar>::Zero(batch, rows.cols());
      for (Index b = 0; b < batch; ++b) {
        add_history_rows(*held_out_.histories, user(first + b), rows, 0, left.row(b));
      }
      left = semantic_->with_core(std::move(left));
    }
    for (Index begin = 0; begin < items_; begin += widest) {
      const Index length = (std::min)(widest, items_ - begin);
      const Tile<Scalar> p_part = Tile<Scalar>(of_p).leftCols(length);
      const Tile<Scalar> q_part = Tile<Scalar>(of_q).leftCols(length);
      if (p_.size() > 0) sum_history_rows(p_, first, begin, p_part);
      if (semantic_ && semantic_->is_whole()) {
        sum_history_rows(semantic_->whole(), first, begin, q_part);
      } else if (semantic_) {
        semantic_->set_columns(left, begin, q_part);
      }
      for (std::size_t point = 0; point < points.count; ++point) {
        offer_scores(points.factors[point], first, begin, p_part, q_part, &best[point],
                     points.count);
      }
    }
    std::vector<Index> ranked(static_cast<std::size_t>(longest_));
    std::vector<Scalar> scores(ranked.size());
    std::vector<double> measures(measures_.count());
    for (Index b = 0; b < batch; ++b) {
      for (std::size_t point = 0; point < points.count; ++point) {
        best[static_cast<std::size_t>(b) * points.count + point].take(ranked.data(), scores.data());
        measure_list(first + b, ranked, measures.data());
        take(point, first + b, measures.data());
        for (std::size_t m = 0; m < measures.size(); ++m) {
          sums[point * measures.size() + m] += measures[m];
        }
      }
    }
  }

  /// Columns [begin, begin + sums.cols()) of x times the rows, for a batch of users.
  void sum_history_rows(const Matrix<Scalar>& rows, Index first, Index begin,
                        Tile<Scalar> sums) const {
    sums.set_zero();
    for (Index b = 0; b < sums.rows(); ++b) {
      add_history_rows(*held_out_.histories, user(first + b), rows, begin, as_eigen(sums).row(b));
    }
  }

  /// \param best of the first user; those of the next users follow in steps of `step`
  void offer_scores(const ColumnFactors<Scalar>& factors, Index first, Index begin,
                    ConstTile<Scalar> of_p, ConstTile<Scalar> of_q, TopK<Scalar>* best,
                    std::size_t step) const {
    const Index batch = (std::max)(of_p.rows(), of_q.rows());
    const Index length = of_p.cols();
    const auto c = factors.of_p.segment(begin, length).transpose();
    const auto e = factors.of_q.segment(begin, length).transpose();
    Eigen::Matrix<Scalar, 1, Eigen::Dynamic> scores(length);
    for (Index b = 0; b < batch; ++b, best += step) {
      if (of_q.rows() == 0) {
        scores = as_eigen(of_p).row(b).cwiseProduct(c);
      } else if (of_p.rows() == 0) {
        scores = as_eigen(of_q).row(b).cwiseProduct(e);
      } else {
        scores = as_eigen(of_p).row(b).cwiseProduct(c) + as_eigen(of_q).row(b).cwiseProduct(e);
      }
      offer_range(begin, scores, *best, [&](Index item) {
        return !has_item(History<Scalar>(*held_out_.histories, user(first + b)), item);
      });
    }
  }

  void measure_list(Index place, const std::vector<Index>& ranked, double* measures) const {
    const Index* start = held_out_.items->outerIndexPtr() + user(place);
    const Eigen::Map<const Vector<Index>> relevant(held_out_.items->innerIndexPtr() + start[0],
                                                   start[1] - start[0]);
    for (const Metric metric : measures_.metrics) {
      for (const Index cutoff : measures_.cutoffs) {
        *measures++ = lae::measure(metric, ranked, relevant, cutoff, measures_.denominator);
      }
    }
  }

  Index user(Index place) const { return held_out_.users[static_cast<std::size_t>(place)]; }

  const HeldOut<Scalar>& held_out_;
  const Matrix<Scalar>& p_;
  const SemanticTerm<Scalar>* semantic_;
  const Measures& measures_;
  Index longest_;
  Index users_;
  Index items_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
