#pragma once

/// \file
/// The two-layer perceptron between text embeddings and the models' own.

#include <cstddef>
#include <cstdint>
#include <string>

#include "graph.hpp"
#include "parameter.hpp"

namespace neural {

/// y = W2 leaky(W1 x + b1) + b2, leaky being max(t, 0.01 t). Its four parameters stand one after
/// the other among those of a model, the weights as outputs x inputs. Gradients are added to
/// theirs. Cost for r rows: forwards and backwards each 2 * r * hidden * (inputs + outputs) flops,
/// twice that backwards where the gradient by the inputs is asked for; r x hidden activations are
/// held.
template <class Scalar>
class Mlp {
 public:
  enum class Biases { zero, by_inputs };  ///< 0, or uniform within 1 / sqrt(inputs) of a layer

  /// Adds the parameters of a perceptron to a model's; Xavier-uniform weights.
  /// \param prefix of their names
  Mlp(Parameters<Scalar>& parameters, const std::string& prefix, Index inputs, Index hidden,
      Index outputs, Biases biases, std::uint64_t seed);

  /// Of rows of inputs.
  void forward(const Matrix<Scalar>& inputs, const Parameters<Scalar>& parameters,
               Matrix<Scalar>& outputs);
  /// \param inputs those of `forward` \param by_inputs set to the gradient by them
  void backward(const Matrix<Scalar>& by_outputs, const Matrix<Scalar>& inputs,
                Parameters<Scalar>& parameters, Matrix<Scalar>& by_inputs);

  /// Of all nodes: of the items' features, and for each user of the mean of those of their items
  /// (0 without items). The mean of rows passes through W1 as the rows do, so that only items go
  /// through the wide layer: 2 * n * hidden * inputs flops, and 2 * nnz * hidden for the means.
  /// \param features items x inputs \param outputs nodes x outputs
  void forward(const Graph<Scalar>& graph, const Matrix<Scalar>& features,
               const Parameters<Scalar>& parameters, Matrix<Scalar>& outputs);
  /// \param features those of `forward`, which are constant
  void backward(const Matrix<Scalar>& by_outputs, const Graph<Scalar>& graph,
                const Matrix<Scalar>& features, Parameters<Scalar>& parameters);

 private:
  void forward_from_hidden(const Parameters<Scalar>& parameters, Matrix<Scalar>& outputs);
  void backward_to_hidden(const Matrix<Scalar>& by_outputs, Parameters<Scalar>& parameters);

  std::size_t first_;      // of the parameters
  Matrix<Scalar> hidden_;  // rows x hidden: activations; backwards the gradients before them
};

}  // namespace neural
