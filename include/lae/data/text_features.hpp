#pragma once

/// \file
/// Features of items from what is written about them: words, their weights, and embeddings by
/// latent semantic analysis.

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/algebra/gram.hpp"
#include "lae/core/errors.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/data/prepare_features.hpp"
#include "lae/data/random.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The words of a text: runs of letters and digits, ASCII letters in lower case. All characters
/// beyond ASCII count as letters, so words of other languages stay whole, and their case as it is.
[[nodiscard]] inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char c : text) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_other =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    if (is_upper || is_other) {
      word += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else {
      finish();
    }
  }
  finish();
  return words;
}

/// How often each of some terms occurs in each document.
struct TermCounts {
  Csr<float> counts;               ///< documents x terms
  std::vector<std::string> terms;  ///< in the order of their bytes
};

/// Counts terms, of those that at least `min_documents` and at most `max_documents` documents hold.
/// \param documents each a list of terms, repeated as often as they occur.
[[nodiscard]] inline TermCounts count_terms(const std::vector<std::vector<std::string>>& documents,
                                            Index min_documents, Index max_documents) {
  // A term's documents, in ascending order, and how often it occurs in each.
  std::map<std::string_view, std::vector<std::pair<Index, float>>> places;
  for (std::size_t document = 0; document < documents.size(); ++document) {
    for (const std::string& term : documents[document]) {
      auto& of_term = places[term];
      const auto row = static_cast<Index>(document);
      if (of_term.empty() || of_term.back().first != row) of_term.emplace_back(row, 0.0F);
      of_term.back().second += 1;
    }
  }
  TermCounts result;
  std::vector<Eigen::Triplet<float, Index>> entries;
  for (const auto& [term, of_term] : places) {
    const auto count = static_cast<Index>(of_term.size());
    if (count < min_documents || count > max_documents) continue;
    const auto column = static_cast<Index>(result.terms.size());
    for (const auto& [row, times] : of_term) entries.emplace_back(row, column, times);
    result.terms.emplace_back(term);
  }
  result.counts.resize(static_cast<Index>(documents.size()),
                       static_cast<Index>(result.terms.size()));
  result.counts.setFromTriplets(entries.begin(), entries.end());
  return result;
}

namespace detail {

/// sparse * dense, each row on one thread.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> product_of_rows(const Csr<Scalar>& sparse,
                                             const Matrix<Scalar>& dense) {
  Matrix<Scalar> product = large_matrix<Scalar>(sparse.rows(), dense.cols());
  parallel_tiles(sparse.rows(), 64, [&](Index first, Index rows) {
    for (Index row = first; row < first + rows; ++row) {
      product.row(row).setZero();
      for (typename Csr<Scalar>::InnerIterator entry(sparse, row); entry; ++entry) {
        product.row(row) += entry.value() * dense.row(entry.col());
      }
    }
  });
  return product;
}

/// An orthonormal basis of the columns of a tall matrix.
template <class Scalar>
Matrix<Scalar> orthonormal_columns(const Matrix<Scalar>& y) {
  const Eigen::HouseholderQR<Matrix<Scalar>> qr(y);
  return qr.householderQ() * Matrix<Scalar>::Identity(y.rows(), y.cols());
}

}  // namespace detail

/// Embeddings by latent semantic analysis (Deerwester and others, Indexing by latent semantic
/// analysis, JASIS 1990): rows of U Σ, for the largest singular values of the matrix, scaled to
/// length 1. Documents without terms get zeros, and so do those that have nothing to do with the
/// directions that are kept. There are fewer dimensions than asked for if the matrix has a lower
/// rank; singular values below a thousandth of the largest count as zero.
///
/// By subspace iteration from random directions (Halko, Martinsson, Tropp, Finding structure with
/// randomness, SIAM Review 2011, algorithm 4.4), which are the same for the same seed.
/// \param weights documents x terms, see tf_idf
/// Cost: 12 (nnz + n d) d flops; (3 n + t) d scalars for n documents, t terms, d dimensions.
/// \throws std::invalid_argument if dimensions < 1; Cancelled.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> latent_semantic_embeddings(const Csr<Scalar>& weights,
                                                        Index dimensions, std::uint64_t seed = 1,
                                                        const Progress& progress = {}) {
  constexpr Index oversampling = 10;
  constexpr int iterations = 4;
  detail::require(dimensions > 0, "dimensions must be positive, got ", dimensions);
  const Index n = weights.rows();
  const Index terms = weights.cols();
  const Index directions = (std::min)({dimensions + oversampling, n, terms});
  if (directions == 0) return Matrix<Scalar>::Zero(n, 0);

  detail::Stage stage(progress, "latent semantic analysis", iterations + 1);
  const Csr<Scalar> by_term = weights.transpose();
  Random random(seed);
  Matrix<Scalar> of_terms(terms, directions);
  for (Index i = 0; i < of_terms.size(); ++i) {
    of_terms.data()[i] = static_cast<Scalar>(random.normal());
  }
  Matrix<Scalar> basis;
  for (int iteration = 0; iteration <= iterations; ++iteration) {
    basis = detail::orthonormal_columns(detail::product_of_rows(weights, of_terms));
    of_terms = detail::product_of_rows(by_term, basis);
    stage.advance(1);
  }

  // With weights ~ Q Cᵀ, C = weightsᵀ Q: CᵀC = W Σ² Wᵀ, and U = Q W.
  const Matrix<Scalar> squares = gram_of_columns(of_terms);
  const Eigen::SelfAdjointEigenSolver<Matrix<double>> eigen(squares.template cast<double>());
  const double smallest = 1e-6 * eigen.eigenvalues().maxCoeff();
  const Index rank = (eigen.eigenvalues().array() > smallest).count();
  const Index kept = (std::min)(dimensions, rank);
  Matrix<Scalar> rotation(directions, kept);
  for (Index d = 0; d < kept; ++d) {
    const Index from = directions - 1 - d;  // eigenvalues ascend
    rotation.col(d) = (std::sqrt(eigen.eigenvalues()[from]) * eigen.eigenvectors().col(from))
                          .template cast<Scalar>();
  }
  Matrix<Scalar> embeddings(n, kept);
  detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
    auto part = embeddings.middleRows(first, rows);
    part.setZero();
    detail::add_product<Scalar>(part, 1, detail::plain(basis.middleRows(first, rows)),
                                detail::plain(rotation));
  });
  // The sign of a singular vector is free; let its largest part be positive.
  for (Index d = 0; d < kept; ++d) {
    Index largest = 0;
    embeddings.col(d).cwiseAbs().maxCoeff(&largest);
    if (embeddings(largest, d) < 0) embeddings.col(d) *= -1;
  }
  for (Index row = 0; row < n; ++row) {
    // What rounding leaves of a document is not to be made as long as the others.
    const Scalar whole = weights.row(row).norm();
    const Scalar length = embeddings.row(row).norm();
    embeddings.row(row) *= whole > 0 && length > Scalar(1e-4) * whole ? 1 / length : Scalar(0);
  }
  stage.finish();
  return embeddings;
}

}  // namespace LAE_ABI
}  // namespace lae
