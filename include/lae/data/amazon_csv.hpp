#pragma once

/// \file
/// The CSV files of Amazon Reviews 2023 (Hou et al., arXiv 2403.03952,
/// amazon-reviews-2023.github.io), and any export with columns of these names:
///
/// - `X.csv` ("rating only"): user_id,parent_asin,rating,timestamp
/// - `X.train.csv`, `X.valid.csv`, `X.test.csv`, split by leaving out the last items or by time: the
///   same, and perhaps a column history, the ids of the user's earlier items, separated by spaces.
///
/// \code
/// lae::Catalog catalog;
/// lae::InteractionLog log(catalog);
/// lae::read_ratings_csv(lae::open_text("X.csv"),
///                       [&](const lae::RatingLine& line) { log.add(line); });
/// \endcode
///
/// Logs of other forms: lae/data/rating_log.hpp.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "lae/data/interactions.hpp"
#include "lae/data/item_text.hpp"
#include "lae/data/rating_log.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/meta_value.hpp"
#include "lae/detail/data/rating_fields.hpp"
#include "lae/detail/io/read_each.hpp"
#include "lae/io/csv.hpp"
#include "lae/io/text.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Calls take(const RatingLine&) for each line of a file of ratings; what it is given lasts until
/// it returns. Columns may stand in any order, and others beside them.
/// \param skipped counts lines that cannot be read; without it, the first one is an error.
/// \throws BadLine, FileError; whatever take throws.
template <class Take>
void read_ratings_csv(TextSourcePtr source, Take&& take, SkippedLines* skipped = nullptr) {
  read_rating_log(std::move(source), {}, take, skipped);
}

/// Calls take(const ItemText&) for each item of a CSV file with columns parent_asin and title, and
/// perhaps others that read_items_json reads of items (lae/data/amazon_json.hpp): the same item
/// gives the same text. Lists and dictionaries may stand in a cell as JSON, as Python prints them,
/// or as NumPy does.
/// \throws as read_ratings_csv.
template <class Take>
void read_items_csv(TextSourcePtr source, Take&& take, SkippedLines* skipped = nullptr) {
  CsvReader csv(std::move(source));
  const std::size_t id = csv.column(detail::item_id_name);
  static_cast<void>(csv.column("title"));
  std::vector<std::pair<std::size_t, detail::ItemFieldName>> columns;
  for (const detail::ItemFieldName& name : detail::item_field_names) {
    const std::ptrdiff_t place = csv.find_column(name.name);
    if (place >= 0) columns.emplace_back(static_cast<std::size_t>(place), name);
  }
  const auto next = [&](ItemText& item) {
    if (!csv.next()) return false;
    detail::ItemFields fields;
    fields.id = std::string(csv[id]);
    if (fields.id.empty()) csv.fail("the item id is empty");
    for (const auto& [place, name] : columns) fields.*name.field = name.value_of(csv[place]);
    item = detail::item_text(std::move(fields));
    return true;
  };
  detail::read_each<ItemText>(next, take, skipped);
}

}  // namespace LAE_ABI
}  // namespace lae
