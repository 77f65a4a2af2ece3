#pragma once

/// \file
/// Singular values.

#include <Spectra/contrib/PartialSVDSolver.h>
#include <Eigen/Eigenvalues>
#include <Eigen/SparseCore>
#include <algorithm>
#include <cmath>
#include <lae/lae.hpp>
#include <stdexcept>
#include <vector>

namespace example {

/// The largest singular values of a sparse matrix, falling; fewer if it has no more.
template <class Scalar>
std::vector<double> largest_singular_values(const lae::Csr<Scalar>& x, lae::Index count) {
  const Eigen::SparseMatrix<double> matrix = x.template cast<double>();
  const lae::Index smaller = std::min(matrix.rows(), matrix.cols());
  const lae::Index wanted = std::min(count, smaller - 1);
  if (wanted < 1) return {matrix.norm()};  // a row or a column
  const lae::Index subspace = std::min(2 * wanted + 20, smaller);
  Spectra::PartialSVDSolver<Eigen::SparseMatrix<double>> solver(matrix, wanted, subspace);
  const lae::Index found = solver.compute(1000, 1e-8);
  const Eigen::VectorXd values = solver.singular_values();
  return {values.data(), values.data() + std::min(found, values.size())};
}

/// All singular values of a dense matrix of fewer columns than rows, falling, up to `count`.
template <class Scalar>
std::vector<double> largest_singular_values(const lae::Matrix<Scalar>& f, lae::Index count) {
  const lae::Matrix<Scalar> gram = lae::gram_of_columns(f);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram.template cast<double>(),
                                                              Eigen::EigenvaluesOnly);
  std::vector<double> values;
  for (lae::Index i = gram.rows() - 1; i >= std::max<lae::Index>(gram.rows() - count, 0); --i) {
    values.push_back(std::sqrt(std::max(solver.eigenvalues()[i], 0.0)));
  }
  return values;
}

}  // namespace example
