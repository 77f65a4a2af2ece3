#pragma once

/// \file
/// The kinds of models that files hold.
///
///     if (lae::kind_of_model("shop.lae") == lae::ModelKind::spectral) ...

#include <cstdint>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// As in the files, see lae/io/model_file.hpp.
enum class ModelKind : std::uint32_t {
  dense = 0,            ///< ItemModel
  spectral = 1,         ///< SpectralModel
  sgfcf = 2,            ///< SgfcfModel
  sparse_low_rank = 3,  ///< SparseLowRankModel
  updatable = 4         ///< UpdatableModel
};

}  // namespace LAE_ABI
}  // namespace lae
