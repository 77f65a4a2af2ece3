#pragma once

/// \file
/// InfoNCE: each anchor should be closer, by the cosine, to its own target than to the others.

#include <Eigen/Core>

#include "batch.hpp"

namespace neural {

/// Which targets an anchor's own one is held against.
enum class Others {
  all,   ///< all rows, each once
  batch  ///< those of the batch, each as often as it stands there (so an anchor's own target, if it
         ///< stands there again, is an other, too)
};

template <class Scalar>
struct InfoNceTerm {
  const Merged& anchor_ids;  ///< rows of `anchors`, by place in the batch
  const Merged& target_ids;  ///< rows of `targets`, by place in the batch
  Others others = Others::all;
  double temperature = 1;  ///< > 1 / 40 in float: nothing is scaled against underflow
  double weight = 1;       ///< of the gradient
  /// Added to the denominator and to the ratio whose logarithm the loss is: 0, or 1e-8 in the
  /// reconstruction of RLMRec-Gen.
  double epsilon = 0;
  double length_epsilon = 1e-8;  ///< of unit rows, 0 in that reconstruction
};

/// The sum over the places r of a batch of
///
///     -log(rho_r + epsilon),  rho_r = e^(a_r . c_t(r) / tau) / (sum_c e^(a_r . c / tau) + epsilon),
///
/// a and c being rows scaled to unit length, x / sqrt(length_epsilon + |x|^2); with epsilon 0 it is
/// -a_r . c_t(r) / tau + log sum_c e^(a_r . c / tau). To `anchors_gradient` and `targets_gradient`,
/// of the sizes of `anchors` and `targets`, `weight` times the gradient is added; the latter may be
/// empty: targets are constant then.
///
/// Rows that stand in a batch several times are scored once. Cost, for a distinct anchors and c
/// distinct others: 6 * a * c * dimensions flops and a * c exponentials; memory for each thread
/// 64 * c scores, and one copy of the targets in eight parts, whose sums do not depend on threads.
template <class Scalar>
double add_info_nce(const InfoNceTerm<Scalar>& term,
                    const Eigen::Ref<const Matrix<Scalar>>& anchors,
                    const Eigen::Ref<const Matrix<Scalar>>& targets,
                    Eigen::Ref<Matrix<Scalar>> anchors_gradient,
                    Eigen::Ref<Matrix<Scalar>> targets_gradient);

}  // namespace neural
