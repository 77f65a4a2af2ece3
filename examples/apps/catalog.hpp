#pragma once

/// \file
/// Who the users and what the items of a data-set folder are, as far as its files tell.

#include <fmt/format.h>

#include <filesystem>
#include <lae/io/text.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "dataset.hpp"

namespace example {

/// What is written about items, by index; empty where nothing is.
struct ItemCatalog {
  std::vector<std::string> ids;
  std::vector<std::string> titles;
  std::vector<std::string> prompts;
};

/// Reads items.jsonl: an object with a text "id" a line, and perhaps "title" and "prompt".
/// \throws lae::FileError
inline ItemCatalog read_item_catalog(const std::filesystem::path& path) {
  ItemCatalog catalog;
  lae::LineReader lines(lae::open_text(path));
  for (std::string_view line; lines.next(line);) {
    try {
      const auto item = nlohmann::json::parse(line);
      catalog.ids.push_back(item.at("id").get<std::string>());
      catalog.titles.push_back(item.value("title", ""));
      catalog.prompts.push_back(item.value("prompt", ""));
    } catch (const nlohmann::json::exception& error) {
      lines.fail(error.what());
    }
  }
  return catalog;
}

/// Reads users.txt: one id a line.
/// \throws lae::FileError
inline std::vector<std::string> read_user_ids(const std::filesystem::path& path) {
  std::vector<std::string> ids;
  lae::LineReader lines(lae::open_text(path));
  for (std::string_view line; lines.next(line);) ids.emplace_back(line);
  return ids;
}

/// \throws lae::FileError if a file has other than `expected` lines.
inline void require_lines(const std::filesystem::path& path, std::size_t lines,
                          lae::Index expected) {
  if (lines == static_cast<std::size_t>(expected)) return;
  throw lae::FileError(path,
                       fmt::format("has {} lines, but the matrices have {}", lines, expected));
}

}  // namespace example
