#pragma once

/// \file
/// The precisions that the library computes in.

#include <type_traits>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

template <class Scalar>
inline constexpr bool is_supported_scalar =
    std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double>;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
