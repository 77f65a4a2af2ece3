// prepare_amazon from end to end, as a process.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <filesystem>
#include <lae/data/amazon_csv.hpp>
#include <lae/io/gzip.hpp>
#include <lae/io/npz.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "process.hpp"
#include "test_data.hpp"

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const std::string header = "user_id,parent_asin,rating,timestamp\n";

Ending prepare(Process::Words arguments, const std::function<void()>& in_child = {}) {
  arguments.insert(arguments.begin(), LAE_PREPARE_AMAZON);
  return run(arguments, in_child);
}

/// Users 0 ... 11 with items 0 ... 11, all of them; and what the filters take away.
std::string small_log() {
  std::string lines = header;
  for (int user = 0; user < 12; ++user) {
    for (int item = 0; item < 12; ++item) {
      lines += "u" + std::to_string(user) + ",i" + std::to_string(item) + ",5.0,100\n";
    }
    lines += "u" + std::to_string(user) + ",low,3.0,100\n";
    lines += "u" + std::to_string(user) + ",i0,4.0,200\n";  // again
  }
  return lines + "u0,rare,5.0,100\nstranger,i0,5.0,100\n";
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::istringstream text(read_bytes(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

void write_gzip(const fs::path& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
}

lae::Index count(const fs::path& path) {
  return lae::load_npz<float>(path).nonZeros();
}

/// What a failed run says, having left nothing behind.
std::string refusal(const TemporaryFolder& folder, const Process::Words& arguments, int code = 1,
                    const std::function<void()>& in_child = {}) {
  const std::size_t before = folder.file_count();
  const Ending ending = prepare(arguments, in_child);
  CHECK(ending.code == code);
  CHECK_FALSE(fs::exists(folder / "out"));
  CHECK(folder.file_count() == before);
  CHECK(std::count(ending.err.begin(), ending.err.end(), '\n') == 1);
  CHECK(ending.err.rfind("prepare_amazon: ", 0) == 0);
  return ending.err;
}

}  // namespace

TEST_CASE("prepare_amazon filters, splits and describes") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", small_log());
  write_bytes(
      folder / "meta.jsonl",
      R"({"parent_asin": "i3", "title": "Third  item", "categories": ["C"], "details": {"Brand": "B"}, "description": ["D."]})"
      "\n"
      R"({"parent_asin": "rare", "title": "Left out by the 10-core"})"
      "\n"
      R"({"parent_asin": "new", "title": "Never rated"})"
      "\n"
      R"({"parent_asin": "i3", "title": "Once more"})"
      "\n");
  const std::string out = (folder / "out").string();
  const Ending ending = prepare({"--reviews", folder / "log.csv", "--items", folder / "meta.jsonl",
                                 "--output", out, "--tag-items", "1"});
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  CHECK_THAT(ending.out,
             ContainsSubstring("ratings read                                           170"
                               " interactions of 13 users and 14 items"));
  CHECK_THAT(ending.out, ContainsSubstring("| out | 12 | 13 | 144 | 92.3077 % |"));

  CHECK(count(folder / "out/train.npz") == 115);
  CHECK(count(folder / "out/valid.npz") == 14);
  CHECK(count(folder / "out/test.npz") == 15);
  const lae::Csr<float> train = lae::load_npz<float>(folder / "out/train.npz");
  CHECK(train.rows() == 12);
  CHECK(train.cols() == 13);
  CHECK(train.coeffs().minCoeff() == 1);
  CHECK(train.coeffs().maxCoeff() == 1);

  const auto users = lines_of(folder / "out/users.txt");
  REQUIRE(users.size() == 12);
  CHECK(users[11] == "u11");
  const auto items = lines_of(folder / "out/items.jsonl");
  REQUIRE(items.size() == 13);
  CHECK(json::parse(items[0]) == json{{"id", "i0"}, {"title", ""}, {"prompt", ""}});
  CHECK(json::parse(items[3]) ==
        json{{"id", "i3"},
             {"title", "Third item"},
             {"prompt", "Title: Third item; Category: C; Brand: B; Description: D."}});
  CHECK(json::parse(items[12])["id"] == "new");

  const lae::Csr<float> tags = lae::load_npz<float>(folder / "out/tags.npz");
  CHECK(tags.rows() == 13);
  CHECK(lines_of(folder / "out/tags.txt").size() == static_cast<std::size_t>(tags.cols()));

  const json description = json::parse(read_bytes(folder / "out/dataset.json"));
  CHECK(description["users"] == 12);
  CHECK(description["items"] == 13);
  CHECK(description["interactions"] == 144);
  CHECK(description["cold_items"] == 1);
  CHECK(description["test_of_cold_items"] == 0);
  CHECK(description["items_with_text"] == 2);
  CHECK(description["parameters"]["k_core"] == 10);
  CHECK(description["inputs"][0]["bytes"] == fs::file_size(folder / "log.csv"));
  // As sha256sum prints it.
  write_bytes(folder / "abc.csv", header + "a,b,5,1\n");
  REQUIRE(prepare({"--reviews", folder / "abc.csv", "--k-core", "1", "--output", folder / "abc"})
              .code == 0);
  CHECK(json::parse(read_bytes(folder / "abc/dataset.json"))["inputs"][0]["sha256"] ==
        "a3456427d020b9a173156196f4e424cd6635d9daa72f543e4f7d7959d82c2c12");
}

TEST_CASE("prepare_amazon gives the same bytes for the same seed") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", small_log());
  for (const std::string split : {"random", "per-user"}) {
    const auto make = [&](const std::string& name, const std::string& seed) {
      REQUIRE(prepare({"--reviews", folder / "log.csv", "--split", split, "--seed", seed, "--name",
                       "x", "--output", folder / (split + name)})
                  .code == 0);
    };
    make("1", "5");
    make("2", "5");
    make("3", "6");
    for (const auto& entry : fs::directory_iterator(folder / (split + "1"))) {
      const std::string name = entry.path().filename().string();
      INFO(name);
      CHECK(read_bytes(entry.path()) == read_bytes(folder / (split + "2") / name));
    }
    CHECK(read_bytes(folder / (split + "1") / "test.npz") !=
          read_bytes(folder / (split + "3") / "test.npz"));
  }
}

TEST_CASE("prepare_amazon takes a published split as it is, cold items and all") {
  const TemporaryFolder folder;
  write_bytes(folder / "train.csv", header + "a,x,1.0,1\na,y,5.0,2\nb,x,5.0,1\n");
  write_bytes(folder / "valid.csv", header + "a,z,5.0,3\nc,x,5.0,3\n");
  write_bytes(folder / "test.csv", header + "a,w,5.0,4\nb,x,5.0,9\n");  // the last is in train
  Process::Words arguments = {"--train", folder / "train.csv", "--valid",  folder / "valid.csv",
                              "--test",  folder / "test.csv",  "--output", folder / "out"};
  REQUIRE(prepare(arguments).code == 0);
  CHECK(lae::load_npz<float>(folder / "out/train.npz").cols() == 4);
  CHECK(count(folder / "out/train.npz") == 3);
  CHECK(count(folder / "out/valid.npz") == 2);
  CHECK(count(folder / "out/test.npz") == 1);
  CHECK(lines_of(folder / "out/users.txt") == std::vector<std::string>{"a", "b", "c"});

  arguments.insert(arguments.end(), {"--cold-items", "none"});
  CHECK_THAT(prepare(arguments).err, ContainsSubstring("--replace"));
  arguments.push_back("--replace");
  REQUIRE(prepare(arguments).code == 0);
  CHECK(lae::load_npz<float>(folder / "out/train.npz").cols() == 2);
  CHECK(count(folder / "out/valid.npz") == 1);
  CHECK(count(folder / "out/test.npz") == 0);
  CHECK(folder.file_count() == 4);
}

TEST_CASE("prepare_amazon takes files as spreadsheets and shops of other languages write them") {
  const TemporaryFolder folder;
  write_gzip(folder / "log.csv.gz",
             "\xef\xbb\xbfuser_id,parent_asin,rating,timestamp\r\n"
             "Zo\xc3\xab M.,\"a, \"\"b\"\"\",5,1\r\n"
             "\xe5\xad\x90,c d,4.5,2\r\n");
  write_bytes(folder / "items.csv",
              "\xef\xbb\xbfparent_asin,title,description\r\n"
              "\"a, \"\"b\"\"\",\"Two\r\nlines, one \"\"title\"\"\",\r\n"
              "c d,\xc3\xa9t\xc3\xa9,\"x\r\n\r\ny\"\r\n");
  const Ending ending =
      prepare({"--reviews", folder / "log.csv.gz", "--items", folder / "items.csv", "--k-core", "1",
               "--output", folder / "out"});
  CHECK(ending.err.empty());
  REQUIRE(ending.code == 0);
  CHECK(lines_of(folder / "out/users.txt") ==
        std::vector<std::string>{"Zo\xc3\xab M.", "\xe5\xad\x90"});
  const auto items = lines_of(folder / "out/items.jsonl");
  REQUIRE(items.size() == 2);
  CHECK(json::parse(items[0]) == json{{"id", "a, \"b\""},
                                      {"title", "Two lines, one \"title\""},
                                      {"prompt", "Title: Two lines, one \"title\""}});
  CHECK(json::parse(items[1]) == json{{"id", "c d"},
                                      {"title", "\xc3\xa9t\xc3\xa9"},
                                      {"prompt", "Title: \xc3\xa9t\xc3\xa9; Description: x y"}});
}

TEST_CASE("prepare_amazon says what emptied the data") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", header + "a,x,3.0,1\nb,x,2.0,1\n");
  const Process::Words arguments = {"--reviews", folder / "log.csv", "--output", folder / "out"};
  CHECK_THAT(refusal(folder, arguments), ContainsSubstring("after this step: rating above 3"));
  write_bytes(folder / "log.csv", small_log());
  Process::Words with_core = arguments;
  with_core.insert(with_core.end(), {"--k-core", "13"});
  CHECK_THAT(refusal(folder, with_core),
             ContainsSubstring("after this step: 13-core") && ContainsSubstring("--k-core"));
}

TEST_CASE("prepare_amazon refuses bad input and leaves nothing behind") {
  const TemporaryFolder folder;
  const auto log = folder / "log.csv";
  const Process::Words arguments = {"--reviews", log, "--output", folder / "out"};
  CHECK_THAT(refusal(folder, arguments), ContainsSubstring("No such file"));
  write_bytes(log, "");
  CHECK_THAT(refusal(folder, arguments), ContainsSubstring("empty"));
  write_bytes(log, header);
  CHECK_THAT(refusal(folder, arguments), ContainsSubstring("holds no ratings"));
  write_bytes(log, "a,b,c\n1,2,3\n");
  CHECK_THAT(refusal(folder, arguments), ContainsSubstring("line 1: no column user_id"));
  write_bytes(log, small_log() + "a,b,c,d\n");
  CHECK_THAT(refusal(folder, arguments), ContainsSubstring("line 172: the rating"));
  write_bytes(log, small_log());
  write_bytes(folder / "meta.jsonl", "{\"title\": 1\n");
  CHECK_THAT(refusal(folder, {"--reviews", log, "--items", folder / "meta.jsonl", "--output",
                              folder / "out"}),
             ContainsSubstring("meta.jsonl, line 1: invalid JSON"));
  write_gzip(folder / "log.gz", small_log());
  const std::string whole = read_bytes(folder / "log.gz");
  for (const std::size_t size : {std::size_t(2), std::size_t(12), whole.size() - 9}) {
    write_bytes(folder / "log.gz", whole.substr(0, size));
    CHECK_THAT(refusal(folder, {"--reviews", folder / "log.gz", "--output", folder / "out"}),
               ContainsSubstring("log.gz: truncated"));
    CHECK_THAT(refusal(folder, {"--reviews", log, "--items", folder / "log.gz", "--output",
                                folder / "out"}),
               ContainsSubstring("log.gz: truncated"));
  }

  CHECK_THAT(refusal(folder, {"--output", folder / "out"}, 2), ContainsSubstring("--reviews"));
  CHECK_THAT(refusal(folder, {"--reviews", log}, 2), ContainsSubstring("--output"));
  CHECK_THAT(refusal(folder, {"--train", log, "--output", folder / "out"}, 2),
             ContainsSubstring("--valid"));
  CHECK_THAT(refusal(folder, {"--reviews", log, "--k-core", "0", "--output", folder / "out"}, 2),
             ContainsSubstring("--k-core"));
}

TEST_CASE("prepare_amazon skips bad lines if told to, and counts them") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", small_log() + "a,b\n" + "a,b,6,1\n");
  write_bytes(folder / "meta.jsonl", "{\"parent_asin\": \"i1\"\n{\"parent_asin\": \"i2\"}\n");
  const Ending ending = prepare({"--reviews", folder / "log.csv", "--items", folder / "meta.jsonl",
                                 "--skip-bad-lines", "--output", folder / "out"});
  CHECK(ending.code == 0);
  CHECK_THAT(ending.out, ContainsSubstring("skipped 2 lines"));
  CHECK_THAT(ending.out, ContainsSubstring("line 172: expected 4 fields"));
  CHECK_THAT(ending.out, ContainsSubstring("meta.jsonl, line 1: invalid JSON"));
  const json description = json::parse(read_bytes(folder / "out/dataset.json"));
  CHECK(description["inputs"][0]["lines_skipped"] == 2);
  CHECK(description["inputs"][1]["lines_skipped"] == 1);
  CHECK(description["items_with_text"] == 1);
}

TEST_CASE("prepare_amazon on a full disk, in a folder of others and in one that is not writable") {
  const TemporaryFolder folder;
  std::string lines = header;  // of more users than fit into 4 KB
  for (int i = 0; i < 12'000; ++i) {
    lines += "u" + std::to_string(i / 12) + ",i" + std::to_string(i % 12) + ",5,1\n";
  }
  write_bytes(folder / "log.csv", lines);
  const Process::Words arguments = {"--reviews", folder / "log.csv", "--output", folder / "out"};
  CHECK_THAT(refusal(folder, arguments, 1, limit_file_size(4096)),
             ContainsSubstring("File too large"));

  fs::create_directory(folder / "mine");
  write_bytes(folder / "mine/letter.txt", "dear");
  for (const bool replace : {false, true}) {
    Process::Words on_mine = {"--reviews", folder / "log.csv", "--output", folder / "mine"};
    if (replace) on_mine.push_back("--replace");
    CHECK_THAT(refusal(folder, on_mine), ContainsSubstring("something else"));
    CHECK(read_bytes(folder / "mine/letter.txt") == "dear");
  }
  CHECK_THAT(refusal(folder, {"--reviews", folder / "log.csv", "--output", folder / "log.csv/out"}),
             ContainsSubstring("log.csv/out"));

  if (!can_be_run_by_nobody(LAE_PREPARE_AMAZON)) return;
  fs::create_directory(folder / "theirs");
  const ReadOnlyFolder theirs(folder / "theirs");
  CHECK_THAT(
      refusal(folder, {"--reviews", folder / "log.csv", "--output", folder / "theirs" / "out"}, 1,
              become_nobody),
      ContainsSubstring("theirs/out: cannot be made: Permission denied"));
  CHECK(fs::is_empty(folder / "theirs"));
}

TEST_CASE("prepare_amazon --replace keeps embeddings that a server made") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", small_log());
  write_bytes(folder / "meta.jsonl", R"({"parent_asin": "i3", "title": "Third"})"
                                     "\n");
  Process::Words arguments = {"--reviews",    folder / "log.csv", "--output",
                              folder / "out", "--items",          folder / "meta.jsonl"};
  REQUIRE(prepare(arguments).code == 0);
  arguments.push_back("--replace");
  const auto write_paid = [&] {
    write_bytes(folder / "out/embeddings.npy", "vectors");
    write_bytes(folder / "out/embeddings.json", R"({"fingerprint": "1", "encoder": "large"})");
  };
  const auto write_journal = [&] {
    write_bytes(folder / "out/embeddings.journal",
                "lae encoding journal 2\n1\n{\"model\": \"huge\"}\n" + std::string(100, '\0'));
  };

  SECTION("if items and prompts are the same") {
    write_paid();
    write_journal();
    const std::string journal = read_bytes(folder / "out/embeddings.journal");
    arguments.insert(arguments.end(), {"--seed", "2"});
    const Ending ending = prepare(arguments);
    REQUIRE(ending.code == 0);
    CHECK_THAT(ending.out, ContainsSubstring("kept embeddings by                           huge"));
    CHECK(read_bytes(folder / "out/embeddings.npy") == "vectors");
    CHECK_THAT(read_bytes(folder / "out/embeddings.json"), ContainsSubstring("large"));
    CHECK(read_bytes(folder / "out/embeddings.journal") == journal);
    CHECK_THAT(read_bytes(folder / "out/dataset.json"), ContainsSubstring("\"seed\": 2"));
  }
  SECTION("or refuses") {
    const bool is_finished = GENERATE(true, false);
    is_finished ? write_paid() : write_journal();
    write_bytes(folder / "meta.jsonl", R"({"parent_asin": "i3", "title": "Renamed"})"
                                       "\n");
    const std::string before = read_bytes(folder / "out/items.jsonl");
    const Ending ending = prepare(arguments);
    CHECK(ending.code == 1);
    CHECK_THAT(ending.err, ContainsSubstring(is_finished ? "embeddings.npy: was made by large"
                                                         : "embeddings.journal: was made by huge"));
    CHECK_THAT(ending.err, ContainsSubstring("--discard-embeddings"));
    CHECK(read_bytes(folder / "out/items.jsonl") == before);
    CHECK(folder.file_count() == 3);
    arguments.push_back("--discard-embeddings");
    CHECK(prepare(arguments).code == 0);
    CHECK_FALSE(fs::exists(folder / "out/embeddings.npy"));
    CHECK_FALSE(fs::exists(folder / "out/embeddings.journal"));
    CHECK(read_bytes(folder / "out/items.jsonl") != before);
  }
  SECTION("and does not come between encode_items and its folder") {
    write_journal();
    const int file = open((folder / "out/embeddings.journal").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(flock(file, LOCK_EX) == 0);
    arguments.push_back("--discard-embeddings");
    CHECK_THAT(prepare(arguments).err, ContainsSubstring("is being written by encode_items"));
    close(file);
    CHECK(fs::exists(folder / "out/embeddings.journal"));
  }
  SECTION("but not what the built-in encoder made") {
    write_bytes(folder / "out/embeddings.npy", "vectors");
    write_bytes(
        folder / "out/embeddings.json",
        R"({"fingerprint": "1", "encoder": "built-in latent semantic analysis of 3 words"})");
    REQUIRE(prepare(arguments).code == 0);
    CHECK_FALSE(fs::exists(folder / "out/embeddings.npy"));
  }
}

TEST_CASE("prepare_amazon after one that was killed") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", small_log());
  const Process::Words arguments = {"--reviews", folder / "log.csv", "--output", folder / "out"};
  REQUIRE(prepare(arguments).code == 0);
  for (const char* name : {"out.partial-0", "out.partial-0-old", "out.partial-4"}) {
    fs::create_directory(folder / name);
  }
  write_bytes(folder / "out.partial-0/train.npz", "begun");
  write_bytes(folder / "out.lock-0", "");
  fs::create_directory(folder / "out.partial-1");  // not known to be anyone's
  SECTION("clears up") {
    CHECK_THAT(prepare(arguments).err, ContainsSubstring("exists already"));
  }
  SECTION("brings back what had been moved away") {
    fs::remove(folder / "out.partial-0-old");
    fs::rename(folder / "out", folder / "out.partial-0-old");
    CHECK_THAT(prepare(arguments).err, ContainsSubstring("exists already"));
  }
  CHECK(fs::exists(folder / "out/dataset.json"));
  CHECK(fs::exists(folder / "out.partial-1"));
  CHECK(fs::exists(folder / "out.partial-4"));
  CHECK(folder.file_count() == 4);
}

TEST_CASE("prepare_amazon interrupted leaves what was there") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", small_log());
  const Process::Words first = {"--reviews", folder / "log.csv", "--output", folder / "out"};
  REQUIRE(prepare(first).code == 0);
  const std::string before = read_bytes(folder / "out/dataset.json");

  std::string lines = header;
  for (int i = 0; i < 300'000; ++i) {
    lines += "u" + std::to_string(i % 5000) + ",i" + std::to_string(i % 701) + ",5,1\n";
  }
  write_bytes(folder / "large.csv", lines);
  int interrupted = 0;
  for (const int milliseconds : {0, 20, 60, 120, 240}) {
    CAPTURE(milliseconds);
    Process process({LAE_PREPARE_AMAZON, "--reviews", folder / "large.csv", "--output",
                     folder / "out", "--replace"});
    while (!fs::exists(folder / "out.partial-0")) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    process.send(SIGINT);
    const Ending ending = process.wait();
    CHECK((ending.code == 130 || ending.code == 0));
    CHECK(folder.file_count() == 3);
    const std::string after = read_bytes(folder / "out/dataset.json");
    if (ending.code == 130) {
      ++interrupted;
      CHECK(ending.err == "prepare_amazon: interrupted\n");
      CHECK(after == before);
    } else {
      CHECK(json::parse(after)["users"] == 5000);
      break;
    }
  }
  CHECK(interrupted > 0);
}

TEST_CASE("prepare_amazon interrupted while it reads items, and while it writes") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", small_log());
  std::string lines;
  for (int item = 0; item < 200'000; ++item) {
    lines += R"({"parent_asin": "new )" + std::to_string(item) + R"(", "title": ")";
    for (int word = 0; word < 20; ++word) lines += "w" + std::to_string((item + word) % 997) + " ";
    lines += "\"}\n";
  }
  write_bytes(folder / "meta.jsonl", lines);
  // The folder is begun before the first file is read; tags are made behind items.jsonl.
  for (const char* begun : {"out.partial-0", "out.partial-0/items.jsonl"}) {
    CAPTURE(begun);
    Process process({LAE_PREPARE_AMAZON, "--reviews", folder / "log.csv", "--items",
                     folder / "meta.jsonl", "--output", folder / "out"});
    while (!process.has_ended() && !fs::exists(folder / begun)) std::this_thread::yield();
    process.send(SIGINT);
    const Ending ending = process.wait();
    CHECK(ending.code == 130);
    CHECK(ending.err == "prepare_amazon: interrupted\n");
    CHECK(folder.file_count() == 2);
  }
}

TEST_CASE("prepare_amazon on the genuine files") {
  const auto genuine = test_data("amazon2023-all-beauty");
  if (!genuine) return;
  const TemporaryFolder folder;
  const std::string part = (*genuine / "5core" / "All_Beauty.").string();
  const Ending ending =
      prepare({"--train", part + "train.csv", "--valid", part + "valid.csv", "--test",
               part + "test.csv", "--items", *genuine / "text" / "meta_items.csv", "--name",
               "All_Beauty", "--output", folder / "5core"});
  REQUIRE(ending.code == 0);
  CHECK_THAT(ending.out, ContainsSubstring("| All_Beauty | 253 | 356 | 2,535 | 2.8145 % |"));
  CHECK_THAT(ending.out, ContainsSubstring(", in 69 interactions of test"));
  CHECK(count(folder / "5core/train.npz") == 2029);
  CHECK(count(folder / "5core/test.npz") == 253);
  const lae::Csr<float> train = lae::load_npz<float>(folder / "5core/train.npz");
  const lae::Csr<float> test = lae::load_npz<float>(folder / "5core/test.npz");
  std::set<lae::Index> trained(train.innerIndexPtr(), train.innerIndexPtr() + train.nonZeros());
  CHECK(std::count_if(test.innerIndexPtr(), test.innerIndexPtr() + test.nonZeros(),
                      [&](lae::Index item) { return trained.count(item) == 0; }) == 69);

  // The same items in the form in which they are published.
  std::string lines;
  lae::read_items_csv(lae::open_gzip(*genuine / "text" / "meta_items.csv"),
                      [&](const lae::ItemText& item) {
                        lines += json{{"parent_asin", item.id},
                                      {"title", item.title},
                                      {"description", {item.description}},
                                      {"details", {{"Brand", item.brand}}}}
                                     .dump() +
                                 "\n";
                      });
  write_gzip(folder / "meta.jsonl.gz", lines);
  REQUIRE(prepare({"--train", part + "train.csv", "--valid", part + "valid.csv", "--test",
                   part + "test.csv", "--items", folder / "meta.jsonl.gz", "--output",
                   folder / "jsonl"})
              .code == 0);
  for (const char* name : {"items.jsonl", "tags.npz"}) {
    CHECK(read_bytes(folder / "jsonl" / name) == read_bytes(folder / "5core" / name));
  }

  const std::string raw = (*genuine / "0core" / "All_Beauty.").string();
  const Ending two_core = prepare({"--reviews", raw + "train.csv", raw + "valid.csv", "--k-core",
                                   "2", "--output", folder / "2core"});
  REQUIRE(two_core.code == 0);
  CHECK(lae::load_npz<float>(folder / "2core/train.npz").rows() > 500);
}

TEST_CASE("prepare_amazon chooses one of several ratings before it filters") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", header + "a,x,5,1\na,x,1,2\nb,x,1,1\nb,x,5,2\nb,y,5,1\n");
  const auto users_with = [&](const std::string& which) {
    REQUIRE(prepare({"--reviews", folder / "log.csv", "--k-core", "1", "--duplicates", which,
                     "--output", folder / which})
                .code == 0);
    const json description = json::parse(read_bytes(folder / which / "dataset.json"));
    CHECK(description["parameters"]["duplicates"] == which);
    return lines_of(folder / which / "users.txt");
  };
  CHECK(users_with("latest") == std::vector<std::string>{"b"});
  CHECK(users_with("earliest") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("prepare_amazon filters a published split if asked to") {
  const TemporaryFolder folder;
  write_bytes(folder / "train.csv", header + "a,x,1.0,1\na,y,5.0,2\nb,x,5.0,1\n");
  write_bytes(folder / "valid.csv", header + "a,z,2.0,3\nc,x,5.0,3\n");
  write_bytes(folder / "test.csv", header + "a,w,5.0,4\n");
  REQUIRE(prepare({"--train", folder / "train.csv", "--valid", folder / "valid.csv", "--test",
                   folder / "test.csv", "--rating-above", "3", "--output", folder / "out"})
              .code == 0);
  CHECK(count(folder / "out/train.npz") == 2);
  CHECK(count(folder / "out/valid.npz") == 1);
  const json description = json::parse(read_bytes(folder / "out/dataset.json"));
  CHECK(description["interactions"] == 4);
  CHECK(description["items"] == 3);
  CHECK(description["parameters"]["rating_above"] == 3);
}

TEST_CASE("prepare_amazon reads other logs") {
  const TemporaryFolder folder;
  const auto matrices = [&](const std::string& name, Process::Words arguments) {
    arguments.insert(arguments.end(), {"--k-core", "1", "--split", "last-out", "--name", "x",
                                       "--output", folder / name});
    const Ending ending = prepare(arguments);
    CHECK(ending.err.empty());
    REQUIRE(ending.code == 0);
    std::string bytes;
    for (const char* file : {"train.npz", "valid.npz", "test.npz", "users.txt", "items.jsonl"}) {
      bytes += read_bytes(folder / name / file);
    }
    return bytes;
  };
  write_bytes(folder / "amazon.csv", header +
                                         "1,10,5,978300760000\n1,11,4,978300770000\n"
                                         "1,12,5,978300780000\n2,10,3,978300760000\n"
                                         "2,11,5,978300760000\n");
  const std::string expected = matrices("amazon", {"--reviews", folder / "amazon.csv"});
  write_bytes(folder / "ratings.dat",
              "1::10::5::978300760\n1::11::4::978300770\n1::12::5::978300780\n"
              "2::10::3::978300760\n2::11::5::978300760\n");
  CHECK(matrices("movielens", {"--reviews", folder / "ratings.dat", "--separator", "::",
                               "--no-header", "--columns", "1,2,3,4", "--times", "s"}) == expected);
  write_bytes(folder / "log.tsv",
              "when\tstars\tproduct\tcustomer\n2000-12-31T22:12:40Z\t5\t10\t1\n"
              "2000-12-31T22:12:50Z\t4\t11\t1\n2000-12-31T22:13:00Z\t5\t12\t1\n"
              "2000-12-31T22:12:40Z\t3\t10\t2\n2000-12-31T22:12:40Z\t5\t11\t2\n");
  CHECK(matrices("tsv", {"--reviews", folder / "log.tsv", "--separator", "tab", "--columns",
                         "customer,product,stars,when", "--times", "iso"}) == expected);
  // Without ratings, all that is left of the last user's first line counts, too.
  write_bytes(folder / "clicks.csv", "user;item;t\n1;10;1\n1;11;2\n1;12;3\n2;11;9\n");
  CHECK(matrices("clicks", {"--reviews", folder / "clicks.csv", "--separator", ";", "--columns",
                            "user,item,-,t"}) == expected);
  CHECK(prepare({"--reviews", folder / "clicks.csv", "--separator", ";", "--columns", "user,item",
                 "--split", "time", "--output", folder / "no"})
            .code == 2);
  CHECK(
      prepare({"--reviews", folder / "clicks.csv", "--columns", "user", "--output", folder / "no"})
          .code == 2);
}

TEST_CASE("prepare_amazon says what it would take, and writes nothing") {
  const TemporaryFolder folder;
  write_bytes(folder / "log.csv", small_log());
  const std::size_t before = folder.file_count();
  const Ending ending =
      prepare({"--reviews", folder / "log.csv", "--dry-run", "--output", folder / "out"});
  CHECK(ending.code == 0);
  CHECK(ending.err.empty());
  CHECK_THAT(ending.out, ContainsSubstring("about 170 ratings"));
  CHECK_THAT(ending.out, ContainsSubstring("memory: about"));
  CHECK(folder.file_count() == before);
}

TEST_CASE("The raw ratings of a category give the published split") {
  const auto data = find_outside("data/amazon2023-all-beauty/5core");
  if (!data) return;
  const TemporaryFolder folder;
  for (const std::string name : {"All_Beauty.rating_only.csv", "All_Beauty.rating_only.csv.gz"}) {
    REQUIRE(prepare({"--reviews", *data / name, "--rating-above", "0", "--k-core", "5",
                     "--duplicates", "earliest", "--split", "last-out", "--output", folder / name})
                .code == 0);
    const auto users = lines_of(folder / name / "users.txt");
    std::vector<std::string> items;
    for (const std::string& line : lines_of(folder / name / "items.jsonl")) {
      items.push_back(json::parse(line)["id"]);
    }
    for (const std::string part : {"train", "valid", "test"}) {
      std::set<std::string> published;
      lae::read_ratings_csv(
          lae::open_text(*data / ("All_Beauty." + part + ".csv")),
          [&](const lae::RatingLine& line) {
            published.insert(std::string(line.user) + " " + std::string(line.item));
          });
      std::set<std::string> made;
      const lae::Csr<float> matrix = lae::load_npz<float>(folder / name / (part + ".npz"));
      for (lae::Index user = 0; user < matrix.rows(); ++user) {
        for (lae::Csr<float>::InnerIterator entry(matrix, user); entry; ++entry) {
          made.insert(users[static_cast<std::size_t>(user)] + " " +
                      items[static_cast<std::size_t>(entry.col())]);
        }
      }
      INFO(part);
      CHECK(made.size() > 200);
      CHECK(made == published);
    }
  }
}
