#pragma once

/// \file
/// The precisions that the library computes in.

#include <type_traits>

namespace lae::detail {

template <class Scalar>
inline constexpr bool is_supported_scalar =
    std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double>;

}  // namespace lae::detail
