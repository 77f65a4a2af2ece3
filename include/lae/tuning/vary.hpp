#pragma once

/// \file
/// Grids of options, written down as lists.

#include <functional>
#include <vector>

namespace lae {

/// Each of `points` with each of `values` in place of one of its options: a grid has a call for
/// each of its axes, and its last axis varies fastest.
///
///     auto points = vary(std::vector<L3aeOptions>{{}}, &L3aeOptions::lambda_f, {1, 10, 100});
///     points = vary(points, [](auto& o) -> double& { return o.refinements.dropout; }, {0, 0.3});
///
/// \param option a pointer to a member, or a function that returns a reference to the option
template <class Options, class Option>
std::vector<Options> vary(const std::vector<Options>& points, Option option,
                          const std::vector<double>& values) {
  std::vector<Options> varied;
  varied.reserve(points.size() * values.size());
  for (const Options& point : points) {
    for (const double value : values) {
      varied.push_back(point);
      std::invoke(option, varied.back()) = value;
    }
  }
  return varied;
}

}  // namespace lae
