#pragma once

/// \file
/// The graph of users and items that all neural models smooth their embeddings over.
///
///     neural::Graph<float> graph(train);
///     graph.smooth(embeddings, smoothed);  // both nodes x dimensions: users first, then items

#include <cstdint>
#include <lae/core/types.hpp>
#include <vector>

namespace neural {

using lae::Index;
using lae::Matrix;

/// Nodes are users 0 ... m - 1, then items m ... m + n - 1. With R = D_U^(-1/2) X D_I^(-1/2) (zero
/// where a degree is), A = [0 R; R^T 0] and S = (I + A + A^2) / 3, the mean of two layers of
/// LightGCN and of the layer before them (He et al., SIGIR 2020, eq. 3-4 and 8). A and S are
/// symmetric, so a gradient goes back through them as values go forward.
///
/// A product with A is 4 * nnz * dimensions flops, bound by the rows it gathers.
template <class Scalar>
class Graph {
 public:
  /// \param train users x items; entries that are not zero count alike
  explicit Graph(const lae::Csr<Scalar>& train);

  [[nodiscard]] Index users() const { return users_; }
  [[nodiscard]] Index items() const { return items_; }
  [[nodiscard]] Index nodes() const { return users_ + items_; }
  [[nodiscard]] Index interactions() const { return start_[static_cast<std::size_t>(users_)]; }

  /// How many neighbours a node has.
  [[nodiscard]] Index degree(Index node) const { return begin(node + 1) - begin(node); }

  /// The neighbours of a node, rising: `degree(node)` nodes.
  [[nodiscard]] const std::int32_t* neighbours(Index node) const {
    return neighbours_.data() + begin(node);
  }

  /// Where a node's edges begin among those of all nodes, [0, 2 * interactions()].
  [[nodiscard]] Index begin(Index node) const { return start_[static_cast<std::size_t>(node)]; }
  /// The entries of A, one for each edge of each node.
  [[nodiscard]] const Scalar* weights() const { return weights_.data(); }

  /// product = A z.
  void propagate(const Matrix<Scalar>& z, Matrix<Scalar>& product) const;

  /// product = (z + hop + A hop) / 3, which is S z if hop = A z.
  void smooth(const Matrix<Scalar>& z, const Matrix<Scalar>& hop, Matrix<Scalar>& product) const;

  /// The means of the rows of a user's items, 0 without items: D_U^(-1) X rows.
  /// \param values nodes x any: those of items are read, those of users written
  void average(Matrix<Scalar>& values) const;

  /// The adjoint of `average`: adds X^T D_U^(-1) values of users to those of items.
  void add_adjoint_average(Matrix<Scalar>& values) const;

 private:
  Index users_;
  Index items_;
  std::vector<Index> start_;              // by node
  std::vector<std::int32_t> neighbours_;  // by edge
  std::vector<Scalar> weights_;           // by edge: of A
  std::vector<Scalar> inverse_degree_;    // by node; 0 without neighbours
};

}  // namespace neural
