#pragma once

/// \file
/// Ranked lists for many users at once.

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/models/item_model.hpp"
#include "lae/ranking/top_k.hpp"

namespace lae {

struct RecommendOptions {
  Index k = 10;              ///< Length of each list, > 0; may exceed the number of items.
  bool exclude_seen = true;  ///< Leave out the items of the user's own history.
  std::optional<std::vector<Index>> allow{};  ///< If given, recommend only these items.
  std::vector<Index> deny{};                  ///< Never recommend these; they outrank `allow`.
  Index batch_users = 64;  ///< Users scored together by one thread, > 0. Changes speed alone.
};

/// One row a user, best item first.
template <class Scalar>
struct Recommendations {
  Matrix<Index> items;    ///< users x k, `no_item` (-1) where candidates ran out
  Matrix<Scalar> scores;  ///< users x k, -infinity where candidates ran out
};

namespace detail {

/// Which items may be recommended at all; empty if all may.
inline std::vector<char> candidate_mask(const RecommendOptions& options, Index items) {
  if (!options.allow && options.deny.empty()) return {};
  std::vector<char> mask(static_cast<std::size_t>(items), options.allow ? 0 : 1);
  const auto mark = [&](const std::vector<Index>& list, const char* name, char value) {
    for (const Index item : list) {
      require(item >= 0 && item < items, name, " holds item ", item, ", but the model has ", items,
              " items");
      mask[static_cast<std::size_t>(item)] = value;
    }
  };
  if (options.allow) mark(*options.allow, "allow", 1);
  mark(options.deny, "deny", 0);
  return mask;
}

/// Scores exist for so many items of a user at a time, few enough to stay in a core's cache.
inline constexpr Index score_range = 1024;

/// scores += sum over the user's history of x_i * weights(i, [begin, begin + scores.size())).
template <class Scalar, class Scores>
void add_history_rows(const Csr<Scalar>& histories, Index user, const Matrix<Scalar>& weights,
                      Index begin, Scores&& scores) {
  for (typename Csr<Scalar>::InnerIterator entry(histories, user); entry; ++entry) {
    scores += entry.value() * weights.row(entry.col()).segment(begin, scores.size());
  }
}

/// Offers the items from `begin` on, with these scores, to a user's selection.
/// \param mask which items may be recommended at all; empty if all may
template <class Scalar, class Scores>
void offer_range(const Csr<Scalar>& histories, Index user, bool exclude_seen,
                 const std::vector<char>& mask, Index begin, const Scores& scores,
                 TopK<Scalar>& top) {
  const Index* seen = histories.innerIndexPtr() + histories.outerIndexPtr()[user];
  const Index* seen_end = histories.innerIndexPtr() + histories.outerIndexPtr()[user + 1];
  for (Index i = 0; i < scores.size(); ++i) {
    if (!top.admits(scores[i])) continue;
    const Index item = begin + i;
    if (!mask.empty() && !mask[static_cast<std::size_t>(item)]) continue;
    if (exclude_seen && std::binary_search(seen, seen_end, item)) continue;
    top.enter(item, scores[i]);
  }
}

/// Ranks items for the given rows of `histories`.
template <class Scalar>
Recommendations<Scalar> rank_users(const ItemModel<Scalar>& model, const Csr<Scalar>& histories,
                                   const std::vector<Index>& users,
                                   const RecommendOptions& options) {
  const Index n = model.items();
  require(histories.cols() == n, "histories has ", histories.cols(), " columns, but the model has ",
          n, " items");
  require(options.k > 0, "k must be positive, got ", options.k);
  require(options.batch_users > 0, "batch_users must be positive, got ", options.batch_users);
  const std::vector<char> mask = candidate_mask(options, n);

  const Index count = static_cast<Index>(users.size());
  Recommendations<Scalar> lists{Matrix<Index>(count, options.k), Matrix<Scalar>(count, options.k)};
  parallel_tiles(count, options.batch_users, [&](Index first, Index batch) {
    std::vector<TopK<Scalar>> best(static_cast<std::size_t>(batch), TopK<Scalar>(options.k));
    Eigen::Matrix<Scalar, 1, Eigen::Dynamic> scores(std::min(score_range, n));
    for (Index begin = 0; begin < n; begin += score_range) {
      auto range = scores.head(std::min(score_range, n - begin));
      for (Index b = 0; b < batch; ++b) {
        const Index user = users[static_cast<std::size_t>(first + b)];
        range.setZero();
        add_history_rows(histories, user, model.weights(), begin, range);
        offer_range(histories, user, options.exclude_seen, mask, begin, range,
                    best[static_cast<std::size_t>(b)]);
      }
    }
    for (Index b = 0; b < batch; ++b) {
      best[static_cast<std::size_t>(b)].take(lists.items.row(first + b).data(),
                                             lists.scores.row(first + b).data());
    }
  });
  return lists;
}

}  // namespace detail

/// The k best items for each row of `histories` (users x items, sparse). The users need not be
/// those of the training data: a model folds new ones in from what they interacted with.
///
/// Users x items scores are never held: besides the lists, memory is a few kilobytes a thread.
/// Cost: 2 n flops an interaction, spread over all threads; the same bits for any number of them.
/// \throws std::invalid_argument if sizes differ, k < 1, an item of allow or deny is out of range,
/// or a value is not finite.
template <class Scalar, class Derived>
Recommendations<Scalar> recommend(const ItemModel<Scalar>& model,
                                  const Eigen::SparseMatrixBase<Derived>& histories,
                                  const RecommendOptions& options = {}) {
  std::vector<Index> users(static_cast<std::size_t>(histories.rows()));
  std::iota(users.begin(), users.end(), Index(0));
  return detail::rank_users(model, detail::canonical_sparse<Scalar>(histories, "histories"), users,
                            options);
}

}  // namespace lae
