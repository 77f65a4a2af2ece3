#pragma once

/// \file
/// P = (G + diag(Λ))⁻¹, the inverse that every model starts from.
///
/// If G = XᵀX for an X with fewer rows (users) than columns (items), the matrix to invert can have
/// the smaller side: with R = diag(1 / Λ),
///
///     P = R - R Xᵀ (I + X R Xᵀ)⁻¹ X R.
///
/// This is the dual form (Woodbury's identity); inverting G + diag(Λ) itself is the primal one.
///
///     lae::Matrix<double> p = lae::regularized_inverse(train, /*ridge=*/100.0);

#include <utility>

#include "lae/algebra/gram.hpp"
#include "lae/algebra/spd_inverse.hpp"
#include "lae/core/fit_form.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/algebra/dual_inverse.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// P from G, given by its lower triangle; P takes its storage (both triangles).
/// \param ridge Λ: a number, or a vector of one value for each item.
/// Cost: n^3 flops, no memory besides G.
/// \throws std::invalid_argument (see add_ridge), NotPositiveDefinite, Cancelled.
template <class Scalar, class Ridge>
[[nodiscard]] Matrix<Scalar> regularized_inverse(Matrix<Scalar> gram, const Ridge& ridge,
                                                 const Progress& progress = {}) {
  add_ridge(gram, ridge);
  invert_spd(gram, progress);
  return gram;
}

/// P from X itself (users x items, sorted rows, no duplicates), in the form asked for or in the
/// faster one.
/// Cost: n^3 flops and one n x n matrix (primal), or m^3 flops, sparse products with X, one n x n
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
  if (!is_positive) form = FitForm::primal;
  form = detail::inverse_cost<Scalar>(x.rows(), x.cols(), x.nonZeros(), form).form;
  if (form == FitForm::dual)
    return detail::dual_inverse(*detail::compressed(x), of_items, progress);
  return regularized_inverse(interaction_gram(x, progress), of_items, progress);
}

}  // namespace LAE_ABI
}  // namespace lae
