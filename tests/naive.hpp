#pragma once

// The textbook formulas, as plainly as they can be written: what the library is checked against.

#include <Eigen/Core>
#include <lae/core/types.hpp>
#include <lae/recipe/refinements.hpp>
#include <set>
#include <vector>

namespace naive {

using Dense = Eigen::MatrixXd;
using lae::Index;

/// The largest absolute value, 0 of nothing.
double largest(const Dense& matrix);

/// The min(rows, columns) singular values, falling: eigenvalues of [0 A; Aᵀ 0].
Eigen::VectorXd singular_values(const Dense& a);

/// A = U diag(s) Vᵀ with min(rows, columns) singular values, falling.
struct Svd {
  Dense u, v;
  Eigen::VectorXd s;
};
Svd svd(const Dense& a);

/// An orthonormal basis of the span of the columns, which are independent.
Dense orthonormal(const Dense& columns);

/// XᵀX.
Dense gram(const Dense& x);

Eigen::VectorXd constant(Index n, double value);

Dense inverse(const Dense& gram, const Eigen::VectorXd& ridge);

/// B = I - P diag(1 / diag P).
Dense ease(const Dense& gram, const Eigen::VectorXd& ridge);
Dense ease(const Dense& gram, double lambda);

/// B = I + κ P S - P diag(μ).
Dense with_prior(const Dense& gram, const Eigen::VectorXd& ridge, const Dense& s, double kappa);

Dense l3ae(const Dense& x, const Dense& f, double lambda_x, double lambda_f, double lambda_kd);

Dense cease(const Dense& x, const Dense& t, double lambda, double alpha);

Dense add_ease(const Dense& x, const Dense& t, double lambda_x, double lambda_t, double alpha);

/// diag(√w) X.
/// \param given a weight for each user; empty: all 1
Dense user_weighted(const Dense& x, const std::vector<double>& given,
                    const lae::Refinements& refinements);

/// min over B of the loss whose normal equation is (G + Λ) B = G + κ S with each B_jj in
/// [0, bound], column by column: where the minimum without the bounds leaves them, B_jj is the
/// bound it passed and the others follow. Then the columns are scaled by n_j^(-b).
Dense refined(const Dense& x, const Dense& gram, double lambda, const Dense& s, double kappa,
              const lae::Refinements& refinements);

Dense cosine(const Dense& f);

/// All candidates of one user, sorted: higher score first, then lower index.
std::vector<Index> ranking(const Eigen::VectorXd& scores, const std::set<Index>& excluded);

std::set<Index> items_of(const Dense& interactions, Index user);

std::vector<Index> row_of(const lae::Matrix<Index>& lists, Index row);

lae::Csr<double> sparse(const Dense& matrix);

}  // namespace naive
