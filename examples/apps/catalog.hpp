#pragma once

/// \file
/// Who the users and what the items of a data-set folder are, as far as its files tell.

#include <fmt/format.h>

#include <filesystem>
#include <lae/io/text.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
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

/// A line of JSON with U+FFFD for bytes that are no UTF-8 and for half a surrogate pair, both of
/// which nlohmann::json refuses.
inline std::string repaired_json(const std::string& line) {
  using nlohmann::json;
  const auto utf8 = json(line).dump(-1, ' ', false, json::error_handler_t::replace);
  std::string text = json::parse(utf8).get<std::string>();
  const auto escaped = [&](std::size_t i) {
    const std::string digits = text.compare(i, 2, "\\u") == 0 ? text.substr(i + 2, 4) : "";
    const bool are_hex =
        digits.size() == 4 && digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos;
    return are_hex ? std::stoul(digits, nullptr, 16) : 0;
  };
  const auto is_first = [](unsigned long code) { return code >= 0xd800 && code < 0xdc00; };
  const auto is_second = [](unsigned long code) { return code >= 0xdc00 && code < 0xe000; };
  for (std::size_t i = 0; (i = text.find('\\', i)) != text.npos;) {
    const unsigned long code = escaped(i);
    if (is_first(code) && i + 6 < text.size() && is_second(escaped(i + 6))) {
      i += 12;
      continue;
    }
    if (is_first(code) || is_second(code)) text.replace(i, 6, "\\ufffd");
    i += 2;
  }
  return text;
}

/// The text of that key; empty if there is none, or null.
/// \throws std::runtime_error naming the key if it is something else.
inline std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  if (!found->is_string()) {
    throw std::runtime_error(
        fmt::format("key \"{}\": not a text, but {}", key, found->type_name()));
  }
  return found->get<std::string>();
}

/// Reads items.jsonl: an object with a text "id" a line, and perhaps "title" and "prompt".
/// \throws lae::FileError
inline ItemCatalog read_item_catalog(const std::filesystem::path& path) {
  ItemCatalog catalog;
  lae::LineReader lines(lae::open_text(path));
  for (std::string_view line; lines.next(line);) {
    try {
      auto item = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (item.is_discarded()) item = nlohmann::json::parse(repaired_json(std::string(line)));
      if (!item.is_object()) throw std::runtime_error("not a JSON object");
      if (item.value("id", nlohmann::json()).is_null()) {
        throw std::runtime_error("there is no key \"id\"");
      }
      catalog.ids.push_back(text_of(item, "id"));
      catalog.titles.push_back(text_of(item, "title"));
      catalog.prompts.push_back(text_of(item, "prompt"));
    } catch (const std::runtime_error& error) {
      lines.fail(error.what());
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
