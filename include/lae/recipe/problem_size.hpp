#pragma once

/// \file
/// The sizes that the cost of a fit depends on.
///
///     solver.estimate(lae::problem_size(train, embeddings));
///     solver.estimate({/*users=*/1'000'000, /*items=*/50'000, /*interactions=*/20'000'000});

#include <cstddef>
#include <optional>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/recipe/sources.hpp"

namespace lae {
inline namespace LAE_ABI {

struct SourceSize {
  Index columns = 0;               ///< dimensions or tags
  std::optional<Index> entries{};  ///< stored ones, if the source is sparse
  SourceRole role = SourceRole::by_model;
  /// sizeof its scalars if it is a Matrix or Csr of them, which a fit in the same Scalar uses as it
  /// is; 0: it is copied
  std::size_t plain = 0;
};

struct ProblemSize {
  Index users = 0;
  Index items = 0;
  Index interactions = 0;
  std::vector<SourceSize> sources{};
  std::size_t plain = 0;  ///< of the interactions, as in SourceSize
};

/// The sizes of a fit on interactions (users x items) alone.
template <class Derived>
[[nodiscard]] ProblemSize problem_size(const Eigen::SparseMatrixBase<Derived>& interactions) {
  return {interactions.rows(),
          interactions.cols(),
          detail::count_entries(interactions),
          {},
          detail::plain_scalar<Derived>};
}

/// The sizes of a fit on item features alone.
template <class Derived>
[[nodiscard]] ProblemSize feature_size(const Eigen::MatrixBase<Derived>& features) {
  return {0,
          features.rows(),
          0,
          {{features.cols(), std::nullopt, SourceRole::by_model, detail::plain_scalar<Derived>}}};
}
template <class Derived>
[[nodiscard]] ProblemSize feature_size(const Eigen::SparseMatrixBase<Derived>& features) {
  return {0,
          features.rows(),
          0,
          {{features.cols(), detail::count_entries(features), SourceRole::by_model,
            detail::plain_scalar<Derived>}}};
}
template <class Scalar>
[[nodiscard]] ProblemSize feature_size(const Sources<Scalar>& sources) {
  ProblemSize size{0, sources.items(), 0, {}};
  for (const Source<Scalar>& source : sources) {
    std::optional<Index> entries;
    if (const auto* tags = std::get_if<Csr<Scalar>>(&source.features)) entries = tags->nonZeros();
    size.sources.push_back({source.cols(), entries, source.role, sizeof(Scalar)});
  }
  return size;
}

/// The sizes of a fit on interactions and item features: a matrix, or Sources.
template <class Interactions, class Features>
[[nodiscard]] ProblemSize problem_size(const Eigen::SparseMatrixBase<Interactions>& interactions,
                                       const Features& features) {
  ProblemSize size = problem_size(interactions);
  size.sources = feature_size(features).sources;
  return size;
}

}  // namespace LAE_ABI
}  // namespace lae
