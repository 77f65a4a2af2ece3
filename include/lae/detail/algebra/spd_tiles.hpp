#pragma once

/// \file
/// The passes of the inversion of a symmetric positive definite matrix, or of its Cholesky factor,
/// over square tiles.
///
/// The matrix is cut into square tiles. Three passes run over its lower triangle: A = L Lᵀ,
/// L <- L⁻¹, A⁻¹ = L⁻ᵀ L⁻¹ (n^3 / 3 flops each). Every operation on tiles is a task that waits for
/// the tiles it reads and writes alone, so a pass begins where the one before it has finished.
/// Tiles on the diagonal are inverted as soon as they are factored: all passes then multiply by
/// them, and nearly all the work is products. Updates of one tile keep the order in which they are
/// written down here, whatever the number of threads, and so do the bits of the result.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/triangular.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Side of the tiles for an n x n matrix: an eighth, so that threads need not wait for one another,
/// but no larger than what is fastest on one thread; a multiple of the product kernel's widths. It
/// depends on n alone, so that results do too.
inline Index spd_tile(Index n) {
  const Index eighth = (n / 8 + 47) / 48 * 48;
  return std::clamp<Index>(eighth, 144, 480);
}

/// What to say if a matrix has no Cholesky factor.
struct PivotFailure {
  Pivot pivot = Pivot::item;
  std::string matrix = "the matrix";  ///< what it is
  std::string row = "item";           ///< what a row of it is
  std::string remedy = "raise the ridge";
  std::vector<Index> row_names{};  ///< of each row, if they were reordered

  /// \param place of the pivot
  /// \param rows of the matrix
  template <class Scalar>
  [[noreturn]] void raise(Index place, Index rows) const {
    if (!row_names.empty()) {
      place = row_names[static_cast<std::size_t>(place)];
      rows = static_cast<Index>(row_names.size());
    }
    throw NotPositiveDefinite(
        pivot, place,
        concat(matrix, " is not positive definite in ",
               sizeof(Scalar) == sizeof(float) ? "float" : "double", ": the pivot of ", row, " ",
               place, " (of ", rows, ") is not positive; ", remedy));
  }
};

/// The lower triangle of a matrix in tiles, and the passes over it.
template <class Scalar>
class SpdTiles {
 public:
  explicit SpdTiles(Tile<Scalar> matrix, PivotFailure failure = {})
      : matrix_(matrix),
        failure_(std::move(failure)),
        tile_(spd_tile(matrix.rows())),
        tiles_((matrix.rows() + tile_ - 1) / tile_),
        state_(static_cast<std::size_t>(tiles_ * tiles_)),
        deferred_(tiles_ > 1 && thread_count() > 1) {}

  /// A <- L⁻¹ with A = L Lᵀ. \throws NotPositiveDefinite, Cancelled
  void invert_factor(const Progress& progress) {
    run(progress, "factor", 2, [this] {
      factor_pass();
      inverse_pass();
    });
  }

  /// A <- A⁻¹. \throws NotPositiveDefinite, Cancelled
  void invert(const Progress& progress) {
    run(progress, "invert", 3, [this] {
      factor_pass();
      inverse_pass();
      product_pass();
    });
  }

 private:
  /// Creates the tasks of all passes and waits for them. Work is counted in products of full tiles.
  void run(const Progress& progress, std::string_view name, int passes,
           const Body<>& create_tasks) {
    const double tiles = static_cast<double>(tiles_);
    Stage stage(progress, name, passes * tiles * (tiles + 1) * (tiles + 2) / 6);
    stage_ = &stage;
    [[maybe_unused]] const SingleThreadedBlas single_threaded_blas;
    if (deferred_) {
      remember_threads();
      // Not `single`: GCC's runtime frees the table of dependences of the primary thread alone.
      LAE_OMP(parallel)
      LAE_OMP(master)
      create_tasks();
    } else {
      create_tasks();
    }
    error_.rethrow();
    stage.finish();
  }

  void factor_pass() {
    for (Index k = 0; k < tiles_; ++k) {
      [[maybe_unused]] char* kk = state(k, k);
      LAE_OMP(task if (deferred_) depend(inout : kk[0]))
      step([this, k] { invert_diagonal_factor(k); });
      for (Index i = k + 1; i < tiles_; ++i) {
        [[maybe_unused]] char* ik = state(i, k);
        LAE_OMP(task if (deferred_) depend(in : kk[0]) depend(inout : ik[0]))
        step([this, i, k] { multiply_on_right_by_transposed<Scalar>(tile(i, k), tile(k, k)); });
      }
      for (Index i = k + 1; i < tiles_; ++i) {
        [[maybe_unused]] char* ik = state(i, k);
        for (Index j = k + 1; j < i; ++j) {
          [[maybe_unused]] char* jk = state(j, k);
          [[maybe_unused]] char* ij = state(i, j);
          LAE_OMP(task if (deferred_) depend(in : ik[0], jk[0]) depend(inout : ij[0]))
          step([this, i, j, k] {
            add_product<Scalar>(tile(i, j), -1, plain(tile(i, k)), transposed(tile(j, k)));
          });
        }
        [[maybe_unused]] char* ii = state(i, i);
        LAE_OMP(task if (deferred_) depend(in : ik[0]) depend(inout : ii[0]))
        step([this, i, k] {
          add_lower_product<Scalar>(tile(i, i), -1, plain(tile(i, k)), transposed(tile(i, k)));
        });
      }
    }
  }

  void inverse_pass() {
    for (Index k = 0; k < tiles_; ++k) {
      [[maybe_unused]] char* kk = state(k, k);
      for (Index i = k + 1; i < tiles_; ++i) {
        [[maybe_unused]] char* ik = state(i, k);
        LAE_OMP(task if (deferred_) depend(in : kk[0]) depend(inout : ik[0]))
        step([this, i, k] {
          multiply_on_right<Scalar>(tile(i, k), tile(k, k));
          negate(tile(i, k));
        });
        for (Index j = 0; j < k; ++j) {
          [[maybe_unused]] char* kj = state(k, j);
          [[maybe_unused]] char* ij = state(i, j);
          LAE_OMP(task if (deferred_) depend(in : ik[0], kj[0]) depend(inout : ij[0]))
          step([this, i, j, k] {
            add_product<Scalar>(tile(i, j), 1, plain(tile(i, k)), plain(tile(k, j)));
          });
        }
      }
      for (Index j = 0; j < k; ++j) {
        [[maybe_unused]] char* kj = state(k, j);
        LAE_OMP(task if (deferred_) depend(in : kk[0]) depend(inout : kj[0]))
        step([this, j, k] { multiply_on_left<Scalar>(tile(k, k), tile(k, j)); });
      }
    }
  }

  void product_pass() {
    for (Index k = 0; k < tiles_; ++k) {
      [[maybe_unused]] char* kk = state(k, k);
      for (Index j = 0; j < k; ++j) {
        [[maybe_unused]] char* kj = state(k, j);
        for (Index i = j + 1; i < k; ++i) {
          [[maybe_unused]] char* ki = state(k, i);
          [[maybe_unused]] char* ij = state(i, j);
          LAE_OMP(task if (deferred_) depend(in : ki[0], kj[0]) depend(inout : ij[0]))
          step([this, i, j, k] {
            add_product<Scalar>(tile(i, j), 1, transposed(tile(k, i)), plain(tile(k, j)));
          });
        }
        [[maybe_unused]] char* jj = state(j, j);
        LAE_OMP(task if (deferred_) depend(in : kj[0]) depend(inout : jj[0]))
        step([this, j, k] {
          add_lower_product<Scalar>(tile(j, j), 1, transposed(tile(k, j)), plain(tile(k, j)));
        });
      }
      for (Index j = 0; j < k; ++j) {
        [[maybe_unused]] char* kj = state(k, j);
        LAE_OMP(task if (deferred_) depend(in : kk[0]) depend(inout : kj[0]))
        step([this, j, k] { multiply_on_left_by_transposed<Scalar>(tile(k, k), tile(k, j)); });
      }
      LAE_OMP(task if (deferred_) depend(inout : kk[0]))
      step([this, k] { multiply_by_own_transpose<Scalar>(tile(k, k)); });
    }
  }

  void invert_diagonal_factor(Index k) {
    const Index failed = invert_cholesky_factor<Scalar>(tile(k, k));
    if (failed < 0) return;
    failure_.raise<Scalar>(k * tile_ + failed, matrix_.rows());
  }

  /// Runs one task's work, unless an earlier one failed.
  void step(const Body<>& work) {
    error_.guard([&] {
      work();
      stage_->advance(1);
    });
  }

  Tile<Scalar> tile(Index i, Index j) {
    return matrix_.block(i * tile_, j * tile_, length(i), length(j));
  }

  Index length(Index t) const { return (std::min)(tile_, matrix_.rows() - t * tile_); }

  /// Stands for tile (i, j) in the dependences of tasks.
  char* state(Index i, Index j) { return &state_[static_cast<std::size_t>(i * tiles_ + j)]; }

  Tile<Scalar> matrix_;
  PivotFailure failure_;
  Index tile_;
  Index tiles_;
  std::vector<char> state_;
  bool deferred_;
  Stage* stage_ = nullptr;
  FirstException error_;
};

template <class Scalar>
void require_square(const Matrix<Scalar>& matrix) {
  require(matrix.rows() == matrix.cols() && matrix.rows() > 0,
          "the matrix must be square and not empty, got ", matrix.rows(), " x ", matrix.cols());
}

enum class Triangle { lower, upper };

/// Copies one strict triangle of `from` over the other one of `to`, tile by tile, since one of them
/// is read or written against the direction of memory.
template <class Scalar>
void transpose_triangle(Triangle triangle, ConstTile<Scalar> from, Tile<Scalar> to) {
  parallel_lower_tiles(from.rows(), 64, [&](Index i, Index rows, Index j, Index columns) {
    if (i == j) {
      for (Index row = i + 1; row < i + rows; ++row) {
        for (Index column = i; column < row; ++column) {
          if (triangle == Triangle::lower) {
            to(column, row) = from(row, column);
          } else {
            to(row, column) = from(column, row);
          }
        }
      }
    } else if (triangle == Triangle::lower) {
      copy_transposed(from.block(i, j, rows, columns), to.block(j, i, columns, rows));
    } else {
      copy_transposed(from.block(j, i, columns, rows), to.block(i, j, rows, columns));
    }
  });
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
