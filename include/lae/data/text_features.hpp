#pragma once

/// \file
/// Features of items from what is written about them: words, their weights, and embeddings by
/// latent semantic analysis.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/algebra/truncated_svd.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/data/prepare_features.hpp"
#include "lae/detail/core/require.hpp"

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

/// Embeddings by latent semantic analysis (Deerwester and others, Indexing by latent semantic
/// analysis, JASIS 1990): rows of U Σ, for the largest singular values of the matrix, scaled to
/// length 1. Documents without terms get zeros, and so do those that have nothing to do with the
/// directions that are kept. There are fewer dimensions than asked for if the matrix has a lower
/// rank; singular values below a thousandth of the largest count as zero.
///
/// By truncated_svd, to a ten-thousandth of the largest singular value; the same seed gives the
/// same embeddings. \param weights documents x terms, see tf_idf Cost and memory: those of
/// truncated_svd. \throws std::invalid_argument if dimensions < 1; Cancelled.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> latent_semantic_embeddings(const Csr<Scalar>& weights,
                                                        Index dimensions, std::uint64_t seed = 1,
                                                        const Progress& progress = {}) {
  constexpr double smallest = 1e-3;
  detail::require(dimensions > 0, "dimensions must be positive, got ", dimensions);
  const Index n = weights.rows();
  Progress renamed;
  if (progress) {
    renamed = [&](std::string_view, double fraction) {
      return progress("latent semantic analysis", fraction);
    };
  }
  TruncatedSvdOptions options;
  options.rank = dimensions;
  options.tolerance = 1e-4;
  options.seed = seed;
  const TruncatedSvd<Scalar> svd = truncated_svd(weights, options, renamed);
  const Index kept =
      svd.values.size() > 0 ? (svd.values.array() > smallest * svd.values[0]).count() : 0;
  if (kept == 0) return Matrix<Scalar>::Zero(n, 0);
  Matrix<Scalar> embeddings =
      svd.u.leftCols(kept) * svd.values.head(kept).template cast<Scalar>().asDiagonal();
  for (Index row = 0; row < n; ++row) {
    // What rounding leaves of a document is not to be made as long as the others.
    const Scalar whole = weights.row(row).norm();
    const Scalar length = embeddings.row(row).norm();
    embeddings.row(row) *= whole > 0 && length > Scalar(1e-4) * whole ? 1 / length : Scalar(0);
  }
  return embeddings;
}

}  // namespace LAE_ABI
}  // namespace lae
