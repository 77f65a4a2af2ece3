#pragma once

// GF-CF, BSPM and SGFCF as their papers write them, dense and in double.

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <vector>

#include "naive.hpp"

namespace naive {

/// diag(d)^e, 0 where d is.
inline Dense power(const Eigen::VectorXd& d, double shift, double exponent) {
  Eigen::VectorXd powers(d.size());
  for (Index i = 0; i < d.size(); ++i) {
    powers[i] = d[i] > 0 ? std::pow(d[i] + shift, exponent) : 0;
  }
  return powers.asDiagonal();
}

inline Dense normalized(const Dense& x, double shift, double exponent) {
  return power(x.rowwise().sum(), shift, -exponent) * x *
         power(x.colwise().sum().transpose(), shift, -exponent);
}

/// Without what is zero.
inline Svd truncated_svd(const Dense& n, Index rank) {
  const Svd all = svd(n);
  const Index k = std::min(rank, Index((all.s.array() > 1e-10 * all.s[0]).count()));
  return {all.u.leftCols(k), all.v.leftCols(k), all.s.head(k)};
}

/// D_I^(−½) V Vᵀ D_I^(½)
inline Dense ideal_low_pass(const Dense& x, Index rank) {
  const Dense v = truncated_svd(normalized(x, 0, 0.5), rank).v;
  const Eigen::VectorXd items = x.colwise().sum().transpose();
  return power(items, 0, -0.5) * v * v.transpose() * power(items, 0, 0.5);
}

inline Dense gf_cf(const Dense& x, const lae::GfCfOptions& options) {
  const Dense r = normalized(x, 0, 0.5);
  return r.transpose() * r + options.low_pass * ideal_low_pass(x, options.rank);
}

/// By the steps of the processes, each applied to all unit histories.
inline Dense bspm(const Dense& x, const lae::BspmOptions& options) {
  const Dense r = normalized(x, 0, 0.5);
  const Dense g = r.transpose() * r;
  const Dense one = Dense::Identity(x.cols(), x.cols());
  const Dense blurred = one + one * (g - one);  // an Euler step of length 1
  const Dense ideal = one + one * (ideal_low_pass(x, options.rank) - one);
  const double h = options.time / static_cast<double>(options.steps);
  const auto slope = [&](const Dense& at) { return Dense(-at * g); };
  const auto step = [&](const Dense& at) {
    if (options.euler) return Dense(at + h * slope(at));
    // The rule of three eighths.
    const Dense k1 = slope(at);
    const Dense k2 = slope(at + h * k1 / 3);
    const Dense k3 = slope(at + h * (k2 - k1 / 3));
    const Dense k4 = slope(at + h * (k1 - k2 + k3));
    return Dense(at + h / 8 * (k1 + 3 * k2 + 3 * k3 + k4));
  };
  // The blurred points, and then those of the sharpening, which alone starts from the merged ones.
  Dense now = options.late_merge ? blurred : Dense(blurred + options.low_pass * ideal);
  Dense sum = blurred;
  for (Index s = 0; s < options.steps; ++s) {
    now = step(now);
    sum += now;
  }
  const Dense sharp = options.mean ? Dense(sum / (1.0 + static_cast<double>(options.steps))) : now;
  return options.late_merge ? Dense(sharp + options.low_pass * ideal) : sharp;
}

inline Eigen::VectorXd homophily(const Dense& x) {
  const Dense both = x.transpose() * x;
  Eigen::VectorXd h = Eigen::VectorXd::Zero(x.rows());
  for (Index u = 0; u < x.rows(); ++u) {
    double pairs = 0;
    for (Index i = 0; i < x.cols(); ++i) {
      for (Index j = 0; j < i; ++j) {
        if (x(u, i) == 0 || x(u, j) == 0) continue;
        pairs += 1;
        h[u] += both(i, j) >= 2 ? 1 : 0;
      }
    }
    if (pairs > 0) h[u] /= pairs;
  }
  return h;
}

inline Eigen::VectorXd exponents(const Eigen::VectorXd& h, const lae::SgfcfOptions& options) {
  const double low = h.minCoeff();
  const double width = h.maxCoeff() - low;
  if (width == 0) return Eigen::VectorXd::Constant(h.size(), options.beta);
  return (options.beta + (options.beta_end - options.beta) * (h.array() - low) / width).matrix();
}

/// Scores of training users, before the sigmoid. \param x of zeros and ones
inline Dense sgfcf(const Dense& x, const lae::SgfcfOptions& options) {
  const Dense n = normalized(x, options.mu, options.epsilon);
  const Svd of_n = truncated_svd(n, options.rank);
  const Eigen::VectorXd s = of_n.s / of_n.s[0];
  const Eigen::VectorXd users = exponents(homophily(x), options);
  const Eigen::VectorXd items = exponents(homophily(x.transpose()), options);
  const Dense all = n * n.transpose() * n;
  Dense scores = Dense::Zero(x.rows(), x.cols());
  for (Index u = 0; u < x.rows(); ++u) {
    Eigen::RowVectorXd first = Eigen::RowVectorXd::Zero(x.cols());
    for (Index i = 0; i < x.cols(); ++i) {
      for (Index k = 0; k < s.size(); ++k) {
        first[i] += of_n.u(u, k) * std::pow(s[k], users[u] + items[i]) * of_n.v(i, k);
      }
    }
    if (first.sum() > 1e-12) scores.row(u) += first / first.sum();
    if (all.row(u).sum() > 0) scores.row(u) += options.gamma * all.row(u) / all.row(u).sum();
  }
  return scores;
}

}  // namespace naive
