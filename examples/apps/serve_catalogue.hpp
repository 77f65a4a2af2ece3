#pragma once

/// \file
/// Who the items and users are that `serve` speaks of, how items are found by their titles, and what
/// is known of them besides a model.

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <lae/core/types.hpp>
#include <lae/io/file.hpp>
#include <lae/io/model_info.hpp>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/ranking/popularity.hpp>
#include <lae/ranking/top_k.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "catalog.hpp"
#include "dataset.hpp"
#include "terminal.hpp"

namespace example {

using lae::Index;

/// Items that matter to a request and how much, by rising index.
struct WeightedItems {
  std::vector<Index> items;
  std::vector<double> values;
};

/// Immutable. Of a model file alone, items have ids, or numbers where it holds none; a data-set
/// folder adds titles, users with their histories, and embeddings, as far as its files are there.
class Catalogue {
 public:
  /// \param folder empty: none
  /// \throws lae::FileError if a file of the folder cannot be read, or is of other items
  Catalogue(const lae::ModelInfo& info, Index items, const std::filesystem::path& folder)
      : items_(items) {
    names_.ids = info.item_ids;
    if (!folder.empty()) read(folder);
    if (names_.ids.empty()) names_.ids = numbers(items);
    names_.titles.resize(names_.ids.size());
    for (Index item = 0; item < items; ++item) {
      item_of_id_.emplace(id(item), item);
      folded_.push_back(folded(names_.titles[place(item)]));
    }
    for (std::size_t user = 0; user < users_.size(); ++user) {
      user_of_id_.emplace(users_[user], static_cast<Index>(user));
    }
  }

  // The maps look into the texts beside them.
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  Index items() const { return items_; }
  Index users() const { return static_cast<Index>(users_.size()); }
  const std::string& id(Index item) const { return names_.ids[place(item)]; }
  /// Empty if there is none.
  const std::string& title(Index item) const { return names_.titles[place(item)]; }

  std::optional<Index> find_item(std::string_view id) const { return find(item_of_id_, id); }
  std::optional<Index> find_user(std::string_view id) const { return find(user_of_id_, id); }

  WeightedItems history(Index user) const {
    WeightedItems history;
    for (lae::Csr<float>::InnerIterator entry(*interactions_, user); entry; ++entry) {
      history.items.push_back(entry.col());
      history.values.push_back(static_cast<double>(entry.value()));
    }
    return history;
  }

  /// How many users have each item; null where that is not known.
  const lae::Popularity<float>* popularity() const { return popularity_ ? &*popularity_ : nullptr; }

  bool has_embeddings() const { return directions_.size() > 0; }
  /// The cosine of the angle between the embeddings of two items; of one without any, 0.
  float similarity(Index a, Index b) const { return directions_.row(a).dot(directions_.row(b)); }

  /// Whether an item's title holds all these words (see `words_of`).
  bool matches(Index item, const std::vector<std::string>& words) const {
    const std::string& title = folded_[place(item)];
    return std::all_of(words.begin(), words.end(),
                       [&](const std::string& word) { return title.find(word) != title.npos; });
  }

  /// What a search or a filter looks for in titles: words in lower case (of ASCII letters alone).
  static std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words(1);
    for (const char c : folded(text)) {
      if (c != ' ') {
        words.back() += c;
      } else if (!words.back().empty()) {
        words.emplace_back();
      }
    }
    if (words.back().empty()) words.pop_back();
    return words;
  }

  /// The k items that best match a text: the one with this id, then titles that begin with the
  /// text, then those with its first word at the beginning of a word, then those that hold all its
  /// words in any place; of equals those that more users have, then the lower index.
  std::vector<Index> search(std::string_view text, Index k) const {
    const std::vector<std::string> words = words_of(text);
    if (words.empty()) return {};
    const std::string whole = folded(text);
    using Found = std::tuple<int, float, Index>;
    std::vector<Found> found;
    for (Index item = 0; item < items_; ++item) {
      const std::string& title = folded_[place(item)];
      const int rank = id(item) == text                                   ? 0
                       : !matches(item, words)                            ? no_match
                       : title.compare(0, whole.size(), whole) == 0       ? 1
                       : (" " + title).find(" " + words[0]) != title.npos ? 2
                                                                          : 3;
      if (rank == no_match) continue;
      found.emplace_back(rank, popularity_ ? -popularity_->users()[item] : 0.0F, item);
    }
    const auto end = found.begin() + std::min<std::ptrdiff_t>(k, std::ptrdiff_t(found.size()));
    std::partial_sort(found.begin(), end, found.end());
    std::vector<Index> best;
    for (auto next = found.begin(); next != end; ++next) best.push_back(std::get<Index>(*next));
    return best;
  }

  /// \throws lae::FileError if the model of that file has other items, or the same in another order
  void require_items_of(const std::filesystem::path& model, const lae::ModelInfo& info,
                        Index items) const {
    if (items != items_) {
      throw lae::FileError(
          model, fmt::format("is a model of {} items, but the catalogue has {}", items, items_));
    }
    if (info.item_ids.empty() || info.item_ids == names_.ids) return;
    const auto [theirs, ours] =
        std::mismatch(info.item_ids.begin(), info.item_ids.end(), names_.ids.begin());
    throw lae::FileError(
        model,
        fmt::format("is a model of another catalogue: its item {} is \"{}\", not \"{}\"",
                    theirs - info.item_ids.begin(), printable(*theirs, 40), printable(*ours, 40)));
  }

 private:
  static constexpr int no_match = 4;
  using Places = std::unordered_map<std::string_view, Index>;

  static std::size_t place(Index index) { return static_cast<std::size_t>(index); }

  static std::optional<Index> find(const Places& places, std::string_view id) {
    const auto found = places.find(id);
    return found == places.end() ? std::nullopt : std::optional(found->second);
  }

  static std::vector<std::string> numbers(Index count) {
    std::vector<std::string> ids;
    for (Index i = 0; i < count; ++i) ids.push_back(std::to_string(i));
    return ids;
  }

  /// Lower case, with spaces for white space and control characters.
  static std::string folded(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return result;
  }

  void read(const std::filesystem::path& folder) {
    if (const auto file = folder / file_name::items; std::filesystem::exists(file)) {
      ItemCatalog names = read_item_catalog(file);
      require_lines(file, names.ids.size(), items_);
      if (!names_.ids.empty() && names_.ids != names.ids) {
        throw lae::FileError(file, "has other items than the model, or in another order");
      }
      names_ = std::move(names);
      names_.prompts.clear();
      names_.prompts.shrink_to_fit();
    }
    if (const auto file = folder / file_name::train; std::filesystem::exists(file)) {
      interactions_ = lae::load_npz<float>(file);
      require_count(file, "columns", interactions_->cols());
      popularity_.emplace(*interactions_);
      users_ = numbers(interactions_->rows());
    }
    if (const auto file = folder / file_name::users;
        interactions_ && std::filesystem::exists(file)) {
      users_ = read_user_ids(file);
      require_lines(file, users_.size(), interactions_->rows());
    }
    if (const auto file = folder / file_name::embeddings; std::filesystem::exists(file)) {
      directions_ = lae::load_npy<float>(file);
      require_count(file, "rows", directions_.rows());
      directions_.rowwise().normalize();  // leaves zeros as they are
    }
  }

  void require_count(const std::filesystem::path& file, const char* what, Index count) const {
    if (count == items_) return;
    throw lae::FileError(file,
                         fmt::format("has {} {}, but the model has {} items", count, what, items_));
  }

  Index items_;
  ItemCatalog names_;
  std::vector<std::string> folded_;  ///< titles, for searches
  std::vector<std::string> users_;
  Places item_of_id_;
  Places user_of_id_;
  std::optional<lae::Csr<float>> interactions_;
  std::optional<lae::Popularity<float>> popularity_;
  lae::Matrix<float> directions_;  ///< embeddings of unit length, items x dims; or empty
};

}  // namespace example
