// The files of Amazon Reviews 2023, made up and genuine.

#include <filesystem>
#include <lae/data/amazon_csv.hpp>
#include <lae/data/amazon_json.hpp>
#include <lae/data/interactions.hpp>
#include <lae/data/rating_log.hpp>
#include <lae/detail/data/meta_value.hpp>
#include <lae/io/gzip.hpp>
#include <limits>
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

TEST_CASE("Times are whole numbers in any notation, also before 1970") {
  const std::map<std::string, std::int64_t> times{
      {"1588687728923", 1588687728923},
      {"1588687728923.0", 1588687728923},
      {"1588687728923.000", 1588687728923},
      {"1.588687728923e12", 1588687728923},
      {"1.588687728923E+12", 1588687728923},
      {"15886877289230e-1", 1588687728923},
      {"-62135596800000", -62135596800000},
      {"-62135596800000.0", -62135596800000},
      {"-6.21355968e+13", -62135596800000},
      {"0.0", 0},
      {"-0", 0},
      {"0e999999999", 0},
      {"9223372036854775807.0", 9223372036854775807},
      {"-9223372036854775808.0", (std::numeric_limits<std::int64_t>::min)()}};
  const TemporaryFolder folder;
  for (const auto& [text, time] : times) {
    INFO(text);
    write_bytes(folder / "r.csv", header + "A,B,5," + text + "\n");
    CHECK(read_csv(folder / "r.csv") == Ratings{{"A", "B", 5, time}});
    write_bytes(folder / "r.jsonl", R"({"user_id": "A", "parent_asin": "B", "rating": 5, )"
                                    R"("timestamp": )" +
                                        text + " }\n");
    CHECK(read_json(folder / "r.jsonl") == Ratings{{"A", "B", 5, time}});
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
  for (const char* time : {"1.5", "1588687728923.5", "1e-1", "1e19", "-1e400", "e5", ".", "-", "1e",
                           "1e+-2", "--1", "nan", "inf", "9223372036854775808.0", "0x10"}) {
    INFO(time);
    CHECK_THAT(csv_error(header + "A,B,5.0," + time + "\n"),
               ContainsSubstring("line 2: the timestamp is not a whole number: \""));
  }
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
  // What is wrong with a field names its key.
  const auto error_of = [](const std::string& key, const std::string& value) {
    return json_error(R"({"a": 1, ")" + key + "\": " + value + R"(, "asin": "C"})");
  };
  CHECK_THAT(error_of("timestamp", "1.5"),
             ContainsSubstring("key \"timestamp\": not a whole number, but 1.5"));
  CHECK_THAT(error_of("timestamp", "\"now\""),
             ContainsSubstring("key \"timestamp\": not a whole number, but \"now\""));
  CHECK_THAT(error_of("timestamp", "1e19"), ContainsSubstring("key \"timestamp\": not a whole"));
  CHECK_THAT(error_of("timestamp", "null"), ContainsSubstring("not a whole number, but null"));
  CHECK_THAT(error_of("rating", "NaN"), ContainsSubstring("key \"rating\": not a number, but NaN"));
  CHECK_THAT(error_of("rating", "null"),
             ContainsSubstring("key \"rating\": not a number, but null"));
  CHECK_THAT(error_of("user_id", "7"), ContainsSubstring("key \"user_id\": not a text, but 7"));
  CHECK_THAT(error_of("parent_asin", "{}"), ContainsSubstring("key \"parent_asin\": not a text"));
  // Two ids must not become one.
  CHECK_THAT(error_of("user_id", "\"\xff\""), ContainsSubstring("key \"user_id\": an id"));
  CHECK_THAT(error_of("user_id", "\"\\ud800\""), ContainsSubstring("key \"user_id\": an id"));
  CHECK_THAT(json_error("{\n  \"rating\": 5\n}"), ContainsSubstring("jq -c"));
  for (const std::string& array : {"[" + review + "]", "\n[\n" + review + ",\n" + review + "\n]"}) {
    CHECK_THAT(json_error(array),
               ContainsSubstring("a JSON array") && ContainsSubstring("jq -c '.[]'"));
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

TEST_CASE("Texts that are not asked for may be broken") {
  const TemporaryFolder folder;
  const auto path = folder / "reviews.jsonl";
  const std::string rest = R"("user_id": "A", "parent_asin": "B", "rating": 5, "timestamp": 1})";
  for (const char* text :
       {"\"\xff\"", "\"\xe2\x82\"", "\"\\ud83d\"", "\"\\udc00x\"", "\"\xed\xa0\x80\""}) {
    INFO(text);
    write_bytes(path, std::string("{\"text\": ") + text + ", " + rest);
    CHECK(read_json(path) == Ratings{{"A", "B", 5, 1}});
    write_bytes(path, std::string("{") + text + ": 7, " + rest);
    CHECK(read_json(path) == Ratings{{"A", "B", 5, 1}});
  }
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

TEST_CASE("Metadata are the same in any notation") {
  // What a field holds, as it is in one notation or another; and what the text is.
  struct Notation {
    const char* value;
    const char* text;
  };
  const auto joined = [](const std::string& value) {
    return lae::detail::joined_texts(lae::detail::structured_value(value), "|");
  };
  const Notation notations[] = {
      // JSON, Python, NumPy
      {R"(["a", "it's", "x'y", "a\\n"])", "a|it's|x'y|a\\n"},
      {R"(['a', "it's", 'x\'y', 'a\\n'])", "a|it's|x'y|a\\n"},
      {"['a' \"it's\" 'x\\'y'\n 'a\\\\n']", "a|it's|x'y|a\\n"},
      {"['f1' 'f2']", "f1|f2"},
      {"['d one'  'd two']", "d one|d two"},
      {R"(["say \"hi\"", "\u00e9\/\ud83d\ude00"])", "say \"hi\"|\xc3\xa9/\xf0\x9f\x98\x80"},
      {R"(['\xe9' '\u00e9' '\U0001f600' '\351'])", "\xc3\xa9|\xc3\xa9|\xf0\x9f\x98\x80|\xc3\xa9"},
      {R"(['a\tb', 'back\\slash', '\d'])", "a\tb|back\\slash|\\d"},
      {R"(["\ud83d", '\ude00x'])", "\xef\xbf\xbd|\xef\xbf\xbdx"},
      {R"([u'a', b'\xc3\xa9', r'\n'])", "a|\xc3\xa9|\\n"},
      // missing values and what is no text
      {"[]", ""},
      {" [ ] ", ""},
      {"{}", ""},
      {"()", ""},
      {"None", ""},
      {"nan", ""},
      {"null", ""},
      {"[None]", ""},
      {"['']", ""},
      {"[' ', '\\n']", ""},
      {"['a', None, True, 'b', nan, 1.5, False]", "a|b"},
      {"[\"a\", null, true, \"b\", NaN, -1e5]", "a|b"},
      {"['a' None 'b' nan]", "a|b"},
      {"['None', 'a,b']", "None|a,b"},
      // nested, long, and as repr() writes arrays
      {"[['Hair', ['Care']], 'Oil']", "Hair|Care|Oil"},
      {"[list(['Hair', 'Care']) list([])]", "Hair|Care"},
      {"array(['a', 'b'], dtype=object)", "a|b"},
      {"array(['a', 'b'],\n      dtype='<U5')", "a|b"},
      {"array([], dtype=object)", ""},
      {"[np.str_('a'), np.str_('b')]", "a|b"},
      {"('a', 'b',)", "a|b"},
      {"['a' 'b' ... 'y' 'z']", "a|b|y|z"},
      // texts that only look like one of them
      {"plain", "plain"},
      {" two\nlines ", "two\nlines"},
      {"[New] Brush", "[New] Brush"},
      {"[New]", "[New]"},
      {"[2]", "[2]"},
      {"(2)", "(2)"},
      {"(a) one ['b']", "(a) one ['b']"},
      {"['a', 'b", "['a', 'b"},
      {"['a'] and ['b']", "['a'] and ['b']"},
      {"Brush (large)", "Brush (large)"},
      {"1984", "1984"},
  };
  for (const Notation& notation : notations) {
    INFO(notation.value);
    CHECK(joined(notation.value) == notation.text);
  }
  CHECK(joined(std::string(100'000, '[')) == std::string(100'000, '['));
  CHECK(joined("['\\") == "['\\");

  const auto brand = [](const std::string& details) {
    lae::detail::ItemFields fields;
    fields.details = lae::detail::structured_value(details);
    fields.store = lae::detail::text_value("Store");
    return lae::detail::item_text(fields).brand;
  };
  CHECK(brand(R"({"Brand": "L\u2019Or\u00e9al", "Package": "3 x 4"})") ==
        "L\xe2\x80\x99Or\xc3\xa9"
        "al");
  CHECK(brand(R"({'X': 'Brand', 'Brand': "L'O", 'Date': None})") == "L'O");
  CHECK(brand(R"({'Rank': {'Brand': 'no', 'All': 7}, 'Brand': ['A', 'B']})") == "A B");
  CHECK(brand("[('Brand', 'B'), ('UPC', '7')]") == "B");
  CHECK(brand("{'Brand': 'B', 'Cut': 'of") == "B");
  for (const char* none : {"{}", "", "None", "nan", "{'Brand': None}", "{'Brand': ' '}", "null",
                           "{\"Brand\": null}", "{'Band': 'B'}", "Brand", "[]"}) {
    INFO(none);
    CHECK(brand(none) == "Store");
  }
}

TEST_CASE("Prompts are the same from whatever download of the items") {
  const TemporaryFolder folder;
  const std::vector<std::string> expected{
      "Title: It's [2]; Category: Hair, Care; Brand: L\xe2\x80\x99O; Description: d \"1\" d2",
      "Title: B; Category: All Beauty; Brand: Acme; Description: f1 f2", ""};
  const auto check = [&](const char* name, const std::string& bytes) {
    INFO(name);
    write_bytes(folder / name, bytes);
    const std::vector<lae::ItemText> items = read_items(folder / name);
    REQUIRE(items.size() == expected.size());
    for (std::size_t i = 0; i < items.size(); ++i) CHECK(lae::item_prompt(items[i]) == expected[i]);
  };
  check(
      "site.jsonl",
      R"({"parent_asin": "A", "title": "It's [2]", "categories": ["Hair", "Care"], )"
      R"("main_category": "All Beauty", "store": "S", )"
      R"("details": {"Brand": "L\u2019O"}, "description": ["d \"1\"", "d2"], "features": []})"
      "\n"
      R"({"parent_asin": "B", "title": "B", "categories": [], )"
      R"("main_category": "All Beauty", "store": "Acme", )"
      R"("details": {}, "description": [], "features": ["f1", "f2"]})"
      "\n"
      R"({"parent_asin": "C", "title": null, "categories": [], )"
      R"("main_category": null, "store": null, "details": {}, "description": [], "features": []})");
  check(
      "hub.jsonl",
      R"({"parent_asin": "A", "title": "It's [2]", "categories": ["Hair", "Care"], )"
      R"("main_category": "All Beauty", "store": "S", )"
      R"("details": "{\"Brand\": \"L\\u2019O\"}", "description": ["d \"1\"", "d2"], "features": []})"
      "\n"
      R"({"parent_asin": "B", "title": "B", "categories": "[]", )"
      R"("main_category": "All Beauty", "store": "Acme", )"
      R"("details": "{}", "description": "[]", "features": "['f1' 'f2']"})"
      "\n"
      R"({"parent_asin": "C", "title": null, "categories": [], )"
      R"("main_category": null, "store": null, "details": "{}", "description": [], "features": []})");
  const std::string columns =
      "main_category,title,features,description,store,categories,details,parent_asin\n";
  check(
      "json.csv",
      columns +
          R"(All Beauty,It's [2],[],"[""d \""1\"""", ""d2""]",S,"[""Hair"", ""Care""]","{""Brand"": ""L\u2019O""}",A)"
          "\n"
          R"(All Beauty,B,"[""f1"", ""f2""]",[],Acme,[],{},B)"
          "\n,,[],[],,[],{},C\n");
  check("python.csv", columns +
                          "All Beauty,It's [2],[],\"['d \"\"1\"\"', 'd2']\",S,\"['Hair', "
                          "'Care']\",\"{'Brand': 'L\xe2\x80\x99O'}\",A\n"
                          "All Beauty,B,\"['f1', 'f2']\",[],Acme,[],{},B\n"
                          "None,nan,None,[],None,[],None,C\n");
  check("numpy.csv", columns +
                         "All Beauty,It's [2],[],\"['d \"\"1\"\"'\n 'd2']\",S,['Hair' "
                         "'Care'],\"{\"\"Brand\"\": \"\"L\\u2019O\"\"}\",A\n"
                         "All Beauty,B,['f1' 'f2'],[],Acme,[],{},B\n,,[],[],,[],{},C\n");
  // What is no character is replaced, in whatever notation it was.
  write_bytes(
      folder / "a.jsonl",
      R"({"parent_asin": "A", "title": "x\ud83d y", "features": ["\udc00", "\ud83d\ude00"]})");
  CHECK(lae::item_prompt(read_items(folder / "a.jsonl")[0]) ==
        "Title: x\xef\xbf\xbd y; Description: \xef\xbf\xbd \xf0\x9f\x98\x80");
  write_bytes(folder / "b.jsonl", "{\"parent_asin\": \"A\", \"title\": \"x\xff y\xe2\x82\"}");
  write_bytes(folder / "b.csv", "parent_asin,title\nA,x\xff y\xe2\x82\n");
  for (const char* name : {"b.jsonl", "b.csv"}) {
    CHECK(read_items(folder / name)[0].title == "x\xef\xbf\xbd y\xef\xbf\xbd\xef\xbf\xbd");
  }
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

TEST_CASE("Logs of other forms: columns, separators, times") {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& text, const lae::RatingLogFormat& format) {
    write_bytes(folder / "log", text);
    std::vector<std::string> lines;
    lae::read_rating_log(lae::open_text(folder / "log"), format, [&](const lae::RatingLine& line) {
      lines.push_back(std::string(line.user) + " " + std::string(line.item) + " " +
                      lae::detail::concat(line.rating, " ", line.timestamp));
    });
    return lines;
  };
  using Lines = std::vector<std::string>;
  lae::RatingLogFormat movielens;
  movielens.csv = {"::", false};
  movielens.user = "1", movielens.item = "2", movielens.rating = "3", movielens.timestamp = "4";
  movielens.time_unit = lae::TimeUnit::seconds;
  CHECK(read("1::1193::5::978300760\n", movielens) == Lines{"1 1193 5 978300760000"});
  CHECK(read("1::1193::5::978300760.25\n", movielens) == Lines{"1 1193 5 978300760250"});

  lae::RatingLogFormat implicit;
  implicit.csv.separator = "\t";
  implicit.user = "who", implicit.item = "what", implicit.rating = "", implicit.timestamp = "";
  CHECK(read("what\twho\nsong\tann\n", implicit) == Lines{"ann song 1 0"});

  lae::RatingLogFormat dated = implicit;
  dated.timestamp = "when";
  dated.time_unit = lae::TimeUnit::iso_8601;
  const auto time_of = [&](const std::string& time) {
    return read("who\twhat\twhen\na\tb\t" + time + "\n", dated)[0];
  };
  // As `date --utc --date TIME +%s` prints them.
  CHECK(time_of("1970-01-01") == "a b 1 0");
  CHECK(time_of("2014-01-03T12:30:45Z") == "a b 1 1388752245000");
  CHECK(time_of("2014-01-03 12:30:45.1239") == "a b 1 1388752245123");
  CHECK(time_of("2014-01-03T12:30:45.5+01:30") == "a b 1 1388746845500");
  CHECK(time_of("2000-02-29T00:00-0800") == "a b 1 951811200000");
  CHECK(time_of("1969-12-31T23:59:59Z") == "a b 1 -1000");
  CHECK(time_of("1600-03-01") == "a b 1 -11670912000000");
  for (const std::string bad : {"2014-13-01", "2014-02-29", "1900-02-29", "2014-01-03T25:00",
                                "2014-1-3", "2014-01-03T12", "2014-01-03x", "now", ""}) {
    INFO(bad);
    CHECK_THROWS_WITH(time_of(bad), ContainsSubstring("ISO 8601"));
  }

  lae::RatingLogFormat counts;
  counts.has_stars = false;
  const std::string columns = "user_id,parent_asin,rating,timestamp\n";
  CHECK(read(columns + "a,b,120,1\n", counts) == Lines{"a b 120 1"});
  CHECK_THROWS_WITH(read(columns + "a,b,inf,1\n", counts), ContainsSubstring("finite"));
  CHECK_THROWS_WITH(read(columns + "a,b,120,1\n", {}), ContainsSubstring("0 ... 5"));
}
