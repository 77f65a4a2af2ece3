#pragma once

/// \file
/// What `fit_blocks` takes and tells (see lae/models/blocks.hpp).
///
/// \code
/// lae::BlockOptions options;
/// options.neighbours = 100;      // half the default: a quarter of the time of the blocks
/// options.mean_entries = 64;     // a smaller model
/// \endcode

#include <cstdint>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/models/sparse_low_rank_model.hpp"

namespace lae {
inline namespace LAE_ABI {

struct BlockOptions {
  /// k, the most neighbours an item's weights from interactions are a regression on; 1 to 65,535
  /// (n - 1 or more: all items, which is the exact model, in n times the time). Time grows with
  /// its square to cube. On the data sets of benchmarks/RESULTS.md, 100 and 400 are as good.
  Index neighbours = 200;

  /// Bytes for the sparse weights: k is as large as they allow, but not above `neighbours`; 0: any.
  std::uint64_t sparse_bytes = 0;

  /// How many weights from interactions are kept for an item on average, the largest in absolute
  /// value of all, by one threshold; 0: all. >= 0.
  Index mean_entries = 0;

  /// How many are kept at most in each item's column; 0: all. >= 0.
  Index most_entries = 0;

  /// Whether P, which is symmetric, is made so again: P_ij and P_ji, where both are known, become
  /// their mean.
  bool symmetrise = false;

  /// Of the products with P⁻¹ that features need: |A z - v| <= tolerance · |v| for each column v;
  /// above 0 and below 1. Rankings hardly change below 1e-2.
  double tolerance = 1e-3;

  /// The most iterations for them, >= 1. Too few are no error, but `BlockReport` tells.
  Index max_iterations = 200;

  /// The most dimensions of features; 0: as many as there are. Sparse sources become that many
  /// singular vectors, times their singular values; what is more than that then, all sources side
  /// by side, is reduced to the leading eigenvectors of FᵀF. >= 0.
  Index rank = 0;

  /// In (0, 1]: dimensions of features are left out, the weakest first, as long as the others keep
  /// this share of the trace of FᵀF. 1: none are.
  double spectrum = 1;

  /// A weight >= 0 for each user, as the argument of `fit` of that name: X becomes diag(√w) X.
  /// Empty: all 1.
  std::vector<double> user_weights{};
};

/// What a fit by blocks did.
struct BlockReport {
  Index neighbours = 0;      ///< k
  Index entries = 0;         ///< weights from interactions that were found
  Index kept_entries = 0;    ///< those that are left when small ones are cut
  Index pairs = 0;           ///< of items, kept for look-ups; 0: counted from the interactions anew
  double pair_products = 0;  ///< multiplications to find pairs: Σ r² of histories (and tags)
  Index longest_history = 0;  ///< r of the longest, which cost r² of those
  Index rank = 0;             ///< of the model's other part
  double kept_spectrum = 1;   ///< of features: the share of the trace of FᵀF that is left

  Index iterations = 0;       ///< of conjugate gradients, at most, for any column
  double worst_residual = 0;  ///< the largest |A z - v| / |v|, measured at the end
  bool converged = true;      ///< whether that is within the tolerance (or ten rounding errors)
};

template <class Scalar>
struct BlockFit {
  SparseLowRankModel<Scalar> model;
  BlockReport report;
};

}  // namespace LAE_ABI
}  // namespace lae
