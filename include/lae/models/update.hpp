#pragma once

/// \file
/// What an updatable model is told of new data, and what it tells (see lae/models/updatable.hpp).
///
/// \code
/// lae::Changes<double> changes;
/// changes.users = {17, model.users()};  // one who is known, and a new one
/// changes.histories = histories;        // all that each of them has now: 2 x (items + 1)
/// changes.new_items = 1;
/// changes.features.add(embedding);      // 1 x dims
/// model.update(changes);
/// \endcode

#include <cstdint>
#include <memory>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/recipe/sources.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What became of the data: users who came, go or did something, and items that came. All of it is
/// folded in together, which takes less time than one after the other.
template <class Scalar>
struct Changes {
  /// Each at most once. Those from `users()` of the model on are new, and are numbered without a
  /// gap.
  std::vector<Index> users{};
  /// A row for each of them, over all items with the new ones: their whole history as it is now. An
  /// empty one lets a user go; their number stays theirs.
  Csr<Scalar> histories{};
  /// A weight >= 0 for each of them; empty: as before, and 1 for new ones.
  std::vector<double> user_weights{};
  /// How many items come, with the numbers after those that are there.
  Index new_items = 0;
  /// Of the new items: as many sources as the model has, of the same kinds and widths and in the
  /// same order. (Weights and roles are those of the model.) Zeros where nothing is known.
  Sources<Scalar> features{};
};

/// The size of changes, as far as their cost depends on it.
struct UpdateSize {
  Index users = 0;      ///< known ones whose history changes
  Index new_users = 0;  ///< or who come
  Index entries = 0;    ///< interactions in the histories of all of them, before and after
  Index new_items = 0;
  /// Items with an interaction that comes, goes, or counts more or less than before: with dropout,
  /// a rank each. -1: as many as there are entries.
  Index touched_items = -1;
};

/// What an update costs, known before anything is allocated. Flops count a multiplication and an
/// addition as two.
struct UpdateCost {
  double flops = 0;
  std::uint64_t bytes = 0;  ///< peak, beyond what the model holds
  Index rank = 0;           ///< of the change of the matrix that P is the inverse of, at most
  bool is_fit = false;      ///< whether a fit is cheaper, so that the update is one
  /// Up to so many known users with histories as long as these (or as the model's, if the size
  /// tells of none), an update costs less than a fit. Flops of different kinds are weighed by how
  /// long they take.
  Index most_users = 0;
};

/// What an update was.
struct UpdateReport {
  Index rank = 0;       ///< of the change, as it turned out; 0 if it was a fit
  bool is_fit = false;  ///< whether all was computed anew
  /// The least pivot of the change, as a share of what it is the rest of, at most 1: rounding
  /// errors grow by its reciprocal. 1 for a fit.
  double least_pivot = 1;
};

/// What an updatable model is made of; all else follows from it.
template <class Scalar>
struct UpdatableParts {
  Recipe recipe{};
  std::shared_ptr<const Csr<Scalar>> interactions{};  ///< users x items
  std::vector<double> user_weights{};                 ///< empty: all 1
  std::shared_ptr<const Sources<Scalar>> sources{};   ///< of the items; null: none
  Vector<Scalar> ridge{};                             ///< Λ
  Matrix<Scalar> inverse{};                           ///< P = (G + diag(Λ))⁻¹, n x n
  Vector<Scalar> peaks{};             ///< the largest that each P_ii has been since the last fit
  Matrix<Scalar> inverse_features{};  ///< P V of a prior, n x columns of its features; else empty
  double drift_of_fit = 0;            ///< right after the last fit
};

}  // namespace LAE_ABI
}  // namespace lae
