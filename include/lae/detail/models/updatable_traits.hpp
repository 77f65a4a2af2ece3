#pragma once

/// \file
/// Which models are updatable: for headers that tell them apart without reading theirs.

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

template <class Scalar_>
class UpdatableModel;

namespace detail {

template <class Model>
inline constexpr bool is_updatable = false;
template <class Scalar>
inline constexpr bool is_updatable<UpdatableModel<Scalar>> = true;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
