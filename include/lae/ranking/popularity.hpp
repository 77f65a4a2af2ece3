#pragma once

/// \file
/// What to recommend to users of whom nothing is known: what most users have. Both classes here are
/// scorers (see ranking/scorer.hpp), so lists of allowed and denied items, and predicates of users
/// and items, hold for them as for any other.
///
///     const lae::Popularity<float> popularity(train);
///     const lae::OrPopular best(model, popularity);
///     const auto lists = lae::recommend(best, histories, {20});
///     if (!best.is_personal(histories, user)) label(user, "popular now");

#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// A scorer by which every item gets the number of users who have it, whatever the history.
template <class Scalar_ = double>
class Popularity {
 public:
  using Scalar = Scalar_;

  /// \param interactions users x items, sparse
  /// \throws std::invalid_argument if a value is not finite.
  template <class Derived>
  explicit Popularity(const Eigen::SparseMatrixBase<Derived>& interactions) {
    const auto rows = detail::borrow_sparse<Scalar>(interactions, "interactions");
    const std::vector<Index> counts = detail::column_counts(*rows);
    users_.resize(rows->cols());
    for (Index item = 0; item < users_.size(); ++item) {
      users_[item] = static_cast<Scalar>(counts[static_cast<std::size_t>(item)]);
    }
  }

  [[nodiscard]] Index items() const { return users_.size(); }

  /// How many users have each item.
  [[nodiscard]] const Vector<Scalar>& users() const { return users_; }

  void add_scores(const History<Scalar>&, Index begin, ScoreRow<Scalar> scores) const {
    scores += users_.segment(begin, scores.size()).transpose();
  }

 private:
  Vector<Scalar> users_;
};

/// A scorer that is `model` for users with a history, and popularity for the others. Both must
/// outlive it.
template <class Model>
class OrPopular {
 public:
  using Scalar = ScalarOf<Model>;

  /// \throws std::invalid_argument if they have not the same number of items.
  OrPopular(const Model& model, const Popularity<Scalar>& popularity)
      : model_(model), popularity_(popularity) {
    detail::require(model.items() == popularity.items(), "the model has ", model.items(),
                    " items, but popularity has ", popularity.items());
  }

  [[nodiscard]] Index items() const { return model_.items(); }

  void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const {
    if (history.empty()) {
      popularity_.add_scores(history, begin, scores);
    } else {
      model_.add_scores(history, begin, scores);
    }
  }

  /// Users that are scored together, where the model does that.
  template <class M = Model, class = std::enable_if_t<is_batch_scorer_v<M>>>
  [[nodiscard]] auto batch(const HistoryBatch<Scalar>& histories) const {
    using OfModel = decltype(model_.batch(histories));
    struct Batch {
      OfModel of_model;
      const Popularity<Scalar>& popularity;
      std::vector<std::pair<Index, History<Scalar>>> without;  ///< users without a history

      void add_scores(Index begin, ScoreTile<Scalar> scores) const {
        std::vector<Eigen::Matrix<Scalar, 1, Eigen::Dynamic>> before;
        for (const auto& [user, history] : without) before.push_back(scores.row(user));
        of_model.add_scores(begin, scores);
        for (std::size_t i = 0; i < without.size(); ++i) {
          scores.row(without[i].first) = before[i];
          popularity.add_scores(without[i].second, begin, scores.row(without[i].first));
        }
      }
    };
    Batch batch{model_.batch(histories), popularity_, {}};
    for (Index user = 0; user < histories.size(); ++user) {
      if (histories[user].empty()) batch.without.emplace_back(user, histories[user]);
    }
    return batch;
  }

  /// Whether it is the model by which a user, a row of `histories`, is served.
  template <class Derived>
  [[nodiscard]] static bool is_personal(const Eigen::SparseCompressedBase<Derived>& histories,
                                        Index user) {
    static_assert(Derived::IsRowMajor, "lae: histories must be row-major");
    for (typename Derived::InnerIterator entry(histories.derived(), user); entry; ++entry) {
      if (entry.value() != typename Derived::Scalar(0)) return true;
    }
    return false;
  }

 private:
  const Model& model_;
  const Popularity<Scalar>& popularity_;
};

}  // namespace LAE_ABI
}  // namespace lae
