#pragma once

/// \file
/// How models become files and come out of them (see lae/io/model_file.hpp).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/io/model_format.hpp"
#include "lae/detail/io/model_reader.hpp"
#include "lae/detail/io/model_writer.hpp"
#include "lae/detail/models/sparse_low_rank_traits.hpp"
#include "lae/detail/models/spectral_traits.hpp"
#include "lae/detail/models/updatable_traits.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/detail/ranking/scorer_traits.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/item_model.hpp"
#include "lae/models/item_model_view.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// What `load_model` returns: ItemModel for a scalar, else the model that it is asked for.
template <class What>
struct LoadedModel {
  using type = What;
};
template <>
struct LoadedModel<float> {
  using type = ItemModel<float>;
};
template <>
struct LoadedModel<double> {
  using type = ItemModel<double>;
};

template <class Scalar>
void write_weights(ModelWriter& writer, const ItemModelView<Scalar>& model) {
  writer.append(model.weights().data(),
                static_cast<std::uint64_t>(model.weights().size()) * sizeof(Scalar));
}
template <class Scalar>
void write_weights(ModelWriter& writer, const ItemModel<Scalar>& model) {
  write_weights(writer, model.view());
}

/// Bytes of the rows that exist at a time while a scorer's weights are written.
inline constexpr std::size_t weight_rows_bytes = std::size_t(16) << 20;

/// Of any scorer. Row i is what a history of item i alone, with value 1, is scored.
template <class Model>
void write_weights(ModelWriter& writer, const Model& model) {
  using Scalar = typename Model::Scalar;
  const Index n = model.items();
  const auto row_bytes = static_cast<std::size_t>(n) * sizeof(Scalar);
  const Index rows = std::clamp(static_cast<Index>(weight_rows_bytes / row_bytes), Index(1), n);
  Matrix<Scalar> weights(rows, n);
  for (Index first = 0; first < n; first += rows) {
    const Index count = (std::min)(rows, n - first);
    Csr<Scalar> histories(count, n);
    histories.reserve(count);
    for (Index row = 0; row < count; ++row) {
      histories.startVec(row);
      histories.insertBack(row, first + row) = Scalar(1);
    }
    histories.finalize();
    set_all_scores(model, histories, weights);
    writer.append(weights.data(), static_cast<std::uint64_t>(count) * row_bytes);
  }
}

/// How a model is written, read and viewed. This is what scorers without a form of their own have
/// in common, files of the dense kind; models with one specialise it.
template <class Model>
struct ModelFile {
  static_assert(!is_spectral<Model>,
                "lae: spectral models are saved with #include <lae/spectral.hpp>");
  static_assert(!is_sparse_low_rank<Model>,
                "lae: models fitted by blocks are saved with #include <lae/blocks.hpp>");
  static_assert(!is_updatable<Model>,
                "lae: updatable models are saved with #include <lae/updatable.hpp>");

  static void write(ModelWriter& writer, const Model& model) {
    static_assert(is_linear<Model>,
                  "lae: this model is not linear in the history, so there is no "
                  "matrix that could be saved instead of it");
    ModelSizes sizes;
    sizes.items = static_cast<std::uint64_t>(model.items());
    writer.describe(ModelKind::dense, sizeof(ScalarOf<Model>), sizes);
    writer.begin(ModelSection::weights);
    write_weights(writer, model);
    writer.end();
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static Model read(ModelReader& reader) {
    using Scalar = typename Model::Scalar;
    static_assert(std::is_same_v<Model, ItemModel<Scalar>>,
                  "lae: load_model loads an ItemModel, asked for by its Scalar, or a model with a "
                  "file format of its own");
    const auto items = static_cast<Index>(reader.require(ModelKind::dense, sizeof(Scalar)).items);
    Matrix<Scalar> weights = large_matrix<Scalar>(items, items);
    reader.read(ModelSection::weights, weights.data());
    return Model(std::move(weights));
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static auto view(MappedModel& mapped) {
    using Scalar = typename Model::Scalar;
    static_assert(std::is_same_v<Model, ItemModel<Scalar>>,
                  "lae: view_model views an ItemModel, asked for by its Scalar, or a "
                  "SparseLowRankModel");
    const auto items = static_cast<Index>(mapped.require(ModelKind::dense, sizeof(Scalar)).items);
    return ItemModelView<Scalar>(mapped.at<Scalar>(ModelSection::weights), items, mapped.file());
  }
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
