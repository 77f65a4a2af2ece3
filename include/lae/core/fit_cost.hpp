#pragma once

/// \file
/// What a fit will cost, known from sizes alone before anything is allocated.
///
///     const lae::FitCost cost = solver.estimate(lae::problem_size(train, embeddings));
///     std::cout << cost.bytes << " bytes, " << cost.flops << " flops, " << form_name(cost.form);

#include <cstdint>

#include "lae/core/fit_form.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Estimate of a fit. Flops count a multiplication and an addition as two. Bytes agree with what is
/// measured to 5 % once they are some 50 MB; below, stacks and what malloc keeps make a few MB
/// more.
struct FitCost {
  double flops = 0;
  std::uint64_t bytes = 0;  ///< peak, beyond what the caller holds; the model is part of it
  FitForm form = FitForm::primal;
};

}  // namespace LAE_ABI
}  // namespace lae
