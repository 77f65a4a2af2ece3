#pragma once

/// \file
/// Bayesian personalised ranking: what a user has should score above what they have not.

#include "batch.hpp"

namespace neural {

/// The mean over the batch of softplus(-x), x = z_u . (z_j - z_i) for user u, positive j and
/// negative i (Rendle et al., UAI 2009), and its gradient,
///
///     a = sigmoid(-x) / size:  g_u += a (z_i - z_j),  g_j -= a z_u,  g_i += a z_u,
///
/// which is added to `gradient`.
/// \param z, gradient nodes x dimensions, users first, then items; `users` tells how many
template <class Scalar>
double add_bpr(const Batch& batch, Index users, const Matrix<Scalar>& z, Matrix<Scalar>& gradient);

}  // namespace neural
