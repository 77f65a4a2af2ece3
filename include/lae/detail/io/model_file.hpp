#pragma once

/// \file
/// The bytes of model files (see lae/io/model_file.hpp).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/io/file.hpp"
#include "lae/models/item_model.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

struct ModelFileHeader {
  static constexpr std::array<char, 8> expected_magic{'\x93', 'L', 'A', 'E', 'I', 'T', 'E', 'M'};
  static constexpr std::uint32_t expected_byte_order = 0x01020304;
  static constexpr std::uint32_t expected_version = 1;

  std::array<char, 8> magic = expected_magic;
  std::uint32_t byte_order = expected_byte_order;
  std::uint32_t version = expected_version;
  std::uint32_t scalar_bytes = 0;
  std::uint32_t unused = 0;
  std::uint64_t items = 0;
};
static_assert(sizeof(ModelFileHeader) == 32, "lae: the header must not be padded");

[[nodiscard]] inline std::string scalar_name(std::size_t bytes) {
  if (bytes == sizeof(float)) return "float";
  if (bytes == sizeof(double)) return "double";
  return concat(bytes, "-byte");
}

template <class Scalar>
void write_weights(AtomicFile& file, const ItemModel<Scalar>& model) {
  const Matrix<Scalar>& weights = model.weights();
  file.write(weights.data(), static_cast<std::size_t>(weights.size()) * sizeof(Scalar));
}

/// Bytes of the rows that exist at a time while a scorer's weights are written.
inline constexpr std::size_t weight_rows_bytes = std::size_t(16) << 20;

/// Row i is what a history of item i alone, with value 1, is scored.
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

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
