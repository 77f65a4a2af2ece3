#pragma once

/// \file
/// What linear spectral models return, GfCf and Bspm: an item-to-item matrix in the shape of its
/// parts, which take memory for the interactions and for items x rank instead of items x items.
///
/// \code
/// lae::SpectralModel<float> model = lae::GfCf<float>().fit(train);
/// auto lists = lae::recommend(model, train, {20});
/// lae::Matrix<float> b = model.weights();  // items x items, if you want it all the same
/// \endcode

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/models/normalized.hpp"
#include "lae/detail/models/sharpening.hpp"
#include "lae/detail/models/spectral_checks.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/ranking/scorer.hpp"
#include "lae/recipe/spectral_recipe.hpp"

namespace lae {
inline namespace LAE_ABI {

/// How the singular vectors of a spectral model came out.
struct SpectralSummary {
  double largest_value = 0;  ///< the largest singular value of N,
  double least_value = 0;    ///< and the least one that is part of the model
  double residual = 0;   ///< the largest |Nᵀu − s v|, as a share of the largest singular value
  Index iterations = 0;  ///< products with NᵀN, or steps of a bidiagonalisation
};

/// What a SpectralModel is made of.
template <class Scalar>
struct SpectralParts {
  /// N: users x items.
  std::shared_ptr<const detail::NormalizedInteractions<Scalar>> interactions;
  Matrix<Scalar> left;   ///< items x rank
  Matrix<Scalar> right;  ///< items x rank
  Sharpening sharpening{};
  SpectralSummary summary{};
};

/// An owning, immutable scorer (see lae/ranking/scorer.hpp): B = G·q(G) + L·Rᵀ, where G = NᵀN is
/// that of normalised interactions, q the mean or the last power of a sharpening, 1 without one,
/// and L and R (items x rank) hold the ideal low-pass filter. Scores are linear in the history, as
/// an ItemModel's; the diagonal of B is not zero, so an item of the history scores itself, too
/// (which changes no recommendation, as those are left out).
///
/// G is not held: on Amazon's games (17,397 users, 8,330 items, 120,255 interactions) it has 1.3
/// million entries, so that N and its transpose take a fifth of its memory, and products with both
/// a fifth of its flops.
///
/// Cost of the scores of all items for a history: with r entries of N in the rows of users who share
/// items with it, 2 r flops; 4 entries (N) flops for each product of a sharpening; 2 rank (n + items
/// of the history). Memory: on each thread n scores for each user of a batch, and panels of 128
/// bytes for each user and item with a sharpening. Copies share the interactions.
template <class Scalar_>
class SpectralModel {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  static constexpr bool is_linear = true;

  /// \throws std::invalid_argument if sizes differ, or there are no items.
  explicit SpectralModel(SpectralParts<Scalar> parts) : parts_(std::move(parts)) {
    detail::require_spectral_shapes(parts_.interactions.get(), parts_.left, parts_.right);
  }

  /// Number of items, n.
  [[nodiscard]] Index items() const { return parts_.left.rows(); }
  /// How many singular vectors there are: as many as were asked for, or fewer if N has not so many.
  [[nodiscard]] Index rank() const { return parts_.left.cols(); }
  [[nodiscard]] const SpectralSummary& summary() const { return parts_.summary; }
  [[nodiscard]] const SpectralParts<Scalar>& parts() const { return parts_; }

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
      scores += filtered_.middleCols(begin, scores.cols());
      detail::add_product<Scalar>(scores, 1, detail::plain(low_pass_),
                                  detail::transposed(right_.middleRows(begin, scores.cols())));
    }

   private:
    friend class SpectralModel;
    Batch(Matrix<Scalar> filtered, Matrix<Scalar> low_pass, detail::ConstTile<Scalar> right)
        : filtered_(std::move(filtered)), low_pass_(std::move(low_pass)), right_(right) {}

    Matrix<Scalar> filtered_;  ///< users x items
    Matrix<Scalar> low_pass_;  ///< users x rank
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

  /// B, n x n, with its diagonal: what `score` multiplies a history by. Cost: n histories of one
  /// item, and n² scalars.
  [[nodiscard]] Matrix<Scalar> weights() const {
    Csr<Scalar> one_each(items(), items());
    one_each.setIdentity();
    Matrix<Scalar> b = detail::large_matrix<Scalar>(items(), items());
    detail::set_all_scores(*this, one_each, b);
    return b;
  }

 private:
  template <class HistoryOf>
  [[nodiscard]] Batch batch_of(Index users, const HistoryOf& history_of) const {
    const auto& n = *parts_.interactions;
    Matrix<Scalar> filtered = Matrix<Scalar>::Zero(users, items());
    Matrix<Scalar> low_pass = Matrix<Scalar>::Zero(users, rank());
    detail::Neighbours<Scalar> neighbours(n);
    for (Index user = 0; user < users; ++user) {
      const History<Scalar> history = history_of(user);
      neighbours.add_gram_rows(history, nullptr, filtered.row(user).data());
      detail::add_history_rows(history, parts_.left, 0, low_pass.row(user));
    }
    if (parts_.sharpening.steps > 0) {
      detail::Sharpener<Scalar> sharpener(n, parts_.sharpening);
      detail::sharpen_rows(sharpener, filtered);
    }
    return Batch(std::move(filtered), std::move(low_pass), parts_.right);
  }

  SpectralParts<Scalar> parts_;
};

}  // namespace LAE_ABI
}  // namespace lae
