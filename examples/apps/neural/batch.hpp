#pragma once

/// \file
/// The positives of one step of the optimiser, and how an epoch is cut into such steps.

#include <lae/core/types.hpp>
#include <vector>

#include "graph.hpp"

namespace neural {

using lae::Index;

/// A column of a batch: the nodes it holds, each once, and which of them stands at each place. The
/// work that depends on a node alone is done once for all places it stands at.
struct Merged {
  std::vector<Index> ids;     ///< distinct, in the order in which they first stand in the column
  std::vector<Index> counts;  ///< how many places each has
  std::vector<Index> of;      ///< for each place of the column the place among the ids

  Merged() = default;
  /// \param column numbers in [0, range)
  Merged(const std::vector<Index>& column, Index range);

  [[nodiscard]] Index size() const { return static_cast<Index>(ids.size()); }
  [[nodiscard]] Index at(Index place) const {
    return ids[static_cast<std::size_t>(of[static_cast<std::size_t>(place)])];
  }
};

/// Users, and for each an item they have and one they have not. Items count from 0.
struct Batch {
  Merged users;
  Merged positives;
  Merged negatives;

  [[nodiscard]] Index size() const { return static_cast<Index>(users.of.size()); }
};

/// The batches of an epoch: all interactions in random order, cut into `batch_size`, the last batch
/// being shorter; each with one negative, uniform over the items that the user does not have in
/// training, drawn once an epoch. (Where a user has all items, the positive stands in its place and
/// the pair adds no gradient.)
template <class Scalar>
class Epoch {
 public:
  /// \param graph outlives the epoch
  Epoch(const Graph<Scalar>& graph, std::uint64_t seed, Index epoch, Index batch_size);

  [[nodiscard]] Index batches() const {
    return (graph_.interactions() + batch_size_ - 1) / batch_size_;
  }
  [[nodiscard]] Batch batch(Index number) const;

 private:
  const Graph<Scalar>& graph_;
  Index batch_size_;
  std::vector<Index> order_;      // of interactions
  std::vector<Index> users_;      // by interaction
  std::vector<Index> negatives_;  // by interaction
};

}  // namespace neural
