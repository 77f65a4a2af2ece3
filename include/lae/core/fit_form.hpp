#pragma once

/// \file
/// The two matrices that a fit on interactions may invert.
///
///     lae::EaseOptions options;
///     options.form = lae::FitForm::dual;  // throws where there are more users than items

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Of items x items (primal) or of users x users (dual, see algebra/regularized_inverse.hpp). The
/// model is the same to rounding; automatic takes the faster one.
enum class FitForm { automatic, primal, dual };

[[nodiscard]] constexpr const char* form_name(FitForm form) {
  switch (form) {
    case FitForm::primal:
      return "primal";
    case FitForm::dual:
      return "dual";
    case FitForm::automatic:
      break;
  }
  return "automatic";
}

}  // namespace LAE_ABI
}  // namespace lae
