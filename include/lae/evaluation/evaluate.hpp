#pragma once

/// \file
/// Ranking quality of a model on held-out interactions.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/evaluation/ndcg.hpp"
#include "lae/evaluation/recall.hpp"
#include "lae/ranking/recommend.hpp"

namespace lae {

struct EvaluateOptions {
  std::vector<Index> cutoffs = {10, 20};  ///< Each > 0, in any order.
  RecallDenominator recall_denominator = RecallDenominator::relevant;
  double head_fraction = 0.2;  ///< Share of the items, most popular in training first, in [0, 1].
  Index batch_users = 64;      ///< As in RecommendOptions; changes speed alone.
};

/// The metrics of the users that have at least one held-out item in some group of items.
struct GroupMetrics {
  std::vector<Index> users;    ///< rows of the test matrix, rising
  Matrix<double> user_recall;  ///< users x cutoffs
  Matrix<double> user_ndcg;    ///< users x cutoffs
  std::vector<double> recall;  ///< mean over the users, one value a cutoff; NaN without users
  std::vector<double> ndcg;    ///< mean over the users, one value a cutoff; NaN without users
};

struct EvaluationReport {
  std::vector<Index> cutoffs;
  GroupMetrics all;   ///< all held-out items
  GroupMetrics head;  ///< only held-out items that are popular in training
  GroupMetrics tail;  ///< only the others
};

namespace detail {

/// Histories to rank for, and the items that were held out of them.
template <class Scalar>
struct HeldOut {
  Csr<Scalar> histories;     ///< users x items
  Csr<Scalar> items;         ///< users x items
  std::vector<Index> users;  ///< rows with a held-out item, rising
};

/// \throws std::invalid_argument if sizes differ, or a value is not finite.
template <class Scalar, class Train, class Test>
HeldOut<Scalar> held_out_of(const Eigen::SparseMatrixBase<Train>& train,
                            const Eigen::SparseMatrixBase<Test>& test) {
  require(train.rows() == test.rows() && train.cols() == test.cols(), "train is ", train.rows(),
          " x ", train.cols(), ", but test is ", test.rows(), " x ", test.cols());
  HeldOut<Scalar> held_out{
      canonical_sparse<Scalar>(train, "train"), canonical_sparse<Scalar>(test, "test"), {}};
  const Index* row_start = held_out.items.outerIndexPtr();
  for (Index user = 0; user < held_out.items.rows(); ++user) {
    if (row_start[user + 1] > row_start[user]) held_out.users.push_back(user);
  }
  return held_out;
}

/// \throws std::invalid_argument if there is none, or one is not positive.
inline void require_cutoffs(const std::vector<Index>& cutoffs) {
  require(!cutoffs.empty(), "cutoffs is empty");
  for (const Index cutoff : cutoffs) {
    require(cutoff > 0, "a cutoff must be positive, got ", cutoff);
  }
}

/// The mean of a column of users x cutoffs. A plain loop: the same sum for any number of threads.
inline double mean_of_users(const Matrix<double>& values, Index column) {
  double sum = 0;
  for (Index user = 0; user < values.rows(); ++user) sum += values(user, column);
  return sum / static_cast<double>(values.rows());
}

/// 1 for the items that make up the head: the most popular share, lower index first among equals.
template <class Scalar>
std::vector<char> head_items(const Csr<Scalar>& train, double head_fraction) {
  const auto n = static_cast<std::size_t>(train.cols());
  const std::vector<Index> popularity = column_counts(train);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return popularity[a] > popularity[b]; });
  std::vector<char> head(n, 0);
  const auto count = static_cast<std::size_t>(head_fraction * static_cast<double>(n));
  for (std::size_t place = 0; place < count; ++place) head[order[place]] = 1;
  return head;
}

/// Metrics of ranked lists (one row for each of `users`) against the held-out items that `counts`.
template <class Scalar, class Counts>
GroupMetrics measure(const Matrix<Index>& lists, const std::vector<Index>& users,
                     const Csr<Scalar>& test, const EvaluateOptions& options, Counts&& counts) {
  std::vector<std::vector<Index>> relevant;  // of the users that have any
  std::vector<Index> list_of;
  GroupMetrics group;
  for (std::size_t u = 0; u < users.size(); ++u) {
    std::vector<Index> items;
    for (typename Csr<Scalar>::InnerIterator entry(test, users[u]); entry; ++entry) {
      if (counts(entry.col())) items.push_back(entry.col());
    }
    if (items.empty()) continue;
    relevant.push_back(std::move(items));
    list_of.push_back(static_cast<Index>(u));
    group.users.push_back(users[u]);
  }

  const Index count = static_cast<Index>(group.users.size());
  const Index cutoffs = static_cast<Index>(options.cutoffs.size());
  group.user_recall.resize(count, cutoffs);
  group.user_ndcg.resize(count, cutoffs);
  parallel_tiles(count, 256, [&](Index first, Index length) {
    for (Index u = first; u < first + length; ++u) {
      const auto place = static_cast<std::size_t>(u);
      const auto ranked = lists.row(list_of[place]);
      for (Index c = 0; c < cutoffs; ++c) {
        const Index k = options.cutoffs[static_cast<std::size_t>(c)];
        group.user_recall(u, c) = recall(ranked, relevant[place], k, options.recall_denominator);
        group.user_ndcg(u, c) = ndcg(ranked, relevant[place], k);
      }
    }
  });

  for (Index c = 0; c < cutoffs; ++c) {
    group.recall.push_back(mean_of_users(group.user_recall, c));
    group.ndcg.push_back(mean_of_users(group.user_ndcg, c));
  }
  return group;
}

}  // namespace detail

/// Ranks all items for each user of `train` (users x items) and measures the lists against `test`
/// (same shape). Items of the user's training row are left out, nothing else is. Users without a
/// held-out item do not count; users without a history do.
///
/// Head and tail metrics keep only held-out items of that kind, rank all items, and drop users that
/// have none left.
/// Cost: that of `recommend` for the users with held-out items, at the largest cutoff.
/// \throws std::invalid_argument if sizes differ, a cutoff is not positive or there is none,
/// head_fraction lies outside [0, 1], or a value is not finite.
template <class Scalar, class Train, class Test>
EvaluationReport evaluate(const ItemModel<Scalar>& model,
                          const Eigen::SparseMatrixBase<Train>& train,
                          const Eigen::SparseMatrixBase<Test>& test,
                          const EvaluateOptions& options = {}) {
  detail::require_cutoffs(options.cutoffs);
  detail::require(options.head_fraction >= 0 && options.head_fraction <= 1,
                  "head_fraction must lie in [0, 1], got ", options.head_fraction);
  const auto held_out = detail::held_out_of<Scalar>(train, test);

  RecommendOptions ranking;
  // Beyond the number of items there is only padding.
  ranking.k =
      std::min(*std::max_element(options.cutoffs.begin(), options.cutoffs.end()), model.items());
  ranking.batch_users = options.batch_users;
  const Matrix<Index> lists =
      detail::rank_users(model, held_out.histories, held_out.users, ranking).items;

  const std::vector<char> head = detail::head_items(held_out.histories, options.head_fraction);
  const auto is_head = [&](Index item) { return head[static_cast<std::size_t>(item)] != 0; };
  const auto group = [&](auto&& counts) {
    return detail::measure(lists, held_out.users, held_out.items, options, counts);
  };
  return {options.cutoffs, group([](Index) { return true; }), group(is_head),
          group([&](Index item) { return !is_head(item); })};
}

}  // namespace lae
