#pragma once

/// \file
/// Where the bytes and flops of fits by blocks are counted.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "lae/core/fit_cost.hpp"
#include "lae/core/threads.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/models/block_features.hpp"
#include "lae/detail/models/block_solve.hpp"
#include "lae/detail/models/gram_solve.hpp"
#include "lae/detail/models/ranked_rows.hpp"
#include "lae/detail/recipe/ledger.hpp"
#include "lae/models/block_fit.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// k. \throws std::invalid_argument
template <class Scalar>
Index neighbours_of(const BlockOptions& options, Index n) {
  Index k = (std::min)(options.neighbours, n - 1);
  require(k <= most_neighbours, "neighbours must be at most ", most_neighbours, ", got ",
          options.neighbours);
  if (options.sparse_bytes > 0) {
    const Bytes of_item = options.sparse_bytes / static_cast<Bytes>(n);
    k = (std::min)(k, static_cast<Index>(of_item / (sizeof(Scalar) + sizeof(Place))));
    require(k >= 1 || n == 1, "sparse_bytes must be at least ",
            static_cast<Bytes>(n) * (sizeof(Scalar) + sizeof(Place)), " for ", n, " items, got ",
            options.sparse_bytes);
  }
  return k;
}

template <class Scalar>
class BlockLedger {
 public:
  /// \throws std::invalid_argument if the recipe has no place for a source, or there are too many
  /// tags.
  BlockLedger(const Recipe& recipe, const ProblemSize& size, const BlockOptions& options)
      : recipe_(recipe), size_(size), options_(options), n_(size.items) {
    for (const SourceSize& source : size.sources) {
      (is_in_gram(source.role, recipe) ? in_gram_ : in_semantics_).add(source, sizeof(Scalar));
    }
    require_few_tags(in_semantics_.sparse_columns, n_, options);
  }

  FitCost fit() const {
    FitCost cost;
    cost.bytes = inputs();
    if (recipe_.ridge > 0) {
      const Index k = neighbours_of<Scalar>(options_, n_);
      cost.flops +=
          2 * sparse_gram_flops(rows(), entries()) + volume(n_, k, k) * static_cast<double>(k) / 3;
      cost.bytes = (std::max)(cost.bytes + ranked() + copies_for_ranking(), before_pairs());
    }
    const Index update = update_columns();
    const Index rank = semantic_columns();
    const bool is_prior = recipe_.semantic_use == SemanticUse::prior;
    const auto add_solve = [&](Index d) {
      // Some ten iterations.
      cost.flops += 10 * (4.0 * static_cast<double>(entries()) + 12.0 * static_cast<double>(n_)) *
                    static_cast<double>(d);
    };
    Bytes held = kept_of_inverse();
    if (update > 0) {
      add_solve(update);
      cost.flops += 3 * volume(n_, update, update);
      raise(cost, held + 2 * thin(update) + solver(update) + reducing(in_gram_.dense_columns, 0));
      held += thin(update);
    }
    if (rank > 0) {
      cost.flops += 2 * volume(n_, rank, rank) + volume(rank, rank, rank) * 2 / 3;
      if (is_prior) add_solve(rank);
      raise(cost, held + thin(rank) + square(rank) + product_bytes<Scalar>() +
                      reducing(in_semantics_.dense_columns, in_semantics_.sparse_columns));
      raise(cost, held + 2 * thin(rank) + (is_prior ? solver(rank) : 0));
      held += 2 * thin(rank);
    }
    if (update > 0) {
      held += 2 * thin(update + rank) - (rank > 0 ? thin(rank) : 0);
      raise(cost, held);
    }
    raise(cost, held + sparse_part());
    return cost;
  }

  /// A model of this, at most.
  Bytes model() const {
    return sparse_part() + 2 * thin(update_columns()) + 2 * thin(semantic_columns());
  }
  /// A factor of the semantic part.
  Bytes factor() const { return thin(semantic_columns()); }
  Index rank() const { return update_columns() + semantic_columns(); }

  /// What is held while pairs are found and looked up, without the pairs.
  Bytes before_pairs() const {
    if (recipe_.ridge <= 0) return 0;
    const auto threads = static_cast<Bytes>(thread_count());
    const auto n = static_cast<Bytes>(n_);
    const auto side = static_cast<Bytes>(neighbours_of<Scalar>(options_, n_) + 40);
    const Bytes of_rows = n * (6 * sizeof(Scalar) + 2 * sizeof(Place));
    const Bytes of_blocks = n * sizeof(std::uint16_t) + side * side * sizeof(Scalar);
    return inputs() + kept_of_inverse() + threads * (std::max)(of_rows, of_blocks);
  }

 private:
  static void raise(FitCost& cost, Bytes bytes) { cost.bytes = (std::max)(cost.bytes, bytes); }

  Index rows() const { return size_.users + in_gram_.sparse_columns; }
  Index entries() const { return size_.interactions + in_gram_.entries; }
  Bytes thin(Index columns) const { return dense_bytes<Scalar>(n_, columns); }
  static Bytes square(Index columns) { return dense_bytes<Scalar>(columns, columns); }

  /// Copies of what cannot be used as it is.
  Bytes inputs() const {
    const Bytes x = recipe_.ridge > 0 && size_.plain != sizeof(Scalar)
                        ? csr_bytes<Scalar>(size_.users, size_.interactions)
                        : 0;
    return x + in_gram_.template bytes<Scalar>(n_) + in_semantics_.template bytes<Scalar>(n_);
  }

  Bytes ranked() const {
    return lines_bytes<Scalar>(rows(), entries()) + lines_bytes<Scalar>(n_, entries()) +
           static_cast<Bytes>(n_) * 2 * sizeof(Place);
  }
  Bytes copies_for_ranking() const {
    Bytes bytes = static_cast<Bytes>(rows() + 2 * n_) * sizeof(Index);
    if (recipe_.refinements.user_exponent != 0 || !options_.user_weights.empty()) {
      bytes += csr_bytes<Scalar>(size_.users, size_.interactions);
    }
    if (in_gram_.sparse > 0) {
      bytes += 2 * csr_bytes<Scalar>(in_gram_.sparse_columns, in_gram_.entries);
    }
    return bytes;
  }

  Bytes sparse_part() const {
    return recipe_.ridge > 0
               ? lines_bytes<Scalar>(n_, n_ * (neighbours_of<Scalar>(options_, n_) + 1))
               : lines_bytes<Scalar>(n_, n_);
  }
  /// X and E.
  Bytes kept_of_inverse() const {
    if (recipe_.ridge <= 0) return 0;
    return ranked() + sparse_part() + static_cast<Bytes>(n_) * 9 * sizeof(Scalar);
  }

  Bytes solver(Index columns) const {
    constexpr Index width = GramSolver<Scalar>::width;
    const Index chunks = (columns + width - 1) / width;
    const auto at_once = static_cast<Bytes>((std::min)(chunks, Index(thread_count())));
    return at_once * thin(4 * width);
  }

  Index update_columns() const {
    return recipe_.ridge > 0 ? reduced_columns(in_gram_.dense_columns, 0, options_.rank) : 0;
  }
  Index semantic_columns() const {
    return reduced_columns(in_semantics_.dense_columns, in_semantics_.sparse_columns,
                           options_.rank);
  }

  /// What is taken until features have few dimensions.
  Bytes reducing(Index dense, Index sparse) const {
    const bool is_svd = options_.rank > 0 && sparse > options_.rank;
    if (!is_svd && options_.spectrum == 1 &&
        (options_.rank == 0 || dense + sparse <= options_.rank)) {
      return 0;
    }
    const Index plain = dense + (is_svd ? options_.rank : sparse);
    const Bytes svd = is_svd ? dense_bytes<Scalar>(n_ + sparse, 2 * options_.rank + 200) : 0;
    return (std::max)(svd, thin(plain) + 4 * dense_bytes<double>(plain, plain));
  }

  Recipe recipe_;
  ProblemSize size_;
  BlockOptions options_;
  Index n_;
  SourceTotals in_gram_;
  SourceTotals in_semantics_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
