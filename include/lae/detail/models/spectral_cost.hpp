#pragma once

/// \file
/// Bytes and flops of spectral fits.

#include <algorithm>

#include "lae/core/fit_cost.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/algebra/sparse_panels.hpp"
#include "lae/detail/algebra/svd_driver.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/spectral_recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Peak memory of a spectral fit.
/// \param is_filtered how singular vectors are found
template <class Scalar>
[[nodiscard]] Bytes spectral_bytes(const SpectralRecipe& recipe, bool is_filtered, Index users,
                                   Index items, Index entries) {
  const Index k = (std::min)({recipe.svd.rank, users, items});
  const Index shorter = (std::min)(users, items);
  const Index longer = (std::max)(users, items);
  const auto on_threads = [](Index rows, Index columns) {
    return static_cast<Bytes>(thread_count()) * dense_bytes<Scalar>(rows, columns);
  };
  Bytes vectors = 0;
  if (is_filtered) {
    const Index block = filtered_block(k);
    const Bytes panels = on_threads(longer + 2 * shorter, panel_width<Scalar>);
    // The projected matrix, its eigenvectors and their like; rows that are turned.
    const Bytes projected = 4 * dense_bytes<double>(block, block) + on_threads(product_tile, block);
    const Bytes found = dense_bytes<Scalar>(shorter, k);  // while malloc keeps the panels
    // The block and its images, and what comes beside them.
    vectors = 2 * dense_bytes<Scalar>(shorter, block) + product_bytes<Scalar>() + panels +
              (std::max)(projected, found);
    if (users < items) vectors = (std::max)(vectors, found + dense_bytes<Scalar>(items, k));
  } else {
    const SvdPlan plan(k, users, items);
    vectors = dense_bytes<Scalar>(users, plan.capacity + plan.block) +
              dense_bytes<Scalar>(items, plan.capacity + 2 * plan.block) +
              dense_bytes<Scalar>(users + items, k) +
              6 * dense_bytes<double>(plan.capacity, plan.capacity) + product_bytes<Scalar>();
  }
  // The vectors, and the two factors that are made of them.
  Bytes model = 3 * dense_bytes<Scalar>(items, k);
  if (recipe.sharpens_low_pass) model += on_threads(users + 3 * items, panel_width<Scalar>);
  return csr_bytes<Scalar>(users, entries) + csr_bytes<Scalar>(items, entries) +
         (std::max)(vectors, model);
}

/// Peak memory and flops of a spectral fit. Flops are those of typical spectra.
template <class Scalar>
[[nodiscard]] FitCost spectral_cost(const SpectralRecipe& recipe, const ProblemSize& size) {
  const Index k = (std::min)({recipe.svd.rank, size.users, size.items});
  const bool is_filtered = filtering_pays(k, size.users, size.items, size.interactions);
  FitCost cost;
  cost.bytes =
      spectral_bytes<Scalar>(recipe, is_filtered, size.users, size.items, size.interactions);
  const auto entries = static_cast<double>(size.interactions);
  if (is_filtered) {
    constexpr double steps = 50;
    constexpr double rounds = 5;
    const Index block = filtered_block(k);
    cost.flops = steps * 4 * entries * static_cast<double>(block) +
                 rounds * 14 * volume((std::min)(size.users, size.items), block, block);
  } else {
    constexpr double passes = 5;
    const SvdPlan plan(k, size.users, size.items);
    cost.flops = passes * (4 * entries * static_cast<double>(plan.capacity) +
                           8 * volume(size.users + size.items, plan.capacity, plan.capacity));
  }
  if (recipe.sharpens_low_pass) {
    const double products =
        static_cast<double>(recipe.sharpening.steps) * (recipe.sharpening.is_euler ? 1 : 4);
    cost.flops += products * 4 * entries * static_cast<double>(k);
  }
  if (recipe.exponent_low != recipe.exponent_high) {
    cost.flops += 3 * (sparse_gram_flops(size.users, size.interactions) +
                       sparse_gram_flops(size.items, size.interactions));
  }
  return cost;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
