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

#include <utility>

#include "lae/core/large_matrix.hpp"
#include "lae/core/semantic_prior.hpp"

namespace lae {

/// EASE: P <- B. Cost: n^2 flops, no memory besides P.
/// \param p symmetric, both triangles, positive diagonal.
template <class Scalar>
void constrain_diagonal(Matrix<Scalar>& p) {
  detail::require_square(p);
  const Vector<Scalar> scale = -p.diagonal().cwiseInverse();
  detail::parallel_tiles(p.rows(), 64, [&](Index first, Index rows) {
    p.middleRows(first, rows).array().rowwise() *= scale.transpose().array();
    p.diagonal().segment(first, rows).setZero();
  });
}

/// L3AE with a low-rank prior: P <- B = I + P diag(c) + κ W (diag(1/s) V)ᵀ with W = P V, s the
/// prior's slack and c_j = κ (1 - 1/s_j) - μ_j.
/// Cost: 4 n^2 d flops; n d scalars besides P and the prior, which is used up.
/// \throws std::invalid_argument if the prior has other items than P; Cancelled.
template <class Scalar>
void constrain_diagonal(Matrix<Scalar>& p, LowRankPrior<Scalar> prior, Scalar kappa,
                        const Progress& progress = {}) {
  detail::require_square(p);
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
  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    for (Index j = first; j < first + rows; ++j) {
      const Scalar s = prior.slack[j];
      const Scalar p_jj = p(j, j);
      const Scalar ps_jj = p_jj * (1 - 1 / s) + w.row(j).dot(v.row(j)) / s;
      const Scalar mu = (1 + kappa * ps_jj) / p_jj;
      scale[j] = kappa * (1 - 1 / s) - mu;
      v.row(j) *= kappa / s;
    }
  });

  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    auto b = p.middleRows(first, rows);
    b.array().rowwise() *= scale.transpose().array();
    detail::add_product<Scalar>(b, 1, detail::plain(w.middleRows(first, rows)),
                                detail::transposed(v));
    p.diagonal().segment(first, rows).setZero();
    stage.advance(static_cast<double>(rows));
  });
  stage.finish();
}

/// L3AE with a dense prior: P <- B = I + P diag(κ - μ) - κ P P_F diag(1 / diag P_F), formed panel
/// by panel.
/// Cost: 2 n^3 flops; a panel of rows for each thread besides the two n x n matrices.
/// \throws std::invalid_argument if the prior has other items than P; Cancelled.
template <class Scalar>
void constrain_diagonal(Matrix<Scalar>& p, const DensePrior<Scalar>& prior, Scalar kappa,
                        const Progress& progress = {}) {
  detail::require_square(p);
  const Index n = p.rows();
  const Matrix<Scalar>& pf = prior.inverse;
  detail::require(pf.rows() == n && pf.cols() == n, "the prior has ", pf.rows(), " items, P has ",
                  n);
  detail::Stage stage(progress, "constrain", static_cast<double>(n));

  // (P S)_jj = P_jj - (P P_F)_jj / (P_F)_jj, from rows, since both are symmetric.
  Vector<Scalar> own_scale(n);
  Vector<Scalar> product_scale(n);
  detail::parallel_tiles(n, 64, [&](Index first, Index rows) {
    for (Index j = first; j < first + rows; ++j) {
      const Scalar ps_jj = p(j, j) - p.row(j).dot(pf.row(j)) / pf(j, j);
      own_scale[j] = kappa - (1 + kappa * ps_jj) / p(j, j);
      product_scale[j] = -kappa / pf(j, j);
    }
  });

  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    auto b = p.middleRows(first, rows);
    Matrix<Scalar> product = Matrix<Scalar>::Zero(rows, n);
    detail::add_product<Scalar>(product, 1, detail::plain(b), detail::plain(pf));
    b.array() = b.array().rowwise() * own_scale.transpose().array() +
                product.array().rowwise() * product_scale.transpose().array();
    p.diagonal().segment(first, rows).setZero();
    stage.advance(static_cast<double>(rows));
  });
  stage.finish();
}

/// L3AE with a prior in either form.
template <class Scalar>
void constrain_diagonal(Matrix<Scalar>& p, SemanticPrior<Scalar> prior, Scalar kappa,
                        const Progress& progress = {}) {
  std::visit([&](auto& form) { constrain_diagonal(p, std::move(form), kappa, progress); }, prior);
}

/// B <- (1 - α) B + α S with S the EASE solution on item features, from its low-rank form:
/// S_ij = v_i · v_j / s_j off the diagonal. With α = 1, B need not be initialised.
/// Cost: 2 n^2 d flops; n d scalars besides B and the prior.
/// \throws std::invalid_argument if the prior has other items than B.
template <class Scalar>
void blend_semantic_weights(Matrix<Scalar>& b, const LowRankPrior<Scalar>& prior, Scalar alpha) {
  detail::require_square(b);
  const Index n = b.rows();
  detail::require(prior.v.rows() == n, "the prior has ", prior.v.rows(), " items, B has ", n);
  const Matrix<Scalar> scaled = (alpha * prior.slack.cwiseInverse()).asDiagonal() * prior.v;
  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    auto panel = b.middleRows(first, rows);
    if (alpha == Scalar(1)) {
      panel.setZero();
    } else {
      panel *= 1 - alpha;
    }
    detail::add_product<Scalar>(panel, 1, detail::plain(prior.v.middleRows(first, rows)),
                                detail::transposed(scaled));
    b.diagonal().segment(first, rows).setZero();
  });
}

/// B <- (1 - α) B + α S from the dense prior, which is used up. Cost: O(n^2).
template <class Scalar>
void blend_semantic_weights(Matrix<Scalar>& b, DensePrior<Scalar> prior, Scalar alpha) {
  detail::require_square(b);
  Matrix<Scalar>& s = prior.inverse;
  detail::require(s.rows() == b.rows(), "the prior has ", s.rows(), " items, B has ", b.rows());
  constrain_diagonal(s);
  detail::parallel_tiles(b.rows(), 64, [&](Index first, Index rows) {
    b.middleRows(first, rows) =
        (1 - alpha) * b.middleRows(first, rows) + alpha * s.middleRows(first, rows);
  });
}

/// B <- (1 - α) B + α S from a prior in either form, which is used up.
template <class Scalar>
void blend_semantic_weights(Matrix<Scalar>& b, SemanticPrior<Scalar> prior, Scalar alpha) {
  std::visit([&](auto& form) { blend_semantic_weights(b, std::move(form), alpha); }, prior);
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
