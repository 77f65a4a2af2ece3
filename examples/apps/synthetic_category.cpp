// Writes a made-up category in the formats of Amazon Reviews 2023: `synthetic_category --help`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <lae/core/random.hpp>
#include <lae/io/file.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "synthetic_shop.hpp"

namespace example {
namespace {

using lae::Index;
using Json = nlohmann::ordered_json;

struct Settings {
  std::filesystem::path output;
  std::string name = "Synthetic";
  std::uint64_t seed = 1;
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

std::string review_line(Index user, Index item, int rating, std::int64_t timestamp) {
  return Json{{"rating", static_cast<double>(rating)},
              {"title", spoken(rating)},
              {"text", spoken(user) + " " + spoken(item)},
              {"images", Json::array()},
              {"asin", item_id(item)},
              {"parent_asin", item_id(item)},
              {"user_id", user_id(user)},
              {"timestamp", timestamp},
              {"helpful_vote", 0},
              {"verified_purchase", true}}
             .dump() +
         "\n";
}

/// Every interaction of the shop is a review with 4 or 5 stars; a tenth as many have fewer.
void write_category(const Settings& settings) {
  const SyntheticShop shop = make_synthetic_shop(settings.seed);
  std::filesystem::create_directories(settings.output);
  lae::Random random(settings.seed);

  std::string items;
  for (Index item = 0; item < shop.options.items; ++item) items += item_line(shop, item);
  write_text(settings.output / ("meta_" + settings.name + ".jsonl"), items);

  std::string reviews;
  std::int64_t timestamp = 1'600'000'000'000;
  for (const auto& [user, item] : shop.interactions) {
    timestamp += random.below(60'000);
    reviews += review_line(user, item, 4 + static_cast<int>(random.below(2)), timestamp);
    if (random.below(10) == 0) {
      reviews += review_line(user, random.below(shop.options.items),
                             1 + static_cast<int>(random.below(3)), timestamp);
    }
  }
  write_text(settings.output / (settings.name + ".jsonl"), reviews);
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
  return example::run_program(app, argc, argv, [&] { example::write_category(settings); });
}
