// What people reported of programs like ours: prepare_amazon, as a process, on the files of the
// folder "cases" beside the real data, each of which has a note of what must come out.

#include <filesystem>
#include <lae/io/npz.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "catch.hpp"
#include "files.hpp"
#include "process.hpp"
#include "test_data.hpp"

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// What prepare_amazon prints of these files, in `folder / "out"`.
Ending prepare(const TemporaryFolder& folder, const fs::path& reviews, const fs::path& items = {}) {
  Process::Words words = {LAE_PREPARE_AMAZON, "--reviews",   reviews, "--k-core", "1",
                          "--output",         folder / "out"};
  if (!items.empty()) words.insert(words.end(), {"--items", items});
  const Ending ending = run(words);
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  return ending;
}

std::map<std::string, std::string> prompts(const TemporaryFolder& folder) {
  std::map<std::string, std::string> prompts;
  std::istringstream text(read_bytes(folder / "out/items.jsonl"));
  for (std::string line; std::getline(text, line);) {
    const json item = json::parse(line);
    prompts[item.at("id")] = item.at("prompt");
  }
  return prompts;
}

const std::string loreal =
    "L\xe2\x80\x99Or\xc3\xa9"
    "al";

}  // namespace

TEST_CASE("The field: details as JSON text inside JSON") {
  const auto cases = find_outside("cases");
  if (!cases) return;
  const TemporaryFolder folder;
  prepare(folder, *cases / "reviews.jsonl", *cases / "details_json_string.jsonl");
  auto of = prompts(folder);
  CHECK(of["A"] ==
        "Title: Thing A; Category: All Beauty; Brand: " + loreal + "; Description: d one d two");
  CHECK_THAT(of["B"], ContainsSubstring("; Brand: StoreName; "));
  CHECK_THAT(of["C"], ContainsSubstring("; Brand: Obj; "));
  CHECK(of["D"] == "Brand: " + loreal + "; Description: d one d two");
  CHECK_THAT(of["E"], ContainsSubstring("Category: Beauty, Hair; Brand: X; "));
}

TEST_CASE("The field: whole numbers with a decimal point") {
  const auto cases = find_outside("cases");
  if (!cases) return;
  for (const char* ending : {".csv", ".jsonl"}) {
    const TemporaryFolder folder;
    prepare(folder, *cases / ("float_timestamp" + std::string(ending)));
  }
}

TEST_CASE("The field: lists in cells as NumPy prints them") {
  const auto cases = find_outside("cases");
  if (!cases) return;
  const TemporaryFolder folder;
  prepare(folder, *cases / "reviews.jsonl", *cases / "meta_list_cells.csv");
  auto of = prompts(folder);
  CHECK(of["A"] ==
        "Title: Thing A; Category: All Beauty; Brand: " + loreal + "; Description: f1 f2");
  CHECK(of["B"] == "Title: Thing B; Category: Beauty, Hair; Description: d one d two");
}

TEST_CASE("The field: times before 1970") {
  const auto cases = find_outside("cases");
  if (!cases) return;
  const TemporaryFolder folder;
  CHECK_THAT(prepare(folder, *cases / "negative_timestamp.csv").out,
             ContainsSubstring("ratings read                                             6 "));
}

TEST_CASE("The field: a rating that its user changed") {
  const auto cases = find_outside("cases");
  if (!cases) return;
  const TemporaryFolder folder;
  prepare(folder, *cases / "rerated_pair.csv");
  lae::Index interactions = 0;
  for (const char* part : {"train.npz", "valid.npz", "test.npz"}) {
    interactions += lae::load_npz<float>(folder / ("out/" + std::string(part))).nonZeros();
  }
  CHECK(interactions == 5);
}
