#pragma once

/// \file
/// Lists of weights between items as text, for a database or another language.
///
/// \code
/// const lae::Csr<float> lists = lae::item_lists(model, 50);  // lae/models/item_lists.hpp
/// lae::save_item_lists("items.csv", lists, item_ids);
/// lae::save_item_lists("items.jsonl", lists, item_ids);
/// \endcode
///
/// CSV has a line a weight, `item_id,rank,other_id,weight`; JSON lines one an item,
/// `{"item_id", "items": [{"item_id", "weight"}]}`. The score of an item for a history is the sum of
/// the weights that lead to it from the items of the history. A list begins with its highest weight;
/// of equal ones the lower column comes first.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/text_fields.hpp"
#include "lae/io/file.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Writes lists beside the target, which they replace as a whole.
/// \param path ends in .csv or .jsonl, which decides what is written
/// \param lists items x items, finite
/// \param ids of the items, texts of any kind; none: their numbers, from 0
/// Cost: n log n for a row of n weights.
/// \throws std::invalid_argument for another ending, another number of ids, or a weight that is not
/// finite; FileError if the file cannot be written.
template <class Scalar>
void save_item_lists(const std::filesystem::path& path, const Csr<Scalar>& lists,
                     const std::vector<std::string>& ids = {}) {
  const std::string ending = path.extension().string();
  const bool is_csv = ending == ".csv";
  detail::require(is_csv || ending == ".jsonl",
                  "item lists are written to .csv or .jsonl, not to \"", path.filename().string(),
                  "\"");
  detail::require(lists.rows() == lists.cols(), "lists is ", lists.rows(), " x ", lists.cols(),
                  ", but must have a row and a column for each item");
  detail::require(ids.empty() || static_cast<Index>(ids.size()) == lists.rows(), "there are ",
                  ids.size(), " ids, but lists of ", lists.rows(), " items");
  const auto id_of = [&](Index item) {
    return ids.empty() ? std::to_string(item) : ids[static_cast<std::size_t>(item)];
  };
  AtomicFile file(path);
  std::string text = is_csv ? "item_id,rank,other_id,weight\n" : "";
  std::vector<std::pair<Index, Scalar>> list;
  for (Index item = 0; item < lists.rows(); ++item) {
    list.clear();
    for (typename Csr<Scalar>::InnerIterator entry(lists, item); entry; ++entry) {
      detail::require(std::isfinite(entry.value()), "lists has a weight that is not finite in row ",
                      item, ", column ", entry.col());
      list.emplace_back(entry.col(), entry.value());
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    if (is_csv) {
      for (std::size_t place = 0; place < list.size(); ++place) {
        detail::append_csv(id_of(item), text);
        text += ',' + std::to_string(place + 1) + ',';
        detail::append_csv(id_of(list[place].first), text);
        text += ',';
        detail::append_shortest(list[place].second, text);
        text += '\n';
      }
    } else {
      text += "{\"item_id\":";
      detail::append_json(id_of(item), text);
      text += ",\"items\":[";
      for (std::size_t place = 0; place < list.size(); ++place) {
        text += place == 0 ? "{\"item_id\":" : ",{\"item_id\":";
        detail::append_json(id_of(list[place].first), text);
        text += ",\"weight\":";
        detail::append_shortest(list[place].second, text);
        text += '}';
      }
      text += "]}\n";
    }
    if (text.size() >= (std::size_t(1) << 20)) {
      file.write(text.data(), text.size());
      text.clear();
    }
  }
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace LAE_ABI
}  // namespace lae
