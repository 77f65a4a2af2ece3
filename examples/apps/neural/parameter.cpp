#include "parameter.hpp"

#include <cmath>
#include <cstddef>

#include "parallel.hpp"
#include "random.hpp"

namespace neural {
namespace {

/// Elements that are one thread's at a time.
constexpr Index tile_elements = 1 << 14;

template <class Scalar>
using Part = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;

}  // namespace

template <class Scalar>
Matrix<Scalar> uniform_start(Index rows, Index columns, double bound, std::uint64_t seed,
                             std::uint64_t turn) {
  const Draw draw(seed, Purpose::start, turn);
  Matrix<Scalar> values(rows, columns);
  for (Index i = 0; i < values.size(); ++i) {
    values.data()[i] = static_cast<Scalar>(bound) * (2 * draw.uniform<Scalar>(i) - 1);
  }
  return values;
}

double xavier_bound(Index rows, Index columns) {
  return std::sqrt(6 / static_cast<double>(rows + columns));
}

template <class Scalar>
double add_regularizer(double weight, Parameters<Scalar>& parameters) {
  if (weight == 0) return 0;
  double squares = 0;
  for (Parameter<Scalar>& each : parameters) {
    const Index size = each.value.size();
    std::vector<double> sums(static_cast<std::size_t>((size + tile_elements - 1) / tile_elements));
    for_each_range(size, tile_elements, [&](Index first, Index length) {
      const Part<Scalar> value(each.value.data() + first, length);
      sums[static_cast<std::size_t>(first / tile_elements)] =
          static_cast<double>(value.square().sum());
      Part<Scalar>(each.gradient.data() + first, length) += static_cast<Scalar>(2 * weight) * value;
    });
    for (const double sum : sums) squares += sum;
  }
  return weight * squares;
}

template <class Scalar>
Adam<Scalar>::Adam(double learning_rate, const Parameters<Scalar>& parameters)
    : learning_rate_(learning_rate) {
  for (const Parameter<Scalar>& each : parameters) {
    state.means.push_back(Matrix<Scalar>::Zero(each.value.rows(), each.value.cols()));
  }
  state.squares = state.means;
}

template <class Scalar>
void Adam<Scalar>::step(Parameters<Scalar>& parameters) {
  constexpr double decay_mean = 0.9;
  constexpr double decay_square = 0.999;
  constexpr double epsilon = 1e-8;
  const auto steps = static_cast<double>(++state.steps);
  const auto rate = static_cast<Scalar>(learning_rate_ / (1 - std::pow(decay_mean, steps)));
  const auto correction = static_cast<Scalar>(1 / std::sqrt(1 - std::pow(decay_square, steps)));
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    Parameter<Scalar>& each = parameters[p];
    for_each_range(each.value.size(), tile_elements, [&](Index first, Index length) {
      const Part<Scalar> gradient(each.gradient.data() + first, length);
      Part<Scalar> mean(state.means[p].data() + first, length);
      Part<Scalar> square(state.squares[p].data() + first, length);
      mean = Scalar(decay_mean) * mean + Scalar(1 - decay_mean) * gradient;
      square = Scalar(decay_square) * square + Scalar(1 - decay_square) * gradient.square();
      Part<Scalar>(each.value.data() + first, length) -=
          rate * mean / (square.sqrt() * correction + Scalar(epsilon));
    });
  }
}

template Matrix<float> uniform_start(Index, Index, double, std::uint64_t, std::uint64_t);
template Matrix<double> uniform_start(Index, Index, double, std::uint64_t, std::uint64_t);
template double add_regularizer(double, Parameters<float>&);
template double add_regularizer(double, Parameters<double>&);
template class Adam<float>;
template class Adam<double>;

}  // namespace neural
