// Writes made-up files in the formats of Amazon Reviews 2023 to time programs on:
// `rating_files --help`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <lae/core/random.hpp>
#include <lae/io/file.hpp>
#include <string>

namespace {

using lae::Index;

/// A number scrambled into letters and digits, as long and as random as the ids of a shop.
std::string id(const char* prefix, int length, std::uint64_t number) {
  static constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string text = prefix;
  for (int i = 0; i < length; ++i) {
    number = number * 6364136223846793005ULL + 1442695040888963407ULL;
    text += digits[number >> 59];
  }
  return text;
}

/// Low numbers are drawn more often, as some users and items are much more active than others.
Index skewed(lae::Random& random, Index count) {
  return static_cast<Index>(static_cast<double>(count) * std::pow(random.uniform(), 3));
}

void write_files(const std::filesystem::path& folder, Index rows, Index reviews,
                 std::uint64_t seed) {
  std::filesystem::create_directories(folder);
  lae::Random random(seed);
  lae::AtomicFile csv(folder / "ratings.csv");
  lae::AtomicFile jsonl(folder / "reviews.jsonl");
  const std::string text =
      "Does what it says, and the \\\"quality\\\" is fine. My only complaint is the size of the "
      "box it came in, which hardly went through the door; but that is no fault of the thing "
      "itself. I would buy it again.";
  std::string lines = "user_id,parent_asin,rating,timestamp\n";
  for (Index row = 0; row < rows; ++row) {
    const auto user = static_cast<std::uint64_t>(skewed(random, rows / 4));
    const auto item = static_cast<std::uint64_t>(skewed(random, rows / 20));
    const Index rating = 1 + random.below(5);
    const Index timestamp = 1'400'000'000'000 + random.below(200'000'000'000);
    lines +=
        fmt::format("{},{},{}.0,{}\n", id("AE", 26, user), id("B0", 8, item), rating, timestamp);
    if (lines.size() > 1'000'000 || row + 1 == rows) {
      csv.write(lines.data(), lines.size());
      lines.clear();
    }
  }
  csv.commit();
  for (Index row = 0; row < reviews; ++row) {
    const std::string item = id("B0", 8, static_cast<std::uint64_t>(skewed(random, reviews / 20)));
    const std::string user = id("AE", 26, static_cast<std::uint64_t>(skewed(random, reviews / 4)));
    lines += fmt::format(
        R"({{"rating": {}.0, "title": "Fine, but the box", "text": "{}", "images": [], "asin": "{}", )"
        R"("parent_asin": "{}", "user_id": "{}", "timestamp": {}, "helpful_vote": 0, )"
        R"("verified_purchase": true}})"
        "\n",
        1 + random.below(5),
        text.substr(0, static_cast<std::size_t>(100 + 10 * random.below(8))) + ".", item, item,
        user, 1'400'000'000'000 + random.below(200'000'000'000));
    if (lines.size() > 1'000'000 || row + 1 == reviews) {
      jsonl.write(lines.data(), lines.size());
      lines.clear();
    }
  }
  jsonl.commit();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes ratings.csv and reviews.jsonl as Amazon Reviews 2023 has them, made up.\n");
  std::filesystem::path folder;
  Index rows = 5'000'000;
  Index reviews = 2'000'000;
  std::uint64_t seed = 1;
  app.add_option("--output", folder, "the folder to write to")->required();
  app.add_option("--rows", rows, "of ratings.csv")->capture_default_str();
  app.add_option("--reviews", reviews, "lines of reviews.jsonl")->capture_default_str();
  app.add_option("--seed", seed, "")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  write_files(folder, rows, reviews, seed);
}
