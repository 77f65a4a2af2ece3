#pragma once

/// \file
/// Files of a data-set folder: the further sources of item features in it, and values that are
/// checked as they are read. Needs libzip.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/io/file.hpp"
#include "lae/io/npy.hpp"
#include "lae/io/npz.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A fit would find this, too, but perhaps after hours of other fits.
/// \throws FileError with the place of the value.
template <class Scalar>
void require_finite_value(Scalar value, Index row, Index column,
                          const std::filesystem::path& path) {
  if (std::isfinite(value)) return;
  throw FileError(path, concat("holds a value that is not finite (", value, ") in row ", row,
                               ", column ", column, ", counted from 0"));
}

template <class Scalar>
[[nodiscard]] Csr<Scalar> load_finite_npz(const std::filesystem::path& path) {
  Csr<Scalar> matrix = load_npz<Scalar>(path);
  if (matrix.nonZeros() > 0 && !matrix.coeffs().allFinite()) {
    for (Index row = 0; row < matrix.rows(); ++row) {
      for (typename Csr<Scalar>::InnerIterator entry(matrix, row); entry; ++entry) {
        require_finite_value(entry.value(), row, entry.col(), path);
      }
    }
  }
  return matrix;
}

template <class Scalar>
[[nodiscard]] Matrix<Scalar> load_finite_npy(const std::filesystem::path& path) {
  Matrix<Scalar> matrix = load_npy<Scalar>(path);
  if (!matrix.allFinite()) {
    for (Index row = 0; row < matrix.rows(); ++row) {
      for (Index column = 0; column < matrix.cols(); ++column) {
        require_finite_value(matrix(row, column), row, column, path);
      }
    }
  }
  return matrix;
}

[[nodiscard]] inline bool is_sparse_file(const std::filesystem::path& path) {
  return path.extension() == ".npz";
}

[[nodiscard]] inline std::filesystem::path feature_file(const std::filesystem::path& folder,
                                                        const std::string& name, bool is_dense) {
  return folder / (name + (is_dense ? ".npy" : ".npz"));
}

/// The files of features in a folder, by name; none, if there is no such folder.
/// \throws FileError if the folder cannot be read, or a name stands for two files.
[[nodiscard]] inline std::map<std::string, std::filesystem::path> feature_files(
    const std::filesystem::path& folder) {
  std::map<std::string, std::filesystem::path> files;
  std::error_code error;
  if (!std::filesystem::exists(folder, error) && !error) return files;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::filesystem::path& path = entry->path();
    const std::string name = path.stem().string();
    // Editors and copying programs keep hidden files beside those they work on.
    if (name.front() == '.' || (!is_sparse_file(path) && path.extension() != ".npy")) continue;
    const auto [place, is_new] = files.emplace(name, path);
    if (!is_new) {
      throw FileError(folder, concat("holds both ", name, ".npy and ", name,
                                     ".npz: a source of features is one or the other"));
    }
  }
  if (error) throw FileError(folder, "cannot be read: " + error.message());
  return files;
}

/// Those of the files that are asked for.
/// \throws FileError as above, and if there is none of a name.
[[nodiscard]] inline std::map<std::string, std::filesystem::path> wanted_feature_files(
    const std::filesystem::path& folder, const std::vector<std::string>& names) {
  std::map<std::string, std::filesystem::path> wanted;
  if (names.empty()) return wanted;
  const auto all = feature_files(folder);
  for (const std::string& name : names) {
    const auto found = all.find(name);
    if (found == all.end()) {
      std::string known;
      for (const auto& file : all) known += (known.empty() ? "" : ", ") + file.first;
      throw FileError(folder, concat("holds no features called \"", name, "\" (", name, ".npy or ",
                                     name, ".npz)", known.empty() ? "" : "; there are: ", known));
    }
    wanted.insert(*found);
  }
  return wanted;
}

/// \throws std::invalid_argument for a name that feature_files would not find again, or one that
/// stands twice.
inline void require_feature_names(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  require(twice == names.end(), "two sources of features are called \"",
          twice == names.end() ? std::string() : *twice, "\"");
  for (const std::string& name : names) {
    const bool is_file_name = !name.empty() && name.front() != '.' &&
                              name.find_first_of(std::string("/\\\0", 3)) == name.npos;
    require(is_file_name, "features cannot be saved as \"", name, "\": it is no file name");
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
