#pragma once

/// \file
/// Models of sparse weights and two thin factors in files (see lae/io/model_file.hpp).

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/model_file.hpp"
#include "lae/detail/io/model_format.hpp"
#include "lae/detail/io/model_reader.hpp"
#include "lae/detail/io/model_writer.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/sparse_low_rank_model.hpp"
#include "lae/models/sparse_low_rank_view.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

template <class Scalar>
struct ModelFile<SparseLowRankView<Scalar>> {
  static void write(ModelWriter& writer, const SparseLowRankView<Scalar>& model) {
    const SparseLowRankArrays<Scalar>& arrays = model.arrays();
    ModelSizes sizes;
    sizes.items = static_cast<std::uint64_t>(arrays.items);
    sizes.entries = static_cast<std::uint64_t>(arrays.entries);
    sizes.rank = static_cast<std::uint64_t>(arrays.rank);
    writer.describe(ModelKind::sparse_low_rank, sizeof(Scalar), sizes);
    writer.write(ModelSection::row_starts, arrays.row_starts, (sizes.items + 1) * sizeof(Index));
    writer.write(ModelSection::row_items, arrays.columns, sizes.entries * sizeof(std::uint32_t));
    writer.write(ModelSection::row_values, arrays.values, sizes.entries * sizeof(Scalar));
    writer.write(ModelSection::left, model.left());
    writer.write(ModelSection::right, model.right());
    if (arrays.diagonal != nullptr) {
      writer.write(ModelSection::diagonal, arrays.diagonal, sizes.items * sizeof(Scalar));
    }
  }
};

template <class Scalar>
struct ModelFile<SparseLowRankModel<Scalar>> {
  static void write(ModelWriter& writer, const SparseLowRankModel<Scalar>& model) {
    ModelFile<SparseLowRankView<Scalar>>::write(writer, model.view());
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static SparseLowRankModel<Scalar> read(ModelReader& reader) {
    const ModelSizes& sizes = reader.require(ModelKind::sparse_low_rank, sizeof(Scalar));
    const auto items = static_cast<Index>(sizes.items);
    const auto rank = static_cast<Index>(sizes.rank);
    WeightRows<Scalar> sparse;
    sparse.start.resize(static_cast<std::size_t>(sizes.items) + 1);
    sparse.items.resize(static_cast<std::size_t>(sizes.entries));
    sparse.values.resize(static_cast<std::size_t>(sizes.entries));
    reader.read(ModelSection::row_starts, sparse.start.data());
    reader.read(ModelSection::row_items, sparse.items.data());
    reader.read(ModelSection::row_values, sparse.values.data());
    Matrix<Scalar> left = large_matrix<Scalar>(items, rank);
    reader.read(ModelSection::left, left.data());
    Matrix<Scalar> right = large_matrix<Scalar>(items, rank);
    reader.read(ModelSection::right, right.data());
    Vector<Scalar> diagonal(reader.bytes_of(ModelSection::diagonal) > 0 ? items : 0);
    reader.read(ModelSection::diagonal, diagonal.data());
    try {
      return SparseLowRankModel<Scalar>(std::move(sparse), std::move(left), std::move(right),
                                        std::move(diagonal));
    } catch (const std::invalid_argument& error) {
      reader.fail(concat("holds no such model: ", error.what()));
    }
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static SparseLowRankView<Scalar> view(MappedModel& mapped) {
    const ModelSizes& sizes = mapped.require(ModelKind::sparse_low_rank, sizeof(Scalar));
    SparseLowRankArrays<Scalar> arrays;
    arrays.items = static_cast<Index>(sizes.items);
    arrays.rank = static_cast<Index>(sizes.rank);
    arrays.entries = static_cast<Index>(sizes.entries);
    arrays.row_starts = mapped.at<Index>(ModelSection::row_starts);
    arrays.columns = mapped.at<std::uint32_t>(ModelSection::row_items);
    arrays.values = mapped.at<Scalar>(ModelSection::row_values);
    arrays.left = mapped.at<Scalar>(ModelSection::left);
    arrays.right = mapped.at<Scalar>(ModelSection::right);
    arrays.diagonal = mapped.at<Scalar>(ModelSection::diagonal);
    return SparseLowRankView<Scalar>(arrays, mapped.file());
  }
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
