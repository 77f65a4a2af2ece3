#pragma once

/// \file
/// The dense products that everything is made of, on one thread, on parts of row-major matrices.
/// Whoever calls them cuts the work into tiles for threads (see parallel.hpp).
///
/// The kernel is the one of Goto and van de Geijn, Anatomy of High-Performance Matrix
/// Multiplication, ACM TOMS 2008: a block of the first factor is packed so that it stays in the
/// second-level cache, a panel of the second so that it stays in the first-level one, and a small
/// tile of the result stays in registers. It is written in Eigen's packets, so that it takes the
/// widest vectors the compiler may use, and is a good fifth faster on tiles than Eigen's own
/// product, which packs both factors anew and needs tiles larger than the cache for that to pay
/// off.
///
/// With EIGEN_USE_BLAS defined, the products go to that BLAS instead.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <type_traits>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

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
template <class Element>
Factor<std::remove_const_t<Element>> plain(const Tile<Element>& tile) {
  return {tile.data(), tile.stride(), 1, tile.rows(), tile.cols()};
}
template <class Element>
Factor<std::remove_const_t<Element>> transposed(const Tile<Element>& tile) {
  return {tile.data(), 1, tile.stride(), tile.cols(), tile.rows()};
}
template <class Derived>
Factor<typename Derived::Scalar> plain(const Eigen::MatrixBase<Derived>& tile) {
  return plain(ConstTile<typename Derived::Scalar>(tile.derived()));
}
template <class Derived>
Factor<typename Derived::Scalar> transposed(const Eigen::MatrixBase<Derived>& tile) {
  return transposed(ConstTile<typename Derived::Scalar>(tile.derived()));
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

  // `width` columns of B are to stay in a first-level cache of 32 KB (with AVX-512, of 48 KB), the
  // block of A in the second-level one.
  static constexpr Index max_depth = 256;
  static constexpr Index max_rows = 480;
  static_assert(smallest_triangle <= max_depth && smallest_triangle <= max_rows,
                "in-place products need a factor that is packed whole");

 public:
  /// What every thread keeps for packed factors.
  static constexpr Index buffer_size = max_depth * (max_rows + width);

  enum class Region { all, lower };
  enum class Store { set, add };

  template <Region region, Store store>
  static void run(Tile<Scalar> c, Scalar alpha, const Factor<Scalar>& a, const Factor<Scalar>& b) {
    static thread_local Vector<Scalar> packed(buffer_size);
    Scalar* const packed_a = packed.data();
    Scalar* const packed_b = packed_a + max_depth * max_rows;
    const Index depth_step = even_step(a.columns, max_depth, 1);
    const Index row_step = even_step(c.rows(), max_rows, height);
    for (Index k = 0; k < a.columns; k += depth_step) {
      const Index depth = (std::min)(depth_step, a.columns - k);
      for (Index i = 0; i < c.rows(); i += row_step) {
        const Index rows = (std::min)(row_step, c.rows() - i);
        pack<height>(a.at(i, k), a.row_stride, a.column_stride, rows, depth, packed_a);
        // Columns right of row i + rows - 1 have nothing below the diagonal.
        const Index columns = region == Region::lower ? (std::min)(c.cols(), i + rows) : c.cols();
        for (Index j = 0; j < columns; j += width) {
          pack<width>(b.at(k, j), b.column_stride, b.row_stride, (std::min)(width, columns - j),
                      depth, packed_b);
          multiply_panels<region, store>(c, alpha, i, rows, j, (std::min)(width, columns - j),
                                         packed_a, packed_b, depth);
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

  /// Rows [i, i + rows) of C, columns [j, j + columns), of which there are at most `width`.
  template <Region region, Store store>
  static void multiply_panels(Tile<Scalar>& c, Scalar alpha, Index i, Index rows, Index j,
                              Index columns, const Scalar* packed_a, const Scalar* packed_b,
                              Index depth) {
    // Rows above row j have nothing in these columns.
    Index first = region == Region::lower ? std::max<Index>(j - i, 0) / height * height : 0;
    for (; first < rows; first += height) {
      const Scalar* const panel = packed_a + first * depth;
      const Index row = i + first;
      const Index valid = (std::min)(height, rows - first);
      const bool below_diagonal = region == Region::all || j + width <= row + 1;
      if (valid == height && columns == width && below_diagonal) {
        multiply<store>(depth, panel, packed_b, alpha, &c(row, j), c.stride(),
                        std::make_index_sequence<height>());
        continue;
      }
      Scalar product[height * width];
      multiply<Store::set>(depth, panel, packed_b, alpha, product, width,
                           std::make_index_sequence<height>());
      for (Index r = 0; r < valid; ++r) {
        const Index end = below_diagonal ? columns : (std::min)(columns, row + r - j + 1);
        for (Index l = 0; l < end; ++l) {
          Scalar& to = c(row + r, j + l);
          to = store == Store::add ? to + product[r * width + l] : product[r * width + l];
        }
      }
    }
  }

  /// Keeps the compiler from loading a packet anew for each use, as GCC does where it can make the
  /// load a part of the multiplication: with AVX2 there would be more loads than cycles for them.
  static void keep_in_register([[maybe_unused]] Packet& packet) {
#if defined(__GNUC__) && EIGEN_ARCH_x86_64 && defined(EIGEN_VECTORIZE)
    __asm__("" : "+x"(packet));
#endif
  }

  /// C <- α A B or C += α A B for `height` packed rows and `width` packed columns. The sums are in
  /// registers, with AVX2 in twelve of sixteen, so it is a function of its own, which has no other
  /// values to keep.
  template <Store store, std::size_t... Row>
  EIGEN_DONT_INLINE static void multiply(Index depth, const Scalar* a, const Scalar* b,
                                         Scalar alpha, Scalar* c, Index c_stride,
                                         std::index_sequence<Row...>) {
    using namespace Eigen::internal;
    static_assert(packets == 3, "one variable for each");
    const auto row_of_c = [&](std::size_t row) { return c + static_cast<Index>(row) * c_stride; };
    if (store == Store::add) {
      const auto prefetch_row = [&](std::size_t row) {
        for (Index p = 0; p < packets; ++p) prefetch(row_of_c(row) + p * lanes);
      };
      (prefetch_row(Row), ...);
    }
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
    const Packet factor = pset1<Packet>(alpha);
    const auto store_packet = [&](Scalar* to, const Packet& sum) {
      pstoreu(to, store == Store::add ? pmadd(factor, sum, ploadu<Packet>(to)) : pmul(factor, sum));
    };
    const auto store_row = [&](std::size_t row) {
      Scalar* const to = row_of_c(row);
      store_packet(to, sum_0[row]);
      store_packet(to + lanes, sum_1[row]);
      store_packet(to + 2 * lanes, sum_2[row]);
    };
    (store_row(Row), ...);
  }

  /// Side of the squares in which factors are transposed.
  static constexpr Index square = std::gcd(height, width);
  using SquareRow = typename Eigen::internal::find_best_packet<Scalar, square>::type;
  static_assert(Eigen::internal::unpacket_traits<SquareRow>::size == square, "no such packet");

  /// Copies `count` rows of A (or columns of B) of length `depth`, in panels of `panel` that run
  /// along the depth; the last panel is filled up with zeros.
  /// \param stride from one row to the next, \param step along a row; one of them is 1
  template <Index panel>
  static void pack(const Scalar* from, Index stride, Index step, Index count, Index depth,
                   Scalar* to) {
    using namespace Eigen::internal;
    for (; count >= panel; count -= panel, from += panel * stride, to += panel * depth) {
      if (stride == 1) {
        for (Index k = 0; k < depth; ++k) {
          for (Index i = 0; i < panel; i += square) {
            pstoreu(to + k * panel + i, ploadu<SquareRow>(from + k * step + i));
          }
        }
      } else {
        Index k = 0;
        for (; k + square <= depth; k += square) {
          for (Index i = 0; i < panel; i += square) {
            transpose_square(from + i * stride + k, stride, to + k * panel + i, panel);
          }
        }
        for (; k < depth; ++k) {
          for (Index i = 0; i < panel; ++i) to[k * panel + i] = from[i * stride + k];
        }
      }
    }
    if (count == 0) return;
    for (Index k = 0; k < depth; ++k) {
      for (Index i = 0; i < count; ++i) to[k * panel + i] = from[i * stride + k * step];
      std::fill(to + k * panel + count, to + (k + 1) * panel, Scalar(0));
    }
  }

  static void transpose_square(const Scalar* from, Index from_stride, Scalar* to, Index to_stride) {
    using namespace Eigen::internal;
    PacketBlock<SquareRow, square> rows;
    for (Index i = 0; i < square; ++i) rows.packet[i] = ploadu<SquareRow>(from + i * from_stride);
    ptranspose(rows);
    for (Index i = 0; i < square; ++i) pstoreu(to + i * to_stride, rows.packet[i]);
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
  with_eigen(a, b, [&](const auto& x, const auto& y) { as_eigen(c).noalias() += alpha * x * y; });
}
template <class Scalar>
void add_lower_product(Tile<Scalar> c, Scalar alpha, const Factor<Scalar>& a,
                       const Factor<Scalar>& b) {
  with_eigen(a, b, [&](const auto& x, const auto& y) {
    as_eigen(c).template triangularView<Eigen::Lower>() += alpha * x * y;
  });
}
template <class Scalar>
constexpr std::size_t product_buffer_bytes() {
  return 0;
}
template <class Scalar>
void set_product(Tile<Scalar> c, const Factor<Scalar>& a, const Factor<Scalar>& b) {
  with_eigen(a, b, [&](const auto& x, const auto& y) { as_eigen(c) = (x * y).eval(); });
}

#endif

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
