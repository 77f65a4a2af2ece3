// Writes a made-up category in the formats of Amazon Reviews 2023: `synthetic_category --help`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <lae/core/random.hpp>
#include <lae/io/file.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "synthetic_shop.hpp"
#include "terminal.hpp"

namespace example {
namespace {

using lae::Index;
using Json = nlohmann::ordered_json;

struct Settings {
  std::filesystem::path output;
  std::string name = "Synthetic";
  std::uint64_t seed = 1;
  std::optional<Index> users;
  std::optional<Index> items;
  std::optional<Index> interactions;

  ShopOptions shop() const {
    const ShopOptions small;
    if (!users && !items && !interactions) return small;
    const Index chosen_users = users.value_or(small.users);
    return shop_of_size(chosen_users, items.value_or(small.items),
                        interactions.value_or(10 * chosen_users));
  }
};

/// A word that can be spoken, another one for every number.
std::string spoken(Index number) {
  static constexpr const char* consonants[] = {"b", "d", "f", "g", "k", "l", "m",
                                               "n", "p", "r", "s", "t", "v", "z"};
  static constexpr const char* vowels[] = {"a", "e", "i", "o", "u"};
  std::string word;
  // 37 is prime to 14 · 5 · 14 · 5, so neighbours do not look alike.
  for (Index left = number * 37 + 1234; left > 0 || word.size() < 4; left /= 70) {
    word += consonants[left % 14];
    word += vowels[left / 14 % 5];
  }
  return word;
}

std::string capitalised(std::string word) {
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

/// An id of this length with a number at its end.
std::string id(const char* prefix, std::size_t length, Index number) {
  const std::string digits = std::to_string(number);
  return prefix + std::string(length - digits.size(), '0') + digits;
}
std::string user_id(Index user) {
  return id("AE", 26, user);
}
std::string item_id(Index item) {
  return id("B0", 8, item);
}

std::string item_line(const SyntheticShop& shop, Index item) {
  const Index topic = shop.main_topics[static_cast<std::size_t>(item)];
  std::string title;
  std::string description;
  for (const Index word : shop.texts[static_cast<std::size_t>(item)]) {
    // The first half of the words makes the title.
    std::string& text = title.size() < 20 ? title : description;
    text += (text.empty() ? "" : " ") + (text.empty() ? capitalised(spoken(word)) : spoken(word));
  }
  // Words of the shop are numbered from 0; other names begin behind them.
  const Index names = shop.word_count();
  Json description_paragraphs = Json::array();
  if (!description.empty()) description_paragraphs.push_back(description + ".");
  return Json{{"main_category", "Synthetic"},
              {"title", title},
              {"average_rating", 4.5},
              {"rating_number", 1},
              {"features", Json::array()},
              {"description", description_paragraphs},
              {"price", nullptr},
              {"images", Json::array()},
              {"videos", Json::array()},
              {"store", nullptr},
              {"categories", {"Synthetic", capitalised(spoken(names + topic / 4))}},
              {"details", {{"Brand", capitalised(spoken(2 * names + topic % 13))}}},
              {"parent_asin", item_id(item)},
              {"bought_together", nullptr}}
             .dump() +
         "\n";
}

/// There are many, and nothing in them needs escapes, so no JSON is built for them.
void add_review_line(Index user, Index item, int rating, std::int64_t timestamp,
                     std::string& lines) {
  fmt::format_to(std::back_inserter(lines),
                 "{{\"rating\":{}.0,\"title\":\"{}\",\"text\":\"{} {}\",\"images\":[],"
                 "\"asin\":\"{}\",\"parent_asin\":\"{}\",\"user_id\":\"{}\",\"timestamp\":{},"
                 "\"helpful_vote\":0,\"verified_purchase\":true}}\n",
                 rating, spoken(rating), spoken(user), spoken(item), item_id(item), item_id(item),
                 user_id(user), timestamp);
}

/// A file that is written piece by piece: large ones never stand in memory as a whole.
class LineFile {
 public:
  explicit LineFile(const std::filesystem::path& path) : file_(path) {}

  std::string lines;

  /// To be called after each line.
  void pass_on(std::size_t least = std::size_t(1) << 20) {
    if (lines.size() < least) return;
    Interruption::check();
    file_.write(lines.data(), lines.size());
    lines.clear();
  }
  void commit() {
    pass_on(1);
    file_.commit();
  }

 private:
  lae::AtomicFile file_;
};

/// Every interaction of the shop is a review with 4 or 5 stars; a tenth as many have fewer.
void write_category(const Settings& settings) {
  const SyntheticShop shop = make_synthetic_shop(settings.seed, settings.shop());
  std::filesystem::create_directories(settings.output);
  lae::Random random(settings.seed);

  LineFile items(settings.output / ("meta_" + settings.name + ".jsonl"));
  for (Index item = 0; item < shop.options.items; ++item) {
    items.lines += item_line(shop, item);
    items.pass_on();
  }
  items.commit();

  LineFile reviews(settings.output / (settings.name + ".jsonl"));
  std::int64_t timestamp = 1'600'000'000'000;
  for (const auto& [user, item] : shop.interactions) {
    timestamp += random.below(60'000);
    add_review_line(user, item, 4 + static_cast<int>(random.below(2)), timestamp, reviews.lines);
    if (random.below(10) == 0) {
      const int stars = 1 + static_cast<int>(random.below(3));
      const Index other = random.below(shop.options.items);
      add_review_line(user, other, stars, timestamp, reviews.lines);
    }
    reviews.pass_on();
  }
  reviews.commit();
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) {
  CLI::App app(
      "Writes a made-up category in the formats of Amazon Reviews 2023: NAME.jsonl (reviews) and\n"
      "meta_NAME.jsonl (items), in which item texts tell something about users' tastes.\n",
      "synthetic_category");
  app.footer(example::exit_codes_text);
  example::Settings settings;
  app.add_option("--output", settings.output, "the folder to write them to")
      ->option_text("DIR")
      ->required();
  app.add_option("--name", settings.name, "of the category; default: Synthetic")
      ->option_text("NAME");
  app.add_option("--seed", settings.seed, "default: 1")->option_text("N");
  const std::string size =
      "Another size: histories of all lengths from 1 on, as in large categories (--k-core 1)";
  const auto add_size = [&](const char* name, std::optional<lae::Index>& count, const char* about) {
    app.add_option(name, count, about)
        ->option_text("N")
        ->check(CLI::Range(1, 1'000'000'000).description(""))
        ->group(size);
  };
  add_size("--items", settings.items, "default: 800");
  add_size("--users", settings.users, "default: 2000");
  add_size("--interactions", settings.interactions,
           "about that many reviews with 4 or 5 stars; default: 10 a user");
  return example::run_program(app, argc, argv, [&] { example::write_category(settings); });
}
