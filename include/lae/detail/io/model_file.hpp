#pragma once

/// \file
/// The bytes of model files (see lae/io/model_file.hpp).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/detail/ranking/scorer_traits.hpp"
#include "lae/io/file.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/item_model.hpp"
#include "lae/models/sgfcf_model.hpp"
#include "lae/models/spectral_model.hpp"
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

/// Of either spectral model, behind the first header.
struct SpectralFileHeader {
  std::uint64_t users = 0;
  std::uint64_t entries = 0;
  std::uint64_t rank = 0;
  std::uint64_t iterations = 0;
  double largest_value = 0;
  double least_value = 0;
  double residual = 0;
  /// Linear models: steps, length, and 0 or 1 for Euler's method and for the mean. SGFCF: the least
  /// and the most homophily, the exponents at either, and the weight of the Gram matrix.
  std::array<double, 5> numbers{};
};
static_assert(sizeof(SpectralFileHeader) == 96, "lae: the header must not be padded");

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

template <class Scalar>
void read_model(FileSource& source, std::optional<ItemModel<Scalar>>& model) {
  const ModelFileHeader header = read_model_header(source, ModelKind::dense, sizeof(Scalar));
  source.require_array({header.items, header.items}, sizeof(Scalar));
  const auto items = static_cast<Index>(header.items);
  Matrix<Scalar> weights(items, items);
  source.read(weights.data(), source.remaining());
  model.emplace(std::move(weights));
}

template <class Dense>
void write_values(AtomicFile& file, const Dense& values) {
  file.write(values.data(),
             static_cast<std::size_t>(values.size()) * sizeof(typename Dense::Scalar));
}

/// What both spectral models have in common: all but what stands in vectors behind it.
template <class Parts, class Scalar>
void write_spectral(AtomicFile& file, ModelKind kind, const Parts& parts,
                    std::array<double, 5> numbers) {
  const Csr<Scalar>& n = parts.interactions->users;
  ModelFileHeader header;
  header.version = ModelFileHeader::other_version;
  header.scalar_bytes = sizeof(Scalar);
  header.kind = static_cast<std::uint32_t>(kind);
  header.items = static_cast<std::uint64_t>(n.cols());
  file.write(&header, sizeof(header));
  SpectralFileHeader spectral;
  spectral.users = static_cast<std::uint64_t>(n.rows());
  spectral.entries = static_cast<std::uint64_t>(n.nonZeros());
  spectral.rank = static_cast<std::uint64_t>(parts.left.cols());
  spectral.iterations = static_cast<std::uint64_t>(parts.summary.iterations);
  spectral.largest_value = parts.summary.largest_value;
  spectral.least_value = parts.summary.least_value;
  spectral.residual = parts.summary.residual;
  spectral.numbers = numbers;
  file.write(&spectral, sizeof(spectral));
  static_assert(sizeof(Index) == 8, "lae: model files hold indices of 8 bytes");
  file.write(n.outerIndexPtr(), (static_cast<std::size_t>(n.rows()) + 1) * sizeof(Index));
  file.write(n.innerIndexPtr(), static_cast<std::size_t>(n.nonZeros()) * sizeof(Index));
  file.write(n.valuePtr(), static_cast<std::size_t>(n.nonZeros()) * sizeof(Scalar));
  write_values(file, parts.left);
  write_values(file, parts.right);
}

/// \param entries for which there is room; Eigen takes their number from where rows begin
/// \throws FileError unless rows are compressed, and sorted
template <class Scalar>
void require_sorted_rows(const FileSource& source, const Csr<Scalar>& n, Index entries) {
  const Index* const start = n.outerIndexPtr();
  bool is_valid = start[0] == 0 && start[n.rows()] == entries;
  for (Index row = 0; is_valid && row < n.rows(); ++row) {
    is_valid = start[row] <= start[row + 1] && start[row + 1] <= entries;
    for (Index e = start[row]; is_valid && e < start[row + 1]; ++e) {
      const Index column = n.innerIndexPtr()[e];
      is_valid = column < n.cols() && column > (e > start[row] ? n.innerIndexPtr()[e - 1] : -1);
    }
  }
  if (!is_valid) source.fail("holds interactions that are no matrix");
}

/// Reads what `write_spectral` wrote.
/// \param vectors_of_items, vectors_of_rank how many vectors follow, of so many items and of that
/// rank
template <class Parts, class Scalar>
[[nodiscard]] std::array<double, 5> read_spectral(FileSource& source, ModelKind kind, Parts& parts,
                                                  std::uint64_t vectors_of_items,
                                                  std::uint64_t vectors_of_rank) {
  const ModelFileHeader header = read_model_header(source, kind, sizeof(Scalar));
  SpectralFileHeader spectral;
  source.read(&spectral, sizeof(spectral));
  // With rank 0 the file would not show how many items there are.
  if (spectral.rank == 0) source.fail("holds a model of no singular vectors");
  // So large that no file is, so small that sums and products of two of them fit into 64 bits.
  constexpr std::uint64_t large = std::uint64_t(1) << 40;
  if (header.items > large || spectral.users > large || spectral.entries > large ||
      spectral.rank > (std::min)(header.items, spectral.users) ||
      spectral.rank > large / header.items) {
    source.fail("is larger than any file");
  }
  const std::uint64_t indices = (spectral.users + 1 + spectral.entries) * sizeof(Index);
  const std::uint64_t scalars = spectral.entries + 2 * header.items * spectral.rank +
                                vectors_of_items * header.items + vectors_of_rank * spectral.rank;
  source.require_array({indices + scalars * sizeof(Scalar)}, 1);

  const auto items = static_cast<Index>(header.items);
  Csr<Scalar> n(static_cast<Index>(spectral.users), items);
  n.resizeNonZeros(static_cast<Index>(spectral.entries));
  source.read(n.outerIndexPtr(), (spectral.users + 1) * sizeof(Index));
  source.read(n.innerIndexPtr(), spectral.entries * sizeof(Index));
  source.read(n.valuePtr(), spectral.entries * sizeof(Scalar));
  require_sorted_rows(source, n, static_cast<Index>(spectral.entries));
  parts.interactions = std::make_shared<const NormalizedInteractions<Scalar>>(std::move(n));
  for (Matrix<Scalar>* const factor : {&parts.left, &parts.right}) {
    factor->resize(items, static_cast<Index>(spectral.rank));
    source.read(factor->data(), header.items * spectral.rank * sizeof(Scalar));
  }
  parts.summary = {spectral.largest_value, spectral.least_value, spectral.residual,
                   static_cast<Index>((std::min)(spectral.iterations, large))};
  return spectral.numbers;
}

template <class Scalar>
void write_model(AtomicFile& file, const SpectralModel<Scalar>& model) {
  const Sharpening& sharpening = model.parts().sharpening;
  write_spectral<SpectralParts<Scalar>, Scalar>(
      file, ModelKind::spectral, model.parts(),
      {static_cast<double>(sharpening.steps), sharpening.length, sharpening.is_euler ? 1.0 : 0.0,
       sharpening.takes_mean ? 1.0 : 0.0, 0.0});
}

template <class Scalar>
void read_model(FileSource& source, std::optional<SpectralModel<Scalar>>& model) {
  SpectralParts<Scalar> parts;
  const std::array<double, 5> numbers =
      read_spectral<SpectralParts<Scalar>, Scalar>(source, ModelKind::spectral, parts, 0, 0);
  if (!(numbers[0] >= 0 && numbers[0] <= 0x1p53)) {
    source.fail(concat("holds a sharpening of ", numbers[0], " steps"));
  }
  parts.sharpening = {static_cast<Index>(numbers[0]), numbers[1], numbers[2] != 0, numbers[3] != 0};
  model.emplace(std::move(parts));
}

template <class Scalar>
void write_model(AtomicFile& file, const SgfcfModel<Scalar>& model) {
  const SgfcfParts<Scalar>& parts = model.parts();
  write_spectral<SgfcfParts<Scalar>, Scalar>(
      file, ModelKind::sgfcf, parts,
      {parts.least_homophily, parts.most_homophily, parts.exponent_low, parts.exponent_high,
       parts.gram_weight});
  for (const Vector<Scalar>* const vector :
       {&parts.item_scale, &parts.gram_sum, &parts.values, &parts.right_sum}) {
    write_values(file, *vector);
  }
}

template <class Scalar>
void read_model(FileSource& source, std::optional<SgfcfModel<Scalar>>& model) {
  SgfcfParts<Scalar> parts;
  const std::array<double, 5> numbers =
      read_spectral<SgfcfParts<Scalar>, Scalar>(source, ModelKind::sgfcf, parts, 2, 2);
  parts.least_homophily = numbers[0];
  parts.most_homophily = numbers[1];
  parts.exponent_low = numbers[2];
  parts.exponent_high = numbers[3];
  parts.gram_weight = numbers[4];
  for (Vector<Scalar>* const vector :
       {&parts.item_scale, &parts.gram_sum, &parts.values, &parts.right_sum}) {
    const bool is_of_items = vector == &parts.item_scale || vector == &parts.gram_sum;
    vector->resize(is_of_items ? parts.left.rows() : parts.left.cols());
    source.read(vector->data(), static_cast<std::size_t>(vector->size()) * sizeof(Scalar));
  }
  model.emplace(std::move(parts));
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

template <class Model>
void write_model(AtomicFile& file, const Model& model) {
  static_assert(is_linear<Model>,
                "lae: this model is not linear in the history, so there is no "
                "matrix that could be saved instead of it");
  const Index items = model.items();
  require(items > 0, "the model has no items");
  ModelFileHeader header;
  header.scalar_bytes = sizeof(ScalarOf<Model>);
  header.items = static_cast<std::uint64_t>(items);
  file.write(&header, sizeof(header));
  write_weights(file, model);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
