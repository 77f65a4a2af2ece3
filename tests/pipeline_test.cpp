// The example programs one after the other, as their users run them.

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "process.hpp"
#include "test_data.hpp"

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// What a program prints that must succeed, and say nothing on stderr.
std::string example(const std::string& program, Process::Words arguments) {
  arguments.insert(arguments.begin(), LAE_EXAMPLES "/" + program);
  const Ending ending = run(arguments);
  INFO(program);
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  return ending.out;
}

/// NDCG@20 on the test set for all eight models, in the order of the table.
std::vector<double> compare_all(const fs::path& data, const fs::path& report) {
  const std::string out = example("compare_models", {"--data", data, "--json", report});
  CHECK_THAT(out, ContainsSubstring("by built-in latent semantic analysis"));
  const json result = json::parse(read_bytes(report));
  CHECK_THAT(result["data"]["encoder"].get<std::string>(), ContainsSubstring("built-in"));
  std::vector<double> metrics;
  for (const json& model : result["models"]) metrics.push_back(model["test"]["ndcg@20"]);
  REQUIRE(metrics.size() == 11);
  return metrics;
}

}  // namespace

TEST_CASE("From a made-up category to recommendations, where text helps") {
  const TemporaryFolder folder;
  const fs::path data = folder / "data";
  for (const char* raw : {"raw", "again"}) {
    example("synthetic_category", {"--output", folder / raw, "--name", "Shop"});
  }
  for (const char* name : {"Shop.jsonl", "meta_Shop.jsonl"}) {
    CHECK(read_bytes(folder / "raw" / name) == read_bytes(folder / "again" / name));
  }
  example("prepare_amazon", {"--reviews", folder / "raw/Shop.jsonl", "--items",
                             folder / "raw/meta_Shop.jsonl", "--output", data});
  example("encode_items", {"--data", data, "--built-in"});
  const std::vector<double> ndcg = compare_all(data, folder / "report.json");
  const double ease = ndcg[0];
  const double l3ae = ndcg[3];
  CHECK(ease > 0.1);
  CHECK(l3ae > 1.1 * ease);
  const std::string out = example("recommend", {"--data", data, "--sample", "5"});
  CHECK_THAT(out, ContainsSubstring("recommended by L3AE"));
}

TEST_CASE("From a made-up category of many users without a core to recommendations by blocks") {
  const TemporaryFolder folder;
  const fs::path data = folder / "data";
  example("synthetic_category", {"--output", folder / "raw", "--name", "Shop", "--items", "1500",
                                 "--users", "6000", "--interactions", "40000"});
  const std::string prepared = example(
      "prepare_amazon", {"--reviews", folder / "raw/Shop.jsonl", "--items",
                         folder / "raw/meta_Shop.jsonl", "--output", data, "--k-core", "1"});
  const json description = json::parse(read_bytes(data / "dataset.json"));
  CHECK(description["items"] == 1500);
  CHECK(description["users"] == 6000);
  CHECK(description["interactions"].get<double>() == Approx(40000).epsilon(0.1));
  example("encode_items", {"--data", data, "--built-in"});
  example("compare_models",
          {"--data", data, "--models", "ease,l3ae", "--form", "blocks", "--neighbours", "50",
           "--scalar", "float", "--test-users", "1000", "--json", folder / "report.json"});
  const json models = json::parse(read_bytes(folder / "report.json"))["models"];
  CHECK(models[0]["test"]["users"] == 1000);
  CHECK(models[0]["test"]["ndcg@20"] > 0.01);
  CHECK(models[1]["test"]["ndcg@20"] > models[0]["test"]["ndcg@20"]);
  const std::string out = example(
      "recommend", {"--data", data, "--sample", "5", "--form", "blocks", "--scalar", "float"});
  CHECK_THAT(out, ContainsSubstring("recommended by L3AE, by blocks of 200"));
}

TEST_CASE("From the published 5-core split to recommendations with titles") {
  const auto genuine = test_data("amazon2023-all-beauty");
  if (!genuine) return;
  const TemporaryFolder folder;
  const fs::path data = folder / "data";
  const std::string part = (*genuine / "5core" / "All_Beauty.").string();
  example("prepare_amazon",
          {"--train", part + "train.csv", "--valid", part + "valid.csv", "--test",
           part + "test.csv", "--items", *genuine / "text" / "meta_items.csv", "--output", data});
  example("encode_items", {"--data", data, "--built-in"});
  const std::vector<double> ndcg = compare_all(data, folder / "report.json");
  for (const double value : ndcg) CHECK(value > 0.02);
  // Many test items were never seen in training: without their texts, there is no way to them.
  CHECK(ndcg[3] > ndcg[0]);
  const std::string out =
      example("recommend", {"--data", data, "--user", "AFSKPY37N3C43SOI5IEXEK5JSIYA", "--k", "50"});
  CHECK_THAT(out, ContainsSubstring("B07W397QG4  Iryasa Night Indulge Cream - Natural Face Cream"));
  CHECK_THAT(out, ContainsSubstring("[new]"));
}

TEST_CASE("From genuine ratings without a core to a 2-core that all models take") {
  const auto genuine = test_data("amazon2023-all-beauty");
  if (!genuine) return;
  const TemporaryFolder folder;
  const fs::path data = folder / "data";
  const std::string part = (*genuine / "0core" / "All_Beauty.").string();
  example("prepare_amazon",
          {"--reviews", part + "train.csv", part + "valid.csv", "--items",
           *genuine / "text" / "meta_items.csv", "--k-core", "2", "--output", data});
  example("encode_items", {"--data", data, "--built-in"});
  for (const double value : compare_all(data, folder / "report.json")) {
    CHECK(std::isfinite(value));
  }
  const std::string out = example("recommend", {"--data", data, "--items", "B07W397QG4"});
  CHECK_THAT(out, ContainsSubstring("B07W397QG4  Iryasa Night Indulge Cream"));
}

TEST_CASE("compare_models, when interrupted, leaves the old report") {
  const TemporaryFolder folder;
  write_bytes(folder / "report.json", "old");
  Process process({LAE_EXAMPLES "/compare_models", "--json", folder / "report.json"});
  process.await_handler(SIGINT);
  process.send(SIGINT);
  const Ending ending = process.wait();
  CHECK(ending.code == 130);
  CHECK(ending.err == "compare_models: interrupted\n");
  CHECK(read_bytes(folder / "report.json") == "old");
  CHECK(folder.file_count() == 1);
}
