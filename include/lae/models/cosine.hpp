#pragma once

/// \file
/// Similarity of item features as a model: "Cos." in the tables of the L3AE paper.

#include <cmath>
#include <utility>

#include "lae/algebra/gram.hpp"
#include "lae/algebra/spd_inverse.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/models/item_model.hpp"

namespace lae {

struct CosineOptions {
  /// Divide each item's features by their norm first (an item of zeros stays zero). Off, B is the
  /// plain inner product, as in the code of the L3AE authors.
  bool normalize = false;
};

/// B = FFᵀ with zero diagonal.
template <class Scalar_>
class Cosine {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  using Options = CosineOptions;

  explicit Cosine(const Options& options = {}) : options_(options) {}

  const Options& options() const { return options_; }

  /// Fits on features, one row an item: dense embeddings or sparse tags.
  /// Cost: the Gram matrix, n^2 d flops if dense; one n x n matrix.
  /// \throws std::invalid_argument (empty, or a value that is not finite), MemoryBudgetExceeded.
  template <class Derived>
  ItemModel<Scalar> fit(const Eigen::EigenBase<Derived>& features,
                        const FitControl& control = {}) const {
    control.check(estimate(feature_size(features.derived())));
    auto f = detail::canonical_features<Scalar>(features.derived());
    Matrix<Scalar> b = zero_lower_triangle<Scalar>(f.rows());
    add_gram_of_rows(f, Scalar(1), b);
    if (options_.normalize) {
      const Vector<Scalar> scale = b.diagonal().unaryExpr(
          [](Scalar square) { return square > 0 ? 1 / std::sqrt(square) : Scalar(0); });
      detail::parallel_tiles(b.rows(), 64, [&](Index first, Index rows) {
        for (Index i = first; i < first + rows; ++i) {
          b.row(i).head(i + 1).array() *= scale[i] * scale.head(i + 1).transpose().array();
        }
      });
    }
    b.diagonal().setZero();
    mirror_lower_triangle(b);
    return ItemModel<Scalar>(std::move(b));
  }

  /// Peak memory and flops of `fit`.
  static FitCost estimate(const ProblemSize& size) {
    return {detail::feature_gram_flops(size), detail::dense_bytes<Scalar>(size.items, size.items) +
                                                  detail::feature_gram_bytes<Scalar>(size) +
                                                  detail::product_bytes<Scalar>()};
  }

 private:
  Options options_;
};

}  // namespace lae
