#pragma once

/// \file
/// Which models are fitted by blocks: for headers that tell them apart without reading theirs.

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

template <class Scalar_>
class SparseLowRankModel;

namespace detail {

template <class Model>
inline constexpr bool is_by_blocks = false;
template <class Scalar>
inline constexpr bool is_by_blocks<SparseLowRankModel<Scalar>> = true;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
