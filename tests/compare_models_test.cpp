// compare_models as a process: its table, its JSON, and what it refuses.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <lae/data/prepare_features.hpp>
#include <lae/evaluation/sample.hpp>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <lae/models/blocks.hpp>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "process.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> model_names = {
    "ease",      "cease",        "add-ease", "l3ae", "semantic-ease", "cosine",
    "llm-cease", "llm-add-ease", "gfcf",     "bspm", "sgfcf"};

Ending compare_models(Process::Words arguments) {
  arguments.insert(arguments.begin(), LAE_COMPARE_MODELS);
  return run(arguments);
}

/// What it prints when it must succeed, and say nothing on stderr.
std::string output_of(const Process::Words& arguments) {
  const Ending ending = compare_models(arguments);
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  return ending.out;
}

/// A data-set folder.
class Shop {
 public:
  static constexpr Index users = 60;
  static constexpr Index items = 25;

  Shop() : embeddings(items, 6) {
    RandomData random(90);
    train = random.interactions(users, items);
    valid = random.interactions(users, items, 0.05);
    test = random.interactions(users, items, 0.05);
    tags = random.interactions(items, 9);
    embeddings = random.dense(items, 6);
    lae::save_npz(*this / "train.npz", train);
    lae::save_npz(*this / "valid.npz", valid);
    lae::save_npz(*this / "test.npz", test);
    lae::save_npz(*this / "tags.npz", tags);
    lae::save_npy(*this / "embeddings.npy", embeddings);
  }

  fs::path operator/(const std::string& name) const { return folder_ / name; }

  /// What is written to --json, by the names of the models; the rest of it is in `report`.
  std::map<std::string, json> compare(Process::Words arguments) {
    const fs::path file = *this / "report.json";
    const Process::Words words = {"--data", folder_ / "", "--json", file};
    arguments.insert(arguments.begin(), words.begin(), words.end());
    output_of(arguments);
    report = json::parse(read_bytes(file));
    std::map<std::string, json> models;
    for (const json& model : report.at("models")) models[model.at("model")] = model;
    return models;
  }

  /// The one line on stderr.
  std::string refusal(int code, Process::Words arguments) const {
    const Process::Words words = {"--data", folder_ / ""};
    arguments.insert(arguments.begin(), words.begin(), words.end());
    const Ending ending = compare_models(arguments);
    CHECK(ending.code == code);
    CHECK(ending.out.empty());
    CHECK(std::count(ending.err.begin(), ending.err.end(), '\n') == 1);
    return ending.err;
  }

  Csr<double> train;
  Csr<double> valid;
  Csr<double> test;
  Csr<double> tags;
  Matrix<double> embeddings;
  json report;

 private:
  TemporaryFolder folder_;
};

/// The cells of the table's row that begins with the title.
std::vector<std::string> row_of(const std::string& table, const std::string& title) {
  const std::size_t begin = table.rfind("\n" + title + " ");
  REQUIRE(begin != std::string::npos);
  std::istringstream line(table.substr(begin + 1 + title.size(),
                                       table.find('\n', begin + 1) - begin - 1 - title.size()));
  std::vector<std::string> cells;
  for (std::string cell; line >> cell;) cells.push_back(cell);
  return cells;
}

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

}  // namespace

TEST_CASE("compare_models --help names every option and model") {
  const std::string help = output_of({"--help"});
  for (const char* option :
       {"--data", "--models", "--cutoffs", "--scalar", "--json", "--lambda ", "--alpha",
        "--lambda-x", "--lambda-t", "--lambda-f", "--lambda-kd", "--threads", "--seed"}) {
    CHECK_THAT(help, ContainsSubstring(option));
  }
  for (const std::string& model : model_names) CHECK_THAT(help, ContainsSubstring(model));
  for (const char* file :
       {"train.npz", "valid.npz", "test.npz", "embeddings.npy", "tags.npz", "default: 10,20"}) {
    CHECK_THAT(help, ContainsSubstring(file));
  }
}

TEST_CASE("Without --data, compare_models makes a shop in which text helps, and says so") {
  const TemporaryFolder folder;
  const fs::path report = folder / "report.json";
  const std::string out = output_of({"--json", report, "--write-data", folder / "shop"});
  CHECK_THAT(out, ContainsSubstring("a made-up shop (seed 1), as no --data was given"));
  CHECK_THAT(out, ContainsSubstring("lambda = 100 (primal form)"));
  CHECK(std::regex_search(
      out, std::regex("model +R@10 +R@20 +N@10 +N@20 +tail N@20 +fit s +eval s\n-+\n")));

  const json models = json::parse(read_bytes(report)).at("models");
  const std::vector<std::string> titles = {"EASE",          "CEASE",  "Add-EASE",  "L3AE",
                                           "semantic EASE", "cosine", "LLM-CEASE", "LLM-Add-EASE",
                                           "GF-CF",         "BSPM",   "SGFCF"};
  REQUIRE(models.size() == titles.size());
  for (std::size_t i = 0; i < titles.size(); ++i) {
    INFO(titles[i]);
    const json& model = models[i];
    CHECK(model.at("model") == model_names[i]);
    CHECK(model.at("hyper_parameters").is_object());
    CHECK(model.at("valid").at("recall@20") > 0);
    const json& test = model.at("test");
    const std::vector<double> shown = {test.at("recall@10"), test.at("recall@20"),
                                       test.at("ndcg@10"), test.at("ndcg@20"),
                                       test.at("tail").at("ndcg@20")};
    const std::vector<std::string> cells = row_of(out, titles[i]);
    REQUIRE(cells.size() == 7);
    for (std::size_t c = 0; c < shown.size(); ++c) {
      CHECK(std::stod(cells[c]) == Approx(rounded(shown[c])));
    }
    CHECK(std::stod(cells[5]) == Approx(model.at("fit_seconds").get<double>()).margin(0.0051));
    CHECK(std::stod(cells[6]) == Approx(model.at("evaluate_seconds").get<double>()).margin(0.0051));
  }
  const auto ndcg = [&](std::size_t i) { return models[i].at("test").at("ndcg@20").get<double>(); };
  CHECK(ndcg(0) > 0.1);
  CHECK(ndcg(3) > 1.05 * ndcg(0));

  // The folder holds the same shop, and another seed makes another one.
  const std::string again = output_of({"--data", folder / "shop", "--models", "l3ae"});
  const auto metrics = [](std::vector<std::string> cells) { return cells.resize(5), cells; };
  CHECK(metrics(row_of(again, "L3AE")) == metrics(row_of(out, "L3AE")));
  const std::string other = output_of({"--seed", "2", "--models", "l3ae"});
  CHECK(metrics(row_of(other, "L3AE")) != metrics(row_of(out, "L3AE")));
}

TEST_CASE("compare_models computes what the library computes") {
  Shop shop;
  const auto models =
      shop.compare({"--models", "l3ae,cease", "--lambda-x", "-3", "--lambda-f", "2", "--lambda-kd",
                    "9", "--lambda", "4", "--alpha", "0.5", "--cutoffs", "7,1,7"});
  CHECK(models.size() == 2);
  CHECK(shop.report.at("cutoffs") == json{1, 7});
  const auto check = [&](const json& ours, const auto& model) {
    for (const char* part : {"valid", "test"}) {
      const auto expected = lae::evaluate(
          model, shop.train, std::string(part) == "test" ? shop.test : shop.valid, {{1, 7}});
      const auto check_group = [](const json& group, const lae::GroupMetrics& metrics) {
        CHECK(group.at("users") == metrics.users.size());
        CHECK(group.at("recall@1") == metrics.recall[0]);
        CHECK(group.at("recall@7") == metrics.recall[1]);
        CHECK(group.at("ndcg@1") == metrics.ndcg[0]);
        CHECK(group.at("ndcg@7") == metrics.ndcg[1]);
      };
      check_group(ours.at(part), expected.all);
      check_group(ours.at(part).at("head"), expected.head);
      check_group(ours.at(part).at("tail"), expected.tail);
    }
  };
  check(models.at("l3ae"), lae::L3ae<double>({-3, 2, 9}).fit(shop.train, shop.embeddings));
  check(models.at("cease"), lae::Cease<double>({4, 0.5}).fit(shop.train, shop.tags));

  const auto spectral =
      shop.compare({"--models", "gfcf,bspm,sgfcf", "--rank", "7", "--low-pass", "0.2", "--time",
                    "2", "--late-merge", "1", "--gamma", "0.7", "--cutoffs", "7,1,7"});
  check(spectral.at("gfcf"), lae::GfCf<double>({0.2, 7}).fit(shop.train));
  check(spectral.at("bspm"), lae::Bspm<double>({0.2, 1, 2, 7, false, true}).fit(shop.train));
  check(spectral.at("sgfcf"), lae::Sgfcf<double>({7, 0.4, 0.5, 1.5, 0.7}).fit(shop.train));
  CHECK(!spectral.at("gfcf").contains("form"));
}

TEST_CASE("Hyper-parameters of compare_models reach the models that they belong to") {
  Shop shop;
  const auto models = shop.compare({"--lambda", "4", "--alpha", "0.5", "--lambda-x", "3",
                                    "--lambda-t", "6", "--lambda-f", "2", "--lambda-kd", "9",
                                    "--scalar", "float", "--form", "primal"});
  CHECK(shop.report.at("scalar") == "float");
  const std::map<std::string, json> expected = {
      {"ease", {{"lambda", 4}}},
      {"cease", {{"lambda", 4}, {"alpha", 0.5}}},
      {"llm-cease", {{"lambda", 4}, {"alpha", 0.5}}},
      {"add-ease", {{"lambda_x", 3}, {"lambda_t", 6}, {"alpha", 0.5}}},
      {"llm-add-ease", {{"lambda_x", 3}, {"lambda_t", 6}, {"alpha", 0.5}}},
      {"l3ae", {{"lambda_x", 3}, {"lambda_f", 2}, {"lambda_kd", 9}}},
      {"semantic-ease", {{"lambda_f", 2}}},
      {"cosine", json::object()},
      {"gfcf", {{"low_pass", 0.3}, {"rank", 256}}},
      {"bspm", {{"low_pass", 0.5}, {"steps", 1}, {"time", 1.2}, {"rank", 256}}},
      {"sgfcf",
       {{"rank", 100}, {"epsilon", 0.4}, {"beta", 0.5}, {"beta_end", 1.5}, {"gamma", 1.6}}}};
  CHECK(models.size() == expected.size());
  for (const auto& [name, hyper_parameters] : expected) {
    INFO(name);
    CHECK(models.at(name).at("hyper_parameters") == hyper_parameters);
    if (models.at(name).contains("form")) CHECK(models.at(name).at("form") == "primal");
  }
}

TEST_CASE("compare_models fits by blocks, and measures on some users, when asked to") {
  Shop shop;
  const auto dense = shop.compare({"--form", "dense"});
  CHECK(dense.at("ease").at("form") == "primal");
  // All items as neighbours: the same models.
  const auto exact = shop.compare({"--form", "blocks", "--neighbours", "100"});
  CHECK(exact.size() == dense.size());
  for (const auto& [name, model] : exact) {
    INFO(name);
    const bool is_spectral = name == "gfcf" || name == "bspm" || name == "sgfcf";
    CHECK(model.contains("form") == !is_spectral);
    CHECK(model.at("test").at("ndcg@20").get<double>() ==
          Approx(dense.at(name).at("test").at("ndcg@20").get<double>()).epsilon(0.02));
  }
  CHECK(exact.at("l3ae").at("form") == "blocks");
  CHECK(exact.at("l3ae").at("hyper_parameters").at("neighbours") == 100);

  const auto few = shop.compare({"--models", "ease", "--form", "blocks", "--neighbours", "2",
                                 "--lambda", "4", "--test-users", "9"});
  CHECK(few.at("ease").at("test").at("users") == 9);
  CHECK(few.at("ease").at("valid").at("users") == 9);
  CHECK(shop.report.at("data").at("test_users") == 9);
  CHECK(shop.report.at("data").at("test_interactions") == shop.test.nonZeros());
  const auto model = lae::fit_blocks(lae::Ease<double>({4}), shop.train, {2}).model;
  const auto report = lae::evaluate(model, shop.train, lae::sample_of_users(shop.test, 9));
  CHECK(few.at("ease").at("test").at("ndcg@20").get<double>() == Approx(report.all.ndcg[1]));
  CHECK_THAT(shop.refusal(2, {"--neighbours", "0"}), ContainsSubstring("--neighbours"));
  CHECK_THAT(shop.refusal(2, {"--form", "sparse"}), ContainsSubstring("--form"));
}

TEST_CASE("compare_models needs only the files of its models") {
  Shop shop;
  fs::remove(shop / "tags.npz");
  CHECK(shop.compare({}).size() == 9);
  CHECK(shop.report.at("left_out").size() == 2);
  fs::remove(shop / "embeddings.npy");
  CHECK(shop.compare({}).size() == 4);
  CHECK_THAT(shop.refusal(1, {"--models", "ease,l3ae"}),
             ContainsSubstring("embeddings.npy: not found, but l3ae needs it"));
}

TEST_CASE("compare_models refuses options that cannot work") {
  const Shop shop;
  CHECK_THAT(shop.refusal(2, {"--models", "ease,slim"}), ContainsSubstring("slim"));
  CHECK_THAT(shop.refusal(2, {"--cutoffs", "10,0"}), ContainsSubstring("--cutoffs"));
  CHECK_THAT(shop.refusal(2, {"--scalar", "half"}), ContainsSubstring("--scalar"));
  CHECK_THAT(shop.refusal(2, {"--lambda", "many"}), ContainsSubstring("--lambda"));
  CHECK_THAT(shop.refusal(2, {"--lambda", "0"}), ContainsSubstring("ease: lambda must be"));
  CHECK_THAT(shop.refusal(2, {"--rank", "2.5"}), ContainsSubstring("gfcf: rank must be a whole"));
  CHECK_THAT(shop.refusal(2, {"--alpha", "-1"}), ContainsSubstring("alpha must not be negative"));
  CHECK_THAT(shop.refusal(2, {"--lambda-x", "-9", "--lambda-kd", "9", "--models", "l3ae"}),
             ContainsSubstring("lambda_x + lambda_kd must be positive, got -9 + 9"));
  CHECK_THAT(shop.refusal(2, {"--seed", "2"}), ContainsSubstring("--seed"));
  CHECK_THAT(shop.refusal(2, {"--colour"}), ContainsSubstring("--colour"));
  const Ending nowhere = compare_models({"--data", shop / "missing"});
  CHECK(nowhere.code == 2);
  CHECK_THAT(nowhere.err, ContainsSubstring("--data"));
}

TEST_CASE("compare_models names the file that it cannot use, and loses no earlier outcome") {
  const auto refusal = [](const Shop& shop) {
    write_bytes(shop / "report.json", "old");
    const std::string message = shop.refusal(1, {"--json", shop / "report.json"});
    CHECK(read_bytes(shop / "report.json") == "old");
    return message;
  };
  SECTION("another number of items") {
    const Shop shop;
    lae::save_npy(shop / "embeddings.npy", Matrix<double>(shop.embeddings.topRows(20)));
    CHECK_THAT(refusal(shop),
               ContainsSubstring("embeddings.npy has 20 rows") && ContainsSubstring("25 items"));
  }
  SECTION("another shape of users x items") {
    const Shop shop;
    lae::save_npz(shop / "test.npz", Csr<double>(60, 24));
    CHECK_THAT(refusal(shop), ContainsSubstring("test.npz is 60 x 24") &&
                                  ContainsSubstring("train.npz is 60 x 25"));
  }
  SECTION("a value that is not finite") {
    const Shop shop;
    Matrix<double> embeddings = shop.embeddings;
    embeddings(3, 2) = std::numeric_limits<double>::quiet_NaN();
    lae::save_npy(shop / "embeddings.npy", embeddings);
    CHECK_THAT(refusal(shop), ContainsSubstring("embeddings.npy") && ContainsSubstring("finite"));
  }
  SECTION("a part of a file") {
    const Shop shop;
    const std::string whole = read_bytes(shop / "tags.npz");
    write_bytes(shop / "tags.npz", whole.substr(0, whole.size() / 2));
    CHECK_THAT(refusal(shop), ContainsSubstring("tags.npz"));
  }
  SECTION("a target that cannot be written, before any fit") {
    const Shop shop;
    CHECK_THAT(shop.refusal(1, {"--json", shop / "missing/report.json"}),
               ContainsSubstring("cannot be written"));
  }
}

TEST_CASE("compare_models shows its progress on a terminal") {
  const Shop shop;
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE(grantpt(terminal) == 0);
  REQUIRE(unlockpt(terminal) == 0);
  const int end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  REQUIRE(end >= 0);
  Process process({LAE_COMPARE_MODELS, "--data", shop / "", "--models", "l3ae"},
                  [&] { dup2(end, STDERR_FILENO); });
  close(end);
  std::string shown;
  char bytes[4096];
  // Reading fails once the program, which has the other end alone, has ended.
  for (ssize_t count; (count = read(terminal, bytes, sizeof(bytes))) > 0;) {
    shown.append(bytes, static_cast<std::size_t>(count));
  }
  close(terminal);
  const Ending ending = process.wait();
  CHECK(ending.code == 0);
  CHECK_THAT(shown, ContainsSubstring("[1/1] L3AE: invert 100 %"));
  CHECK_THAT(shown, ContainsSubstring("[1/1] L3AE: evaluate"));
  CHECK_THAT(ending.out, !ContainsSubstring("invert"));
}

TEST_CASE("compare_models fits on the sources that are chosen, prepared and weighed") {
  Shop shop;
  RandomData random(91);
  const Matrix<double> extra = random.dense(Shop::items, 4);
  const Csr<double> labels = random.interactions(Shop::items, 7);
  fs::create_directory(shop / "features");
  lae::save_npy(shop / "features/extra.npy", extra);
  lae::save_npz(shop / "features/labels.npz", labels);
  const auto models = shop.compare({"--models", "l3ae", "--lambda-x", "-3", "--lambda-f", "2",
                                    "--lambda-kd", "9", "--cutoffs", "5", "--source",
                                    "embeddings:unit", "--source", "extra:0.25:centered:unit",
                                    "--source", "tags:2:tf-idf", "--source", "labels:gram"});
  lae::Sources<double> sources;
  sources.add(lae::unit_length(shop.embeddings));
  sources.add(lae::unit_length(lae::centered(extra)), 0.25);
  sources.add(lae::tf_idf(shop.tags), 2);
  sources.add(labels, 1, lae::SourceRole::gram);
  const auto model = lae::L3ae<double>({-3, 2, 9}).fit(shop.train, sources);
  const auto expected = lae::evaluate(model, shop.train, shop.test, {{5}});
  CHECK(models.at("l3ae").at("test").at("ndcg@5") == expected.all.ndcg[0]);
  CHECK(models.at("l3ae").at("test").at("recall@5") == expected.all.recall[0]);
  // Each of them counts.
  const auto without =
      shop.compare({"--models", "l3ae", "--lambda-x", "-3", "--lambda-f", "2", "--lambda-kd", "9",
                    "--cutoffs", "5", "--source", "embeddings:unit", "--source", "tags:2:tf-idf"});
  CHECK(without.at("l3ae").at("test") != models.at("l3ae").at("test"));

  CHECK_THAT(shop.refusal(2, {"--models", "l3ae", "--source", "embeddings:tf-idf"}),
             ContainsSubstring("tf-idf is for tags"));
  CHECK_THAT(shop.refusal(2, {"--models", "l3ae", "--source", "tags:centered"}),
             ContainsSubstring("centring"));
  CHECK_THAT(shop.refusal(2, {"--models", "l3ae", "--source", "extra:loud"}),
             ContainsSubstring("neither a weight"));
  CHECK_THAT(shop.refusal(1, {"--models", "l3ae", "--source", "missing"}),
             ContainsSubstring("missing"));
}

TEST_CASE("compare_models may let the validation part be known when it tests") {
  Shop shop;
  const Process::Words words = {"--models", "ease", "--lambda", "4", "--cutoffs", "5"};
  const auto on_train = shop.compare(words);
  Process::Words all = words;
  all.insert(all.end(), {"--test-history", "all"});
  const auto on_all = shop.compare(all);
  CHECK(shop.report.at("test_history") == "all");
  const auto model = lae::Ease<double>({4}).fit(shop.train);
  const Csr<double> known = shop.train + shop.valid;
  const auto expected = lae::evaluate(model, known, shop.test, {{5}});
  CHECK(on_all.at("ease").at("test").at("ndcg@5") == expected.all.ndcg[0]);
  CHECK(on_all.at("ease").at("valid") == on_train.at("ease").at("valid"));
  CHECK(on_all.at("ease").at("test") != on_train.at("ease").at("test"));
}
