#pragma once

/// \file
/// P = (G + diag(Λ))⁻¹, the inverse that every model starts from.
///
/// If G = XᵀX for an X with fewer rows (users) than columns (items), the matrix to invert can have
/// the smaller side: with R = diag(1 / Λ),
///
///     P = R - R Xᵀ (I + X R Xᵀ)⁻¹ X R.
///
/// This is the dual form (Woodbury's identity); inverting G + diag(Λ) itself is the primal one. On
/// sparse data most of the primal form's n^3 flops can be saved: items that occur with few others
/// are eliminated first, exactly, as long as that is cheaper, and the dense inverse is that of the
/// rest (detail/algebra/elimination.hpp).
///
///     lae::Matrix<double> p = lae::regularized_inverse(train, /*ridge=*/100.0);

#include <utility>

#include "lae/algebra/gram.hpp"
#include "lae/core/fit_form.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/algebra/dual_inverse.hpp"
#include "lae/detail/algebra/elimination.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// P from G, given by its lower triangle; P takes its storage (both triangles).
/// \param ridge Λ: a number, or a vector of one value for each item.
/// \param form primal, eliminated, or the faster one of them
/// Cost: n^3 flops, or, after elimination, typically 0.4 to 0.8 of them; no memory besides G but
/// some vectors of n.
/// \throws std::invalid_argument (see add_ridge), NotPositiveDefinite, Cancelled.
template <class Scalar, class Ridge>
[[nodiscard]] Matrix<Scalar> regularized_inverse(Matrix<Scalar> gram, const Ridge& ridge,
                                                 FitForm form = FitForm::automatic,
                                                 const Progress& progress = {}) {
  detail::require(form != FitForm::dual, "a Gram matrix has no dual form");
  add_ridge(gram, ridge);
  detail::invert_gram<Scalar>(gram, form, {}, progress);
  return gram;
}

/// P from X itself (users x items, sorted rows, no duplicates), in the form asked for or in the
/// fastest one.
/// Cost: n^3 flops and one n x n matrix (primal; eliminated: less, see above), or m^3 flops, sparse products with X, one n x n
/// matrix and n m / 32 scalars (dual).
/// \throws std::invalid_argument (see add_ridge; also if the dual form is asked for and there are
/// more users than items or a ridge is zero), NotPositiveDefinite, Cancelled.
template <class Scalar, class Ridge>
[[nodiscard]] Matrix<Scalar> regularized_inverse(const Csr<Scalar>& x, const Ridge& ridge,
                                                 FitForm form = FitForm::automatic,
                                                 const Progress& progress = {}) {
  const Vector<Scalar> of_items = detail::ridge_of_items<Scalar>(ridge, x.cols());
  const bool is_positive = of_items.minCoeff() > 0;
  detail::require(form != FitForm::dual || is_positive,
                  "the dual form needs a positive ridge for every item");
  const FitForm allowed = is_positive || form != FitForm::automatic ? form : FitForm::primal;
  const FitForm taken =
      detail::inverse_cost<Scalar>(x.rows(), x.cols(), x.nonZeros(), allowed).form;
  if (taken == FitForm::dual)
    return detail::dual_inverse(*detail::compressed(x), of_items, progress);
  return regularized_inverse(interaction_gram(x, progress), of_items, form, progress);
}

}  // namespace LAE_ABI
}  // namespace lae
