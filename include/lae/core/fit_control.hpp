#pragma once

/// \file
/// How a caller watches, limits or cancels a fit or a search.
///
///     lae::FitControl control;
///     control.memory_budget = lae::machine_memory() / 2;
///     control.progress = [&](std::string_view stage, double fraction) {
///       show(stage, fraction);
///       return !stop_was_pressed;
///     };
///     auto model = solver.fit(train, control);

#include <cstdint>

#include "lae/core/fit_summary.hpp"
#include "lae/core/progress.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/machine_memory.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The memory of the machine, or of the container this process runs in where that is less (cgroup
/// v1 or v2), in bytes; 2^64 - 1 where the system does not tell.
[[nodiscard]] inline std::uint64_t machine_memory() {
  return detail::machine_memory();
}

struct FitControl {
  Progress progress{};
  /// Bytes that a fit or a search may take beyond what the caller holds. One that would need more
  /// is refused before anything is allocated; a search keeps fewer intermediate results instead, as
  /// long as that is enough.
  std::uint64_t memory_budget = machine_memory();
  FitSummary* summary = nullptr;  ///< Filled in where given.
};

}  // namespace LAE_ABI
}  // namespace lae
