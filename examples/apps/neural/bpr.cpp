#include "bpr.hpp"

#include <cmath>

namespace neural {

// On one thread, in the order of the batch: rows are gathered and scattered, a small part of a
// step's work.
template <class Scalar>
double add_bpr(const Batch& batch, Index users, const Matrix<Scalar>& z, Matrix<Scalar>& gradient) {
  const auto size = static_cast<double>(batch.size());
  double loss = 0;
  for (Index place = 0; place < batch.size(); ++place) {
    const Index u = batch.users.at(place);
    const Index j = users + batch.positives.at(place);
    const Index i = users + batch.negatives.at(place);
    const auto x = static_cast<double>((z.row(u).array() * (z.row(j) - z.row(i)).array()).sum());
    // Neither overflows for any x.
    const double power = std::exp(-std::abs(x));
    loss += std::log1p(power) + (x < 0 ? -x : 0);
    const auto a = static_cast<Scalar>((x < 0 ? 1 : power) / (1 + power) / size);
    gradient.row(u) += a * (z.row(i) - z.row(j));
    gradient.row(j) -= a * z.row(u);
    gradient.row(i) += a * z.row(u);
  }
  return loss / size;
}

template double add_bpr(const Batch&, Index, const Matrix<float>&, Matrix<float>&);
template double add_bpr(const Batch&, Index, const Matrix<double>&, Matrix<double>&);

}  // namespace neural
