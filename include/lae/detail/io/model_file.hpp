#pragma once

/// \file
/// The bytes of model files (see lae/io/model_file.hpp).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/models/spectral_traits.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/detail/ranking/scorer_traits.hpp"
#include "lae/io/file.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/item_model.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

struct ModelFileHeader {
  static constexpr std::array<char, 8> expected_magic{'\x93', 'L', 'A', 'E', 'I', 'T', 'E', 'M'};
  static constexpr std::uint32_t expected_byte_order = 0x01020304;
  static constexpr std::uint32_t dense_version = 1;
  static constexpr std::uint32_t other_version = 2;  ///< so that older readers do not try

  std::array<char, 8> magic = expected_magic;
  std::uint32_t byte_order = expected_byte_order;
  std::uint32_t version = dense_version;
  std::uint32_t scalar_bytes = 0;
  std::uint32_t kind = 0;
  std::uint64_t items = 0;
};
static_assert(sizeof(ModelFileHeader) == 32, "lae: the header must not be padded");

[[nodiscard]] inline std::string scalar_name(std::size_t bytes) {
  if (bytes == sizeof(float)) return "float";
  if (bytes == sizeof(double)) return "double";
  return concat(bytes, "-byte");
}

/// What `load_model` is asked for, in an error.
[[nodiscard]] inline std::string load_call(ModelKind kind, std::size_t scalar_bytes) {
  const std::string scalar = scalar_name(scalar_bytes);
  if (kind == ModelKind::spectral) return "load_model<lae::SpectralModel<" + scalar + ">>";
  if (kind == ModelKind::sgfcf) return "load_model<lae::SgfcfModel<" + scalar + ">>";
  return "load_model<" + scalar + ">";
}

/// Reads the header of a model of any kind.
/// \throws FileError if the file holds anything else
[[nodiscard]] inline ModelFileHeader read_model_header(FileSource& source) {
  ModelFileHeader header;
  header.magic = {};
  source.read(&header, (std::min)(std::uint64_t(sizeof(header)), source.size()));
  if (header.magic != ModelFileHeader::expected_magic) source.fail_foreign("is not a model file");
  if (source.offset() < sizeof(header)) {
    source.fail(concat("truncated: expected a header of ", sizeof(header), " bytes, found ",
                       source.offset()));
  }
  if (header.byte_order != ModelFileHeader::expected_byte_order) {
    source.fail("was written on a machine of the other byte order");
  }
  constexpr std::uint32_t dense = ModelFileHeader::dense_version;
  constexpr std::uint32_t other = ModelFileHeader::other_version;
  if (header.version != dense && header.version != other) {
    source.fail(
        concat("has version ", header.version, " of the format, expected ", dense, " or ", other));
  }
  // Version 1 knew one kind, whatever else stood there.
  if (header.version == dense) header.kind = 0;
  if (header.kind > 2) source.fail(concat("holds a model of unknown kind, ", header.kind));
  return header;
}

/// Reads the header of a model of that kind.
/// \throws FileError if the file holds anything else
[[nodiscard]] inline ModelFileHeader read_model_header(FileSource& source, ModelKind kind,
                                                       std::size_t scalar_bytes) {
  const ModelFileHeader header = read_model_header(source);
  if (header.kind != static_cast<std::uint32_t>(kind)) {
    source.fail("holds a model of another kind, for " +
                load_call(static_cast<ModelKind>(header.kind), header.scalar_bytes));
  }
  if (header.scalar_bytes != scalar_bytes) {
    source.fail(concat("holds ", scalar_name(header.scalar_bytes), " weights, asked for ",
                       scalar_name(scalar_bytes)));
  }
  if (header.items == 0) source.fail("holds a model of no items");
  return header;
}

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
void write_weights(AtomicFile& file, const ItemModel<Scalar>& model) {
  const Matrix<Scalar>& weights = model.weights();
  file.write(weights.data(), static_cast<std::size_t>(weights.size()) * sizeof(Scalar));
}

/// Bytes of the rows that exist at a time while a scorer's weights are written.
inline constexpr std::size_t weight_rows_bytes = std::size_t(16) << 20;

/// A file of the dense kind. Row i is what a history of item i alone, with value 1, is scored.
template <class Model>
void write_weights(AtomicFile& file, const Model& model) {
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
    file.write(weights.data(), static_cast<std::size_t>(count) * row_bytes);
  }
}

/// How a model is written and read. This is what scorers without a form of their own have in
/// common, files of the dense kind; models with one specialise it.
template <class Model>
struct ModelFile {
  static_assert(!is_spectral<Model>,
                "lae: spectral models are saved with #include <lae/spectral.hpp>");

  static void write(AtomicFile& file, const Model& model) {
    static_assert(is_linear<Model>,
                  "lae: this model is not linear in the history, so there is no "
                  "matrix that could be saved instead of it");
    ModelFileHeader header;
    header.scalar_bytes = sizeof(ScalarOf<Model>);
    header.items = static_cast<std::uint64_t>(model.items());
    file.write(&header, sizeof(header));
    write_weights(file, model);
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static Model read(FileSource& source) {
    using Scalar = typename Model::Scalar;
    static_assert(std::is_same_v<Model, ItemModel<Scalar>>,
                  "lae: load_model loads an ItemModel, asked for by its Scalar, or a model with a "
                  "file format of its own");
    const ModelFileHeader header = read_model_header(source, ModelKind::dense, sizeof(Scalar));
    source.require_array({header.items, header.items}, sizeof(Scalar));
    const auto items = static_cast<Index>(header.items);
    Matrix<Scalar> weights(items, items);
    source.read(weights.data(), source.remaining());
    return Model(std::move(weights));
  }
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
