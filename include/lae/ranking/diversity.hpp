#pragma once

/// \file
/// Lists of items that are unlike each other: maximal marginal relevance, by vectors of the items.
///
/// \code
/// const lae::ItemVectors vectors(embeddings);  // items x dims, made once
/// lae::RecommendOptions options;
/// options.diversity = {&vectors, /*weight=*/0.3};
/// auto lists = lae::recommend(model, histories, options);
/// \endcode
///
/// Source: Carbonell, Goldstein, *The Use of MMR, Diversity-Based Reranking for Reordering Documents
/// and Producing Summaries*, SIGIR 1998 (their λ is 1 − weight).

#include <cmath>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What items are like: vectors of unit length in float, 4 bytes a number.
class ItemVectors {
 public:
  /// \param vectors items x dims, dense, such as embeddings; an item of zeros is like no other
  /// Cost: 3 flops a number.
  /// \throws std::invalid_argument if it is empty or a value is not finite.
  template <class Derived>
  explicit ItemVectors(const Eigen::MatrixBase<Derived>& vectors)
      : unit_(vectors.rows(), vectors.cols()) {
    detail::require(vectors.size() > 0, "vectors is empty: ", vectors.rows(), " x ",
                    vectors.cols());
    for (Index item = 0; item < vectors.rows(); ++item) {
      const Eigen::RowVectorXd row = vectors.row(item).template cast<double>();
      const double norm = row.stableNorm();
      detail::require(std::isfinite(norm), "vectors has a value that is not finite in row ", item);
      unit_.row(item) = (norm > 0 ? Eigen::RowVectorXd(row / norm) : row).template cast<float>();
    }
  }

  [[nodiscard]] Index items() const { return unit_.rows(); }
  [[nodiscard]] Index dims() const { return unit_.cols(); }

  /// The cosine of the angle between two items' vectors, to rounding in float; 0 if one is zeros.
  /// Nothing is checked.
  [[nodiscard]] float similarity(Index a, Index b) const { return unit_.row(a).dot(unit_.row(b)); }

 private:
  Matrix<float> unit_;
};

/// How a list is chosen from a user's best items: one after the other, always the one with the
/// highest
///
///     (1 − weight) · relevance − weight · (the largest similarity to one chosen already, at first 0)
///
/// of equal ones the lowest index. Relevance is the score on a scale from 0, the worst of these
/// candidates, to 1, the best: so a weight means the same whatever scores a model gives. The list
/// stands in the order of the choice, in which scores need not fall.
///
/// Cost for a user: 2 dims flops for each place of the list and candidate.
struct Diversity {
  const ItemVectors* vectors = nullptr;  ///< of the model's items, outliving the call
  double weight = 0;                     ///< from 0, by score alone, to 1
  Index candidates = 200;  ///< how many of the best items are chosen from, > 0; k if that is more
};

}  // namespace LAE_ABI
}  // namespace lae
