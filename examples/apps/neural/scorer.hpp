#pragma once

/// \file
/// Embeddings of users and items as a scorer (see lae/ranking/scorer.hpp).
///
///     const neural::UserScorer<float> scorer(model.embeddings(), users);
///     const auto histories = neural::user_histories(train);
///     const auto report = lae::evaluate(scorer, histories, test, {{10, 20}});

#include <cstddef>
#include <lae/core/types.hpp>
#include <lae/ranking/scorer.hpp>
#include <stdexcept>
#include <string>

namespace neural {

using lae::Index;
using lae::Matrix;

/// The histories that UserScorer knows users by: for user u each value is u + 1. A scorer is given
/// histories, and these models know the users they were trained on and no others, so that a history
/// has to say whose it is; what it holds, and so what is left out of lists, is as before.
/// \throws std::invalid_argument if Scalar does not hold such numbers exactly.
template <class Scalar>
[[nodiscard]] lae::Csr<Scalar> user_histories(const lae::Csr<Scalar>& train) {
  if (train.rows() >= Index(1) << (sizeof(Scalar) == 4 ? 24 : 53)) {
    throw std::invalid_argument("there are too many users for this scalar: " +
                                std::to_string(train.rows()));
  }
  lae::Csr<Scalar> histories = train;
  histories.prune([](Index, Index, Scalar value) { return value != Scalar(0); });
  for (Index user = 0; user < histories.rows(); ++user) {
    for (typename lae::Csr<Scalar>::InnerIterator entry(histories, user); entry; ++entry) {
      entry.valueRef() = static_cast<Scalar>(user + 1);
    }
  }
  return histories;
}

/// Scores are products of a user's and an item's embedding. Users without a history have learnt
/// nothing: all their scores are 0.
template <class ScalarType>
class UserScorer {
 public:
  using Scalar = ScalarType;
  using Row = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;

  /// \param embeddings users first, then items, x dimensions
  UserScorer(const Matrix<Scalar>& embeddings, Index users)
      : users_(embeddings.topRows(users)),
        items_(embeddings.bottomRows(embeddings.rows() - users).transpose()) {}

  [[nodiscard]] Index items() const { return items_.cols(); }

  /// \param history a row of `user_histories`
  void add_scores(const lae::History<Scalar>& history, Index begin,
                  lae::ScoreRow<Scalar> scores) const {
    if (history.empty()) return;
    const auto user = static_cast<Index>(history.values()[0]) - 1;
    if (user < 0 || user >= users_.rows()) {
      throw std::invalid_argument("a history is not of user_histories: it names user " +
                                  std::to_string(user));
    }
    // Not Eigen's large product, whose last bits may depend on threads. A few terms at a time, so
    // that sums are not stored after each.
    constexpr Index terms = 4;
    Index k = 0;
    for (; k + terms <= users_.cols(); k += terms) {
      scores += users_(user, k) * items_.row(k).segment(begin, scores.size()) +
                users_(user, k + 1) * items_.row(k + 1).segment(begin, scores.size()) +
                users_(user, k + 2) * items_.row(k + 2).segment(begin, scores.size()) +
                users_(user, k + 3) * items_.row(k + 3).segment(begin, scores.size());
    }
    for (; k < users_.cols(); ++k) {
      scores += users_(user, k) * items_.row(k).segment(begin, scores.size());
    }
  }

 private:
  Matrix<Scalar> users_;  // users x dimensions
  Matrix<Scalar> items_;  // dimensions x items
};

}  // namespace neural
