#pragma once

/// \file
/// The dense products that everything is made of, on one thread, on parts of row-major matrices.
/// Whoever calls them cuts the work into tiles for threads (see parallel.hpp).
///
/// The kernel is the one of Goto and van de Geijn, Anatomy of High-Performance Matrix
/// Multiplication, ACM TOMS 2008: the second factor is packed so that it stays in the second-level
/// cache, the first so that it stays in the first-level one, and a small tile of the result stays
/// in registers. It is written in Eigen's packets, so that it takes the widest vectors the compiler
/// may use, and is a good fifth faster on tiles than Eigen's own product, which packs both factors
/// anew and needs tiles larger than the cache for that to pay off.
///
/// With EIGEN_USE_BLAS defined, the products go to that BLAS instead.

#include <algorithm>
#include <cstddef>
#include <utility>

#include "lae/core/types.hpp"

namespace lae::detail {

/// A view of a part of a row-major matrix; copying it copies no elements.
template <class Scalar>
using Tile = Eigen::Ref<Matrix<Scalar>, 0, Eigen::OuterStride<>>;
template <class Scalar>
using ConstTile = Eigen::Ref<const Matrix<Scalar>, 0, Eigen::OuterStride<>>;

/// Side of the tiles into which products are cut for threads: large enough for the full rate, small
/// enough to keep every thread busy.
inline constexpr Index product_tile = 256;

/// Up to this side, one factor leaves the other one free to be the place of the product.
inline constexpr Index smallest_triangle = 48;

/// A factor of a product: a tile as it is, or transposed.
template <class Scalar>
struct Factor {
  const Scalar* data;
  Index row_stride;
  Index column_stride;
  Index rows;
  Index columns;

  const Scalar* at(Index row, Index column) const {
    return data + row * row_stride + column * column_stride;
  }
};
template <class Derived>
Factor<typename Derived::Scalar> plain(const Eigen::MatrixBase<Derived>& tile) {
  static_assert(Derived::IsRowMajor && Derived::InnerStrideAtCompileTime == 1, "not a tile");
  return {tile.derived().data(), tile.derived().outerStride(), 1, tile.rows(), tile.cols()};
}
template <class Derived>
Factor<typename Derived::Scalar> transposed(const Eigen::MatrixBase<Derived>& tile) {
  static_assert(Derived::IsRowMajor && Derived::InnerStrideAtCompileTime == 1, "not a tile");
  return {tile.derived().data(), 1, tile.derived().outerStride(), tile.cols(), tile.rows()};
}

#ifndef EIGEN_USE_BLAS

/// C <- α A B or C += α A B, all of C or its lower triangle.
template <class Scalar>
class ProductKernel {
  using Packet = typename Eigen::internal::packet_traits<Scalar>::type;

  // The tile of C in registers: `height` rows of `width` columns.
  static constexpr Index lanes = Eigen::internal::unpacket_traits<Packet>::size;
  static constexpr Index packets = 3;
  static constexpr Index width = packets * lanes;
  static constexpr Index height = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 8 : 4;

  // `height` rows of A are to stay in a first-level cache of 32 KB, as many columns of B in half a
  // second-level cache of 1 MB.
  static constexpr Index max_depth = 384;
  static constexpr Index max_columns =
      (Index(1) << 19) / static_cast<Index>(sizeof(Scalar)) / max_depth / width * width;
  static_assert(smallest_triangle <= max_depth && smallest_triangle <= max_columns,
                "in-place products need a factor that is packed whole");

 public:
  /// What every thread keeps for packed factors.
  static constexpr Index buffer_size = max_depth * (max_columns + height);

  enum class Region { all, lower };
  enum class Store { set, add };

  template <Region region, Store store>
  static void run(Tile<Scalar> c, Scalar alpha, const Factor<Scalar>& a, const Factor<Scalar>& b) {
    static thread_local Vector<Scalar> packed(buffer_size);
    Scalar* const packed_b = packed.data();
    Scalar* const packed_a = packed_b + max_depth * max_columns;
    const Index depth_step = even_step(a.columns, max_depth, 1);
    const Index column_step = even_step(c.cols(), max_columns, width);
    for (Index k = 0; k < a.columns; k += depth_step) {
      const Index part = std::min(depth_step, a.columns - k);
      for (Index j = 0; j < c.cols(); j += column_step) {
        const Index columns = std::min(column_step, c.cols() - j);
        pack<width>(b.at(k, j), b.column_stride, b.row_stride, columns, part, packed_b);
        // Rows above the diagonal have nothing to the right of column j.
        for (Index i = region == Region::lower ? j : 0; i < c.rows(); i += height) {
          const Index rows = std::min(height, c.rows() - i);
          pack<height>(a.at(i, k), a.row_stride, a.column_stride, rows, part, packed_a);
          multiply_panels<region, store>(c, alpha, i, rows, j, columns, packed_a, packed_b, part);
        }
      }
    }
  }

 private:
  /// Cuts `size` into as few parts of at most `most` as possible, all alike: a short last part
  /// would take nearly as long as a whole one. The step is a multiple of `unit`, as `most` is.
  static Index even_step(Index size, Index most, Index unit) {
    const Index parts = (size + most - 1) / most;
    return parts > 1 ? ((size + parts - 1) / parts + unit - 1) / unit * unit : most;
  }

  /// Rows [i, i + rows) of C, columns [j, j + columns).
  template <Region region, Store store>
  static void multiply_panels(Tile<Scalar>& c, Scalar alpha, Index i, Index rows, Index j,
                              Index columns, const Scalar* packed_a, const Scalar* packed_b,
                              Index depth) {
    Scalar product[height * width];
    for (Index first = 0; first < columns; first += width) {
      const Index column = j + first;
      if (region == Region::lower && column >= i + rows) break;
      for (Index row = 0; row < rows; ++row) {
        const Scalar* const place = &c(i + row, column);
        for (Index p = 0; p < packets; ++p) Eigen::internal::prefetch(place + p * lanes);
      }
      multiply(depth, packed_a, packed_b + first * depth, product,
               std::make_index_sequence<height>());
      const Index valid = std::min(width, columns - first);
      const bool below_diagonal = region == Region::all || column + width <= i + 1;
      for (Index row = 0; row < rows; ++row) {
        Scalar* const to = &c(i + row, column);
        const Scalar* const from = product + row * width;
        if (valid == width && below_diagonal) {
          for (Index l = 0; l < width; ++l) put<store>(to[l], alpha * from[l]);
        } else {
          const Index end = below_diagonal ? valid : std::min(valid, i + row - column + 1);
          for (Index l = 0; l < end; ++l) put<store>(to[l], alpha * from[l]);
        }
      }
    }
  }

  template <Store store>
  static void put(Scalar& to, Scalar value) {
    to = store == Store::add ? to + value : value;
  }

  /// Keeps the compiler from loading a packet anew for each use, as GCC does where it can make the
  /// load a part of the multiplication: with AVX2 there would be more loads than cycles for them.
  static void keep_in_register([[maybe_unused]] Packet& packet) {
#if defined(__GNUC__) && EIGEN_ARCH_x86_64 && defined(EIGEN_VECTORIZE)
    __asm__("" : "+x"(packet));
#endif
  }

  /// The product of `height` packed rows and `width` packed columns, in registers: with AVX2 in all
  /// sixteen of them, so it is a function of its own, which has no other values to keep.
  template <std::size_t... Row>
  EIGEN_DONT_INLINE static void multiply(Index depth, const Scalar* a, const Scalar* b,
                                         Scalar* product, std::index_sequence<Row...>) {
    using namespace Eigen::internal;
    static_assert(packets == 3, "one variable for each");
    const Packet zero = pset1<Packet>(Scalar(0));
    Packet sum_0[] = {(static_cast<void>(Row), zero)...};
    Packet sum_1[] = {(static_cast<void>(Row), zero)...};
    Packet sum_2[] = {(static_cast<void>(Row), zero)...};
    for (Index k = 0; k < depth; ++k, a += height, b += width) {
      Packet b_0 = ploadu<Packet>(b);
      Packet b_1 = ploadu<Packet>(b + lanes);
      Packet b_2 = ploadu<Packet>(b + 2 * lanes);
      keep_in_register(b_0);
      keep_in_register(b_1);
      keep_in_register(b_2);
      const auto add_row = [&](std::size_t row) {
        const Packet a_row = pset1<Packet>(a[row]);
        sum_0[row] = pmadd(a_row, b_0, sum_0[row]);
        sum_1[row] = pmadd(a_row, b_1, sum_1[row]);
        sum_2[row] = pmadd(a_row, b_2, sum_2[row]);
      };
      (add_row(Row), ...);
    }
    const auto store_row = [&](std::size_t row) {
      Scalar* const to = product + static_cast<Index>(row) * width;
      pstoreu(to, sum_0[row]);
      pstoreu(to + lanes, sum_1[row]);
      pstoreu(to + 2 * lanes, sum_2[row]);
    };
    (store_row(Row), ...);
  }

  /// Copies `count` rows of A (or columns of B) of length `depth`, in panels of `panel` that run
  /// along the depth; the last panel is filled up with zeros.
  /// \param stride from one row to the next, \param step along a row; one of them is 1
  template <Index panel>
  static void pack(const Scalar* from, Index stride, Index step, Index count, Index depth,
                   Scalar* to) {
    for (Index first = 0; first < count; first += panel, to += panel * depth) {
      const Index rows = std::min(panel, count - first);
      const Scalar* const source = from + first * stride;
      if (rows < panel) std::fill(to, to + panel * depth, Scalar(0));
      if (stride == 1) {
        for (Index k = 0; k < depth; ++k) {
          for (Index i = 0; i < rows; ++i) to[k * panel + i] = source[k * step + i];
        }
      } else {
        Index k = 0;
        for (; k + block <= depth; k += block) {
          Index i = 0;
          for (; i + block <= rows; i += block) {
            transpose_block(source + i * stride + k, stride, to + k * panel + i, panel);
          }
          copy_rows<panel>(source, stride, i, rows, k, k + block, to);
        }
        copy_rows<panel>(source, stride, 0, rows, k, depth, to);
      }
    }
  }

  static constexpr Index block = 8;

  /// Through a small array, so that neither the reads nor the writes are scattered.
  static void transpose_block(const Scalar* from, Index stride, Scalar* to, Index to_stride) {
    Scalar square[block][block];
    for (Index i = 0; i < block; ++i) {
      for (Index k = 0; k < block; ++k) square[k][i] = from[i * stride + k];
    }
    for (Index k = 0; k < block; ++k) {
      for (Index i = 0; i < block; ++i) to[k * to_stride + i] = square[k][i];
    }
  }

  template <Index panel>
  static void copy_rows(const Scalar* source, Index stride, Index first, Index end, Index k,
                        Index k_end, Scalar* to) {
    for (; k < k_end; ++k) {
      for (Index i = first; i < end; ++i) to[k * panel + i] = source[i * stride + k];
    }
  }
};

/// C += α A B, all of C or its lower triangle.
template <class Scalar>
void add_product(Tile<Scalar> c, Scalar alpha, const Factor<Scalar>& a, const Factor<Scalar>& b) {
  using Kernel = ProductKernel<Scalar>;
  Kernel::template run<Kernel::Region::all, Kernel::Store::add>(c, alpha, a, b);
}
template <class Scalar>
void add_lower_product(Tile<Scalar> c, Scalar alpha, const Factor<Scalar>& a,
                       const Factor<Scalar>& b) {
  using Kernel = ProductKernel<Scalar>;
  Kernel::template run<Kernel::Region::lower, Kernel::Store::add>(c, alpha, a, b);
}

/// Bytes that each thread keeps for products.
template <class Scalar>
constexpr std::size_t product_buffer_bytes() {
  return static_cast<std::size_t>(ProductKernel<Scalar>::buffer_size) * sizeof(Scalar);
}

/// C <- A B, where one factor has no side above smallest_triangle and the other may be C itself.
template <class Scalar>
void set_product(Tile<Scalar> c, const Factor<Scalar>& a, const Factor<Scalar>& b) {
  using Kernel = ProductKernel<Scalar>;
  Kernel::template run<Kernel::Region::all, Kernel::Store::set>(c, Scalar(1), a, b);
}

#else

/// Calls body with the factor as an Eigen expression that BLAS takes without a copy.
template <class Scalar, class Body>
void with_eigen(const Factor<Scalar>& f, Body&& body) {
  using Map = Eigen::Map<const Matrix<Scalar>, 0, Eigen::OuterStride<>>;
  // A single column transposed has two strides of 1, of which BLAS would take the wrong one.
  if (f.column_stride == 1 && f.row_stride >= f.columns) {
    body(Map(f.data, f.rows, f.columns, Eigen::OuterStride<>(f.row_stride)));
  } else {
    body(Map(f.data, f.columns, f.rows, Eigen::OuterStride<>(f.column_stride)).transpose());
  }
}
template <class Scalar, class Body>
void with_eigen(const Factor<Scalar>& a, const Factor<Scalar>& b, Body&& body) {
  with_eigen(a, [&](const auto& x) { with_eigen(b, [&](const auto& y) { body(x, y); }); });
}

template <class Scalar>
void add_product(Tile<Scalar> c, Scalar alpha, const Factor<Scalar>& a, const Factor<Scalar>& b) {
  with_eigen(a, b, [&](const auto& x, const auto& y) { c.noalias() += alpha * x * y; });
}
template <class Scalar>
void add_lower_product(Tile<Scalar> c, Scalar alpha, const Factor<Scalar>& a,
                       const Factor<Scalar>& b) {
  with_eigen(a, b, [&](const auto& x, const auto& y) {
    c.template triangularView<Eigen::Lower>() += alpha * x * y;
  });
}
template <class Scalar>
constexpr std::size_t product_buffer_bytes() {
  return 0;
}
template <class Scalar>
void set_product(Tile<Scalar> c, const Factor<Scalar>& a, const Factor<Scalar>& b) {
  with_eigen(a, b, [&](const auto& x, const auto& y) { c = (x * y).eval(); });
}

#endif

}  // namespace lae::detail
