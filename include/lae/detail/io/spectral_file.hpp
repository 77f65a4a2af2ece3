#pragma once

/// \file
/// The bytes of spectral models in files (see lae/io/model_file.hpp).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/io/model_file.hpp"
#include "lae/io/file.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/sgfcf_model.hpp"
#include "lae/models/spectral_model.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

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
struct ModelFile<SpectralModel<Scalar>> {
  static void write(AtomicFile& file, const SpectralModel<Scalar>& model) {
    const Sharpening& sharpening = model.parts().sharpening;
    write_spectral<SpectralParts<Scalar>, Scalar>(
        file, ModelKind::spectral, model.parts(),
        {static_cast<double>(sharpening.steps), sharpening.length, sharpening.is_euler ? 1.0 : 0.0,
         sharpening.takes_mean ? 1.0 : 0.0, 0.0});
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static SpectralModel<Scalar> read(FileSource& source) {
    SpectralParts<Scalar> parts;
    const std::array<double, 5> numbers =
        read_spectral<SpectralParts<Scalar>, Scalar>(source, ModelKind::spectral, parts, 0, 0);
    if (!(numbers[0] >= 0 && numbers[0] <= 0x1p53)) {
      source.fail(concat("holds a sharpening of ", numbers[0], " steps"));
    }
    parts.sharpening = {static_cast<Index>(numbers[0]), numbers[1], numbers[2] != 0,
                        numbers[3] != 0};
    return SpectralModel<Scalar>(std::move(parts));
  }
};

template <class Scalar>
struct ModelFile<SgfcfModel<Scalar>> {
  static void write(AtomicFile& file, const SgfcfModel<Scalar>& model) {
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

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static SgfcfModel<Scalar> read(FileSource& source) {
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
    return SgfcfModel<Scalar>(std::move(parts));
  }
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
