#pragma once

/// \file
/// The JSON files of Amazon Reviews 2023 (Hou et al., arXiv 2403.03952,
/// amazon-reviews-2023.github.io), one object a line: reviews `X.jsonl` and items `meta_X.jsonl`.
/// Needs simdjson (CMake target lae::json).
///
///     lae::read_items_json(lae::open_gzip("meta_X.jsonl.gz"),
///                          [&](const lae::ItemText& item) { texts.push_back(item); });

#include <simdjson.h>

#include <string>
#include <string_view>
#include <utility>

#include "lae/data/interactions.hpp"
#include "lae/data/item_text.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/data/json_lines.hpp"
#include "lae/detail/data/rating_fields.hpp"
#include "lae/detail/io/read_each.hpp"
#include "lae/io/text.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Calls take(const RatingLine&) for each review of `X.jsonl`; what it is given lasts until it
/// returns. Of a review it reads user_id, parent_asin, rating and timestamp.
/// \param skipped counts lines that cannot be read; without it, the first one is an error.
/// \throws BadLine, FileError; whatever take throws.
template <class Take>
void read_reviews_json(TextSourcePtr source, Take&& take, SkippedLines* skipped = nullptr) {
  detail::JsonLines lines(std::move(source));
  const auto next = [&](RatingLine& line) {
    bool has_rating = false;
    bool has_timestamp = false;
    const bool found = lines.next([&](simdjson::ondemand::object review) {
      for (auto field : review) {
        const std::string_view key = field.unescaped_key();
        if (key == "user_id") {
          line.user = field.value().get_string();
        } else if (key == "parent_asin") {
          line.item = field.value().get_string();
        } else if (key == "rating") {
          line.rating = static_cast<float>(double(field.value()));
          has_rating = true;
        } else if (key == "timestamp") {
          line.timestamp = field.value().get_int64();
          has_timestamp = true;
        }
      }
    });
    if (!found) return false;
    if (!has_rating) lines.fail("there is no rating");
    if (!has_timestamp) lines.fail("there is no timestamp");
    const std::string problem = detail::problem_of(line);
    if (!problem.empty()) lines.fail(problem);
    return true;
  };
  detail::read_each<RatingLine>(next, take, skipped);
}

/// Calls take(const ItemText&) for each item of `meta_X.jsonl`, read from
/// - id: parent_asin
/// - title: title
/// - category: categories, joined by ", "; or, if there are none, main_category
/// - brand: details.Brand; or, if there is none, store
/// - description: description, its paragraphs joined by " "; or, if there is none, features.
/// \throws as read_reviews_json.
template <class Take>
void read_items_json(TextSourcePtr source, Take&& take, SkippedLines* skipped = nullptr) {
  detail::JsonLines lines(std::move(source));
  const auto next = [&](ItemText& item) {
    std::string main_category;
    std::string store;
    std::string features;
    const bool found = lines.next([&](simdjson::ondemand::object object) {
      for (auto field : object) {
        const std::string_view key = field.unescaped_key();
        if (key == "parent_asin") {
          item.id = std::string(std::string_view(field.value().get_string()));
        } else if (key == "title") {
          item.title = detail::joined_texts(field.value(), " ");
        } else if (key == "categories") {
          item.category = detail::joined_texts(field.value(), ", ");
        } else if (key == "main_category") {
          main_category = detail::joined_texts(field.value(), ", ");
        } else if (key == "description") {
          item.description = detail::joined_texts(field.value(), " ");
        } else if (key == "features") {
          features = detail::joined_texts(field.value(), " ");
        } else if (key == "store") {
          store = detail::joined_texts(field.value(), " ");
        } else if (key == "details") {
          detail::JsonValue details = field.value();
          if (details.type() != simdjson::ondemand::json_type::object) continue;
          for (auto detail_field : details.get_object()) {
            if (std::string_view(detail_field.unescaped_key()) != "Brand") continue;
            item.brand = detail::joined_texts(detail_field.value(), " ");
          }
        }
      }
    });
    if (!found) return false;
    if (item.id.empty()) lines.fail("there is no parent_asin");
    if (item.category.empty()) item.category = std::move(main_category);
    if (item.brand.empty()) item.brand = std::move(store);
    if (item.description.empty()) item.description = std::move(features);
    return true;
  };
  detail::read_each<ItemText>(next, take, skipped);
}

}  // namespace LAE_ABI
}  // namespace lae
