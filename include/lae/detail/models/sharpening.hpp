#pragma once

/// \file
/// Polynomials in G = NᵀN, applied to a panel of vectors.

#include <algorithm>
#include <array>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/sparse_panels.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/models/normalized.hpp"
#include "lae/recipe/spectral_recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Memory for the sharpening of one panel after the other, on one thread.
template <class Scalar>
class Sharpener {
 public:
  Sharpener(const NormalizedInteractions<Scalar>& n, const Sharpening& sharpening)
      : n_(n),
        sharpening_(sharpening),
        now_(n.users.cols(), panel_width<Scalar>),
        start_(n.users.cols(), panel_width<Scalar>),
        between_(n.users.rows(), panel_width<Scalar>) {
    if (sharpening.takes_mean) sum_.resize(n.users.cols(), panel_width<Scalar>);
  }

  /// What is sharpened, one vector a column; to be set before `run`, and replaced by it.
  [[nodiscard]] Panel<Scalar>& panel() { return now_; }

  /// \param counts_start whether a mean is also of what the panel was before the first step; it is
  /// divided by steps + 1 in any case
  void run(bool counts_start) {
    if (sharpening_.steps == 0) return;
    if (sharpening_.takes_mean) {
      counts_start ? static_cast<void>(sum_ = now_) : static_cast<void>(sum_.setZero());
    }
    for (Index step = 0; step < sharpening_.steps; ++step) {
      advance();
      if (sharpening_.takes_mean) sum_ += now_;
    }
    if (!sharpening_.takes_mean) return;
    now_.swap(sum_);
    now_ *= static_cast<Scalar>(1 / (1.0 + static_cast<double>(sharpening_.steps)));
  }

 private:
  /// now <- p(length · G) now, by Horner's rule.
  void advance() {
    constexpr std::array<double, 5> series = {1, -1, 1.0 / 2, -1.0 / 6, 1.0 / 24};
    const int degree = sharpening_.is_euler ? 1 : 4;
    start_.swap(now_);
    now_ = static_cast<Scalar>(series[static_cast<std::size_t>(degree)]) * start_;
    const auto length = static_cast<Scalar>(sharpening_.length);
    for (int power = degree - 1; power >= 0; --power) {
      const auto term = static_cast<Scalar>(series[static_cast<std::size_t>(power)]);
      multiply_panel(n_.users, now_, between_);
      multiply_panel(n_.items, between_, [&](Index row, const auto& sum) {
        now_.row(row) = term * start_.row(row) + length * sum.matrix();
      });
    }
  }

  const NormalizedInteractions<Scalar>& n_;
  Sharpening sharpening_;
  Panel<Scalar> now_;
  Panel<Scalar> start_;
  Panel<Scalar> sum_;
  Panel<Scalar> between_;
};

/// Sharpens the rows of a matrix. On one thread.
template <class Scalar>
void sharpen_rows(Sharpener<Scalar>& sharpener, Matrix<Scalar>& rows) {
  constexpr Index width = panel_width<Scalar>;
  for (Index first = 0; first < rows.rows(); first += width) {
    const Index count = (std::min)(width, rows.rows() - first);
    Panel<Scalar>& panel = sharpener.panel();
    panel.setZero();
    panel.leftCols(count) = rows.middleRows(first, count).transpose();
    sharpener.run(true);
    rows.middleRows(first, count) = panel.leftCols(count).transpose();
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
