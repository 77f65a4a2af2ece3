// The files of Amazon Reviews 2023, made up and genuine.

#include <filesystem>
#include <lae/data/amazon_csv.hpp>
#include <lae/data/amazon_json.hpp>
#include <lae/data/interactions.hpp>
#include <lae/io/gzip.hpp>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "test_data.hpp"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

/// A RatingLine that lasts.
struct Rating {
  std::string user;
  std::string item;
  float rating = 0;
  std::int64_t timestamp = 0;
  std::string history{};

  auto fields() const { return std::tie(user, item, rating, timestamp, history); }
  bool operator==(const Rating& other) const { return fields() == other.fields(); }
  bool operator<(const Rating& other) const { return fields() < other.fields(); }
};

using Ratings = std::vector<Rating>;

auto collect(Ratings& ratings) {
  return [&ratings](const lae::RatingLine& line) {
    ratings.push_back({std::string(line.user), std::string(line.item), line.rating, line.timestamp,
                       std::string(line.history)});
  };
}

Ratings read_csv(const std::filesystem::path& path, lae::SkippedLines* skipped = nullptr) {
  Ratings ratings;
  lae::read_ratings_csv(lae::open_gzip(path), collect(ratings), skipped);
  return ratings;
}

Ratings read_json(const std::filesystem::path& path, lae::SkippedLines* skipped = nullptr) {
  Ratings ratings;
  lae::read_reviews_json(lae::open_gzip(path), collect(ratings), skipped);
  return ratings;
}

std::vector<lae::ItemText> read_items(const std::filesystem::path& path) {
  std::vector<lae::ItemText> items;
  const auto take = [&](const lae::ItemText& item) { items.push_back(item); };
  if (path.extension() == ".csv") {
    lae::read_items_csv(lae::open_gzip(path), take);
  } else {
    lae::read_items_json(lae::open_gzip(path), take);
  }
  return items;
}

/// That each history holds the user's earlier items. \param parts in the order of time.
void check_histories(const std::vector<const Ratings*>& parts) {
  std::map<std::string, std::multiset<std::string>> earlier;
  std::size_t wrong = 0;
  for (const Ratings* part : parts) {
    for (const Rating& rating : *part) {
      std::istringstream words(rating.history);
      std::multiset<std::string> history;
      for (std::string word; words >> word;) history.insert(word);
      wrong += history == earlier[rating.user] ? 0 : 1;
      earlier[rating.user].insert(rating.item);
    }
  }
  CHECK(wrong == 0);
}

const std::string header = "user_id,parent_asin,rating,timestamp\n";

std::string csv_error(const std::string& bytes) {
  const TemporaryFolder folder;
  const auto path = folder / "ratings.csv";
  write_bytes(path, bytes);
  return file_error(path, [&] { read_csv(path); });
}

std::string json_error(const std::string& bytes) {
  const TemporaryFolder folder;
  const auto path = folder / "reviews.jsonl";
  write_bytes(path, bytes);
  return file_error(path, [&] { read_json(path); });
}

const std::string review =
    R"({"rating": 5.0, "title": "A \"title\"", "text": "\u00e9, {}", "images": [{"a": 1}], )"
    R"("asin": "B1", "parent_asin": "B0", "user_id": "AE", "timestamp": 1588615855070, )"
    R"("helpful_vote": 0, "verified_purchase": true})";

}  // namespace

TEST_CASE("Ratings from CSV") {
  const TemporaryFolder folder;
  const auto path = folder / "ratings.csv";
  write_bytes(path, header + "u 1,\"i,\"\"1\",5.0,1547589356557\nZo\xc3\xab,B0,1,0\n");
  CHECK(read_csv(path) == Ratings{{"u 1", "i,\"1", 5, 1547589356557}, {"Zo\xc3\xab", "B0", 1, 0}});

  SECTION("with a byte order mark, CRLF and columns in another order") {
    write_bytes(path, "\xef\xbb\xbftimestamp,rating,x,parent_asin,user_id\r\n7,4.5,?,B,A\r\n");
    CHECK(read_csv(path) == Ratings{{"A", "B", 4.5F, 7}});
  }
  SECTION("with history") {
    write_bytes(path, "user_id,parent_asin,rating,timestamp,history\nA,B,4.0,7,\nA,C,4.0,8,B D\n");
    CHECK(read_csv(path) == Ratings{{"A", "B", 4, 7, ""}, {"A", "C", 4, 8, "B D"}});
  }
}

TEST_CASE("Bad CSV ratings name file and line") {
  CHECK_THAT(csv_error(""), ContainsSubstring("empty"));
  CHECK_THAT(csv_error("user,item\n"), ContainsSubstring("line 1: no column user_id"));
  CHECK_THAT(csv_error(header + "A,B,5.0,1\nA,B,five,1\n"),
             ContainsSubstring("line 3: the rating is not a number: \"five\""));
  CHECK_THAT(csv_error(header + "A,B,,1\n"), ContainsSubstring("line 2: the rating"));
  CHECK_THAT(csv_error(header + "A,B,5.0x,1\n"), ContainsSubstring("line 2: the rating"));
  CHECK_THAT(csv_error(header + "A,B,nan,1\n"), ContainsSubstring("0 ... 5"));
  CHECK_THAT(csv_error(header + "A,B,-1,1\n"), ContainsSubstring("0 ... 5"));
  CHECK_THAT(csv_error(header + "A,B,1e9,1\n"), ContainsSubstring("0 ... 5"));
  CHECK_THAT(csv_error(header + "A,B,5.0,2018-01-01\n"),
             ContainsSubstring("line 2: the timestamp is not a whole number: \"2018-01-01\""));
  CHECK_THAT(csv_error(header + "A,B,5.0,\n"), ContainsSubstring("timestamp"));
  CHECK_THAT(csv_error(header + "A,B,5.0,99999999999999999999\n"), ContainsSubstring("timestamp"));
  CHECK_THAT(csv_error(header + "A,B,5.0,-1\n"), ContainsSubstring("negative"));
  CHECK_THAT(csv_error(header + ",B,5.0,1\n"), ContainsSubstring("line 2: the user id is empty"));
  CHECK_THAT(csv_error(header + "A,,5.0,1\n"), ContainsSubstring("line 2: the item id is empty"));
  CHECK_THAT(csv_error(header + "\"A\nB\",C,5.0,1\n"), ContainsSubstring("line break"));
  CHECK_THAT(csv_error(header + "A,B,5.0\n"), ContainsSubstring("line 2: expected 4 fields"));
}

TEST_CASE("Reviews from JSON lines") {
  const TemporaryFolder folder;
  const auto path = folder / "reviews.jsonl";
  write_bytes(path,
              "\xef\xbb\xbf" + review + "\r\n\n" +
                  R"({"user_id": "Zo\u00eb", "parent_asin": "B\"2", "rating": 3, "timestamp": 1})");
  CHECK(read_json(path) == Ratings{{"AE", "B0", 5, 1588615855070}, {"Zo\xc3\xab", "B\"2", 3, 1}});
}

TEST_CASE("Bad reviews name file and line") {
  CHECK_THAT(json_error(review + "\n" + review.substr(0, 60) + "\n"),
             ContainsSubstring("line 2: invalid JSON"));
  for (const char* line :
       {"{", "[]", "5", "\"user_id\"", "user_id,parent_asin", "{\"rating\": 5.0 \"timestamp\": 1}",
        "{\"rating\": nul, \"timestamp\": 1, \"user_id\": \"A\", \"parent_asin\": \"B\"}",
        "{\"rating\": 5, \"timestamp\": 1, \"user_id\": \"\xff\", \"parent_asin\": \"B\"}",
        "{\"rating\": 5, \"timestamp\": 1, \"user_id\": \"A\", \"parent_asin\": \"B\"",
        "{\"rating\": 5, \"timestamp\": 1, \"user_id\": 7, \"parent_asin\": \"B\"}",
        "{\"rating\": \"5\", \"timestamp\": 1, \"user_id\": \"A\", \"parent_asin\": \"B\"}",
        "{\"rating\": 5, \"timestamp\": \"now\", \"user_id\": \"A\", \"parent_asin\": \"B\"}",
        "{\"rating\": 5, \"timestamp\": 1.5, \"user_id\": \"A\", \"parent_asin\": \"B\"}"}) {
    INFO(line);
    CHECK_THAT(json_error(line), ContainsSubstring("line 1: invalid JSON"));
  }
  CHECK_THAT(json_error(review + review), ContainsSubstring("something follows the object"));
  const auto without = [](const std::string& name) {
    std::string line = review;
    return line.replace(line.find(name), name.size(), "another");
  };
  CHECK_THAT(json_error(without("user_id")), ContainsSubstring("line 1: the user id is empty"));
  CHECK_THAT(json_error(without("parent_asin")), ContainsSubstring("line 1: the item id is empty"));
  CHECK_THAT(json_error(without("timestamp")), ContainsSubstring("line 1: there is no timestamp"));
  std::string bad = review;
  CHECK_THAT(json_error(bad.replace(bad.find("5.0"), 3, "9.0")), ContainsSubstring("0 ... 5"));
}

TEST_CASE("Bad lines are counted if the caller wants that") {
  const TemporaryFolder folder;
  lae::SkippedLines skipped;
  write_bytes(folder / "r.csv", header + "A,B,5,1\nA,B\nA,C,x,1\nA,D,4,2\n");
  CHECK(read_csv(folder / "r.csv", &skipped) == Ratings{{"A", "B", 5, 1}, {"A", "D", 4, 2}});
  CHECK(skipped.count == 2);
  REQUIRE(skipped.first_messages.size() == 2);
  CHECK_THAT(skipped.first_messages[1], ContainsSubstring("r.csv, line 4: the rating"));

  lae::SkippedLines of_json;
  std::string lines;
  for (int i = 0; i < 9; ++i) lines += "{\"rating\": }\n" + review + "\n{\n";
  write_bytes(folder / "r.jsonl", lines);
  CHECK(read_json(folder / "r.jsonl", &of_json).size() == 9);
  CHECK(of_json.count == 18);
  CHECK(of_json.first_messages.size() == lae::SkippedLines::kept_messages);

  // What is wrong with the whole file is an error all the same.
  write_bytes(folder / "r.csv", "a,b\n1,2\n");
  CHECK_THROWS_AS(read_csv(folder / "r.csv", &skipped), lae::FileError);
}

TEST_CASE("Items from JSON lines") {
  const TemporaryFolder folder;
  const auto path = folder / "meta.jsonl";
  write_bytes(
      path,
      R"({"main_category": "All Beauty", "title": "A\n title", "features": ["f"], "description": ["One.", "Two."], )"
      R"("price": null, "store": "S", "categories": ["Hair", ["Care", "Oil"]], )"
      R"("details": {"Package": "x", "Brand": "B & C", "Other": {"Brand": "no"}}, "parent_asin": "P1"})"
      "\n"
      R"({"main_category": "All Beauty", "title": null, "features": ["f", "g"], "description": [], )"
      R"("store": "S", "categories": [], "details": {}, "parent_asin": "P2"})"
      "\n"
      R"({"parent_asin": "P3", "store": null, "main_category": null, "categories": null, "details": null})"
      "\n");
  const std::vector<lae::ItemText> items = read_items(path);
  REQUIRE(items.size() == 3);
  CHECK(items[0].id == "P1");
  CHECK(lae::item_prompt(items[0]) ==
        "Title: A title; Category: Hair, Care, Oil; Brand: B & C; Description: One. Two.");
  CHECK(lae::item_prompt(items[1]) == "Category: All Beauty; Brand: S; Description: f g");
  CHECK(items[2].id == "P3");
  CHECK(lae::item_prompt(items[2]).empty());
  write_bytes(path, "{\"title\": \"A\"}\n");
  CHECK_THAT(file_error(path, [&] { read_items(path); }),
             ContainsSubstring("line 1: there is no parent_asin"));
}

TEST_CASE("Items from CSV with Python dictionaries") {
  const TemporaryFolder folder;
  const auto path = folder / "items.csv";
  write_bytes(
      path,
      ",title,description,details,parent_asin\n"
      "0,\"T, 1\",\"two\nlines\",\"{'X': 'Brand', 'Brand': 'Shiny, Leaf', 'UPC': '7'}\",P1\n"
      "1,T2,,\"{\"\"Brand\"\": \"\"L'Or\xc3\xa9"
      "al\"\", 'A': 'it\\'s'}\",P2\n"
      "2,T3,,{},P3\n");
  const std::vector<lae::ItemText> items = read_items(path);
  REQUIRE(items.size() == 3);
  CHECK(lae::item_prompt(items[0]) == "Title: T, 1; Brand: Shiny, Leaf; Description: two lines");
  CHECK(items[1].brand ==
        "L'Or\xc3\xa9"
        "al");
  CHECK(lae::item_prompt(items[2]) == "Title: T3");
}

TEST_CASE("A genuine 5-core, as published") {
  const auto folder = test_data("amazon2023-all-beauty");
  if (!folder) return;
  const Ratings all = read_csv(*folder / "5core" / "All_Beauty.rating_only.csv");
  CHECK(all.size() == 2535);
  CHECK(read_csv(*folder / "5core" / "All_Beauty.rating_only.csv.gz") == all);
  std::set<std::string> users;
  std::set<std::string> items;
  for (const Rating& rating : all) {
    users.insert(rating.user);
    items.insert(rating.item);
  }
  CHECK(users.size() == 253);
  CHECK(items.size() == 356);

  const Ratings train = read_csv(*folder / "5core" / "All_Beauty.train.csv");
  const Ratings valid = read_csv(*folder / "5core" / "All_Beauty.valid.csv");
  const Ratings test = read_csv(*folder / "5core" / "All_Beauty.test.csv");
  CHECK(train.size() == 2029);
  CHECK(valid.size() == 253);
  CHECK(test.size() == 253);

  std::multiset<Rating> parts;
  std::set<std::string> trained;
  for (const Ratings* part : {&train, &valid, &test}) {
    for (Rating rating : *part) {
      if (part == &train) trained.insert(rating.item);
      rating.history.clear();
      parts.insert(rating);
    }
  }
  CHECK(parts == std::multiset<Rating>(all.begin(), all.end()));
  int unseen = 0;
  for (const Rating& rating : test) unseen += trained.count(rating.item) == 0 ? 1 : 0;
  CHECK(unseen == 69);
  check_histories({&train, &valid, &test});
}

TEST_CASE("Genuine ratings without a core, as published") {
  const auto folder = test_data("amazon2023-all-beauty");
  if (!folder) return;
  const Ratings train = read_csv(*folder / "0core" / "All_Beauty.train.csv");
  CHECK(train.size() == 19120);
  std::set<std::string> users;
  std::set<std::string> items;
  for (const Rating& rating : train) {
    users.insert(rating.user);
    items.insert(rating.item);
  }
  CHECK(users.size() == 8151);
  CHECK(items.size() == 10496);
  const Ratings valid = read_csv(*folder / "0core" / "All_Beauty.valid.csv");
  CHECK(valid.size() == 42823);
  CHECK(std::count_if(valid.begin(), valid.end(),
                      [](const Rating& rating) { return rating.history.empty(); }) == 34672);
  check_histories({&train, &valid});
}

TEST_CASE("Genuine items") {
  const auto folder = test_data("amazon2023-all-beauty");
  if (!folder) return;
  const std::vector<lae::ItemText> items = read_items(*folder / "text" / "meta_items.csv");
  REQUIRE(items.size() == 356);
  CHECK(items.front().id == "B08LYT4Q2X");
  CHECK_THAT(lae::item_prompt(items.front()), EndsWith("16 fl. Oz X 2; Brand: Shiny Leaf"));
  std::set<std::string> ids;
  for (const lae::ItemText& item : items) {
    ids.insert(item.id);
    CHECK(!item.title.empty());
  }
  CHECK(ids.size() == 356);
  for (const Rating& rating : read_csv(*folder / "5core" / "All_Beauty.rating_only.csv")) {
    CHECK(ids.count(rating.item) == 1);
  }
}
