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
/// | 12   | 4     | version of the format: 1, or 2 for another kind     |
/// | 16   | 4     | bytes of a weight: 4 (float) or 8 (double)          |
/// | 20   | 4     | kind of the model: 0                                |
/// | 24   | 8     | number of items, n                                  |
/// | 32   | n² weights | row after row: row i holds what item i of a history adds to every score |
///
/// Spectral models (with lae/spectral.hpp) have files of their own, kinds 1 (GF-CF, BSPM) and 2
/// (SGFCF), and are asked for by their type: `load_model<lae::SpectralModel<float>>("shop.lae")`. Behind the same 32 bytes,
/// with interactions N of m users in e entries, and a rank k:
///
/// | byte | bytes   | what                                              |
/// |------|---------|---------------------------------------------------|
/// | 32   | 8, 8, 8 | m, e, k                                           |
/// | 56   | 32      | of the summary: iterations; as double: the largest and the least singular value, the residual |
/// | 88   | 40      | five double: steps, length, Euler's method, mean, 0; or the least and the most homophily, the exponents there, γ |
/// | 128  | 8 (m + 1), 8 e | where the rows of N begin, and the columns of its entries |
/// | …    | e, n k, n k weights | values of N; left and right, row after row |
/// | …    | n, n, k, k weights | kind 2 alone: item_scale, gram_sum, values, right_sum |
///
/// All numbers are in the writer's byte order (little-endian on all common machines), IEEE 754
/// where they are not integers.

#include <filesystem>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/io/model_file.hpp"
#include "lae/io/file.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/item_model.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Writes a model (see the top of this header for the format). An existing file is replaced as a
/// whole, or left as it was.
///
/// \param model an ItemModel or a spectral model, of which no copy is made, or any other scorer that
/// is linear in the history: its file holds the n x n matrix that it stands for, row i being the
/// scores of a history of item i alone with value 1, its own item included. That takes the time of
/// scoring n such histories, all threads, and 16 MB at a time (one row, if that is more).
/// \throws FileError if the file cannot be written; std::invalid_argument if there are no items.
template <class Model>
void save_model(const std::filesystem::path& path, const Model& model) {
  detail::require(model.items() > 0, "the model has no items");
  AtomicFile file(path);
  detail::ModelFile<Model>::write(file, model);
  file.commit();
}

/// Which kind of model a file holds, for who does not know.
/// \throws FileError if the file cannot be read or is not a model.
[[nodiscard]] inline ModelKind kind_of_model(const std::filesystem::path& path) {
  detail::FileSource source(path);
  return static_cast<ModelKind>(detail::read_model_header(source).kind);
}

/// Reads a model that `save_model` wrote with the same Scalar.
/// \tparam What float or double for an ItemModel; or SpectralModel or SgfcfModel of either
/// \throws FileError if the file cannot be read, is not a model, is of another kind, format version,
/// byte order or Scalar, or is shorter or longer than it should be: all found out before memory is
/// allocated; and if interactions are no matrix.
template <class What>
[[nodiscard]] typename detail::LoadedModel<What>::type load_model(
    const std::filesystem::path& path) {
  detail::FileSource source(path);
  return detail::ModelFile<typename detail::LoadedModel<What>::type>::read(source);
}

}  // namespace LAE_ABI
}  // namespace lae
