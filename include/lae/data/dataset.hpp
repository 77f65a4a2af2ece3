#pragma once

/// \file
/// The data-set folder: interactions in three parts and what is known of the items, as files that
/// NumPy and SciPy read and write, too. Needs libzip (CMake target lae::npz).
///
///     lae::Dataset<float> data = lae::load_dataset<float>("shop");  // all that the folder holds
///     auto model = lae::Ease<float>({/*lambda=*/100}).fit(data.train);
///
/// | file                              | holds                  | shape              |
/// |-----------------------------------|------------------------|--------------------|
/// | train.npz                         | what to learn from     | users x items      |
/// | valid.npz                         | what to choose by      | users x items      |
/// | test.npz                          | what to test on        | users x items      |
/// | embeddings.npy                    | text embeddings        | items x dimensions |
/// | tags.npz                          | tags                   | items x tags       |
/// | features/NAME.npy, features/NAME.npz | further item features | items x any      |

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/dataset_files.hpp"
#include "lae/io/file.hpp"
#include "lae/io/npy.hpp"
#include "lae/io/npz.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The names in a data-set folder.
namespace dataset_file {
inline constexpr const char* train = "train.npz";
inline constexpr const char* valid = "valid.npz";
inline constexpr const char* test = "test.npz";
inline constexpr const char* embeddings = "embeddings.npy";
inline constexpr const char* tags = "tags.npz";
inline constexpr const char* features = "features";  ///< a folder
}  // namespace dataset_file

/// One source of item features: items x dimensions, dense, or items x tags, sparse.
template <class Scalar>
struct NamedFeatures {
  std::string name;  ///< of the file, without its ending
  std::variant<Matrix<Scalar>, Csr<Scalar>> values;
};

/// Three disjoint parts of the same interactions (users x items), and what is known of the items:
/// items are the rows of embeddings, tags and further features.
template <class Scalar>
struct Dataset {
  Csr<Scalar> train;
  Csr<Scalar> valid;
  Csr<Scalar> test;
  std::optional<Matrix<Scalar>> embeddings{};
  std::optional<Csr<Scalar>> tags{};
  std::vector<NamedFeatures<Scalar>> features{};  ///< sorted by name, each name once
};

/// What to read of a folder besides the interactions.
struct DatasetParts {
  bool embeddings = false;
  bool tags = false;
  std::vector<std::string> features{};  ///< names, in any order
};

/// What a folder holds besides the interactions, by the names of its files; features are sorted by
/// name.
/// \throws FileError if the folder `features` cannot be read, or holds a name both as .npy and as
/// .npz.
[[nodiscard]] inline DatasetParts dataset_parts(const std::filesystem::path& folder) {
  std::error_code ignored;
  DatasetParts parts;
  parts.embeddings = std::filesystem::exists(folder / dataset_file::embeddings, ignored);
  parts.tags = std::filesystem::exists(folder / dataset_file::tags, ignored);
  for (const auto& file : detail::feature_files(folder / dataset_file::features)) {
    parts.features.push_back(file.first);
  }
  return parts;
}

/// \throws std::invalid_argument if parts of the data do not belong together, naming both sizes.
template <class Scalar>
void require_matching_shapes(const Dataset<Scalar>& data) {
  const auto require_like_train = [&](const Csr<Scalar>& part, const char* name) {
    detail::require(part.rows() == data.train.rows() && part.cols() == data.train.cols(), name,
                    " is ", part.rows(), " x ", part.cols(), ", but ", dataset_file::train, " is ",
                    data.train.rows(), " x ", data.train.cols(), " (users x items)");
  };
  const auto require_items_as_rows = [&](Index rows, const std::string& name) {
    detail::require(rows == data.train.cols(), name, " has ", rows, " rows, but ",
                    dataset_file::train, " has ", data.train.cols(), " items (columns)");
  };
  require_like_train(data.valid, dataset_file::valid);
  require_like_train(data.test, dataset_file::test);
  if (data.embeddings) require_items_as_rows(data.embeddings->rows(), dataset_file::embeddings);
  if (data.tags) require_items_as_rows(data.tags->rows(), dataset_file::tags);
  for (const NamedFeatures<Scalar>& source : data.features) {
    const bool is_dense = std::holds_alternative<Matrix<Scalar>>(source.values);
    require_items_as_rows(
        std::visit([](const auto& values) { return values.rows(); }, source.values),
        detail::feature_file(dataset_file::features, source.name, is_dense).generic_string());
  }
}

/// Reads one source of item features from any file: a sparse matrix from NAME.npz (see load_npz), a
/// dense one from all others (see load_npy).
/// \throws FileError, also for values that are not finite.
template <class Scalar>
[[nodiscard]] NamedFeatures<Scalar> load_features(const std::filesystem::path& path) {
  NamedFeatures<Scalar> source;
  source.name = path.stem().string();
  if (detail::is_sparse_file(path)) {
    source.values = detail::load_finite_npz<Scalar>(path);
  } else {
    source.values = detail::load_finite_npy<Scalar>(path);
  }
  return source;
}

/// Reads a data-set folder: the interactions, and of the rest what is asked for.
/// \throws FileError if a file is not there or cannot be read (see load_npy, load_npz) or holds a
/// value that is not finite; std::invalid_argument (see require_matching_shapes).
template <class Scalar>
[[nodiscard]] Dataset<Scalar> load_dataset(const std::filesystem::path& folder,
                                           const DatasetParts& parts) {
  Dataset<Scalar> data{detail::load_finite_npz<Scalar>(folder / dataset_file::train),
                       detail::load_finite_npz<Scalar>(folder / dataset_file::valid),
                       detail::load_finite_npz<Scalar>(folder / dataset_file::test)};
  if (parts.embeddings) {
    data.embeddings = detail::load_finite_npy<Scalar>(folder / dataset_file::embeddings);
  }
  if (parts.tags) data.tags = detail::load_finite_npz<Scalar>(folder / dataset_file::tags);
  const auto files = detail::wanted_feature_files(folder / dataset_file::features, parts.features);
  for (const auto& file : files) data.features.push_back(load_features<Scalar>(file.second));
  require_matching_shapes(data);
  return data;
}

/// Reads all of a data-set folder. \throws as above, and as dataset_parts.
template <class Scalar>
[[nodiscard]] Dataset<Scalar> load_dataset(const std::filesystem::path& folder) {
  return load_dataset<Scalar>(folder, dataset_parts(folder));
}

/// Writes the folder that load_dataset reads, making it if need be. Each file is replaced as a
/// whole, or left as it was; others that are there stay, but for features of the same name in the
/// other format.
/// \throws std::invalid_argument as require_matching_shapes, and for names of features that are no
/// file names or stand twice, before anything is written; FileError;
/// std::filesystem::filesystem_error.
template <class Scalar>
void save_dataset(const std::filesystem::path& folder, const Dataset<Scalar>& data) {
  require_matching_shapes(data);
  std::vector<std::string> names;
  for (const NamedFeatures<Scalar>& source : data.features) names.push_back(source.name);
  detail::require_feature_names(names);

  std::filesystem::create_directories(folder);
  save_npz(folder / dataset_file::train, data.train);
  save_npz(folder / dataset_file::valid, data.valid);
  save_npz(folder / dataset_file::test, data.test);
  if (data.embeddings) save_npy(folder / dataset_file::embeddings, *data.embeddings);
  if (data.tags) save_npz(folder / dataset_file::tags, *data.tags);
  if (data.features.empty()) return;
  const std::filesystem::path features = folder / dataset_file::features;
  std::filesystem::create_directories(features);
  for (const NamedFeatures<Scalar>& source : data.features) {
    const auto* const dense = std::get_if<Matrix<Scalar>>(&source.values);
    const auto file = [&](bool is_dense) {
      return detail::feature_file(features, source.name, is_dense);
    };
    if (dense != nullptr) {
      save_npy(file(true), *dense);
    } else {
      save_npz(file(false), std::get<Csr<Scalar>>(source.values));
    }
    std::filesystem::remove(file(dense == nullptr));
  }
}

}  // namespace LAE_ABI
}  // namespace lae
