#include "mlp.hpp"

#include <cmath>

#include "parallel.hpp"

namespace neural {
namespace {

constexpr Index tile_rows = 256;
constexpr double slope = 0.01;  // of the negative side

enum Place : std::size_t { weight1, bias1, weight2, bias2, count };

/// Adds the sum of the rows, in order.
template <class Scalar>
void add_rows(const Matrix<Scalar>& rows, Matrix<Scalar>& sum) {
  for (Index i = 0; i < rows.rows(); ++i) sum.row(0) += rows.row(i);
}

}  // namespace

template <class Scalar>
Mlp<Scalar>::Mlp(Parameters<Scalar>& parameters, const std::string& prefix, Index inputs,
                 Index hidden, Index outputs, Biases biases, std::uint64_t seed)
    : first_(parameters.size()) {
  const auto add = [&](const char* name, Index rows, Index columns, double bound) {
    parameters.push_back({prefix + name,
                          uniform_start<Scalar>(rows, columns, bound, seed, parameters.size()),
                          Matrix<Scalar>::Zero(rows, columns)});
  };
  const auto add_layer = [&](const char* weight, const char* bias, Index from, Index to) {
    add(weight, to, from, xavier_bound(to, from));
    add(bias, 1, to, biases == Biases::zero ? 0 : 1 / std::sqrt(static_cast<double>(from)));
  };
  // Named as in the authors' code, where the activation is the layer between.
  add_layer(".0.weight", ".0.bias", inputs, hidden);
  add_layer(".2.weight", ".2.bias", hidden, outputs);
}

template <class Scalar>
void Mlp<Scalar>::forward(const Matrix<Scalar>& inputs, const Parameters<Scalar>& parameters,
                          Matrix<Scalar>& outputs) {
  const Matrix<Scalar>& w1 = parameters[first_ + weight1].value;
  hidden_.resize(inputs.rows(), w1.rows());
  multiply(inputs, w1.transpose(), hidden_);
  forward_from_hidden(parameters, outputs);
}

template <class Scalar>
void Mlp<Scalar>::backward(const Matrix<Scalar>& by_outputs, const Matrix<Scalar>& inputs,
                           Parameters<Scalar>& parameters, Matrix<Scalar>& by_inputs) {
  backward_to_hidden(by_outputs, parameters);
  Parameter<Scalar>& w1 = parameters[first_ + weight1];
  Matrix<Scalar> by_w1(w1.value.rows(), w1.value.cols());
  multiply(hidden_.transpose(), inputs, by_w1);
  w1.gradient += by_w1;
  by_inputs.resize(inputs.rows(), inputs.cols());
  multiply(hidden_, w1.value, by_inputs);
}

template <class Scalar>
void Mlp<Scalar>::forward(const Graph<Scalar>& graph, const Matrix<Scalar>& features,
                          const Parameters<Scalar>& parameters, Matrix<Scalar>& outputs) {
  const Matrix<Scalar>& w1 = parameters[first_ + weight1].value;
  hidden_.resize(graph.nodes(), w1.rows());
  multiply(features, w1.transpose(), hidden_.bottomRows(graph.items()));
  graph.average(hidden_);
  forward_from_hidden(parameters, outputs);
}

template <class Scalar>
void Mlp<Scalar>::backward(const Matrix<Scalar>& by_outputs, const Graph<Scalar>& graph,
                           const Matrix<Scalar>& features, Parameters<Scalar>& parameters) {
  backward_to_hidden(by_outputs, parameters);
  graph.add_adjoint_average(hidden_);
  Parameter<Scalar>& w1 = parameters[first_ + weight1];
  Matrix<Scalar> by_w1(w1.value.rows(), w1.value.cols());
  multiply(hidden_.bottomRows(graph.items()).transpose(), features, by_w1);
  w1.gradient += by_w1;
}

template <class Scalar>
void Mlp<Scalar>::forward_from_hidden(const Parameters<Scalar>& parameters,
                                      Matrix<Scalar>& outputs) {
  const Matrix<Scalar>& b1 = parameters[first_ + bias1].value;
  const Matrix<Scalar>& w2 = parameters[first_ + weight2].value;
  const Matrix<Scalar>& b2 = parameters[first_ + bias2].value;
  for_each_range(hidden_.rows(), tile_rows, [&](Index first, Index length) {
    for (Index i = first; i < first + length; ++i) {
      auto row = hidden_.row(i).array();
      row += b1.array();
      row = row.max(Scalar(slope) * row);
    }
  });
  outputs.resize(hidden_.rows(), w2.rows());
  multiply(hidden_, w2.transpose(), outputs);
  for (Index i = 0; i < outputs.rows(); ++i) outputs.row(i) += b2.row(0);
}

template <class Scalar>
void Mlp<Scalar>::backward_to_hidden(const Matrix<Scalar>& by_outputs,
                                     Parameters<Scalar>& parameters) {
  Parameter<Scalar>& w2 = parameters[first_ + weight2];
  Matrix<Scalar> by_w2(w2.value.rows(), w2.value.cols());
  multiply(by_outputs.transpose(), hidden_, by_w2);
  w2.gradient += by_w2;
  add_rows(by_outputs, parameters[first_ + bias2].gradient);
  for_each_range(hidden_.rows(), tile_rows, [&](Index first, Index length) {
    const Matrix<Scalar> by_activations = by_outputs.middleRows(first, length) * w2.value;
    auto rows = hidden_.middleRows(first, length).array();
    // Activations have the sign of what was activated.
    rows =
        (rows > Scalar(0)).select(by_activations.array(), Scalar(slope) * by_activations.array());
  });
  add_rows(hidden_, parameters[first_ + bias1].gradient);
}

template class Mlp<float>;
template class Mlp<double>;

}  // namespace neural
