#pragma once

/// \file
/// The data of one comparison, as a folder of files or in memory.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"
#include "lae/io/file.hpp"
#include "lae/io/npy.hpp"
#include "lae/io/npz.hpp"
#include "lae/io/text.hpp"

namespace example {

/// Three disjoint parts of the same interactions (users x items), and what is known of the items:
/// rows of `embeddings` (items x dimensions) and `tags` (items x tags) are items, too.
template <class Scalar>
struct Dataset {
  lae::Csr<Scalar> train;
  lae::Csr<Scalar> valid;
  lae::Csr<Scalar> test;
  std::optional<lae::Matrix<Scalar>> embeddings{};
  std::optional<lae::Csr<Scalar>> tags{};
  std::string encoder{};  ///< what made the embeddings; empty if that is not known
};

/// The file names of a data folder.
namespace file_name {
inline constexpr const char* train = "train.npz";
inline constexpr const char* valid = "valid.npz";
inline constexpr const char* test = "test.npz";
inline constexpr const char* embeddings = "embeddings.npy";
inline constexpr const char* tags = "tags.npz";
inline constexpr const char* tag_names = "tags.txt";        ///< one a line
inline constexpr const char* users = "users.txt";           ///< their ids, one a line
inline constexpr const char* items = "items.jsonl";         ///< id, title and prompt of each
inline constexpr const char* encoder = "embeddings.json";   ///< what made the embeddings
inline constexpr const char* description = "dataset.json";  ///< counts and origin
}  // namespace file_name

/// \throws std::invalid_argument if the parts do not belong together, naming both sizes.
template <class Scalar>
void require_matching_shapes(const Dataset<Scalar>& data) {
  const auto require_like_train = [&](const lae::Csr<Scalar>& part, const char* name) {
    lae::detail::require(part.rows() == data.train.rows() && part.cols() == data.train.cols(), name,
                         " is ", part.rows(), " x ", part.cols(), ", but ", file_name::train,
                         " is ", data.train.rows(), " x ", data.train.cols(), " (users x items)");
  };
  const auto require_items_as_rows = [&](lae::Index rows, const char* name) {
    lae::detail::require(rows == data.train.cols(), name, " has ", rows, " rows, but ",
                         file_name::train, " has ", data.train.cols(), " items (columns)");
  };
  require_like_train(data.valid, file_name::valid);
  require_like_train(data.test, file_name::test);
  if (data.embeddings) require_items_as_rows(data.embeddings->rows(), file_name::embeddings);
  if (data.tags) require_items_as_rows(data.tags->rows(), file_name::tags);
}

namespace detail {

/// A fit would find this, too, but perhaps after hours of other fits.
/// \throws lae::FileError
template <class Scalar>
void require_finite(const Scalar* values, lae::Index count, const std::filesystem::path& path) {
  if (!Eigen::Map<const lae::Vector<Scalar>>(values, count).allFinite()) {
    throw lae::FileError(path, "holds a value that is not finite");
  }
}

template <class Scalar>
lae::Csr<Scalar> read_finite_npz(const std::filesystem::path& path) {
  lae::Csr<Scalar> matrix = lae::load_npz<Scalar>(path);
  require_finite(matrix.valuePtr(), matrix.nonZeros(), path);
  return matrix;
}

template <class Scalar>
lae::Matrix<Scalar> read_finite_npy(const std::filesystem::path& path) {
  lae::Matrix<Scalar> matrix = lae::load_npy<Scalar>(path);
  require_finite(matrix.data(), matrix.size(), path);
  return matrix;
}

}  // namespace detail

/// Reads the text of that name in a small JSON file; empty if there is none.
/// \throws lae::FileError
inline std::string read_json_text(const std::filesystem::path& path, const char* name) {
  std::string text;
  lae::LineReader lines(lae::open_text(path));
  for (std::string_view line; lines.next(line);) text += line;
  try {
    return nlohmann::json::parse(text).value(name, "");
  } catch (const nlohmann::json::exception& error) {
    throw lae::FileError(path, error.what());
  }
}

/// Reads a data folder; of the item files only those asked for.
/// \throws lae::FileError, also for values that are not finite; std::invalid_argument (see
/// require_matching_shapes).
template <class Scalar>
Dataset<Scalar> read_dataset(const std::filesystem::path& folder, bool with_embeddings,
                             bool with_tags) {
  Dataset<Scalar> data{detail::read_finite_npz<Scalar>(folder / file_name::train),
                       detail::read_finite_npz<Scalar>(folder / file_name::valid),
                       detail::read_finite_npz<Scalar>(folder / file_name::test)};
  if (with_embeddings) {
    data.embeddings = detail::read_finite_npy<Scalar>(folder / file_name::embeddings);
    if (std::filesystem::exists(folder / file_name::encoder)) {
      data.encoder = read_json_text(folder / file_name::encoder, "encoder");
    }
  }
  if (with_tags) data.tags = detail::read_finite_npz<Scalar>(folder / file_name::tags);
  require_matching_shapes(data);
  return data;
}

/// Writes the folder that read_dataset reads, making it if need be.
/// \throws lae::FileError, std::filesystem::filesystem_error.
template <class Scalar>
void write_dataset(const Dataset<Scalar>& data, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  lae::save_npz(folder / file_name::train, data.train);
  lae::save_npz(folder / file_name::valid, data.valid);
  lae::save_npz(folder / file_name::test, data.test);
  if (data.embeddings) lae::save_npy(folder / file_name::embeddings, *data.embeddings);
  if (data.tags) lae::save_npz(folder / file_name::tags, *data.tags);
}

}  // namespace example
