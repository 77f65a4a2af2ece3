#pragma once

/// \file
/// Which items may stand in the lists of `recommend`, and what they are worth besides their scores:
/// its options, and files of them.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <functional>
#include <lae/io/csv.hpp>
#include <lae/io/npy.hpp>
#include <lae/ranking/recommendations.hpp>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "dataset.hpp"
#include "terminal.hpp"

namespace example {

/// As the command line says it.
struct FilterSettings {
  std::vector<std::string> allow;
  std::vector<std::string> deny;
  std::optional<std::filesystem::path> user_allow;
  std::optional<std::filesystem::path> user_deny;
  std::optional<std::filesystem::path> boost;
  double minimum_score = -std::numeric_limits<double>::infinity();
  double diversity = 0;
  bool include_seen = false;

  /// Whether one of them is about users or vectors of the data.
  bool need_data() const { return user_allow || user_deny || diversity > 0; }
};

inline void add_filter_options(CLI::App& app, FilterSettings& settings) {
  const std::string group = "What may be recommended";
  const auto add = [&](const char* name, auto& target, const char* text, const char* value) {
    return app.add_option(name, target, text)->option_text(value)->group(group);
  };
  add("--allow", settings.allow, "only these items; written as for --items", "ID,...");
  add("--deny", settings.deny, "not these items, even if allowed", "ID,...");
  add("--user-allow", settings.user_allow,
      "a .csv file (user_id,item_id): users that stand in it get only these items", "FILE");
  add("--user-deny", settings.user_deny,
      "a .csv file (user_id,item_id): what these users do not get", "FILE");
  add("--boost", settings.boost,
      "a .csv file (item_id,boost): numbers that are added to the scores of items", "FILE");
  add("--min-score", settings.minimum_score, "no items with a lower score, boost included", "S");
  add("--diversity", settings.diversity,
      "0 to 1: lists of items whose embeddings are unlike each other, at the expense of\n"
      "their scores, by maximal marginal relevance among the best 200; default: 0",
      "W")
      ->check(CLI::Range(0.0, 1.0).description(""));
  app.add_flag("--include-seen", settings.include_seen, "also items of the user's history")
      ->group(group);
}

/// As the library wants it.
class ListFilters {
 public:
  using Find = std::function<lae::Index(const std::string& id)>;
  using FindAll = std::function<std::vector<lae::Index>(const std::string& list)>;

  /// \param folder of the data, whose embeddings diversity goes by; may be empty without it
  /// \param find_user, find_item, find_items throw UsageError for an id that is unknown
  /// \throws UsageError, lae::FileError
  ListFilters(const FilterSettings& settings, const std::filesystem::path& folder, lae::Index items,
              const Find& find_user, const Find& find_item, const FindAll& find_items) {
    common_.exclude_seen = !settings.include_seen;
    common_.minimum_score = settings.minimum_score;
    for (const std::string& list : settings.allow) {
      if (!common_.allow) common_.allow.emplace();
      append(*common_.allow, find_items(list));
    }
    for (const std::string& list : settings.deny) append(common_.deny, find_items(list));
    const auto read_lists = [&](const auto& path) {
      Lists lists;
      if (!path) return lists;
      read_pairs(*path, "user_id", "item_id", [&](const auto& user, const auto& item) {
        lists[find_user(user)].push_back(find_item(item));
      });
      return lists;
    };
    allow_ = read_lists(settings.user_allow);
    deny_ = read_lists(settings.user_deny);
    if (settings.boost) {
      common_.boost = Eigen::VectorXd::Zero(items);
      read_pairs(*settings.boost, "item_id", "boost", [&](const auto& item, const auto& text) {
        common_.boost[find_item(item)] = number(text);
      });
    }
    if (settings.diversity > 0) {
      const std::filesystem::path file = folder / file_name::embeddings;
      vectors_.emplace(lae::load_npy<float>(file));
      if (vectors_->items() != items) {
        throw lae::FileError(
            file, fmt::format("has {} rows, but the model has {} items", vectors_->items(), items));
      }
      common_.diversity = {&*vectors_, settings.diversity};
    }
  }
  ListFilters(const ListFilters&) = delete;
  ListFilters& operator=(const ListFilters&) = delete;

  /// For histories of nobody in the data.
  const lae::RecommendOptions& common() const { return common_; }

  /// For histories of the users [first, first + count).
  lae::RecommendOptions of(lae::Index first, lae::Index count) const {
    lae::RecommendOptions options = common_;
    if (!allow_.empty()) options.user_allow.resize(static_cast<std::size_t>(count));
    if (!deny_.empty()) options.user_deny.resize(static_cast<std::size_t>(count));
    const auto take = [&](const Lists& lists, auto& rows) {
      for (auto at = lists.lower_bound(first); at != lists.lower_bound(first + count); ++at) {
        rows[static_cast<std::size_t>(at->first - first)] = at->second;
      }
    };
    take(allow_, options.user_allow);
    take(deny_, options.user_deny);
    return options;
  }

 private:
  using Lists = std::map<lae::Index, std::vector<lae::Index>>;

  static void append(std::vector<lae::Index>& list, const std::vector<lae::Index>& more) {
    list.insert(list.end(), more.begin(), more.end());
  }

  static double number(const std::string& text) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || !std::isfinite(value)) {
      throw UsageError(fmt::format("\"{}\" is no number", printable(text, 40)));
    }
    return value;
  }

  /// Calls body(first, second) for each record; what that does not know is said of its line.
  template <class Body>
  static void read_pairs(const std::filesystem::path& path, const char* first, const char* second,
                         Body&& body) {
    lae::CsvReader csv(lae::open_text(path));
    const std::size_t one = csv.column(first);
    const std::size_t other = csv.column(second);
    while (csv.next()) {
      try {
        body(std::string(csv[one]), std::string(csv[other]));
      } catch (const UsageError& error) {
        csv.fail(error.what());
      }
    }
  }

  lae::RecommendOptions common_;
  Lists allow_;
  Lists deny_;
  std::optional<lae::ItemVectors> vectors_;
};

}  // namespace example
