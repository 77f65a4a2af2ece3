#pragma once

/// \file
/// Grids of options, written down as lists.
///
///     auto points = lae::vary(std::vector<lae::L3aeOptions>(1), "dropout", {0, 0.3});
///     points = lae::vary(points, &lae::L3aeOptions::lambda_kd, {50, 100});  // 4 points

#include <functional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Each of `points` with each of `values` in place of one of its options: a grid has a call for
/// each of its axes, and its last axis varies fastest.
///
///     points = lae::vary(points, "dropout", {0, 0.3});
///     points = lae::vary(points, &lae::L3aeOptions::lambda_kd, {50, 100});
///     points = lae::vary(
///         points, [](auto& o) -> double& { return o.refinements.dropout; }, {0, 0.3});
///
/// \param option a pointer to a member, the name of an option (see recipe/option_fields.hpp), or a
/// function that returns a reference to the option
/// \throws std::invalid_argument if there is no option of that name.
template <class Options, class Option>
[[nodiscard]] std::vector<Options> vary(const std::vector<Options>& points, Option option,
                                        const std::vector<double>& values) {
  std::vector<Options> varied;
  varied.reserve(points.size() * values.size());
  const auto vary_by = [&](auto&& set) {
    for (const Options& point : points) {
      for (const double value : values) set(varied.emplace_back(point), value);
    }
  };
  if constexpr (std::is_convertible_v<Option, std::string_view>) {
    const auto fields = Options::fields();
    const auto* field = fields.find(option);
    detail::require(field != nullptr, "there is no option \"", option, "\" to vary");
    vary_by([&](Options& point, double value) { field->set(point, value); });
  } else {
    vary_by([&](Options& point, double value) {
      auto& varied_option = std::invoke(option, point);
      varied_option = static_cast<std::decay_t<decltype(varied_option)>>(value);
    });
  }
  return varied;
}

}  // namespace LAE_ABI
}  // namespace lae
