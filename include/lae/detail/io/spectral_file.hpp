#pragma once

/// \file
/// Spectral models in files (see lae/io/model_file.hpp).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/model_file.hpp"
#include "lae/detail/io/model_format.hpp"
#include "lae/detail/io/model_reader.hpp"
#include "lae/detail/io/model_writer.hpp"
#include "lae/detail/io/sorted_rows.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/sgfcf_model.hpp"
#include "lae/models/spectral_model.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// What both spectral models have in common: all but what stands in vectors behind it.
template <class Parts, class Scalar>
void write_spectral(ModelWriter& writer, ModelKind kind, const Parts& parts,
                    std::array<double, 5> numbers) {
  const Csr<Scalar>& n = parts.interactions->users;
  ModelSizes sizes;
  sizes.items = static_cast<std::uint64_t>(n.cols());
  sizes.users = static_cast<std::uint64_t>(n.rows());
  sizes.entries = static_cast<std::uint64_t>(n.nonZeros());
  sizes.rank = static_cast<std::uint64_t>(parts.left.cols());
  writer.describe(kind, sizeof(Scalar), sizes);
  SpectralNumbers summary;
  summary.iterations = static_cast<std::uint64_t>(parts.summary.iterations);
  summary.largest_value = parts.summary.largest_value;
  summary.least_value = parts.summary.least_value;
  summary.residual = parts.summary.residual;
  summary.numbers = numbers;
  writer.write(ModelSection::summary, &summary, sizeof(summary));
  writer.write(ModelSection::user_starts, n.outerIndexPtr(), (sizes.users + 1) * sizeof(Index));
  writer.write(ModelSection::user_items, n.innerIndexPtr(), sizes.entries * sizeof(Index));
  writer.write(ModelSection::user_values, n.valuePtr(), sizes.entries * sizeof(Scalar));
  writer.write(ModelSection::left, parts.left);
  writer.write(ModelSection::right, parts.right);
}

/// Reads what `write_spectral` wrote.
template <class Parts, class Scalar>
[[nodiscard]] std::array<double, 5> read_spectral(ModelReader& reader, ModelKind kind,
                                                  Parts& parts) {
  const ModelSizes& sizes = reader.require(kind, sizeof(Scalar));
  const auto items = static_cast<Index>(sizes.items);
  SpectralNumbers summary;
  reader.read(ModelSection::summary, &summary);
  Csr<Scalar> n(static_cast<Index>(sizes.users), items);
  n.resizeNonZeros(static_cast<Index>(sizes.entries));
  reader.read(ModelSection::user_starts, n.outerIndexPtr());
  reader.read(ModelSection::user_items, n.innerIndexPtr());
  reader.read(ModelSection::user_values, n.valuePtr());
  require_sorted_rows(reader, n, static_cast<Index>(sizes.entries), "interactions");
  parts.interactions = std::make_shared<const NormalizedInteractions<Scalar>>(std::move(n));
  parts.left.resize(items, static_cast<Index>(sizes.rank));
  reader.read(ModelSection::left, parts.left.data());
  parts.right.resize(items, static_cast<Index>(sizes.rank));
  reader.read(ModelSection::right, parts.right.data());
  constexpr std::uint64_t most_iterations = std::uint64_t(1) << 40;
  parts.summary = {summary.largest_value, summary.least_value, summary.residual,
                   static_cast<Index>((std::min)(summary.iterations, most_iterations))};
  return summary.numbers;
}

template <class Scalar>
struct ModelFile<SpectralModel<Scalar>> {
  static void write(ModelWriter& writer, const SpectralModel<Scalar>& model) {
    const Sharpening& sharpening = model.parts().sharpening;
    write_spectral<SpectralParts<Scalar>, Scalar>(
        writer, ModelKind::spectral, model.parts(),
        {static_cast<double>(sharpening.steps), sharpening.length, sharpening.is_euler ? 1.0 : 0.0,
         sharpening.takes_mean ? 1.0 : 0.0, 0.0});
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static SpectralModel<Scalar> read(ModelReader& reader) {
    SpectralParts<Scalar> parts;
    const std::array<double, 5> numbers =
        read_spectral<SpectralParts<Scalar>, Scalar>(reader, ModelKind::spectral, parts);
    if (!(numbers[0] >= 0 && numbers[0] <= 0x1p53)) {
      reader.fail(concat("holds a sharpening of ", numbers[0], " steps"));
    }
    parts.sharpening = {static_cast<Index>(numbers[0]), numbers[1], numbers[2] != 0,
                        numbers[3] != 0};
    return SpectralModel<Scalar>(std::move(parts));
  }
};

template <class Scalar>
struct ModelFile<SgfcfModel<Scalar>> {
  static void write(ModelWriter& writer, const SgfcfModel<Scalar>& model) {
    const SgfcfParts<Scalar>& parts = model.parts();
    write_spectral<SgfcfParts<Scalar>, Scalar>(
        writer, ModelKind::sgfcf, parts,
        {parts.least_homophily, parts.most_homophily, parts.exponent_low, parts.exponent_high,
         parts.gram_weight});
    writer.write(ModelSection::item_scale, parts.item_scale);
    writer.write(ModelSection::gram_sum, parts.gram_sum);
    writer.write(ModelSection::singular_values, parts.values);
    writer.write(ModelSection::right_sum, parts.right_sum);
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static SgfcfModel<Scalar> read(ModelReader& reader) {
    SgfcfParts<Scalar> parts;
    const std::array<double, 5> numbers =
        read_spectral<SgfcfParts<Scalar>, Scalar>(reader, ModelKind::sgfcf, parts);
    parts.least_homophily = numbers[0];
    parts.most_homophily = numbers[1];
    parts.exponent_low = numbers[2];
    parts.exponent_high = numbers[3];
    parts.gram_weight = numbers[4];
    const auto read = [&](ModelSection section, Vector<Scalar>& vector, Index size) {
      vector.resize(size);
      reader.read(section, vector.data());
    };
    read(ModelSection::item_scale, parts.item_scale, parts.left.rows());
    read(ModelSection::gram_sum, parts.gram_sum, parts.left.rows());
    read(ModelSection::singular_values, parts.values, parts.left.cols());
    read(ModelSection::right_sum, parts.right_sum, parts.left.cols());
    return SgfcfModel<Scalar>(std::move(parts));
  }
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
