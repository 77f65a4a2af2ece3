#pragma once

/// \file
/// The one kernel behind every model: from the inverse P = (G + diag(Λ))⁻¹ and an optional prior S
/// to the weights, with the step that makes the diagonal zero,
///
///     B = I + κ P S - P diag(μ),   μ_j = (1 + κ (P S)_jj) / P_jj,   then diag(B) = 0 exactly,
///
/// in the storage of P. The prior S = I - P_F diag(1 / diag P_F) is EASE on item
/// features; without it (κ = 0) this is B = I - P diag(1 / diag P). Sources: Steck, Embarrassingly
/// Shallow Autoencoders, WWW 2019, eq. 8; L3AE, CIKM 2025, eq. 12.
///
/// With a relaxed diagonal (see core/refinements.hpp), B_jj is what it would be without the
/// constraint, 1 + κ (P S)_jj - Λ_j P_jj, as far as that lies in [0, ξ], and
/// μ_j = (1 + κ (P S)_jj - B_jj) / P_jj.

#include <algorithm>
#include <utility>

#include "lae/core/refinements.hpp"
#include "lae/core/semantic_prior.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
namespace detail {

/// How the constraint acts on one column.
template <class Scalar>
struct ColumnConstraint {
  Scalar mu;        ///< μ_j
  Scalar diagonal;  ///< B_jj
};

/// \param own 1 + κ (P S)_jj
template <class Scalar>
ColumnConstraint<Scalar> column_constraint(const Regularization<Scalar>& regularization, Index item,
                                           Scalar p_jj, Scalar own) {
  Scalar diagonal = 0;
  if (regularization.diagonal_bound > 0) {
    diagonal = std::clamp(own - regularization.ridge[item] * p_jj, Scalar(0),
                          regularization.diagonal_bound);
  }
  return {(own - diagonal) / p_jj, diagonal};
}

template <class Scalar>
Scalar target_scale_of(const Vector<Scalar>& target_scale, Index item) {
  return target_scale.size() > 0 ? target_scale[item] : Scalar(1);
}

template <class Scalar>
void require_items(const Regularization<Scalar>& regularization, Index items) {
  const auto has_all = [&](const Vector<Scalar>& values) { return values.size() == items; };
  require(regularization.target_scale.size() == 0 || has_all(regularization.target_scale),
          "the regularization scales ", regularization.target_scale.size(), " targets, P has ",
          items, " items");
  require(!(regularization.diagonal_bound > 0) || has_all(regularization.ridge),
          "the regularization has the ridge of ", regularization.ridge.size(), " items, P has ",
          items);
}

}  // namespace detail

/// EASE: P <- B. Cost: n^2 flops, vectors besides P.
/// \param p symmetric, both triangles, positive diagonal.
/// \throws std::invalid_argument if the regularization has other items than P.
template <class Scalar>
void constrain_diagonal(Matrix<Scalar>& p, const Regularization<Scalar>& regularization = {}) {
  detail::require_square(p);
  detail::require_items(regularization, p.rows());
  Vector<Scalar> scale(p.rows());
  Vector<Scalar> diagonal(p.rows());
  for (Index j = 0; j < p.rows(); ++j) {
    const auto column = detail::column_constraint(regularization, j, p(j, j), Scalar(1));
    const Scalar target = detail::target_scale_of(regularization.target_scale, j);
    scale[j] = -column.mu * target;
    diagonal[j] = column.diagonal * target;
  }
  detail::parallel_tiles(p.rows(), 64, [&](Index first, Index rows) {
    p.middleRows(first, rows).array().rowwise() *= scale.transpose().array();
    p.diagonal().segment(first, rows) = diagonal.segment(first, rows);
  });
}

/// L3AE with a low-rank prior: P <- B = I + P diag(c) + κ W (diag(1/s) V)ᵀ with W = P V, s the
/// prior's slack and c_j = κ (1 - 1/s_j) - μ_j.
/// Cost: 4 n^2 d flops; n d scalars besides P and the prior, which is used up.
/// \throws std::invalid_argument if the prior or the regularization has other items than P;
/// Cancelled.
template <class Scalar>
void constrain_diagonal(Matrix<Scalar>& p, LowRankPrior<Scalar> prior, Scalar kappa,
                        const Regularization<Scalar>& regularization = {},
                        const Progress& progress = {}) {
  detail::require_square(p);
  detail::require_items(regularization, p.rows());
  const Index n = p.rows();
  Matrix<Scalar>& v = prior.v;
  detail::require(v.rows() == n, "the prior has ", v.rows(), " items, P has ", n);
  detail::Stage stage(progress, "constrain", 2.0 * static_cast<double>(n));

  Matrix<Scalar> w = detail::large_matrix<Scalar>(n, v.cols());
  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    w.middleRows(first, rows).setZero();
    detail::add_product<Scalar>(w.middleRows(first, rows), 1,
                                detail::plain(p.middleRows(first, rows)), detail::plain(v));
    stage.advance(static_cast<double>(rows));
  });

  Vector<Scalar> scale(n);
  Vector<Scalar> diagonal(n);
  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    for (Index j = first; j < first + rows; ++j) {
      const Scalar s = prior.slack[j];
      const Scalar p_jj = p(j, j);
      const Scalar ps_jj = p_jj * (1 - 1 / s) + w.row(j).dot(v.row(j)) / s;
      const auto column = detail::column_constraint(regularization, j, p_jj, 1 + kappa * ps_jj);
      const Scalar target = detail::target_scale_of(regularization.target_scale, j);
      scale[j] = (kappa * (1 - 1 / s) - column.mu) * target;
      diagonal[j] = column.diagonal * target;
      v.row(j) *= kappa / s * target;
    }
  });

  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    auto b = p.middleRows(first, rows);
    b.array().rowwise() *= scale.transpose().array();
    detail::add_product<Scalar>(b, 1, detail::plain(w.middleRows(first, rows)),
                                detail::transposed(v));
    p.diagonal().segment(first, rows) = diagonal.segment(first, rows);
    stage.advance(static_cast<double>(rows));
  });
  stage.finish();
}

/// L3AE with a dense prior: P <- B = I + P diag(κ - μ) - κ P P_F diag(1 / diag P_F), formed panel
/// by panel.
/// Cost: 2 n^3 flops; a panel of rows for each thread besides the two n x n matrices.
/// \throws as with a low-rank prior.
template <class Scalar>
void constrain_diagonal(Matrix<Scalar>& p, const DensePrior<Scalar>& prior, Scalar kappa,
                        const Regularization<Scalar>& regularization = {},
                        const Progress& progress = {}) {
  detail::require_square(p);
  detail::require_items(regularization, p.rows());
  const Index n = p.rows();
  const Matrix<Scalar>& pf = prior.inverse;
  detail::require(pf.rows() == n && pf.cols() == n, "the prior has ", pf.rows(), " items, P has ",
                  n);
  detail::Stage stage(progress, "constrain", static_cast<double>(n));

  // (P S)_jj = P_jj - (P P_F)_jj / (P_F)_jj, from rows, since both are symmetric.
  Vector<Scalar> own_scale(n);
  Vector<Scalar> product_scale(n);
  Vector<Scalar> diagonal(n);
  detail::parallel_tiles(n, 64, [&](Index first, Index rows) {
    for (Index j = first; j < first + rows; ++j) {
      const Scalar ps_jj = p(j, j) - p.row(j).dot(pf.row(j)) / pf(j, j);
      const auto column = detail::column_constraint(regularization, j, p(j, j), 1 + kappa * ps_jj);
      const Scalar target = detail::target_scale_of(regularization.target_scale, j);
      own_scale[j] = (kappa - column.mu) * target;
      product_scale[j] = -kappa / pf(j, j) * target;
      diagonal[j] = column.diagonal * target;
    }
  });

  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    auto b = p.middleRows(first, rows);
    Matrix<Scalar> product = Matrix<Scalar>::Zero(rows, n);
    detail::add_product<Scalar>(product, 1, detail::plain(b), detail::plain(pf));
    b.array() = b.array().rowwise() * own_scale.transpose().array() +
                product.array().rowwise() * product_scale.transpose().array();
    p.diagonal().segment(first, rows) = diagonal.segment(first, rows);
    stage.advance(static_cast<double>(rows));
  });
  stage.finish();
}

/// L3AE with a prior in either form.
template <class Scalar>
void constrain_diagonal(Matrix<Scalar>& p, SemanticPrior<Scalar> prior, Scalar kappa,
                        const Regularization<Scalar>& regularization = {},
                        const Progress& progress = {}) {
  std::visit(
      [&](auto& form) { constrain_diagonal(p, std::move(form), kappa, regularization, progress); },
      prior);
}

/// B <- (1 - α) B + α S with S the EASE solution on item features, from its low-rank form:
/// S_ij = v_i · v_j / s_j off the diagonal. With α = 1, B need not be initialised.
/// Cost: 2 n^2 d flops; n d scalars besides B and the prior.
/// \param target_scale factors of the columns of S; empty: all 1
/// \throws std::invalid_argument if the prior has other items than B.
template <class Scalar>
void blend_semantic_weights(Matrix<Scalar>& b, const LowRankPrior<Scalar>& prior, Scalar alpha,
                            const Vector<Scalar>& target_scale = {}) {
  detail::require_square(b);
  const Index n = b.rows();
  detail::require(prior.v.rows() == n, "the prior has ", prior.v.rows(), " items, B has ", n);
  Vector<Scalar> scale = alpha * prior.slack.cwiseInverse();
  if (target_scale.size() > 0) scale.array() *= target_scale.array();
  const Matrix<Scalar> scaled = scale.asDiagonal() * prior.v;
  Vector<Scalar> diagonal = Vector<Scalar>::Zero(n);
  if (alpha != Scalar(1)) diagonal = (1 - alpha) * b.diagonal();
  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    auto panel = b.middleRows(first, rows);
    if (alpha == Scalar(1)) {
      panel.setZero();
    } else {
      panel *= 1 - alpha;
    }
    detail::add_product<Scalar>(panel, 1, detail::plain(prior.v.middleRows(first, rows)),
                                detail::transposed(scaled));
    b.diagonal().segment(first, rows) = diagonal.segment(first, rows);
  });
}

/// B <- (1 - α) B + α S from the dense prior, which is used up. Cost: O(n^2).
template <class Scalar>
void blend_semantic_weights(Matrix<Scalar>& b, DensePrior<Scalar> prior, Scalar alpha,
                            const Vector<Scalar>& target_scale = {}) {
  detail::require_square(b);
  Matrix<Scalar>& s = prior.inverse;
  detail::require(s.rows() == b.rows(), "the prior has ", s.rows(), " items, B has ", b.rows());
  constrain_diagonal(s, Regularization<Scalar>{{}, 0, target_scale});
  detail::parallel_tiles(b.rows(), 64, [&](Index first, Index rows) {
    b.middleRows(first, rows) =
        (1 - alpha) * b.middleRows(first, rows) + alpha * s.middleRows(first, rows);
  });
}

/// B <- (1 - α) B + α S from a prior in either form, which is used up.
template <class Scalar>
void blend_semantic_weights(Matrix<Scalar>& b, SemanticPrior<Scalar> prior, Scalar alpha,
                            const Vector<Scalar>& target_scale = {}) {
  std::visit([&](auto& form) { blend_semantic_weights(b, std::move(form), alpha, target_scale); },
             prior);
}

/// EASE on item features, S itself.
/// Cost: 2 n^2 d flops and n x n scalars from a low-rank prior; O(n^2) and none from a dense one.
template <class Scalar>
Matrix<Scalar> semantic_weights(SemanticPrior<Scalar> prior) {
  if (auto* dense = std::get_if<DensePrior<Scalar>>(&prior)) {
    constrain_diagonal(dense->inverse);
    return std::move(dense->inverse);
  }
  const auto& low_rank = std::get<LowRankPrior<Scalar>>(prior);
  const Index n = low_rank.v.rows();
  Matrix<Scalar> weights = detail::large_matrix<Scalar>(n, n);
  blend_semantic_weights(weights, low_rank, Scalar(1));
  return weights;
}

}  // namespace lae
