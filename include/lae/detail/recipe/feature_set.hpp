#pragma once

/// \file
/// The sources of side information that play one role in a model, and what is made of their sum.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "lae/algebra/gram.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The rows of `top`, then those of `bottom`, which has as many columns.
template <class Scalar>
Csr<Scalar> stacked_rows(const Csr<Scalar>& top, const Csr<Scalar>& bottom) {
  Csr<Scalar> rows(top.rows() + bottom.rows(), top.cols());
  rows.resizeNonZeros(top.nonZeros() + bottom.nonZeros());
  const auto copy = [](const auto* from, Index size, auto* to) {
    return std::copy_n(from, size, to);
  };
  copy(bottom.valuePtr(), bottom.nonZeros(), copy(top.valuePtr(), top.nonZeros(), rows.valuePtr()));
  copy(bottom.innerIndexPtr(), bottom.nonZeros(),
       copy(top.innerIndexPtr(), top.nonZeros(), rows.innerIndexPtr()));
  Index* start = copy(top.outerIndexPtr(), top.rows(), rows.outerIndexPtr());
  for (Index row = 0; row <= bottom.rows(); ++row) {
    start[row] = top.nonZeros() + bottom.outerIndexPtr()[row];
  }
  return rows;
}

/// F = [√w_1 F_1, √w_2 F_2, ...], items x features: the dense sources come first, then the sparse
/// ones, each kind in the order given.
template <class Scalar>
class FeatureSet {
 public:
  void add(Borrowed<Matrix<Scalar>> features, double weight) {
    dense_.push_back({std::move(features), weight});
  }
  void add(Borrowed<Csr<Scalar>> features, double weight) {
    sparse_.push_back({std::move(features), weight});
  }

  /// The sources of one kind alone.
  FeatureSet dense_part() const {
    FeatureSet part;
    part.dense_ = dense_;
    return part;
  }
  FeatureSet sparse_part() const {
    FeatureSet part;
    part.sparse_ = sparse_;
    return part;
  }

  bool empty() const { return dense_.empty() && sparse_.empty(); }
  bool is_sparse() const { return dense_.empty(); }

  Index items() const {
    return dense_.empty() ? sparse_.front().features->rows() : dense_.front().features->rows();
  }

  /// Dimensions and tags together.
  Index columns() const { return dense_columns() + sparse_columns(); }
  Index dense_columns() const { return columns_of(dense_); }
  Index sparse_columns() const { return columns_of(sparse_); }
  Index sparse_entries() const {
    Index entries = 0;
    for (const auto& source : sparse_) entries += source.features->nonZeros();
    return entries;
  }

  /// diag(F Fᵀ).
  Vector<Scalar> row_squares() const {
    Vector<Scalar> squares = Vector<Scalar>::Zero(items());
    const auto add = [&](double weight, Index row, const Scalar* values, Index count) {
      squares[row] += static_cast<Scalar>(weight) * dot(count, values, values);
    };
    for (Index row = 0; row < squares.size(); ++row) {
      for (const auto& source : dense_) {
        add(source.weight, row, &(*source.features)(row, 0), source.features->cols());
      }
      for (const auto& source : sparse_) {
        const Csr<Scalar>& tags = *source.features;
        const Index* const start = tags.outerIndexPtr() + row;
        add(source.weight, row, tags.valuePtr() + start[0], start[1] - start[0]);
      }
    }
    return squares;
  }

  /// q (see recipe/scaled.hpp).
  double mean_square() const {
    if (empty()) return 1;
    const Vector<Scalar> squares = row_squares();
    return scale_or_one(std::accumulate(squares.begin(), squares.end(), 0.0) /
                        static_cast<double>(squares.size()));
  }

  /// gram += weight F Fᵀ, lower triangle. \throws Cancelled
  void add_gram_of_rows(Scalar weight, Matrix<Scalar>& gram, const Progress& progress) const {
    for (const auto& source : dense_) {
      lae::add_gram_of_rows(*source.features, weight * static_cast<Scalar>(source.weight), gram,
                            progress);
    }
    for (const auto& source : sparse_) {
      lae::add_gram_of_rows(*source.features, weight * static_cast<Scalar>(source.weight), gram,
                            progress);
    }
  }

  /// Rows [first, items()) of weight F Fᵀ.
  Matrix<Scalar> gram_rows_from(Index first, Scalar weight) const {
    const Index n = items();
    Matrix<Scalar> gram = Matrix<Scalar>::Zero(n - first, n);
    for (const auto& source : dense_) {
      const ConstTile<Scalar> f = *source.features;
      parallel_tiles(n, product_tile, [&](Index begin, Index columns) {
        add_product<Scalar>(Tile<Scalar>(gram).middleCols(begin, columns),
                            weight * static_cast<Scalar>(source.weight),
                            plain(f.bottomRows(n - first)),
                            transposed(f.middleRows(begin, columns)));
      });
    }
    for (const auto& source : sparse_) {
      const Csr<Scalar>& tags = *source.features;
      const Csr<Scalar> items_of_tags = tags.transpose();
      parallel_tiles(n - first, 16, [&](Index begin, Index rows) {
        for (Index row = begin; row < begin + rows; ++row) {
          for (typename Csr<Scalar>::InnerIterator tag(tags, first + row); tag; ++tag) {
            const Scalar scale = weight * static_cast<Scalar>(source.weight) * tag.value();
            for (typename Csr<Scalar>::InnerIterator other(items_of_tags, tag.col()); other;
                 ++other) {
              gram(row, other.col()) += scale * other.value();
            }
          }
        }
      });
    }
    return gram;
  }

  /// √weight Fᵀ, tags x items, of the sparse sources.
  Csr<Scalar> tag_rows(Scalar weight) const {
    Csr<Scalar> rows(0, items());
    for (const auto& source : sparse_) {
      Csr<Scalar> tags = source.features->transpose();
      const Scalar factor = std::sqrt(weight * static_cast<Scalar>(source.weight));
      set_scaled(tags.nonZeros(), factor, tags.valuePtr(), tags.valuePtr());
      rows = rows.rows() == 0 ? std::move(tags) : stacked_rows(rows, tags);
    }
    return rows;
  }

  /// F as one dense matrix; a single one of our own becomes it.
  Matrix<Scalar> take_side_by_side() && {
    if (dense_.size() == 1 && sparse_.empty()) {
      Matrix<Scalar> features = std::move(dense_.front().features).take();
      if (dense_.front().weight != 1) {
        set_scaled(features.size(), root(dense_.front().weight), features.data(), features.data());
      }
      return features;
    }
    return side_by_side();
  }

  /// F as one dense matrix; a single one is lent as it is.
  Borrowed<Matrix<Scalar>> lend_side_by_side() const {
    if (dense_.size() == 1 && sparse_.empty() && dense_.front().weight == 1) {
      return Borrowed<Matrix<Scalar>>::of(*dense_.front().features);
    }
    return side_by_side();
  }

  /// FᵀF, lower triangle; products with tags are sparse.
  /// \param side_by_side F
  Matrix<Scalar> gram_of_columns(const Matrix<Scalar>& side_by_side,
                                 const Progress& progress) const {
    if (sparse_.empty()) return lae::gram_of_columns(side_by_side, progress);
    const Index d = columns();
    Matrix<Scalar> gram(d, d);
    Index first = dense_columns();
    if (first > 0) {
      set_gram_of_columns<Scalar>(Tile<Scalar>(gram).first(first),
                                  ConstTile<Scalar>(side_by_side).leftCols(first), progress);
    }
    Stage stage(progress, "gram of tags", static_cast<double>(d - first));
    for (const auto& source : sparse_) {
      const Csr<Scalar> tags = source.features->transpose();
      const Scalar scale = root(source.weight);
      parallel_tiles(tags.rows(), 16, [&](Index begin, Index rows) {
        for (Index tag = begin; tag < begin + rows; ++tag) {
          const Index length = first + tag + 1;
          Scalar* const sums = &gram(first + tag, 0);
          std::fill_n(sums, length, Scalar(0));
          for (typename Csr<Scalar>::InnerIterator entry(tags, tag); entry; ++entry) {
            add_scaled(length, scale * entry.value(), &side_by_side(entry.col(), 0), sums);
          }
        }
        stage.advance(static_cast<double>(rows));
      });
      first += tags.rows();
    }
    stage.finish();
    return gram;
  }

 private:
  template <class Features>
  struct Weighted {
    Borrowed<Features> features;
    double weight;
  };

  template <class List>
  static Index columns_of(const List& list) {
    Index columns = 0;
    for (const auto& source : list) columns += source.features->cols();
    return columns;
  }

  static Scalar root(double weight) { return static_cast<Scalar>(std::sqrt(weight)); }

  Matrix<Scalar> side_by_side() const {
    Matrix<Scalar> f = large_matrix<Scalar>(items(), columns());
    parallel_tiles(items(), 64, [&](Index first, Index rows) {
      for (Index row = first; row < first + rows; ++row) {
        Scalar* to = &f(row, 0);
        for (const auto& source : dense_) {
          const Index width = source.features->cols();
          set_scaled(width, root(source.weight), &(*source.features)(row, 0), to);
          to += width;
        }
        std::fill_n(to, sparse_columns(), Scalar(0));
        for (const auto& source : sparse_) {
          for (typename Csr<Scalar>::InnerIterator entry(*source.features, row); entry; ++entry) {
            to[entry.col()] = root(source.weight) * entry.value();
          }
          to += source.features->cols();
        }
      }
    });
    return f;
  }

  std::vector<Weighted<Matrix<Scalar>>> dense_;
  std::vector<Weighted<Csr<Scalar>>> sparse_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
