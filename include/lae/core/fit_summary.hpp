#pragma once

/// \file
/// What a fit did, as opposed to what it was expected to cost (core/fit_cost.hpp).
///
///     lae::FitSummary summary;
///     lae::FitControl control;
///     control.summary = &summary;
///     const auto model = solver.fit(train, control);
///     std::cout << form_name(summary.form) << ", " << 100 * summary.share << " % of n^3 flops";

#include "lae/core/fit_form.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Of the latest inverse on interactions, in a search as in a fit.
struct FitSummary {
  FitForm form = FitForm::automatic;  ///< automatic: nothing was inverted yet
  Index eliminated = 0;               ///< items, before the dense inverse of the others
  double share = 1;                   ///< flops of the dense inverse, of n^3
};

}  // namespace LAE_ABI
}  // namespace lae
