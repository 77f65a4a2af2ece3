// recommend as a process, on small folders.

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <lae/core/random.hpp>
#include <lae/data/prepare_features.hpp>
#include <lae/io/csv.hpp>
#include <lae/io/model_file.hpp>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "process.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// Users a0 ... and items, of which the last is in no history, but its embedding is nearly that of
/// item 1.
class Shop {
 public:
  static constexpr Index users = 40;
  static constexpr Index items = 12;
  static constexpr Index cold = items - 1;

  Shop() : train(users, items), embeddings(items, 6) {
    lae::Random random(1);
    std::vector<Eigen::Triplet<double, Index>> entries;
    for (Index user = 1; user < users; ++user) {  // user 0 has no history
      for (Index item = 0; item < cold; ++item) {
        if (random.below(3) == 0) entries.emplace_back(user, item, 1.0);
      }
      entries.emplace_back(user, user % cold, 1.0);
    }
    train.setFromTriplets(entries.begin(), entries.end(), [](double, double) { return 1.0; });
    for (Index i = 0; i < embeddings.size(); ++i) embeddings.data()[i] = random.normal();
    embeddings.row(cold) = embeddings.row(1) + 0.05 * embeddings.row(2);
    lae::Csr<double> nothing(users, items);
    lae::Csr<double> test(users, items);
    test.insert(2, cold) = 1;
    lae::save_npz(folder_ / "train.npz", train);
    lae::save_npz(folder_ / "valid.npz", nothing);
    lae::save_npz(folder_ / "test.npz", test);
    write_embeddings(embeddings);
    std::string lines;
    for (Index user = 0; user < users; ++user) lines += "a" + std::to_string(user) + "\n";
    write_bytes(folder_ / "users.txt", lines);
    lines.clear();
    for (Index item = 0; item < items; ++item) {
      lines +=
          json{{"id", item_id(item)}, {"title", "Title\x1b " + std::to_string(item)}}.dump() + "\n";
    }
    write_bytes(folder_ / "items.jsonl", lines);
    write_bytes(folder_ / "embeddings.json", R"({"encoder": "the test"})");
  }

  /// With all that has to be quoted in CSV.
  static std::string item_id(Index item) {
    return item == 4 ? "i,\"4\"" : "i" + std::to_string(item);
  }

  void write_embeddings(const lae::Matrix<double>& values) const {
    lae::save_npy(folder_ / "embeddings.npy", values);
  }

  Ending recommend(const Process::Words& more) const {
    Process::Words words = {LAE_RECOMMEND, "--data", folder_ / ""};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  fs::path operator/(const std::string& name) const { return folder_ / name; }
  std::size_t file_count() const { return folder_.file_count(); }

  lae::Csr<double> train;
  lae::Matrix<double> embeddings;

 private:
  TemporaryFolder folder_;
};

/// The three parts of a folder, of which two are empty.
template <class Scalar>
void write_parts(const TemporaryFolder& folder, const lae::Csr<Scalar>& train) {
  lae::save_npz(folder / "train.npz", train);
  for (const char* name : {"valid.npz", "test.npz"}) {
    lae::save_npz(folder / name, lae::Csr<Scalar>(train.rows(), train.cols()));
  }
}

/// Each user has about every fifth of the first items.
lae::Csr<double> some_interactions(lae::Random& random, Index users, Index items,
                                   Index used_items) {
  std::vector<Eigen::Triplet<double, Index>> entries;
  for (Index user = 0; user < users; ++user) {
    for (Index item = 0; item < used_items; ++item) {
      if (random.below(5) == 0) entries.emplace_back(user, item, 1.0);
    }
  }
  lae::Csr<double> matrix(users, items);
  matrix.setFromTriplets(entries.begin(), entries.end());
  return matrix;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("recommend says what and why, and the parts sum to the score") {
  const Shop shop;
  for (const std::string model : {"ease", "l3ae"}) {
    const Ending ending =
        shop.recommend({"--user", "a7", "--model", model, "--k", "4", "--why", "2"});
    CHECK(ending.err.empty());
    REQUIRE(ending.code == 0);
    CAPTURE(ending.out);
    const auto history = shop.train.row(7).nonZeros();
    CHECK_THAT(ending.out, ContainsSubstring("user a7, " + std::to_string(history) + " item"));
    const std::regex head(R"( +(\d+) +(-?\d+\.\d+)  (\S+)  Title.*)");
    const std::regex part(R"( +([+-]\d+\.\d+) +.*)");
    std::vector<double> scores;
    std::vector<double> sums;
    std::smatch match;
    for (const std::string& line : lines_of(ending.out)) {
      if (std::regex_match(line, match, head)) {
        scores.push_back(std::stod(match[2]));
        sums.push_back(0);
      } else if (std::regex_match(line, match, part)) {
        REQUIRE(!sums.empty());
        sums.back() += std::stod(match[1]);
      }
    }
    REQUIRE(scores.size() == 4);
    CHECK(std::is_sorted(scores.rbegin(), scores.rend()));
    for (std::size_t i = 0; i < 4; ++i) CHECK(std::abs(scores[i] - sums[i]) < 3e-4);
    CHECK(ending.out.find('\x1b') == std::string::npos);
    CHECK((ending.out.find("the test") != std::string::npos) == (model == "l3ae"));
  }
}

TEST_CASE("L3AE recommends an item that nobody has for its text, and says so") {
  const Shop shop;
  const Process::Words words = {"--items", "i1",          "--model", "l3ae",       "--lambda-x",
                                "-50",     "--lambda-kd", "60",      "--lambda-f", "1",
                                "--k",     "1",           "--why",   "1"};
  const Ending ending = shop.recommend(words);
  REQUIRE(ending.code == 0);
  const auto lines = lines_of(ending.out);
  CAPTURE(ending.out);
  CHECK_THAT(ending.out, ContainsSubstring("i11  Title 11  [new]"));
  CHECK_THAT(ending.out, ContainsSubstring("for i1  Title"));

  // Without the prior, or with embeddings that know nothing of the likeness, it is not there.
  const Ending ease = shop.recommend({"--items", "i1", "--model", "ease", "--k", "3"});
  CHECK(ease.out.find("[new]") == std::string::npos);
  lae::Matrix<double> shuffled = shop.embeddings;
  shuffled.row(Shop::cold) = -shop.embeddings.row(1);
  shop.write_embeddings(shuffled);
  CHECK(shop.recommend(words).out.find("[new]") == std::string::npos);
}

TEST_CASE("recommend marks what a user has in the held-out parts") {
  const Shop shop;
  const Ending train = shop.recommend({"--user", "a2", "--k", "12"});
  CHECK_THAT(train.out, ContainsSubstring("[new]  [held out]"));
  const Ending all = shop.recommend({"--user", "a2", "--k", "12", "--train-on", "all"});
  CHECK(all.out.find("[held out]") == std::string::npos);
  CHECK(all.out.find("[new]") == std::string::npos);
  CHECK_THAT(shop.recommend({"--user", "a0"}).out,
             ContainsSubstring("nothing to go by; most popular"));
}

TEST_CASE("recommend takes samples, several users and folders without names") {
  const Shop shop;
  const Ending sample = shop.recommend({"--sample", "3", "--seed", "2"});
  CHECK(sample.code == 0);
  CHECK(sample.out == shop.recommend({"--sample", "3", "--seed", "2"}).out);
  CHECK(sample.out != shop.recommend({"--sample", "3", "--seed", "3"}).out);
  const Ending two = shop.recommend({"--user", "a3", "a4"});
  CHECK_THAT(two.out, ContainsSubstring("user a3,") && ContainsSubstring("user a4,"));
  fs::remove(shop / "users.txt");
  fs::remove(shop / "items.jsonl");
  CHECK_THAT(shop.recommend({"--user", "5"}).out, ContainsSubstring("user 5,"));
  CHECK(shop.recommend({"--items", "3,5"}).code == 0);
}

TEST_CASE("recommend takes items whose ids hold commas and quotes") {
  const Shop shop;
  const auto history = [&](const Process::Words& words) {
    Process::Words all = {"--model", "ease", "--k", "1", "--why", "0"};
    all.insert(all.end(), words.begin(), words.end());
    const Ending ending = shop.recommend(all);
    CHECK(ending.err.empty());
    return ending.out.substr(0, ending.out.find("recommended"));
  };
  const std::string both = history({"--items", "i1,\"i,\"\"4\"\"\""});
  CHECK_THAT(both, ContainsSubstring("someone new, 2 items in the history") &&
                       ContainsSubstring("  i1  ") && ContainsSubstring("  i,\"4\"  "));
  CHECK(history({"--items", "\"i,\"\"4\"\"\",i1"}) == both);
  CHECK(history({"--items", "i1", "--items", "i,\"4\""}) == both);
  CHECK(history({"--items", "i,\"4\"", "\"i1\""}) == both);
  CHECK(history({"--items", "i1,i2,"}) == history({"--items", "i2", "i1"}));
  const Ending unknown = shop.recommend({"--items", "i1,\"i,5\""});
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, ContainsSubstring("there is no item \"i,5\""));
}

TEST_CASE("recommend --all writes the lists that the library computes") {
  const Shop shop;
  REQUIRE(shop.recommend({"--all", "--model", "ease", "--k", "11", "-o", shop / "all.csv"}).code ==
          0);
  const Ending ending =
      shop.recommend({"--all", "--model", "ease", "--k", "11", "-o", shop / "all.jsonl"});
  REQUIRE(ending.code == 0);
  CHECK_THAT(ending.out,
             ContainsSubstring("for 39 users") &&
                 ContainsSubstring("the most popular items for 1 users without a history"));

  const auto model = lae::Ease<double>().fit(shop.train);
  lae::RecommendOptions options;
  options.k = 11;
  const auto lists = lae::recommend(model, shop.train, options);
  std::string csv = "user_id,rank,item_id,score\n";
  std::vector<json> objects;
  const auto popular = lae::recommend(lae::Popularity<double>(shop.train),
                                      lae::Csr<double>(shop.train.topRows(1)), options);
  json popular_items = json::array();
  for (Index rank = 0; rank < 11; ++rank) {
    const Index item = popular.items(0, rank);
    popular_items.push_back({{"item_id", Shop::item_id(item)}, {"users", popular.scores(0, rank)}});
    csv += "a0," + std::to_string(rank + 1) + "," +
           (item == 4 ? "\"i,\"\"4\"\"\"" : Shop::item_id(item)) + ",\n";
  }
  objects.push_back({{"user_id", "a0"}, {"popular", true}, {"items", popular_items}});
  for (Index user = 1; user < Shop::users; ++user) {
    json items = json::array();
    for (Index rank = 0; rank < 11 && lists.items(user, rank) >= 0; ++rank) {
      const Index item = lists.items(user, rank);
      items.push_back({{"item_id", Shop::item_id(item)}, {"score", lists.scores(user, rank)}});
      csv += "a" + std::to_string(user) + "," + std::to_string(rank + 1) + "," +
             (item == 4 ? "\"i,\"\"4\"\"\"" : Shop::item_id(item)) + ",";
      csv += json(lists.scores(user, rank)).dump() + "\n";
    }
    objects.push_back({{"user_id", "a" + std::to_string(user)}, {"items", items}});
  }
  const auto lines = lines_of(read_bytes(shop / "all.jsonl"));
  REQUIRE(lines.size() == objects.size());
  for (std::size_t i = 0; i < lines.size(); ++i) CHECK(json::parse(lines[i]) == objects[i]);
  const auto found = lines_of(read_bytes(shop / "all.csv"));
  const auto expected = lines_of(csv);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::size_t comma = expected[i].rfind(',') + 1;
    CHECK(found[i].substr(0, comma) == expected[i].substr(0, comma));
    const std::string score = expected[i].substr(comma);
    if (i > 0 && !score.empty()) CHECK(std::stod(found[i].substr(comma)) == std::stod(score));
    if (score.empty()) CHECK(found[i].substr(comma).empty());
  }
}

TEST_CASE("recommend fits on the sources that are chosen, prepared and weighed") {
  const Shop shop;
  lae::Random random(2);
  lae::Matrix<double> extra(Shop::items, 3);
  for (Index i = 0; i < extra.size(); ++i) extra.data()[i] = random.normal();
  fs::create_directory(shop / "features");
  lae::save_npy(shop / "features/extra.npy", extra);
  const auto scores_with = [&](Process::Words more) {
    const Process::Words words = {"--all", "--model",         "l3ae", "--k", "11",
                                  "-o",    shop / "all.jsonl"};
    more.insert(more.begin(), words.begin(), words.end());
    REQUIRE(shop.recommend(more).code == 0);
    std::vector<json> lists;
    for (const std::string& line : lines_of(read_bytes(shop / "all.jsonl"))) {
      lists.push_back(json::parse(line));
    }
    return lists;
  };
  const auto lists = scores_with({"--source", "embeddings:unit", "--source", "extra:0.5:centered"});
  lae::Sources<double> sources;
  sources.add(lae::unit_length(shop.embeddings)).add(lae::centered(extra), 0.5);
  const auto model = lae::L3ae<double>().fit(shop.train, sources);
  lae::RecommendOptions options;
  options.k = 11;
  const auto expected = lae::recommend(model, shop.train, options);
  REQUIRE(lists.size() == static_cast<std::size_t>(Shop::users));
  for (Index user = 1; user < Shop::users; ++user) {
    const json& items = lists[static_cast<std::size_t>(user)].at("items");
    for (std::size_t rank = 0; rank < items.size(); ++rank) {
      const auto column = static_cast<Index>(rank);
      CHECK(items[rank].at("item_id") == Shop::item_id(expected.items(user, column)));
      CHECK(items[rank].at("score") == expected.scores(user, column));
    }
  }
  CHECK(scores_with({"--source", "embeddings:unit"}) != lists);
  CHECK(shop.recommend({"--user", "a7", "--source", "embeddings:loud"}).code == 2);
  CHECK(shop.recommend({"--user", "a7", "--source", "missing"}).code == 1);
}

TEST_CASE("recommend saves and loads models") {
  const Shop shop;
  const fs::path file = shop / "model.lae";
  const Ending fitted = shop.recommend({"--user", "a7", "--save", file});
  REQUIRE(fitted.code == 0);
  const Ending loaded = shop.recommend({"--user", "a7", "--load", file});
  REQUIRE(loaded.code == 0);
  const auto body = [](const std::string& out) { return out.substr(out.find("   1 ")); };
  CHECK(body(loaded.out) == body(fitted.out));
  CHECK_THAT(loaded.out, ContainsSubstring("recommended by model.lae"));
  CHECK_THAT(shop.recommend({"--user", "a7", "--load", file, "--scalar", "float"}).err,
             ContainsSubstring("double"));
  CHECK(shop.recommend({"--user", "a7", "--load", file, "--model", "ease"}).code == 2);
  const lae::ItemModel<double> other(lae::Matrix<double>::Zero(3, 3));
  lae::save_model(shop / "other.lae", other);
  CHECK_THAT(shop.recommend({"--user", "a7", "--load", shop / "other.lae"}).err,
             ContainsSubstring("3 items, but the data have 12"));
}

TEST_CASE("a saved model alone recommends, and knows its catalogue") {
  const Shop shop;
  const fs::path file = shop / "model.lae";
  REQUIRE(shop.recommend({"--model", "ease", "--lambda", "7", "--save", file}).code == 0);
  const lae::ModelInfo info = lae::load_model_info(file);
  CHECK(info.model == "ease");
  CHECK(info.item_ids.size() == Shop::items);
  CHECK(info.item_ids[4] == Shop::item_id(4));
  CHECK(info.options.front() == std::pair<std::string, std::string>("lambda", "7"));

  const std::string items = "i1,i5";
  const Ending with_data = shop.recommend({"--items", items, "--load", file});
  REQUIRE(with_data.code == 0);
  CHECK_THAT(with_data.out, ContainsSubstring("recommended by model.lae: ease, lambda 7"));
  const Ending alone = run({LAE_RECOMMEND, "--items", items, "--load", file});
  REQUIRE(alone.code == 0);
  // Without titles, and without knowing what is new.
  const std::string without_titles =
      std::regex_replace(with_data.out, std::regex("  Title[^\n]*"), "");
  CHECK(std::regex_replace(without_titles, std::regex("  \\[new\\]"), "") == alone.out);
  CHECK_THAT(run({LAE_RECOMMEND, "--items", "other", "--load", file}).err,
             ContainsSubstring("no item \"other\" among the 12"));
  CHECK(run({LAE_RECOMMEND, "--items", items, "--load", file, "--data", shop / "none"}).code == 2);
  for (const Process::Words& words : {Process::Words{LAE_RECOMMEND, "--user", "a7", "--load", file},
                                      Process::Words{LAE_RECOMMEND, "--items", items}}) {
    const Ending ending = run(words);
    CHECK(ending.code == 2);
    CHECK_THAT(ending.err, ContainsSubstring("--data is required"));
  }

  // Two items of the catalogue change places.
  std::string lines = read_bytes(shop / "items.jsonl");
  const std::size_t place = lines.find("\"i2\"");
  lines.replace(place, 4, "\"i3\"");
  lines.replace(lines.rfind("\"i3\""), 4, "\"i2\"");
  write_bytes(shop / "items.jsonl", lines);
  const Ending other = shop.recommend({"--user", "a7", "--load", file});
  CHECK(other.code == 1);
  CHECK_THAT(other.err, ContainsSubstring("model.lae: is a model of another catalogue: its item 2 "
                                          "is \"i2\", that of the data \"i3\""));
  // Without ids there is nothing to compare, and numbers serve.
  lae::save_model(file, lae::load_model<double>(file));
  CHECK(shop.recommend({"--user", "a7", "--load", file}).code == 0);
  CHECK(run({LAE_RECOMMEND, "--items", "1,5", "--load", file}).code == 0);
}

TEST_CASE("recommend saves and loads models fitted by blocks") {
  const Shop shop;
  const fs::path file = shop / "model.lae";
  const Ending fitted = shop.recommend(
      {"--model", "l3ae", "--form", "blocks", "--neighbours", "5", "--user", "a7", "--save", file});
  REQUIRE(fitted.code == 0);
  CHECK_THAT(fitted.out, ContainsSubstring("by blocks of 5"));
  CHECK(lae::kind_of_model(file) == lae::ModelKind::sparse_low_rank);
  const Ending loaded = shop.recommend({"--user", "a7", "--load", file});
  REQUIRE(loaded.code == 0);
  CHECK_THAT(loaded.out, ContainsSubstring(" for "));
  const auto body = [](const std::string& out) { return out.substr(out.find("   1 ")); };
  CHECK(body(loaded.out) == body(fitted.out));
  CHECK(shop.recommend({"--load", file, "--all", "-o", shop / "all.csv"}).code == 0);
}

TEST_CASE("recommend explains, saves and loads spectral models, as far as they go") {
  const Shop shop;
  for (const std::string name : {"gfcf", "sgfcf"}) {
    INFO(name);
    const fs::path file = shop / (name + ".lae");
    const Ending fitted =
        shop.recommend({"--model", name, "--rank", "4", "--user", "a7", "--save", file});
    REQUIRE(fitted.code == 0);
    const bool is_explained = fitted.out.find(" for ") != fitted.out.npos;
    CHECK(is_explained == (name == "gfcf"));
    const Ending loaded = shop.recommend({"--user", "a7", "--load", file});
    REQUIRE(loaded.code == 0);
    const auto body = [](const std::string& out) { return out.substr(out.find("   1 ")); };
    CHECK(body(loaded.out) == body(fitted.out));
    CHECK(shop.recommend({"--load", file, "--all", "-o", shop / "all.csv"}).code == 0);
  }
}

TEST_CASE("recommend refuses what cannot work") {
  const Shop shop;
  const auto error = [&](const Process::Words& words, int code) {
    const Ending ending = shop.recommend(words);
    CHECK(ending.code == code);
    CHECK(std::count(ending.err.begin(), ending.err.end(), '\n') == 1);
    return ending.err;
  };
  CHECK_THAT(error({}, 2), ContainsSubstring("--user"));
  CHECK_THAT(error({"--user", "nobody"}, 2), ContainsSubstring("no user \"nobody\""));
  CHECK_THAT(error({"--items", "i1,nothing"}, 2), ContainsSubstring("no item \"nothing\""));
  CHECK_THAT(error({"--user", "a1", "--items", "i1"}, 2), ContainsSubstring("--"));
  CHECK_THAT(error({"--all"}, 2), ContainsSubstring("--output"));
  CHECK_THAT(error({"--all", "-o", shop / "all.txt"}, 2), ContainsSubstring(".csv"));
  CHECK_THAT(error({"--user", "a1", "--lambda-kd", "-1"}, 2), ContainsSubstring("lambda_kd"));
  CHECK_THAT(error({"--all", "-o", shop / "users.txt/x.csv"}, 1),
             ContainsSubstring("cannot be written"));
  CHECK_THAT(error({"--user", "a1", "--model", "cease"}, 1), ContainsSubstring("tags.npz"));
  write_bytes(shop / "users.txt", "a\nb\n");
  CHECK_THAT(error({"--user", "a"}, 1), ContainsSubstring("has 2 lines, but the matrices have 40"));
}

TEST_CASE("recommend on a full disk leaves the old file") {
  const Shop shop;
  write_bytes(shop / "all.csv", "old");
  const std::size_t files = shop.file_count();
  const Ending ending = run({LAE_RECOMMEND, "--data", shop / "", "--all", "-o", shop / "all.csv"},
                            limit_file_size(1000));
  CHECK(ending.code == 1);
  CHECK(read_bytes(shop / "all.csv") == "old");
  CHECK(shop.file_count() == files);
}

TEST_CASE("recommend --all writes scores that read back as the same floats") {
  const Shop shop;
  REQUIRE(shop.recommend({"--all", "--model", "ease", "--scalar", "float", "--k", "3", "-o",
                          shop / "all.csv"})
              .code == 0);
  const lae::Csr<float> train = shop.train.cast<float>();
  const auto lists = lae::recommend(lae::Ease<float>().fit(train), train, {3});
  lae::CsvReader csv(lae::open_text(shop / "all.csv"));
  for (Index user = 0; user < Shop::users; ++user) {
    for (Index rank = 0; rank < 3; ++rank) {
      REQUIRE(csv.next());
      if (user == 0) continue;  // has no history
      CHECK(csv[2] == Shop::item_id(lists.items(user, rank)));
      CHECK(std::stof(std::string(csv[3])) == lists.scores(user, rank));
    }
  }
  CHECK_FALSE(csv.next());
}

TEST_CASE("recommend takes a k above the number of items") {
  const Shop shop;
  const auto lists = [&](const std::string& k) {
    REQUIRE(shop.recommend({"--all", "--model", "ease", "--k", k, "-o", shop / "all.csv"}).code ==
            0);
    return read_bytes(shop / "all.csv");
  };
  CHECK(lists("1000000") == lists("12"));
}

TEST_CASE("L3AE recommends the new item whose text is like that of an item of the history") {
  constexpr Index warm = 25;
  constexpr Index cold = 5;
  const TemporaryFolder folder;
  lae::Random random(3);
  write_parts(folder, some_interactions(random, 60, warm + cold, warm));
  lae::Matrix<double> embeddings(warm + cold, 16);
  for (Index i = 0; i < embeddings.size(); ++i) embeddings.data()[i] = random.normal();

  // Each new item is like one of the first items: of the same place, or of another.
  for (const Index shift : {0, 1}) {
    for (Index item = 0; item < cold; ++item) {
      const Index like = (item + shift) % cold;
      embeddings.row(warm + item) = 0.9 * embeddings.row(like) + 0.1 * embeddings.row(10 + item);
    }
    lae::save_npy(folder / "embeddings.npy", embeddings);
    for (Index item = 0; item < cold; ++item) {
      const Index like = (item + shift) % cold;
      const Ending ending =
          run({LAE_RECOMMEND, "--data", folder / "", "--items",
               std::to_string(like) + "," + std::to_string(15 + item) + ",21", "--k", "30"});
      REQUIRE(ending.code == 0);
      const auto lines = lines_of(ending.out);
      const auto first_new = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find("[new]") != line.npos;
      });
      REQUIRE(first_new + 1 < lines.end());
      CHECK_THAT(*first_new, ContainsSubstring("  " + std::to_string(warm + item) + "  [new]"));
      CHECK_THAT(first_new[1], ContainsSubstring(" +0.") &&
                                   Catch::Matchers::EndsWith("for " + std::to_string(like)));
    }
  }
}

TEST_CASE("recommend shows ids and titles that cannot harm a terminal") {
  const Shop shop;
  // A control sequence in one character, a right-to-left override, and a title too long for a line.
  std::string long_title;
  for (int i = 0; i < 100; ++i) long_title += "\u00e9";
  std::string lines;
  for (const std::string& title : {std::string("\u009b") + "31m", std::string("a\nb\x7f"),
                                   std::string("\u202e") + "c", long_title}) {
    lines += json{{"id", "i"}, {"title", title}}.dump() + "\n";
  }
  for (Index item = 4; item < Shop::items; ++item) lines += "{\"id\": \"last\"}\n";
  write_bytes(shop / "items.jsonl", lines);
  // What is not UTF-8: the same control character in one byte.
  const std::string user = "a\x9b\x80:";
  lines.clear();
  for (Index i = 0; i < Shop::users; ++i) lines += user + std::to_string(i) + "\n";
  write_bytes(shop / "users.txt", lines);
  write_bytes(shop / "embeddings.json", R"({"encoder": "x\u001b[31m"})");

  const Ending ending = shop.recommend({"--user", user + "7", "--k", "12"});
  REQUIRE(ending.code == 0);
  CAPTURE(ending.out);
  CHECK_THAT(ending.out, ContainsSubstring("user a??:7,") && ContainsSubstring("by x [31m") &&
                             ContainsSubstring("i   31m") && ContainsSubstring("i  a b") &&
                             ContainsSubstring("i   c") && ContainsSubstring("\u00e9..."));
  CHECK(ending.out.find('\x9b') == std::string::npos);
  CHECK(ending.out.find("\u202e") == std::string::npos);
  for (const std::string& line : lines_of(ending.out)) {
    const auto begins_character = [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    };
    CHECK(std::count_if(line.begin(), line.end(), begins_character) <= 100);
    CHECK(std::none_of(line.begin(), line.end(), [](char c) { return c >= 0 && c < ' '; }));
  }

  const Ending unknown = shop.recommend({"--user", "\x1b[31m"});
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, ContainsSubstring("no user \" [31m\" among the 40, such as \"a??:0\""));
}

TEST_CASE("recommend finds the same by either form of the fit") {
  const TemporaryFolder folder;
  lae::Random random(1);
  write_parts(folder, some_interactions(random, 8, 20, 20));  // the dual form is for few users
  const auto lists = [&](const std::string& form) {
    const Ending ending =
        run({LAE_RECOMMEND, "--data", folder / "", "--items", "1,2", "--k", "4", "--form", form});
    REQUIRE(ending.code == 0);
    return ending.out;
  };
  CHECK(lists("primal") == lists("dual"));

  const Shop shop;
  const Ending many = shop.recommend({"--user", "a7", "--form", "dual"});
  CHECK(many.code == 2);
  CHECK_THAT(many.err, ContainsSubstring("l3ae: the dual form needs no more rows (users)"));
  const Ending dense = shop.recommend({"--user", "a7", "--model", "llm-cease", "--form", "dual"});
  CHECK(dense.code == 2);
  CHECK_THAT(
      dense.err,
      ContainsSubstring("llm-cease: with dense features in the Gram matrix there is no dual form"));
}

TEST_CASE("recommend by blocks finds the same if all items are neighbours") {
  const Shop shop;
  const auto lists = [&](const Process::Words& options) {
    Process::Words words{"--user", "a7", "--model", "ease"};
    words.insert(words.end(), options.begin(), options.end());
    const Ending ending = shop.recommend(words);
    REQUIRE(ending.code == 0);
    return ending.out.substr(ending.out.find("\n   1 "));
  };
  CHECK(lists({"--form", "blocks", "--neighbours", "500"}) == lists({"--form", "dense"}));
}

TEST_CASE("recommend saves a model for later alone") {
  const Shop shop;
  const Ending saved = shop.recommend({"--model", "ease", "--lambda", "7", "--save", shop / "m"});
  CHECK(saved.code == 0);
  CHECK_THAT(saved.out, ContainsSubstring("EASE") && ContainsSubstring((shop / "m").string()));
  CHECK(lae::load_model<double>(shop / "m").weights() ==
        lae::Ease<double>({7}).fit(shop.train).weights());

  CHECK(shop.recommend({"--user", "a7", "--load", shop / "m", "--lambda", "8"}).code == 2);
  CHECK(shop.recommend({"--load", shop / "m", "--save", shop / "n"}).code == 2);
  const Ending no_model = shop.recommend({"--user", "a7", "--load", shop / "users.txt"});
  CHECK(no_model.code == 1);
  CHECK_THAT(no_model.err, ContainsSubstring("users.txt: is not a model file"));
  const Ending missing = shop.recommend({"--user", "a7", "--load", shop / "none"});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, ContainsSubstring("No such file"));
}

TEST_CASE("recommend reads titles with characters that are none, and without titles") {
  const Shop shop;
  std::string lines;
  for (Index item = 0; item < Shop::items; ++item) {
    const std::string title = item == 1   ? R"("half \ud83d, \\ud83d, whole \ud83d\ude00")"
                              : item == 2 ? "\"byte \xff\""
                              : item == 3 ? "null"
                                          : "\"\"";
    lines += "{\"id\": \"i" + std::to_string(item) + "\", \"title\": " + title + "}\n";
  }
  write_bytes(shop / "items.jsonl", lines);
  const Ending ending = shop.recommend({"--items", "i1,i2,i3", "--model", "ease"});
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  CHECK_THAT(ending.out,
             ContainsSubstring("i1  half \xef\xbf\xbd, \\ud83d, whole \xf0\x9f\x98\x80\n") &&
                 ContainsSubstring("i2  byte \xef\xbf\xbd\n") && ContainsSubstring("i3\n"));
}

TEST_CASE("recommend names the file that it cannot understand") {
  const Shop shop;
  const auto refusal = [&](const std::string& name, const std::string& bytes) {
    const std::string before = read_bytes(shop / name);
    write_bytes(shop / name, bytes);
    const Ending ending = shop.recommend({"--user", "a7"});
    write_bytes(shop / name, before);
    CHECK(ending.code == 1);
    CHECK(std::count(ending.err.begin(), ending.err.end(), '\n') == 1);
    CHECK_THAT(ending.err, ContainsSubstring(name));
    return ending.err;
  };
  CHECK_THAT(refusal("items.jsonl", "{\"id\": \"i0\"}\n{\"title\": \"no id\"}\n"),
             ContainsSubstring("line 2"));
  CHECK_THAT(refusal("items.jsonl", "{\"id\": \"i0\"}\n"), ContainsSubstring("has 1 lines"));
  CHECK_THAT(refusal("items.jsonl", "{\"id\": \"i0\", \"title\": 7}\n"),
             ContainsSubstring("line 1: key \"title\": not a text, but number"));
  CHECK_THAT(refusal("items.jsonl", "{\"id\": 7}\n"), ContainsSubstring("key \"id\": not a text"));
  CHECK_THAT(refusal("items.jsonl", "[\n"), ContainsSubstring("line 1"));
  CHECK_THAT(refusal("items.jsonl", "<!DOCTYPE html>\n"), ContainsSubstring("a web page"));
  refusal("embeddings.json", "[1, 2]");
  CHECK_THAT(refusal("embeddings.json", R"({"encoder": 1})"), ContainsSubstring("key \"encoder\""));
  refusal("embeddings.npy", "\x93NUMPY");
  refusal("train.npz", "PK");
}

TEST_CASE("recommend --all, when interrupted, leaves the old file") {
  // So many lists that writing them would take seconds.
  const TemporaryFolder folder;
  constexpr Index users = 200000;
  lae::Csr<float> train(users, 50);
  train.reserve(users);
  for (Index user = 0; user < users; ++user) {
    train.startVec(user);
    train.insertBack(user, user % 50) = 1;
  }
  train.finalize();
  write_parts(folder, train);
  lae::save_model(folder / "model", lae::ItemModel<float>(lae::Matrix<float>::Random(50, 50)));
  write_bytes(folder / "all.csv", "old");
  const std::size_t files = folder.file_count();

  Process process({LAE_RECOMMEND, "--data", folder / "", "--scalar", "float", "--load",
                   folder / "model", "--all", "--k", "50", "-o", folder / "all.csv"});
  const auto has_begun_to_write = [&] {
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(folder / "all.csv.partial-0", error);
    return !error && bytes > 0;
  };
  while (!process.has_ended() && !has_begun_to_write()) std::this_thread::yield();
  process.send(SIGINT);
  const Ending ending = process.wait();
  CHECK(ending.code == 130);
  CHECK(ending.err == "recommend: interrupted\n");
  CHECK(read_bytes(folder / "all.csv") == "old");
  CHECK(folder.file_count() == files);
}

TEST_CASE("recommend, when interrupted while it fits, leaves the old model") {
  // So many items that the fit takes a second or more.
  const TemporaryFolder folder;
  lae::Random random(1);
  constexpr Index items = 4000;
  lae::Csr<double> train(items, items);
  train.setIdentity();
  for (Index user = 0; user < items; ++user) train.coeffRef(user, random.below(items)) = 1;
  train.makeCompressed();
  write_parts(folder, train);
  write_bytes(folder / "model", "old");
  const std::size_t files = folder.file_count();

  Process process({LAE_RECOMMEND, "--data", folder / "", "--save", folder / "model"});
  process.await_handler(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  process.send(SIGINT);
  const Ending ending = process.wait();
  CHECK(ending.code == 130);
  CHECK(ending.err == "recommend: interrupted\n");
  CHECK(read_bytes(folder / "model") == "old");
  CHECK(folder.file_count() == files);
}

TEST_CASE("recommend filters the lists of --all as the library does") {
  const Shop shop;
  std::string boosts = "item_id,boost\n";
  lae::RecommendOptions options{4};
  options.boost = Eigen::VectorXd::Zero(Shop::items);
  for (const Index item : {2, 9}) {
    options.boost[item] = 0.25 * static_cast<double>(item);
    boosts += Shop::item_id(item) + "," + json(options.boost[item]).dump() + "\n";
  }
  write_bytes(shop / "boost.csv", boosts);
  write_bytes(shop / "allow.csv", "user_id,item_id\na7,i1\na7,\"i,\"\"4\"\"\"\na7,i9\na9,i3\n");
  write_bytes(shop / "deny.csv", "item_id,user_id\ni1,a7\ni5,a3\ni6,a3\n");
  options.allow = {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11};
  options.deny = {7};
  options.exclude_seen = false;
  options.minimum_score = -0.5;
  options.user_allow.resize(Shop::users);
  options.user_allow[7] = {{1, 4, 9}};
  options.user_allow[9] = {{3}};
  options.user_deny.resize(Shop::users);
  options.user_deny[7] = {1};
  options.user_deny[3] = {5, 6};
  const lae::ItemVectors vectors(shop.embeddings);
  options.diversity = {&vectors, 0.3};
  const Process::Words filters = {"--model",
                                  "ease",
                                  "--k",
                                  "4",
                                  "--include-seen",
                                  "--min-score=-0.5",
                                  "--diversity",
                                  "0.3",
                                  "--deny",
                                  "i7",
                                  "--user-allow",
                                  shop / "allow.csv",
                                  "--user-deny",
                                  shop / "deny.csv",
                                  "--boost",
                                  shop / "boost.csv",
                                  "--allow",
                                  "i0,i1,i2,i3,\"i,\"\"4\"\"\"",
                                  "--allow",
                                  "i5,i6,i7,i9,i10,i11"};
  Process::Words words = filters;
  words.insert(words.end(), {"--all", "-o", shop / "all.jsonl"});
  const Ending ending = shop.recommend(words);
  CHECK(ending.err == "");
  REQUIRE(ending.code == 0);
  const auto model = lae::Ease<double>().fit(shop.train);
  const auto lists = lae::recommend(model, shop.train, options);
  const auto lines = lines_of(read_bytes(shop / "all.jsonl"));
  REQUIRE(lines.size() == static_cast<std::size_t>(Shop::users));
  for (Index user = 1; user < Shop::users; ++user) {
    json expected = json::array();
    for (Index rank = 0; rank < 4 && lists.items(user, rank) >= 0; ++rank) {
      expected.push_back({{"item_id", Shop::item_id(lists.items(user, rank))},
                          {"score", lists.scores(user, rank)}});
    }
    CHECK(json::parse(lines[static_cast<std::size_t>(user)]).at("items") == expected);
  }

  // Of single users, on a terminal.
  words = filters;
  words.insert(words.end(), {"--user", "a9"});
  const Ending one = shop.recommend(words);
  REQUIRE(one.code == 0);
  CHECK_THAT(one.out, ContainsSubstring("i3") && !ContainsSubstring("\n   2 "));
  CHECK_THAT(shop.recommend({"--user", "a9", "--min-score", "1e9"}).out,
             ContainsSubstring("nothing is left to recommend"));

  // What cannot be.
  write_bytes(shop / "boost.csv", "item_id,boost\ni2,much\n");
  CHECK_THAT(shop.recommend({"--user", "a9", "--boost", shop / "boost.csv"}).err,
             ContainsSubstring("line 2") && ContainsSubstring("\"much\" is no number"));
  write_bytes(shop / "deny.csv", "user_id,item_id\na7,i99\n");
  CHECK_THAT(shop.recommend({"--user", "a9", "--user-deny", shop / "deny.csv"}).err,
             ContainsSubstring("line 2") && ContainsSubstring("there is no item \"i99\""));
  CHECK(shop.recommend({"--user", "a9", "--diversity", "2"}).code == 2);
  fs::remove(shop / "embeddings.npy");
  CHECK(shop.recommend({"--user", "a9", "--model", "ease", "--diversity", "0.2"}).code == 1);
}

namespace {

/// The lines of Python that examples/README.md shows.
std::string python_of_readme() {
  const std::string page = read_bytes(LAE_EXAMPLES_README);
  const std::string begin = "```python\n";
  const std::size_t found = page.find(begin);
  REQUIRE(found != page.npos);
  const std::size_t start = found + begin.size();
  return page.substr(start, page.find("```", start) - start);
}

}  // namespace

TEST_CASE("recommend exports items, and Python recommends by them") {
  const Shop shop;
  const fs::path file = shop / "model.lae";
  for (const char* name : {"items.npz", "lists.csv", "lists.jsonl"}) {
    const Ending ending = shop.recommend(
        {"--model", "l3ae", "--save", file, "--export-items", shop / name, "--per-item", "11"});
    REQUIRE(ending.code == 0);
    CHECK_THAT(ending.out, ContainsSubstring("up to 11 weights each of 12 items"));
  }
  const auto model = lae::load_model<double>(file);
  lae::Matrix<double> weights = model.weights();
  CHECK(lae::Matrix<double>(lae::load_npz<double>(shop / "items.npz")) == weights);

  lae::Matrix<double> of_csv = lae::Matrix<double>::Zero(Shop::items, Shop::items);
  const auto index_of = [](std::string_view id) {
    Index item = 0;
    while (Shop::item_id(item) != id) ++item;
    return item;
  };
  lae::CsvReader csv(lae::open_text(shop / "lists.csv"));
  while (csv.next()) {
    of_csv(index_of(csv[0]), index_of(csv[2])) = std::stod(std::string(csv[3]));
  }
  CHECK(of_csv == weights);
  lae::Matrix<double> of_json = lae::Matrix<double>::Zero(Shop::items, Shop::items);
  for (const std::string& line : lines_of(read_bytes(shop / "lists.jsonl"))) {
    const json object = json::parse(line);
    const Index row = index_of(object.at("item_id").get<std::string>());
    double before = std::numeric_limits<double>::infinity();
    for (const json& item : object.at("items")) {
      const double weight = item.at("weight").get<double>();
      of_json(row, index_of(item.at("item_id").get<std::string>())) = weight;
      CHECK(weight <= before);
      before = weight;
    }
  }
  CHECK(of_json == weights);

  // A file alone is enough, and another ending is not.
  const Ending alone =
      run({LAE_RECOMMEND, "--load", file, "--export-items", shop / "few.csv", "--per-item", "2"});
  REQUIRE(alone.code == 0);
  CHECK(lines_of(read_bytes(shop / "few.csv")).size() == 1 + 2 * Shop::items);
  CHECK(shop.recommend({"--export-items", shop / "items.txt"}).code == 2);
  CHECK(shop.recommend({"--user", "a1", "--per-item", "2"}).code == 2);
  const Ending not_linear =
      shop.recommend({"--model", "sgfcf", "--rank", "4", "--export-items", shop / "s.csv"});
  CHECK_THAT(not_linear.err, ContainsSubstring("a model sgfcf has no weights"));
  CHECK(not_linear.code == 2);

  const std::string python = "/usr/bin/python3";
  if (run({python, "-c", "import numpy, scipy.sparse"}).code != 0) {
    WARN("skipped: no SciPy");
    return;
  }
  std::string script = "import os\nos.chdir('" + (shop / "").string() + "')\n";
  script += python_of_readme() + "\nprint(*scores.astype(float), sep='\\n')\n";
  const Ending ending = run({python, "-c", script});
  CHECK(ending.err == "");
  REQUIRE(ending.code == 0);
  const auto printed = lines_of(ending.out);
  const auto scores = model.score({4, 9});
  REQUIRE(printed.size() == 1 + static_cast<std::size_t>(Shop::items));
  for (Index item = 0; item < Shop::items; ++item) {
    const double score = std::stod(printed[1 + static_cast<std::size_t>(item)]);
    CHECK((item == 4 || item == 9 ? std::isinf(score) : score == Approx(scores[item])));
  }
  lae::Csr<double> history(1, Shop::items);
  history.insert(0, 4) = 1;
  history.insert(0, 9) = 1;
  const auto best = lae::recommend(model, history, {10});
  std::string expected = "[";
  for (Index place = 0; place < 10; ++place) {
    expected += (place > 0 ? ", " : "") + std::to_string(best.items(0, place));
  }
  CHECK(std::regex_replace(printed[0], std::regex(" +"), " ") == expected + "]");
}
