#pragma once

/// \file
/// The CSV files of Amazon Reviews 2023 (Hou et al., arXiv 2403.03952,
/// amazon-reviews-2023.github.io), and any export with columns of these names:
///
/// - `X.csv` ("rating only"): user_id,parent_asin,rating,timestamp
/// - `X.train.csv`, `X.valid.csv`, `X.test.csv`, split by leaving out the last items or by time:
/// the
///   same, and perhaps a column history, the ids of the user's earlier items, separated by spaces.

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "lae/core/errors.hpp"
#include "lae/data/interactions.hpp"
#include "lae/data/item_text.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/io/csv.hpp"
#include "lae/io/file.hpp"
#include "lae/io/text.hpp"

namespace lae {
namespace detail {

/// Says what is wrong with a rating; nothing, if it is fine.
inline std::string problem_of(const RatingLine& line) {
  const auto has_line_break = [](std::string_view id) {
    // Two searches: find_first_of of libstdc++ makes a call for each character.
    return id.find('\n') != id.npos || id.find('\r') != id.npos;
  };
  if (line.user.empty()) return "the user id is empty";
  if (line.item.empty()) return "the item id is empty";
  if (has_line_break(line.user) || has_line_break(line.item)) return "an id holds a line break";
  if (!(line.rating >= 0 && line.rating <= 5)) {
    return concat("the rating must be in 0 ... 5, got ", line.rating);
  }
  if (line.timestamp < 0) return concat("the timestamp must not be negative, got ", line.timestamp);
  return "";
}

/// The number that `text` is, all of it. \return whether it is one.
template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

/// The value of a key in a Python dictionary of strings, as str() writes it; empty if there is
/// none.
inline std::string python_dict_value(std::string_view dict, std::string_view key) {
  std::string last;
  bool is_value = false;
  for (std::size_t i = 0; i < dict.size(); ++i) {
    if (dict[i] == ':') is_value = true;
    if (dict[i] == ',') is_value = false;
    if (dict[i] != '\'' && dict[i] != '"') continue;
    const char quote = dict[i];
    std::string text;
    for (++i; i < dict.size() && dict[i] != quote; ++i) {
      if (dict[i] == '\\' && i + 1 < dict.size()) ++i;
      text += dict[i];
    }
    if (is_value && last == key) return text;
    last = is_value ? "" : text;
  }
  return "";
}

}  // namespace detail

/// Calls take(const RatingLine&) for each line of a file of ratings; what it is given lasts until
/// it returns. Columns may stand in any order, and others beside them. \param skipped counts lines
/// that cannot be read; without it, the first one is an error. \throws BadLine, FileError; whatever
/// take throws.
template <class Take>
void read_ratings_csv(TextSourcePtr source, Take&& take, SkippedLines* skipped = nullptr) {
  CsvReader csv(std::move(source));
  const std::size_t user = csv.column("user_id");
  const std::size_t item = csv.column("parent_asin");
  const std::size_t rating = csv.column("rating");
  const std::size_t timestamp = csv.column("timestamp");
  const std::ptrdiff_t history = csv.find_column("history");
  const auto next = [&](RatingLine& line) {
    if (!csv.next()) return false;
    line.user = csv[user];
    line.item = csv[item];
    if (!detail::parse_number(csv[rating], line.rating)) {
      csv.fail(detail::concat("the rating is not a number: \"", csv[rating], "\""));
    }
    if (!detail::parse_number(csv[timestamp], line.timestamp)) {
      csv.fail(detail::concat("the timestamp is not a whole number: \"", csv[timestamp], "\""));
    }
    if (history >= 0) line.history = csv[static_cast<std::size_t>(history)];
    const std::string problem = detail::problem_of(line);
    if (!problem.empty()) csv.fail(problem);
    return true;
  };
  detail::read_each<RatingLine>(next, take, skipped);
}

/// Calls take(const ItemText&) for each item of a CSV file with columns parent_asin and title, and
/// perhaps description, details (a Python dictionary as text, whose 'Brand' becomes the brand),
/// categories or main_category, and store (the brand of items without one).
/// \throws as read_ratings_csv.
template <class Take>
void read_items_csv(TextSourcePtr source, Take&& take, SkippedLines* skipped = nullptr) {
  CsvReader csv(std::move(source));
  const std::size_t id = csv.column("parent_asin");
  const std::size_t title = csv.column("title");
  const auto optional = [&](const char* name) {
    return [&csv, place = csv.find_column(name)] {
      return place < 0 ? std::string() : std::string(csv[static_cast<std::size_t>(place)]);
    };
  };
  const auto description = optional("description");
  const auto details = optional("details");
  const auto categories = optional("categories");
  const auto main_category = optional("main_category");
  const auto store = optional("store");
  const auto next = [&](ItemText& item) {
    if (!csv.next()) return false;
    item = {std::string(csv[id]), std::string(csv[title]), categories(),
            detail::python_dict_value(details(), "Brand"), description()};
    if (item.id.empty()) csv.fail("the item id is empty");
    if (item.category.empty()) item.category = main_category();
    if (item.brand.empty()) item.brand = store();
    return true;
  };
  detail::read_each<ItemText>(next, take, skipped);
}

}  // namespace lae
