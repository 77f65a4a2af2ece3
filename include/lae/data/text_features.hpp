#pragma once

/// \file
/// Features of items from what is written about them: words, and how often they occur. Their
/// weights are in data/prepare_features.hpp, embeddings of them in data/latent_semantics.hpp.
///
///     auto terms = lae::count_terms(documents, /*min_documents=*/5, /*max_documents=*/1000);
///     auto weights = lae::tf_idf(terms.counts);  // documents x terms

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

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

}  // namespace LAE_ABI
}  // namespace lae
