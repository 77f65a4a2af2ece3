#pragma once

/// \file
/// What Sgfcf returns: a spectral filter that is another one for each history.
///
/// \code
/// lae::SgfcfModel<float> model = lae::Sgfcf<float>().fit(train);
/// auto lists = lae::recommend(model, histories, {20});  // of training users or of others
/// model.homophily(histories);                           // what the filters follow
/// \endcode

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/models/homophily.hpp"
#include "lae/detail/models/normalized.hpp"
#include "lae/detail/models/spectral_checks.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/models/spectral_model.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What an SgfcfModel is made of.
template <class Scalar>
struct SgfcfParts {
  /// N: users x items.
  std::shared_ptr<const detail::NormalizedInteractions<Scalar>> interactions;
  Matrix<Scalar> left;         ///< (D_I + μ)^(−ε) V, items x rank
  Matrix<Scalar> right;        ///< V ⊙ s^(w_i), items x rank
  Vector<Scalar> item_scale;   ///< (D_I + μ)^(−ε)
  Vector<Scalar> values;       ///< s: singular values as shares of the largest
  Vector<Scalar> right_sum;    ///< of `right` over the items
  Vector<Scalar> gram_sum;     ///< of (D_I + μ)^(−ε) G over the items, for each row
  double least_homophily = 0;  ///< of training users
  double most_homophily = 0;   ///< of training users
  double exponent_low = 0;     ///< of singular values for users of the least homophily
  double exponent_high = 0;    ///< of singular values for users of the most
  double gram_weight = 0;      ///< γ
  SpectralSummary summary{};
};

/// An owning, immutable scorer (see lae/ranking/scorer.hpp). With z = x (D_I + μ)^(−ε) and w_u, w_i
/// the exponents that follow from the homophily of the history and of item i,
///
///     score_i = a_i / Σ_j a_j + γ b_i / Σ_j b_j,   a_i = Σ_k (z V)_k s_k^(w_u − 1 + w_i) V_ik,   b = z G
///
/// which the paper puts through a sigmoid; that changes no order. A part whose sum is not positive
/// is left out (the sum of an empty history is 0). Not linear in the history, so there are no
/// weights, and nothing to explain or to save as a matrix.
///
/// Homophily of a history is the share of its pairs of items that a training user has; where the
/// history holds just the items of a training user, of those that another one has besides. So
/// training users score as in the authors' code, and others are folded in; w_u stays within the
/// range of training users.
///
/// Cost and memory of scores: as those of SpectralModel without a sharpening, and again for the
/// pairs of the history; 8 bytes for each training user on each thread. Copies share the
/// interactions.
template <class Scalar_>
class SgfcfModel {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  static constexpr bool is_linear = false;  ///< no weights, nothing to explain

  /// \throws std::invalid_argument if sizes differ, or there are no items.
  explicit SgfcfModel(SgfcfParts<Scalar> parts) : parts_(std::move(parts)) {
    detail::require_spectral_shapes(parts_.interactions.get(), parts_.left, parts_.right);
    detail::require(parts_.item_scale.size() == items() && parts_.gram_sum.size() == items(),
                    "item_scale has ", parts_.item_scale.size(), " values and gram_sum ",
                    parts_.gram_sum.size(), ", but the interactions have ", items(), " items");
    detail::require(parts_.values.size() == rank() && parts_.right_sum.size() == rank(),
                    "values has ", parts_.values.size(), " values and right_sum ",
                    parts_.right_sum.size(), ", but the rank is ", rank());
  }

  /// Number of items, n.
  [[nodiscard]] Index items() const { return parts_.left.rows(); }
  /// How many singular vectors there are: as many as were asked for, or fewer if N has not so many.
  [[nodiscard]] Index rank() const { return parts_.left.cols(); }
  [[nodiscard]] const SpectralSummary& summary() const { return parts_.summary; }
  [[nodiscard]] const SgfcfParts<Scalar>& parts() const { return parts_; }

  /// Adds the scores of items [begin, begin + scores.size()) for one history. Cost: that of all
  /// items, whatever the range.
  void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const {
    const Index width = scores.size();
    batch_of(1, [&](Index) {
      return history;
    }).add_scores(begin, Eigen::Map<Matrix<Scalar>>(scores.data(), 1, width));
  }

  /// The scores of some users.
  class Batch {
   public:
    void add_scores(Index begin, ScoreTile<Scalar> scores) const {
      scores += gram_.middleCols(begin, scores.cols());
      detail::add_product<Scalar>(scores, 1, detail::plain(filtered_),
                                  detail::transposed(right_.middleRows(begin, scores.cols())));
    }

   private:
    friend class SgfcfModel;
    Batch(Matrix<Scalar> gram, Matrix<Scalar> filtered, detail::ConstTile<Scalar> right)
        : gram_(std::move(gram)), filtered_(std::move(filtered)), right_(right) {}

    Matrix<Scalar> gram_;      ///< users x items
    Matrix<Scalar> filtered_;  ///< users x rank
    detail::ConstTile<Scalar> right_;
  };

  [[nodiscard]] Batch batch(const HistoryBatch<Scalar>& histories) const {
    return batch_of(histories.size(), [&](Index user) { return histories[user]; });
  }

  /// As `lae::score`: a dense users x items matrix, one row for each row of `histories`.
  /// \throws std::invalid_argument if histories.cols() != items() or a value is not finite.
  template <class Derived>
  [[nodiscard]] Matrix<Scalar> score(const Eigen::SparseMatrixBase<Derived>& histories) const {
    return lae::score(*this, histories);
  }

  /// The homophily of each row of `histories`, as it was counted, in [0, 1].
  /// \throws std::invalid_argument if histories.cols() != items() or a value is not finite.
  template <class Derived>
  [[nodiscard]] Vector<double> homophily(const Eigen::SparseMatrixBase<Derived>& histories) const {
    const auto rows = detail::borrow_sparse<Scalar>(histories, "histories");
    detail::require_items_of(*this, *rows, "histories");
    Vector<double> values(rows->rows());
    detail::parallel_tiles(rows->rows(), 256, [&](Index first, Index count) {
      detail::HistoryHomophily<Scalar> homophily_of(*parts_.interactions);
      for (Index user = first; user < first + count; ++user) {
        values[user] = homophily_of(History<Scalar>(*rows, user));
      }
    });
    return values;
  }

 private:
  template <class HistoryOf>
  [[nodiscard]] Batch batch_of(Index users, const HistoryOf& history_of) const {
    Matrix<Scalar> gram = Matrix<Scalar>::Zero(users, items());
    Matrix<Scalar> filtered = Matrix<Scalar>::Zero(users, rank());
    detail::Neighbours<Scalar> neighbours(*parts_.interactions);
    detail::HistoryHomophily<Scalar> homophily_of(*parts_.interactions);
    detail::HomophilyRange range;
    range.lowest = parts_.least_homophily;
    range.highest = parts_.most_homophily;
    for (Index user = 0; user < users; ++user) {
      const History<Scalar> history = history_of(user);
      neighbours.add_gram_rows(history, &parts_.item_scale, gram.row(user).data());
      Scalar gram_sum = 0;
      for (const auto& [item, value] : history) gram_sum += value * parts_.gram_sum[item];
      gram.row(user) *= share(parts_.gram_weight, gram_sum);

      auto row = filtered.row(user);
      detail::add_history_rows(history, parts_.left, 0, row);
      // Without a range, whatever the homophily.
      const double exponent =
          range.highest > range.lowest && parts_.exponent_low != parts_.exponent_high
              ? range.exponent(homophily_of(history), parts_.exponent_low, parts_.exponent_high)
              : parts_.exponent_low;
      row.array() *= parts_.values.transpose().array().pow(static_cast<Scalar>(exponent - 1));
      row *= share(1, row.dot(parts_.right_sum.transpose()));
    }
    return Batch(std::move(gram), std::move(filtered), parts_.right);
  }

  /// What a part is multiplied by to become its share of the sum.
  static Scalar share(double weight, Scalar sum) {
    return sum > 0 ? static_cast<Scalar>(weight / double(sum)) : Scalar(0);
  }

  SgfcfParts<Scalar> parts_;
};

}  // namespace LAE_ABI
}  // namespace lae
