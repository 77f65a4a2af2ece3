#pragma once

/// \file
/// Which models are spectral: for headers that tell them apart without reading theirs.

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

template <class Scalar_>
class SpectralModel;
template <class Scalar_>
class SgfcfModel;

namespace detail {

template <class Model>
inline constexpr bool is_spectral = false;
template <class Scalar>
inline constexpr bool is_spectral<SpectralModel<Scalar>> = true;
template <class Scalar>
inline constexpr bool is_spectral<SgfcfModel<Scalar>> = true;

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
