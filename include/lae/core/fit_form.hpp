#pragma once

/// \file
/// How a fit on interactions inverts its matrix, and which one.
///
///     lae::EaseOptions options;
///     options.form = lae::FitForm::dual;  // throws where there are more users than items

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Of items x items (primal), the same after items that occur with few others were eliminated
/// (eliminated), or of users x users (dual); see algebra/regularized_inverse.hpp. The model is the
/// same to rounding; automatic takes the fastest one.
enum class FitForm { automatic, primal, dual, eliminated };

[[nodiscard]] constexpr const char* form_name(FitForm form) {
  switch (form) {
    case FitForm::primal:
      return "primal";
    case FitForm::dual:
      return "dual";
    case FitForm::eliminated:
      return "eliminated";
    case FitForm::automatic:
      break;
  }
  return "automatic";
}

}  // namespace LAE_ABI
}  // namespace lae
