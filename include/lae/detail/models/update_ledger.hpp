#pragma once

/// \file
/// Bytes and flops of updatable models: of their fits and of their updates.

#include <algorithm>
#include <utility>
#include <vector>

#include "lae/core/fit_cost.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/recipe/ledger.hpp"
#include "lae/models/update.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

template <class Scalar>
class UpdateLedger {
 public:
  /// A flop with an entry of P that comes from memory, not from a cache, takes as long as this many
  /// of a product.
  static constexpr double streamed_flop_price = 12;

  /// \param size of the data as they are
  UpdateLedger(const Recipe& recipe, ProblemSize size)
      : recipe_(recipe), size_(std::move(size)), ledger_(recipe, size_) {}

  /// P and what belongs to it, besides the data.
  FitCost fit() const {
    const Index n = size_.items;
    const Index d = rank();
    FitCost cost = ledger_.inverse();
    cost.flops += semantics_flops();
    cost.bytes += semantics_bytes();
    if (is_prior()) {
      cost.flops += 2 * volume(n, n, d);
      cost.bytes += dense_bytes<Scalar>(n, d);
    }
    return cost;
  }

  /// Copies of the data, which the model owns.
  Bytes data_bytes() const {
    Bytes bytes = csr_bytes<Scalar>(size_.users, size_.interactions);
    for (const SourceSize& source : size_.sources) bytes += source_bytes(source, size_.items);
    return bytes;
  }

  UpdateCost update(const UpdateSize& change) const {
    UpdateCost cost;
    const Step step = step_of(change);
    ProblemSize size = size_;
    size.users += change.new_users;
    size.items += change.new_items;
    const UpdateLedger after(recipe_, std::move(size));
    const FitCost fit = after.fit();
    cost.rank = step.rank;
    cost.is_fit = step.price >= after.price_of(fit);
    cost.flops = cost.is_fit ? fit.flops : step.flops;
    cost.bytes =
        (cost.is_fit ? fit.bytes + new_item_bytes(change) : step.bytes) + change_bytes(change);
    cost.most_users = most_users(change);
    return cost;
  }

  /// V, F side by side where it is not one source, the factor of FᵀF and its copy; 0 without a
  /// semantic phase.
  Bytes semantics_bytes(Index new_items = 0) const {
    const Index items = size_.items + new_items;
    const Index d = rank();
    const bool is_lent = ledger_.in_semantics().dense == 1 && ledger_.in_semantics().sparse == 0;
    return (is_lent ? 1 : 2) * dense_bytes<Scalar>(items, d) + 2 * dense_bytes<Scalar>(d, d);
  }

 private:
  struct Step {
    Index rank = 0;
    double flops = 0;
    double price = 0;  ///< flops, with those that wait for memory weighed
    Bytes bytes = 0;
  };

  /// Columns of V; 0 without a semantic phase.
  Index rank() const { return ledger_.in_semantics().columns(); }
  bool is_prior() const { return recipe_.semantic_use == SemanticUse::prior; }

  double semantics_flops() const {
    return rank() > 0 ? ledger_.low_rank_gram_flops() + ledger_.low_rank_solve_flops() : 0;
  }

  static Index touched_items(const UpdateSize& change) {
    return change.touched_items < 0 ? change.entries : change.touched_items;
  }

  /// The low-rank change.
  Step step_of(const UpdateSize& change) const {
    const Index n = size_.items + change.new_items;
    const SourceTotals& side = ledger_.in_gram();
    const bool has_border = change.new_items > 0 && !side.empty();
    const bool is_weighed_anew = has_border && recipe_.gram_weight.is_relative;
    Index touched = 0;
    if (recipe_.refinements.dropout > 0) {
      touched = is_weighed_anew ? n : (std::min)(n, touched_items(change));
    }
    const Index of_users = 2 * change.users + change.new_users + touched;
    const Index of_side =
        (has_border ? change.new_items : 0) + (is_weighed_anew ? side.columns() : 0);
    Step step;
    step.rank = of_users + of_side;
    const Index r = step.rank;
    const Index d = rank();
    // Rows of P, summed; then the factors, half of which come and half of which go, and what they
    // do to P and Z.
    const double sums = 2 * static_cast<double>(change.entries + touched) * static_cast<double>(n);
    step.flops =
        sums + 2 * volume(n, n, of_side) + volume(n, r, r) + volume(r, r, r) / 6 + volume(n, n, r);
    step.price = step.flops + (streamed_flop_price - 1) * sums +
                 2 * streamed_flop_price * static_cast<double>(n) * static_cast<double>(n);
    if (is_prior()) {
      const double products = 4 * volume(n, r, d);
      step.flops += products;
      step.price += products;
    }
    if (change.new_items > 0 && d > 0) {
      const double semantics = semantics_flops() + (is_prior() ? 4 * volume(n, d, d) : 0);
      step.flops += semantics;
      step.price += semantics;
    }
    step.bytes = dense_bytes<Scalar>(r, n) + dense_bytes<Scalar>(r, r) / 2 +
                 product_bytes<Scalar>() + new_item_bytes(change);
    if (change.new_items > 0) {
      step.bytes += dense_bytes<Scalar>(n, n) + semantics_bytes(change.new_items);
    }
    if (is_weighed_anew) step.bytes += dense_bytes<Scalar>(side.dense_columns, n);
    if (is_prior()) step.bytes += dense_bytes<Scalar>(n, d) + dense_bytes<Scalar>(r, d);
    return step;
  }

  /// Of a fit on these data.
  double price_of(const FitCost& fit) const {
    if (fit.form == FitForm::primal) return fit.flops;
    const SourceTotals& side = ledger_.in_gram();
    return fit.flops + (sparse_flop_price - 1) *
                           dual_sparse_flops(size_.users + side.sparse_columns, size_.items,
                                             size_.interactions + side.entries);
  }

  /// How many known users like these make an update that costs less than a fit, at most.
  Index most_users(const UpdateSize& change) const {
    const auto users = static_cast<double>(change.users + change.new_users);
    const double length = users > 0 ? static_cast<double>(change.entries) / users
                                    : 2 * static_cast<double>(size_.interactions) /
                                          static_cast<double>(std::max<Index>(size_.users, 1));
    const double touched = users > 0 ? static_cast<double>(touched_items(change)) / users : length;
    const double of_fit = price_of(fit());
    Index fewer = 0;
    Index more = size_.items;  // whose rank no update has
    while (more - fewer > 1) {
      const Index middle = fewer + (more - fewer) / 2;
      const auto count = static_cast<double>(middle);
      const UpdateSize size{middle, 0, static_cast<Index>(length * count), 0,
                            static_cast<Index>(touched * count)};
      (step_of(size).price < of_fit ? fewer : more) = middle;
    }
    return fewer;
  }

  /// The interactions anew, twice if users are weighed.
  Bytes change_bytes(const UpdateSize& change) const {
    const Bytes x =
        csr_bytes<Scalar>(size_.users + change.new_users, size_.interactions + change.entries);
    return recipe_.refinements.user_exponent != 0 ? 3 * x : x;
  }
  /// Features of all items anew.
  Bytes new_item_bytes(const UpdateSize& change) const {
    Bytes bytes = 0;
    if (change.new_items == 0) return bytes;
    for (const SourceSize& source : size_.sources) {
      bytes += source_bytes(source, size_.items + change.new_items);
    }
    return bytes;
  }

  static Bytes source_bytes(const SourceSize& source, Index items) {
    return source.entries ? csr_bytes<Scalar>(items, *source.entries)
                          : dense_bytes<Scalar>(items, source.columns);
  }

  Recipe recipe_;
  ProblemSize size_;
  Ledger<Scalar> ledger_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
