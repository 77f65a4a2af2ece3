// Compiled once for all suites, and optimised in every build: `refined` takes n^4 flops.

#include "naive.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <lae/recipe/refinements.hpp>
#include <set>
#include <vector>

namespace naive {

double largest(const Dense& matrix) {
  return matrix.size() ? matrix.cwiseAbs().maxCoeff() : 0;
}

Dense inverse(const Dense& gram, const Eigen::VectorXd& ridge) {
  return (gram + Dense(ridge.asDiagonal())).fullPivLu().inverse();
}

Eigen::VectorXd singular_values(const Dense& a) {
  Dense both = Dense::Zero(a.rows() + a.cols(), a.rows() + a.cols());
  both.topRightCorner(a.rows(), a.cols()) = a;
  both.bottomLeftCorner(a.cols(), a.rows()) = a.transpose();
  if (a.size() == 0) return {};
  const Eigen::SelfAdjointEigenSolver<Dense> eigen(both, Eigen::EigenvaluesOnly);
  return eigen.eigenvalues().tail(std::min(a.rows(), a.cols())).reverse();
}

Svd svd(const Dense& a) {
  const Eigen::JacobiSVD<Dense> thin(a, Eigen::ComputeThinU | Eigen::ComputeThinV);
  return {thin.matrixU(), thin.matrixV(), thin.singularValues()};
}

Dense orthonormal(const Dense& columns) {
  const Eigen::HouseholderQR<Dense> qr(columns);
  return qr.householderQ() * Dense::Identity(columns.rows(), columns.cols());
}

Dense gram(const Dense& x) {
  return x.transpose() * x;
}

Eigen::VectorXd constant(Index n, double value) {
  return Eigen::VectorXd::Constant(n, value);
}

Dense ease(const Dense& gram, const Eigen::VectorXd& ridge) {
  const Dense p = inverse(gram, ridge);
  Dense b = -p * p.diagonal().cwiseInverse().asDiagonal();
  b.diagonal().setZero();
  return b;
}
Dense ease(const Dense& gram, double lambda) {
  return ease(gram, constant(gram.rows(), lambda));
}

Dense with_prior(const Dense& gram, const Eigen::VectorXd& ridge, const Dense& s, double kappa) {
  const Dense p = inverse(gram, ridge);
  const Dense ps = p * s;
  const Eigen::VectorXd mu = (1 + kappa * ps.diagonal().array()) / p.diagonal().array();
  Dense b = Dense::Identity(p.rows(), p.rows()) + kappa * ps - p * Dense(mu.asDiagonal());
  b.diagonal().setZero();
  return b;
}

Dense l3ae(const Dense& x, const Dense& f, double lambda_x, double lambda_f, double lambda_kd) {
  const Dense s = ease(f * f.transpose(), lambda_f);
  return with_prior(x.transpose() * x, constant(x.cols(), lambda_x + lambda_kd), s, lambda_kd);
}

Dense cease(const Dense& x, const Dense& t, double lambda, double alpha) {
  return ease(x.transpose() * x + alpha * t * t.transpose(), lambda);
}

Dense add_ease(const Dense& x, const Dense& t, double lambda_x, double lambda_t, double alpha) {
  return (1 - alpha) * ease(x.transpose() * x, lambda_x) +
         alpha * ease(t * t.transpose(), lambda_t);
}

Dense user_weighted(const Dense& x, const std::vector<double>& given,
                    const lae::Refinements& refinements) {
  Dense weighted = x;
  for (Index u = 0; u < x.rows(); ++u) {
    const auto length = static_cast<double>((x.row(u).array() != 0).count());
    double weight = length > 0 ? std::pow(length, -2 * refinements.user_exponent) : 1;
    if (!given.empty()) weight *= given[static_cast<std::size_t>(u)];
    weighted.row(u) *= std::sqrt(weight);
  }
  return weighted;
}

Dense refined(const Dense& x, const Dense& gram, double lambda, const Dense& s, double kappa,
              const lae::Refinements& refinements) {
  const Index n = gram.rows();
  Dense a = gram;
  const double rate = refinements.dropout / (1 - refinements.dropout);
  for (Index j = 0; j < n; ++j) a(j, j) += lambda + rate * gram(j, j);
  const Eigen::LDLT<Dense> all_items(a);
  Dense b(n, n);
  for (Index j = 0; j < n; ++j) {
    const Eigen::VectorXd target = gram.col(j) + kappa * s.col(j);
    Eigen::VectorXd column = all_items.solve(target);
    const double diagonal = std::clamp(column[j], 0.0, refinements.diagonal_bound);
    if (column[j] != diagonal) {
      std::vector<Index> others;
      for (Index i = 0; i < n; ++i) {
        if (i != j) others.push_back(i);
      }
      column[j] = diagonal;
      if (!others.empty()) {
        const Eigen::VectorXd rest = target(others) - a(others, j) * diagonal;
        column(others) = Dense(a(others, others)).ldlt().solve(rest).eval();
      }
    }
    const double users = std::max<double>(static_cast<double>((x.col(j).array() != 0).count()), 1);
    b.col(j) = column * std::pow(users, -refinements.target_exponent);
  }
  return b;
}

Dense cosine(const Dense& f) {
  Dense b = f * f.transpose();
  b.diagonal().setZero();
  return b;
}

std::vector<Index> ranking(const Eigen::VectorXd& scores, const std::set<Index>& excluded) {
  std::vector<Index> items;
  for (Index i = 0; i < scores.size(); ++i) {
    if (excluded.count(i) == 0) items.push_back(i);
  }
  std::stable_sort(items.begin(), items.end(),
                   [&](Index a, Index b) { return scores[a] > scores[b]; });
  return items;
}

std::set<Index> items_of(const Dense& interactions, Index user) {
  std::set<Index> items;
  for (Index i = 0; i < interactions.cols(); ++i) {
    if (interactions(user, i) != 0) items.insert(i);
  }
  return items;
}

std::vector<Index> row_of(const lae::Matrix<Index>& lists, Index row) {
  return {lists.row(row).begin(), lists.row(row).end()};
}

lae::Csr<double> sparse(const Dense& matrix) {
  return lae::Csr<double>(matrix.sparseView());
}

}  // namespace naive
