#pragma once

/// \file
/// Which models are sparse plus low rank: for headers that tell them apart without reading theirs.

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

template <class Scalar_>
class SparseLowRankModel;
template <class Scalar_>
class SparseLowRankView;

namespace detail {

template <class Model>
inline constexpr bool is_sparse_low_rank = false;
template <class Scalar>
inline constexpr bool is_sparse_low_rank<SparseLowRankModel<Scalar>> = true;
template <class Scalar>
inline constexpr bool is_sparse_low_rank<SparseLowRankView<Scalar>> = true;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
