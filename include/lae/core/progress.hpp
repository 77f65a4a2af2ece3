#pragma once

/// \file
/// Progress reports and cancellation of long computations.
///
///     lae::Progress progress = [](std::string_view stage, double fraction) {
///       std::cerr << stage << " " << 100 * fraction << " %\r";
///       return true;  // false cancels
///     };

#include <functional>
#include <string_view>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Called with the stage's name and the fraction of that stage done, in [0, 1] and never falling
/// within a stage. Return false to cancel: the computation then throws `Cancelled`. Calls never
/// overlap, but may come from any of the computation's threads. An exception thrown here stops the
/// computation and reaches its caller.
using Progress = std::function<bool(std::string_view stage, double fraction)>;

}  // namespace LAE_ABI
}  // namespace lae
