// recommend as a process, on small folders.

#include <filesystem>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
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
    lae::write_npz(folder_ / "train.npz", train);
    lae::write_npz(folder_ / "valid.npz", nothing);
    lae::write_npz(folder_ / "test.npz", test);
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
    lae::write_npy(folder_ / "embeddings.npy", values);
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
  CHECK_THAT(shop.recommend({"--user", "a0"}).out, ContainsSubstring("nothing to go by"));
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

TEST_CASE("recommend --all writes the lists that the library computes") {
  const Shop shop;
  REQUIRE(shop.recommend({"--all", "--model", "ease", "--k", "11", "-o", shop / "all.csv"}).code ==
          0);
  const Ending ending =
      shop.recommend({"--all", "--model", "ease", "--k", "11", "-o", shop / "all.jsonl"});
  REQUIRE(ending.code == 0);
  CHECK_THAT(ending.out,
             ContainsSubstring("for 39 users") && ContainsSubstring("left out 1 users"));

  const auto model = lae::Ease<double>().fit(shop.train);
  lae::RecommendOptions options;
  options.k = 11;
  const auto lists = lae::recommend(model, shop.train, options);
  std::string csv = "user_id,rank,item_id,score\n";
  std::vector<json> objects;
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
    if (i > 0) CHECK(std::stod(found[i].substr(comma)) == std::stod(expected[i].substr(comma)));
  }
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
