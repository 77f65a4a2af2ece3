#pragma once

/// \file
/// What is trained: named matrices with their gradients, where they start, the regulariser and
/// the optimiser.

#include <cstdint>
#include <lae/core/types.hpp>
#include <string>
#include <vector>

namespace neural {

using lae::Index;
using lae::Matrix;

template <class Scalar>
struct Parameter {
  std::string name;
  Matrix<Scalar> value;
  Matrix<Scalar> gradient;  ///< of the same size
};

template <class Scalar>
using Parameters = std::vector<Parameter<Scalar>>;

/// Uniform in [-bound, bound).
/// \param turn which parameter: each starts with numbers of its own
template <class Scalar>
[[nodiscard]] Matrix<Scalar> uniform_start(Index rows, Index columns, double bound,
                                           std::uint64_t seed, std::uint64_t turn);

/// The bound of Xavier-uniform starts: sqrt(6 / (rows + columns)) (Glorot and Bengio, AISTATS 2010).
[[nodiscard]] double xavier_bound(Index rows, Index columns);

/// Adds the gradient of weight * the sum of squares of all parameters, and returns that loss. (All
/// of them in every step and not halved, as in the L3AE authors' code; LightGCN's own takes half the
/// squares of the rows of a batch.)
template <class Scalar>
double add_regularizer(double weight, Parameters<Scalar>& parameters);

/// Adam (Kingma and Ba, ICLR 2015) with its usual constants.
template <class Scalar>
class Adam {
 public:
  /// For these parameters, before the first step.
  Adam(double learning_rate, const Parameters<Scalar>& parameters);

  /// Moves the parameters against their gradients.
  void step(Parameters<Scalar>& parameters);

  /// The means of gradients and of their squares, one each for each parameter, and the steps taken:
  /// all that a training must keep to go on.
  struct State {
    std::int64_t steps = 0;
    std::vector<Matrix<Scalar>> means{};
    std::vector<Matrix<Scalar>> squares{};
  };
  State state{};

 private:
  double learning_rate_;
};

}  // namespace neural
