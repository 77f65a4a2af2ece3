#pragma once

/// \file
/// A data-set folder as the programs see it: the library's, and small files of their own beside it.

#include <filesystem>
#include <lae/data/dataset.hpp>
#include <lae/io/text.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace example {

/// The file names of a data folder.
namespace file_name {
using namespace lae::dataset_file;
inline constexpr const char* tag_names = "tags.txt";          ///< one a line
inline constexpr const char* users = "users.txt";             ///< their ids, one a line
inline constexpr const char* items = "items.jsonl";           ///< id, title and prompt of each
inline constexpr const char* encoder = "embeddings.json";     ///< what made the embeddings
inline constexpr const char* journal = "embeddings.journal";  ///< of an unfinished encoding
inline constexpr const char* description = "dataset.json";    ///< counts and origin
}  // namespace file_name

template <class Scalar>
struct Dataset : lae::Dataset<Scalar> {
  std::string encoder;  ///< what made the embeddings; empty if that is not known
};

/// Reads a small JSON file.
/// \throws lae::FileError
inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::string text;
  lae::LineReader lines(lae::open_text(path));
  for (std::string_view line; lines.next(line);) text += line;
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw lae::FileError(path, error.what());
  }
}

/// Reads the text of that name in a small JSON file; empty if there is none.
/// \throws lae::FileError
inline std::string read_json_text(const std::filesystem::path& path, const char* name) {
  const nlohmann::json json = read_json(path);
  try {
    return json.value(name, "");
  } catch (const nlohmann::json::exception& error) {
    throw lae::FileError(path, std::string("key \"") + name + "\": " + error.what());
  }
}

/// Reads a data folder. \throws as lae::load_dataset.
template <class Scalar>
Dataset<Scalar> read_dataset(const std::filesystem::path& folder, const lae::DatasetParts& parts) {
  Dataset<Scalar> data{lae::load_dataset<Scalar>(folder, parts), ""};
  if (parts.embeddings && std::filesystem::exists(folder / file_name::encoder)) {
    data.encoder = read_json_text(folder / file_name::encoder, "encoder");
  }
  return data;
}

}  // namespace example
