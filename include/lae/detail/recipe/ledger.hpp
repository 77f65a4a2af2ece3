#pragma once

/// \file
/// Where the bytes and flops of recipes are counted, for fits and for searches.

#include <algorithm>
#include <cstddef>

#include "lae/core/fit_cost.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Sizes of the sources that play one role.
struct SourceTotals {
  Index dense_columns = 0;
  Index sparse_columns = 0;
  Index entries = 0;
  Index copied_columns = 0;  ///< dense ones of sources that have to be copied
  Index copied_entries = 0;
  int dense = 0;  ///< sources
  int sparse = 0;

  Index columns() const { return dense_columns + sparse_columns; }
  bool empty() const { return dense + sparse == 0; }

  void add(const SourceSize& source, std::size_t scalar_bytes) {
    const bool is_copied = source.plain != scalar_bytes;
    if (source.entries) {
      ++sparse;
      sparse_columns += source.columns;
      entries += *source.entries;
      if (is_copied) copied_entries += *source.entries;
    } else {
      ++dense;
      dense_columns += source.columns;
      if (is_copied) copied_columns += source.columns;
    }
  }

  /// Canonical copies of them.
  template <class Scalar>
  Bytes bytes(Index items) const {
    return dense_bytes<Scalar>(items, copied_columns) +
           (copied_entries > 0 ? csr_bytes<Scalar>(items, copied_entries) : 0);
  }

  /// Summing their n x n Gram matrix: the largest of them transposed, and where its columns are.
  template <class Scalar>
  Bytes gram_bytes(Index items) const {
    return sparse > 0
               ? csr_bytes<Scalar>(sparse_columns, entries) + sparse_gram_bytes(items, entries)
               : 0;
  }
  double gram_flops(Index items) const {
    return volume(items, items, dense_columns) + sparse_gram_flops(sparse_columns, entries);
  }
};

/// What a step takes: at its peak, and what is left of that when it is done.
struct StepCost {
  double flops = 0;
  Bytes peak = 0;
  Bytes kept = 0;
};

/// The semantic phase of a search, beside P.
struct SemanticSearchCost {
  Index rank = 0;        ///< columns of the left factor of Q; 0: Q is whole, or there is none
  Bytes shared = 0;      ///< what all ridges share
  Bytes preparing = 0;   ///< more than that while it is made
  Bytes of_inverse = 0;  ///< what all ridges share for one P
  Bytes of_term = 0;     ///< Q of one ridge
  Bytes solving = 0;     ///< the same while it is made
  Bytes writing = 0;     ///< from Q to the weights, besides Q
};

template <class Scalar>
class Ledger {
 public:
  /// \throws std::invalid_argument if the recipe has no place for a source.
  Ledger(const Recipe& recipe, const ProblemSize& size) : recipe_(recipe), size_(size) {
    for (const SourceSize& source : size.sources) {
      (is_in_gram(source.role, recipe) ? in_gram_ : in_semantics_).add(source, sizeof(Scalar));
    }
  }

  FitCost fit() const {
    FitCost cost;
    const Bytes x = recipe_.ridge > 0 && size_.plain != sizeof(Scalar)
                        ? csr_bytes<Scalar>(size_.users, size_.interactions)
                        : 0;
    const Bytes side = in_gram_.template bytes<Scalar>(size_.items);
    Bytes kept = 0;
    if (has_semantics()) {
      const StepCost semantics = solve_once();
      cost.flops += semantics.flops;
      cost.bytes = semantics.peak + x + side;
      kept = semantics.kept;
    }
    if (recipe_.ridge > 0) {
      const FitCost inverse = this->inverse();
      cost.flops += inverse.flops;
      cost.form = inverse.form;
      cost.bytes = (std::max)(cost.bytes, kept + x + side + inverse.bytes);
    }
    const StepCost weights = write_weights();
    cost.flops += weights.flops;
    cost.bytes = (std::max)(cost.bytes, weights.peak + x + side);
    return cost;
  }

  bool has_semantics() const { return recipe_.semantic_use != SemanticUse::none; }
  bool is_low_rank() const {
    return has_semantics() && recipe_.semantic_use != SemanticUse::similarity &&
           detail::is_low_rank(size_.items, in_semantics_.columns());
  }

  /// P: all that InversePhase takes but the data.
  FitCost inverse() const {
    const Index n = size_.items;
    const Index rows = size_.users + in_gram_.sparse_columns;
    const Index entries = size_.interactions + in_gram_.entries;
    const FitForm form = inverse_form<Scalar>(recipe_.form, rows, n, entries, in_gram_.dense == 0);
    FitCost cost = inverse_cost<Scalar>(rows, n, entries, form);
    if (form != FitForm::dual) {
      // Gram matrices are summed one after the other.
      cost.bytes = square() + product_bytes<Scalar>() +
                   (std::max)(sparse_gram_bytes(n, size_.interactions),
                              in_gram_.template gram_bytes<Scalar>(n));
      cost.flops = volume(n, n, n) + sparse_gram_flops(size_.users, size_.interactions) +
                   in_gram_.gram_flops(n);
    } else if (in_gram_.sparse > 0) {
      cost.bytes += csr_bytes<Scalar>(in_gram_.sparse_columns, in_gram_.entries) +
                    csr_bytes<Scalar>(rows, entries);
    }
    if (recipe_.refinements.user_exponent != 0) {
      cost.bytes += csr_bytes<Scalar>(size_.users, size_.interactions);
    }
    return cost;
  }

  /// S of one ridge, whose V takes the place of F where it can.
  StepCost solve_once() const {
    const Index n = size_.items;
    const Index d = in_semantics_.columns();
    const Bytes sources = in_semantics_.template bytes<Scalar>(n);
    const Bytes v = dense_bytes<Scalar>(n, d);
    if (is_low_rank()) {
      const bool is_in_place = in_semantics_.dense == 1 && in_semantics_.sparse == 0;
      const Bytes kept = is_in_place ? v : v + sources;
      return {low_rank_gram_flops() + low_rank_solve_flops(),
              kept + dense_bytes<Scalar>(d, d) + product_bytes<Scalar>() +
                  (in_semantics_.sparse > 0 ? csr_bytes<Scalar>(d, in_semantics_.entries) : 0),
              kept};
    }
    const StepCost dense = solve_dense();
    return {dense.flops, dense.peak + sources, dense.kept + sources};
  }

  /// P_F, or F Fᵀ: all but the features.
  StepCost solve_dense() const {
    const Index n = size_.items;
    if (recipe_.semantic_use == SemanticUse::similarity) {
      return {in_semantics_.gram_flops(n),
              square() + product_bytes<Scalar>() + in_semantics_.template gram_bytes<Scalar>(n),
              square()};
    }
    if (in_semantics_.dense == 0) {
      const FitCost cost = inverse_cost<Scalar>(in_semantics_.columns(), n, in_semantics_.entries,
                                                FitForm::automatic);
      return {cost.flops,
              cost.bytes + csr_bytes<Scalar>(in_semantics_.columns(), in_semantics_.entries),
              square()};
    }
    return {volume(n, n, n) + in_semantics_.gram_flops(n),
            square() + product_bytes<Scalar>() + in_semantics_.template gram_bytes<Scalar>(n),
            square()};
  }

  /// From P and S to B, with both in it.
  StepCost write_weights() const {
    const Index n = size_.items;
    const Index d = in_semantics_.columns();
    const Bytes v = dense_bytes<Scalar>(n, d);
    const Bytes buffers = product_bytes<Scalar>();
    const Bytes sources = is_low_rank() && in_semantics_.dense == 1 && in_semantics_.sparse == 0
                              ? 0
                              : in_semantics_.template bytes<Scalar>(n);
    if (!has_semantics()) return {0, square(), square()};
    const bool is_prior = recipe_.semantic_use == SemanticUse::prior;
    if (is_low_rank()) {
      // P V of a prior, or a scaled copy of V beside V.
      return {(is_prior ? 4 : 2) * volume(n, n, d), square() + 2 * v + buffers + sources, square()};
    }
    if (is_prior) {
      return {2 * volume(n, n, n), 2 * square() + panel_bytes<Scalar>(n) + buffers + sources,
              square()};
    }
    return {0, (recipe_.ridge > 0 ? 2 : 1) * square() + sources, square()};
  }

  /// \param ridges different ones
  SemanticSearchCost semantic_search(Index ridges) const {
    SemanticSearchCost cost;
    if (!has_semantics()) return cost;
    const Index n = size_.items;
    const Index d = in_semantics_.columns();
    const Bytes v = dense_bytes<Scalar>(n, d);
    const Bytes core = dense_bytes<Scalar>(d, d);
    const Bytes buffers = product_bytes<Scalar>();
    const bool is_prior = recipe_.semantic_use == SemanticUse::prior;
    if (is_low_rank()) {
      cost.rank = d;
      const bool is_lent = in_semantics_.dense == 1 && in_semantics_.sparse == 0;
      cost.shared = (is_lent ? 0 : v) + core;
      if (SemanticPhase<Scalar>::is_worth_eigenvectors(n, d, ridges)) {
        cost.preparing = 4 * dense_bytes<double>(d, d) + v + buffers;
        cost.shared += v;
      } else {
        cost.preparing = buffers + csr_bytes<Scalar>(d, in_semantics_.entries);
      }
      cost.of_inverse = is_prior ? v : 0;
      cost.of_term = v + core;
      cost.solving = cost.of_term + buffers;
      cost.writing = (is_prior ? 0 : v) + panel_bytes<Scalar>((std::max)(d, Index(1))) + buffers;
      return cost;
    }
    cost.of_term = square();
    cost.solving = solve_dense().peak;
    cost.rank = is_prior ? n : 0;
    cost.writing = (is_prior ? panel_bytes<Scalar>(n) + buffers : 0);
    return cost;
  }

  Bytes square() const { return dense_bytes<Scalar>(size_.items, size_.items); }

  double low_rank_gram_flops() const {
    const Index n = size_.items;
    const auto d = static_cast<double>(in_semantics_.columns());
    return volume(n, in_semantics_.dense_columns, in_semantics_.dense_columns) +
           2 * static_cast<double>(in_semantics_.entries) * d;
  }
  double low_rank_solve_flops() const {
    const Index d = in_semantics_.columns();
    return volume(size_.items, d, d) + volume(d, d, d) * 2 / 3;
  }

  const SourceTotals& in_gram() const { return in_gram_; }
  const SourceTotals& in_semantics() const { return in_semantics_; }

 private:
  Recipe recipe_;
  ProblemSize size_;
  SourceTotals in_gram_;
  SourceTotals in_semantics_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
