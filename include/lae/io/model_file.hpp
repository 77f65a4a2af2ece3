#pragma once

/// \file
/// Models in files of their own format, which is what is in memory and so the fastest to load:
///
/// \code
/// lae::save_model("shop.lae", model);
/// const auto model = lae::load_model<float>("shop.lae");
/// \endcode
///
/// | byte | bytes | what                                                |
/// |------|-------|-----------------------------------------------------|
/// | 0    | 8     | "\x93LAEITEM"                                       |
/// | 8    | 4     | byte order: the number 0x01020304                   |
/// | 12   | 4     | version of the format: 1                            |
/// | 16   | 4     | bytes of a weight: 4 (float) or 8 (double)          |
/// | 20   | 4     | 0                                                   |
/// | 24   | 8     | number of items, n                                  |
/// | 32   | n² weights | row after row: row i holds what item i of a history adds to every score |
///
/// All numbers are in the writer's byte order (little-endian on all common machines), IEEE 754
/// where they are not integers.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/io/model_file.hpp"
#include "lae/io/file.hpp"
#include "lae/models/item_model.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Writes a model (see the top of this header for the format). An existing file is replaced as a
/// whole, or left as it was.
///
/// \param model an ItemModel, of which no copy is made, or any other scorer that is linear in the
/// history: its file holds the n x n matrix that it stands for, row i being the scores of a history
/// of item i alone with value 1, its own item included. That takes the time of scoring n such
/// histories, all threads, and 16 MB at a time (one row, if that is more).
/// \throws FileError if the file cannot be written; std::invalid_argument if there are no items.
template <class Model>
void save_model(const std::filesystem::path& path, const Model& model) {
  const Index items = model.items();
  detail::require(items > 0, "the model has no items");
  detail::ModelFileHeader header;
  header.scalar_bytes = sizeof(ScalarOf<Model>);
  header.items = static_cast<std::uint64_t>(items);
  AtomicFile file(path);
  file.write(&header, sizeof(header));
  detail::write_weights(file, model);
  file.commit();
}

/// Reads a model that `save_model` wrote with the same Scalar.
/// \throws FileError if the file cannot be read, is not a model, is of another format version, byte
/// order or Scalar, or is shorter or longer than it should be: all found out before memory is
/// allocated.
template <class Scalar>
[[nodiscard]] ItemModel<Scalar> load_model(const std::filesystem::path& path) {
  using Header = detail::ModelFileHeader;
  detail::FileSource source(path);
  Header header;
  header.magic = {};
  source.read(&header, (std::min)(std::uint64_t(sizeof(header)), source.size()));
  if (header.magic != Header::expected_magic) source.fail_foreign("is not a model file");
  if (source.offset() < sizeof(header)) {
    source.fail(detail::concat("truncated: expected a header of ", sizeof(header), " bytes, found ",
                               source.offset()));
  }
  if (header.byte_order != Header::expected_byte_order) {
    source.fail("was written on a machine of the other byte order");
  }
  if (header.version != Header::expected_version) {
    source.fail(detail::concat("has version ", header.version, " of the format, expected ",
                               Header::expected_version));
  }
  if (header.scalar_bytes != sizeof(Scalar)) {
    source.fail(detail::concat("holds ", detail::scalar_name(header.scalar_bytes),
                               " weights, asked for ", detail::scalar_name(sizeof(Scalar))));
  }
  if (header.items == 0) source.fail("holds a model of no items");
  source.require_array({header.items, header.items}, sizeof(Scalar));
  const auto items = static_cast<Index>(header.items);
  Matrix<Scalar> weights(items, items);
  source.read(weights.data(), source.remaining());
  return ItemModel<Scalar>(std::move(weights));
}

}  // namespace LAE_ABI
}  // namespace lae
