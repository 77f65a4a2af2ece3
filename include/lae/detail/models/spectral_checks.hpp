#pragma once

/// \file
/// Whether the parts of a spectral model fit together.

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/models/normalized.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// \throws std::invalid_argument if there is nothing, or sizes differ.
template <class Scalar>
void require_spectral_shapes(const NormalizedInteractions<Scalar>* interactions,
                             const Matrix<Scalar>& left, const Matrix<Scalar>& right) {
  require(interactions != nullptr, "the model has no interactions");
  const Index items = interactions->users.cols();
  require(items > 0, "the model has no items");
  require(left.rows() == items && right.rows() == items && left.cols() == right.cols(), "left is ",
          left.rows(), " x ", left.cols(), " and right ", right.rows(), " x ", right.cols(),
          ", but the interactions have ", items, " items");
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
