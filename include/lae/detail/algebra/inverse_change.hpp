#pragma once

/// \file
/// P = A⁻¹ of a matrix A that changes by low rank, without a new inversion.
///
/// With A' = A + U Uᵀ and W = P U, Woodbury's identity is P' = P - Y Yᵀ, where Y = W L⁻ᵀ and
/// I + UᵀW = L Lᵀ; what is taken away, A' = A - U Uᵀ, gives P' = P + Y Yᵀ with I - UᵀW = L Lᵀ; and
/// new rows, A' = [A B; Bᵀ C], give P' = [P 0; 0 0] + Y Yᵀ with Y = [P B; -I] L⁻ᵀ and
/// C - Bᵀ P B = L Lᵀ. So all changes are factors Y with a sign, and every matrix that is factored
/// is positive definite if A' is; how small its pivots are tells what cancellation has cost.
///
/// Sources: Woodbury, Inverting Modified Matrices, 1950; Hager, Updating the Inverse of a Matrix,
/// SIAM Review 1989. For EASE: Jeunen, Van Balen, Goethals, Embarrassingly Shallow Auto-Encoders
/// for Dynamic Collaborative Filtering, UMUAI 2022.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/spd_tiles.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/algebra/triangular.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Wide matrices, of few rows, are cut into so many columns for threads.
inline constexpr Index wide_tile = 192;

/// y <- a x, y wide.
template <class Scalar>
void set_wide_product(const Csr<Scalar>& a, ConstTile<Scalar> x, Tile<Scalar> y) {
  parallel_tiles(y.cols(), wide_tile, [&](Index first, Index columns) {
    const Tile<Scalar> part = y.middleCols(first, columns);
    part.set_zero();
    for (Index row = 0; row < a.rows(); ++row) {
      for (typename Csr<Scalar>::InnerIterator entry(a, row); entry; ++entry) {
        add_scaled(columns, entry.value(), x.row(entry.col()) + first, part.row(row));
      }
    }
  });
}

/// y += alpha a x, y wide.
template <class Scalar>
void add_wide_product(Scalar alpha, ConstTile<Scalar> a, ConstTile<Scalar> x, Tile<Scalar> y) {
  parallel_tiles(y.cols(), wide_tile, [&](Index first, Index columns) {
    add_product<Scalar>(y.middleCols(first, columns), alpha, plain(a),
                        plain(x.middleCols(first, columns)));
  });
}
template <class Scalar>
void set_wide_product(const Matrix<Scalar>& a, ConstTile<Scalar> x, Tile<Scalar> y) {
  y.set_zero();
  add_wide_product<Scalar>(1, a, x, y);
}

/// a bᵀ of wide matrices.
template <class Scalar>
Matrix<Scalar> product_of_rows(const Csr<Scalar>& a, ConstTile<Scalar> b) {
  Matrix<Scalar> product = Matrix<Scalar>::Zero(a.rows(), b.rows());
  parallel_tiles(b.rows(), 16, [&](Index first, Index rows) {
    for (Index row = 0; row < a.rows(); ++row) {
      for (typename Csr<Scalar>::InnerIterator entry(a, row); entry; ++entry) {
        for (Index j = first; j < first + rows; ++j) {
          product(row, j) += entry.value() * b(j, entry.col());
        }
      }
    }
  });
  return product;
}
template <class Scalar>
Matrix<Scalar> product_of_rows(const Matrix<Scalar>& a, ConstTile<Scalar> b) {
  Matrix<Scalar> product = Matrix<Scalar>::Zero(a.rows(), b.rows());
  parallel_tiles(b.rows(), 96, [&](Index first, Index rows) {
    add_product<Scalar>(Tile<Scalar>(product).middleCols(first, rows), 1, plain(a),
                        transposed(b.middleRows(first, rows)));
  });
  return product;
}

/// Σ_i a_ki² x_i for each row k.
template <class Scalar>
Vector<Scalar> weighed_squares(const Csr<Scalar>& a, const Vector<Scalar>& x) {
  Vector<Scalar> sums = Vector<Scalar>::Zero(a.rows());
  for (Index row = 0; row < a.rows(); ++row) {
    for (typename Csr<Scalar>::InnerIterator entry(a, row); entry; ++entry) {
      sums[row] += entry.value() * entry.value() * x[entry.col()];
    }
  }
  return sums;
}
template <class Scalar>
Vector<Scalar> weighed_squares(const Matrix<Scalar>& a, const Vector<Scalar>& x) {
  return a.cwiseAbs2() * x;
}

/// What becomes of P as A changes, told step by step; P itself is as it was until `apply`.
template <class Scalar>
class InverseChange {
 public:
  /// \param p P, n x n, both triangles: must outlive this, and stay as it is
  /// \param peaks the largest that each P_ii has been, or will be of new items: rounding errors of
  /// P_ij are about ε √(peak_i peak_j)
  InverseChange(const Matrix<Scalar>& p, Vector<Scalar> peaks) : p_(p), peaks_(std::move(peaks)) {}

  /// A gets rows and columns for new items, which come last.
  /// \param p_old in P's first rows and columns, and zeros elsewhere, and no step before this
  /// \param border Bᵀ, new x old
  /// \param corner C, new x new, lower triangle, with a positive diagonal
  /// \throws NotPositiveDefinite, Cancelled
  void add_items(Matrix<Scalar> border, Matrix<Scalar> corner, const Progress& progress) {
    const Index added = border.rows();
    const Index before = border.cols();
    Stage stage(progress, "update", 1);
    // Scaled so that the diagonal of C is 1, as is that of the identity in the other steps.
    Vector<Scalar> scale(added);
    for (Index i = 0; i < added; ++i) scale[i] = 1 / std::sqrt(corner(i, i));
    for (Index i = 0; i < added; ++i) {
      set_scaled(before, scale[i], &border(i, 0), &border(i, 0));
      for (Index j = 0; j <= i; ++j) corner(i, j) *= scale[i] * scale[j];
    }
    Matrix<Scalar> y = large_matrix<Scalar>(added, p_.rows());
    const Tile<Scalar> left = Tile<Scalar>(y).leftCols(before);
    set_wide_product<Scalar>(border, ConstTile<Scalar>(p_).first(before), left);
    Tile<Scalar>(y).rightCols(added).set_zero();
    for (Index i = 0; i < added; ++i) y(i, before + i) = -scale[i];
    const Matrix<Scalar> explained = product_of_rows<Scalar>(border, left);
    for (Index i = 0; i < added; ++i) {
      add_scaled(i + 1, Scalar(-1), &explained(i, 0), &corner(i, 0));
    }
    const Vector<Scalar> terms = weighed_squares<Scalar>(border, peaks_.head(before));
    stage.finish();
    append(-1, std::move(y), std::move(corner), terms, progress);
  }

  /// A <- A + sign U Uᵀ.
  /// \param rows Uᵀ, dense or sparse
  /// \throws NotPositiveDefinite, Cancelled
  template <class Rows>
  void add(Scalar sign, const Rows& rows, const Progress& progress) {
    if (rows.rows() == 0) return;
    Stage stage(progress, "update", 1);
    Matrix<Scalar> w = large_matrix<Scalar>(rows.rows(), p_.rows());
    set_wide_product<Scalar>(rows, p_, w);
    for (const Part& part : parts_) {
      const Matrix<Scalar> shared = product_of_rows<Scalar>(rows, part.y);
      add_wide_product<Scalar>(-part.sign, shared, part.y, w);
    }
    Matrix<Scalar> core = product_of_rows<Scalar>(rows, w);
    for (Index i = 0; i < core.rows(); ++i) {
      set_scaled(i + 1, sign, &core(i, 0), &core(i, 0));
      core(i, i) += 1;
    }
    const Vector<Scalar> terms = weighed_squares<Scalar>(rows, peaks_);
    stage.finish();
    append(sign, std::move(w), std::move(core), terms, progress);
  }

  /// Of all steps together.
  [[nodiscard]] Index rank() const {
    Index rank = 0;
    for (const Part& part : parts_) rank += part.y.rows();
    return rank;
  }

  /// The smallest pivot of all factorisations, as a share of the terms that it is the rest of; at
  /// most 1. Rounding errors of P grow by its reciprocal.
  [[nodiscard]] Scalar least_pivot() const { return least_pivot_; }

  /// diag(P') as it will be.
  [[nodiscard]] Vector<Scalar> diagonal() const {
    Vector<Scalar> diagonal = p_.diagonal();
    parallel_tiles(diagonal.size(), wide_tile, [&](Index first, Index items) {
      for (const Part& part : parts_) {
        for (Index k = 0; k < part.y.rows(); ++k) {
          const ConstRun<Scalar> y(&part.y(k, first), items);
          Run<Scalar>(&diagonal[first], items) -= part.sign * y.square();
        }
      }
    });
    return diagonal;
  }

  /// z <- P' v, where z is P v. \throws Cancelled
  void change_product(const Matrix<Scalar>& v, Matrix<Scalar>& z, const Progress& progress) const {
    Stage stage(progress, "update", static_cast<double>(parts_.size()));
    for (const Part& part : parts_) {
      Matrix<Scalar> shared(part.y.rows(), v.cols());
      set_wide_product<Scalar>(part.y, v, shared);
      parallel_tiles(z.rows(), product_tile, [&](Index first, Index rows) {
        add_product<Scalar>(Tile<Scalar>(z).middleRows(first, rows), -part.sign,
                            transposed(ConstTile<Scalar>(part.y).middleCols(first, rows)),
                            plain(shared));
      });
      stage.advance(1);
    }
    stage.finish();
  }

  /// P <- P'. Each tile of the lower triangle is changed once and copied to the upper one while it
  /// is in the cache.
  /// \param p the P that this was made for
  /// \param diagonal as `diagonal()` gave it
  void apply(const Vector<Scalar>& diagonal, Matrix<Scalar>& p) const {
    if (parts_.empty()) return;
    const Tile<Scalar> whole = p;
    parallel_lower_tiles(p.rows(), product_tile, [&](Index i, Index rows, Index j, Index columns) {
      const Tile<Scalar> tile = whole.block(i, j, rows, columns);
      for (const Part& part : parts_) {
        const ConstTile<Scalar> y = part.y;
        const auto add = i == j ? add_lower_product<Scalar> : add_product<Scalar>;
        add(tile, -part.sign, transposed(y.middleCols(i, rows)), plain(y.middleCols(j, columns)));
      }
      if (i == j) {
        for (Index k = 0; k < rows; ++k) tile(k, k) = diagonal[i + k];
        transpose_triangle<Scalar>(Triangle::lower, tile, tile);
      } else {
        copy_transposed<Scalar>(tile, whole.block(j, i, columns, rows));
      }
    });
  }

 private:
  /// P' = ... - sign Y Yᵀ.
  struct Part {
    Scalar sign;
    Matrix<Scalar> y;  ///< Yᵀ
  };

  /// \param w Wᵀ, which becomes Yᵀ
  /// \param core L Lᵀ, lower triangle
  /// \param terms of each row u, Σ u_i² peak_i: rounding errors of uᵀP u, being independent, are ε
  /// times this, which may be far above what is left of it
  void append(Scalar sign, Matrix<Scalar> w, Matrix<Scalar> core, const Vector<Scalar>& terms,
              const Progress& progress) {
    SpdTiles<Scalar>(
        core, {Pivot::item, "what a low-rank change leaves of the matrix", "change", "fit anew"})
        .invert_factor(progress);
    for (Index k = 0; k < core.rows(); ++k) {
      const Scalar pivot = 1 / (core(k, k) * core(k, k));
      least_pivot_ = (std::min)(least_pivot_, pivot / std::max<Scalar>(1, terms[k]));
    }
    parallel_tiles(w.cols(), wide_tile, [&](Index first, Index columns) {
      multiply_on_left<Scalar>(core, Tile<Scalar>(w).middleCols(first, columns));
    });
    parts_.push_back({sign, std::move(w)});
  }

  const Matrix<Scalar>& p_;
  Vector<Scalar> peaks_;
  std::vector<Part> parts_;
  Scalar least_pivot_ = 1;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
