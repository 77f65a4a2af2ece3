// Lines and CSV records from files, plain and compressed.

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <lae/io/csv.hpp>
#include <lae/io/gzip.hpp>
#include <lae/io/text.hpp>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "files.hpp"

using Catch::Matchers::ContainsSubstring;

namespace {

using Strings = std::vector<std::string>;

std::string gzipped(const std::string& text) {
  const TemporaryFolder folder;
  const auto path = folder / "text.gz";
  gzFile file = gzopen(path.string().c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return read_bytes(path);
}

Strings lines_of(lae::TextSourcePtr source) {
  lae::LineReader lines(std::move(source));
  Strings all;
  for (std::string_view line; lines.next(line);) {
    all.emplace_back(line);
    CHECK(lines.line_number() == all.size());
  }
  return all;
}

/// The same text again and again, without end.
class Endless : public lae::TextSource {
 public:
  Endless(const std::filesystem::path& any_file, std::string text)
      : TextSource(any_file), text_(std::move(text)) {}

  std::size_t read(char* destination, std::size_t bytes) override {
    const std::size_t count = std::min(bytes, text_.size());
    std::copy_n(text_.begin(), count, destination);
    return count;
  }

 private:
  std::uint64_t file_position() const override { return 0; }

  std::string text_;
};

std::vector<Strings> records_of(const std::filesystem::path& path) {
  lae::CsvReader csv(lae::open_text(path));
  std::vector<Strings> records;
  while (csv.next()) records.push_back({std::string(csv[0]), std::string(csv[1])});
  return records;
}

std::string csv_error(const std::filesystem::path& path, const std::string& bytes) {
  write_bytes(path, bytes);
  return file_error(path, [&] { records_of(path); });
}

}  // namespace

TEST_CASE("Lines end in LF, CRLF or with the file") {
  const TemporaryFolder folder;
  const auto path = folder / "lines.txt";
  const auto expect = [&](const std::string& bytes, const Strings& lines) {
    write_bytes(path, bytes);
    CHECK(lines_of(lae::open_text(path)) == lines);
    CHECK(lines_of(lae::open_gzip(path)) == lines);
    write_bytes(path, gzipped(bytes));
    CHECK(lines_of(lae::open_gzip(path)) == lines);
  };
  expect("", {});
  expect("\n", {""});
  expect("a", {"a"});
  expect("a\nb", {"a", "b"});
  expect("a\r\n\r\nb\r\n", {"a", "", "b"});
  expect("\xef\xbb\xbfid\n\xef\xbb\xbf\n", {"id", "\xef\xbb\xbf"});
  expect("\xef\xbb\xbf", {""});
  expect("Zo\xc3\xab B\n", {"Zo\xc3\xab B"});
}

TEST_CASE("Lines longer than the buffer, and many of them") {
  std::mt19937 random(1);
  Strings lines;
  std::string bytes;
  for (int i = 0; i < 3000; ++i) {
    const std::size_t length = i % 1000 == 7 ? 3'000'000 : random() % 2000;
    lines.emplace_back(length, static_cast<char>('a' + i % 26));
    bytes += lines.back() + "\n";
  }
  const TemporaryFolder folder;
  write_bytes(folder / "long.txt", bytes);
  CHECK(lines_of(lae::open_text(folder / "long.txt")) == lines);
  write_bytes(folder / "long.gz", gzipped(bytes));
  CHECK(lines_of(lae::open_gzip(folder / "long.gz")) == lines);
}

TEST_CASE("Text that cannot be read") {
  const TemporaryFolder folder;
  const auto missing = folder / "missing.csv";
  CHECK_THAT(file_error(missing, [&] { return lae::open_text(missing); }),
             ContainsSubstring("No such file"));
  CHECK_THAT(file_error(missing, [&] { return lae::open_gzip(missing); }),
             ContainsSubstring("No such file"));
  const auto inner = folder / "folder";
  std::filesystem::create_directory(inner);
  CHECK_THAT(file_error(inner, [&] { return lae::open_text(inner); }),
             ContainsSubstring("regular file"));
  CHECK_THAT(file_error(inner, [&] { return lae::open_gzip(inner); }),
             ContainsSubstring("regular file"));

  std::string text;
  std::mt19937 random(2);
  for (int i = 0; i < 100'000; ++i) text += std::to_string(random()) + "\n";
  const std::string compressed = gzipped(text);
  const auto path = folder / "damaged.gz";
  write_bytes(path, compressed);
  CHECK_THAT(file_error(path, [&] { lines_of(lae::open_text(path)); }), ContainsSubstring("gzip"));
  for (const std::size_t cut : {std::size_t(1), std::size_t(8), compressed.size() / 2}) {
    INFO("without the last " << cut << " bytes");
    write_bytes(path, compressed.substr(0, compressed.size() - cut));
    CHECK_THAT(file_error(path, [&] { lines_of(lae::open_gzip(path)); }),
               ContainsSubstring("truncated"));
  }
  std::string damaged = compressed;
  for (std::size_t i = damaged.size() / 2; i < damaged.size() / 2 + 16; ++i) damaged[i] ^= 0x55;
  write_bytes(path, damaged);
  CHECK_THAT(file_error(path, [&] { lines_of(lae::open_gzip(path)); }),
             ContainsSubstring("cannot be read"));
}

TEST_CASE("Nothing behind compressed data is ignored") {
  const TemporaryFolder folder;
  const auto path = folder / "text.gz";
  const auto lines = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    return lines_of(lae::open_gzip(path));
  };
  const std::string one = gzipped("a\nb\n");
  const std::string two = gzipped("c\n");
  const std::string none = gzipped("");
  CHECK(lines(one + two) == Strings{"a", "b", "c"});
  CHECK(lines(none + one + none + two) == Strings{"a", "b", "c"});
  CHECK(lines(one + std::string(1, '\0')) == Strings{"a", "b"});
  CHECK(lines(one + std::string(700'000, '\0')) == Strings{"a", "b"});
  CHECK(lines(none).empty());
  const auto error = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    return file_error(path, [&] { lines_of(lae::open_gzip(path)); });
  };
  const std::string place = "byte " + std::to_string(one.size()) + ": something other than";
  CHECK_THAT(error(one + "c\n"), ContainsSubstring(place));
  CHECK_THAT(error(one + "x"), ContainsSubstring(place));
  CHECK_THAT(error(one + "\x1f"), ContainsSubstring(place));
  CHECK_THAT(error(one + std::string(700'000, '\0') + "x"),
             ContainsSubstring("byte " + std::to_string(one.size() + 700'000) + ": something"));
  CHECK_THAT(error(one + "\x1f\x8b"), ContainsSubstring("truncated"));
  CHECK_THAT(error(one + two.substr(0, two.size() - 1)), ContainsSubstring("truncated"));
  // Members of which the first bytes are in one buffer, and the others in the next.
  std::mt19937 random(3);
  std::string large;
  while (large.size() < 262'144) large += static_cast<char>('a' + random() % 26);
  for (std::size_t length = 1; length < 40; ++length) {
    const std::string whole = gzipped(large) + gzipped(std::string(length, 'x') + "\n") + two;
    CHECK(lines(whole).back() == "c");
  }
}

TEST_CASE("Files of other kinds are named, with what to do") {
  const TemporaryFolder folder;
  const auto path = folder / "data.jsonl";
  const std::pair<std::string, const char*> kinds[] = {
      {{"PAR1\x15\0\x15", 7}, "Parquet: convert it with python -c"},
      {"PAR1 is all there is", "Parquet"},
      {"ARROW1\1\1", "Arrow"},
      {"PK\3\4\n", "zip archive"},
      {"\x28\xb5\x2f\xfd\x04", "zstd -d"},
      {"BZh91AY&SY\x12", "bunzip2"},
      {{"\xfd\x37zXZ\0\0", 7}, "xz -d"},
      {"\x93NUMPY\1", "NumPy array"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"},
      {"<!DOCTYPE html>\n<html>", "web page"},
      {"\n  <!doctype HTML>", "web page"},
      {"\xef\xbb\xbf<HTML lang=en>", "web page"},
      {"<?xml version='1.0'?><Error>", "XML"},
      {{"\xff\xfe{\0", 4}, "iconv"},
  };
  for (const auto& [bytes, message] : kinds) {
    INFO(message);
    write_bytes(path, bytes);
    CHECK_THAT(file_error(path, [&] { lines_of(lae::open_text(path)); }),
               ContainsSubstring("cannot be read as text: it is ") && ContainsSubstring(message));
    CHECK_THAT(file_error(path, [&] { lines_of(lae::open_gzip(path)); }),
               ContainsSubstring(message));
    write_bytes(path, gzipped(bytes));
    CHECK_THAT(file_error(path, [&] { lines_of(lae::open_gzip(path)); }),
               ContainsSubstring(message));
  }
  write_bytes(path, gzipped(gzipped("a\n")));
  CHECK_THAT(file_error(path, [&] { lines_of(lae::open_gzip(path)); }),
             ContainsSubstring("gunzip"));
  // Ids may begin like that.
  for (const char* text : {"PAR1\nB\n", "ARROW1\n", "BZh\n", "[deleted]\n", "PK\n", "7z\n", "<b>\n",
                           "version\n", "{\n"}) {
    write_bytes(path, text);
    CHECK(lines_of(lae::open_text(path)).size() >= 1);
  }

  for (const char* array : {"[{\"a\": 1}, {\"a\": 2}]", "[\n{\"a\": 1}\n]", " [ [1, 2] ]", "[]"}) {
    INFO(array);
    CHECK_THAT(csv_error(path, array), ContainsSubstring("line 1: ") &&
                                           ContainsSubstring("a JSON array") &&
                                           ContainsSubstring("jq -c '.[]'"));
  }
  CHECK_THAT(csv_error(path, "{\"a\": 1}\n"), ContainsSubstring("but JSON"));
  write_bytes(path, "[id],{x}\n1,2\n");
  CHECK(records_of(path) == std::vector<Strings>{{"1", "2"}});
}

TEST_CASE("A line that is too long is an error, before memory ends") {
  const TemporaryFolder folder;
  const auto path = folder / "data.json";
  write_bytes(path, "");
  const auto error = [&](const std::string& text) {
    return file_error(path, [&] { lines_of(std::make_unique<Endless>(path, text)); });
  };
  CHECK_THAT(error(std::string(4000, 'x')),
             ContainsSubstring("line 1: longer than 268435456 bytes"));
  // Whole categories are published as one array in one line.
  std::string array = "[";
  while (array.size() < 100'000) array += R"({"a": [1, 2]}, )";
  CHECK_THAT(error(array),
             ContainsSubstring("bytes: it is a JSON array") && ContainsSubstring("jq -c '.[]'"));
}

TEST_CASE("CSV fields, quoted and not") {
  const TemporaryFolder folder;
  const auto path = folder / "table.csv";
  const auto expect = [&](const std::string& bytes, const std::vector<Strings>& records) {
    write_bytes(path, "id,text\n" + bytes);
    CHECK(records_of(path) == records);
  };
  expect("", {});
  expect("1,a\n2,b", {{"1", "a"}, {"2", "b"}});
  expect("1,\n,2\n,\n", {{"1", ""}, {"", "2"}, {"", ""}});
  expect("1,a\n\n\r\n2,b\r\n", {{"1", "a"}, {"2", "b"}});
  expect("1,\"a, b\"\n", {{"1", "a, b"}});
  expect("\"1\",\"say \"\"hi\"\"\"\n", {{"1", "say \"hi\""}});
  expect("1,\"\"\n2,\"\"\"\"\n", {{"1", ""}, {"2", "\""}});
  expect("1,\"two\nlines\r\n\"\n2,b\n", {{"1", "two\nlines\n"}, {"2", "b"}});
  expect("\"\n\n\",\"x,\n\"\"y\"\n", {{"\n\n", "x,\n\"y"}});
  expect(" a b ,\xc3\xa9\n", {{" a b ", "\xc3\xa9"}});
}

TEST_CASE("CSV that is none names the line") {
  const TemporaryFolder folder;
  const auto path = folder / "table.csv";
  CHECK_THAT(csv_error(path, ""), ContainsSubstring("empty"));
  CHECK_THAT(csv_error(path, "\n\n"), ContainsSubstring("empty"));
  CHECK_THAT(csv_error(path, "a,b\n1,2\n1\n"),
             ContainsSubstring("line 3: expected 2 fields as in the header, found 1"));
  CHECK_THAT(csv_error(path, "a,b\n1,2,3\n"), ContainsSubstring("line 2"));
  CHECK_THAT(csv_error(path, "a,b\n1,\"2\n3,4\n"),
             ContainsSubstring("line 2: a quote is not closed"));
  CHECK_THAT(csv_error(path, "a,b\n\"1\"x,2\n"), ContainsSubstring("behind a closing quote"));
  CHECK_THAT(csv_error(path, "a,b\nx\"1\",2\n"), ContainsSubstring("a quote in a field"));
  write_bytes(path, "id,text\n");
  CHECK_THAT(
      file_error(path, [&] { return lae::CsvReader(lae::open_text(path)).column("rating"); }),
      ContainsSubstring("line 1: no column rating in the header \"id,text\""));
}

TEST_CASE("Reading goes on behind a bad CSV record") {
  const TemporaryFolder folder;
  const auto path = folder / "table.csv";
  write_bytes(path, "a,b\n1,\"stray\n2,two\nthree\n4,\"fo\nur\"\n5,\"\n");
  lae::CsvReader csv(lae::open_text(path));
  Strings found;
  while (true) {
    try {
      if (!csv.next()) break;
      found.push_back(std::string(csv[0]) + "=" + std::string(csv[1]));
    } catch (const lae::BadLine& error) {
      const std::string message = error.what();
      found.push_back(message.substr(message.find("line")));
    }
  }
  CHECK(found == Strings{"line 2: text behind a closing quote", "2=two",
                         "line 4: expected 2 fields as in the header, found 1", "4=fo\nur",
                         "line 7: a quote is not closed"});
}

TEST_CASE("Values may be separated otherwise, and have no header") {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& text, const lae::CsvFormat& format) {
    write_bytes(folder / "values", text);
    lae::CsvReader csv(lae::open_text(folder / "values"), format);
    std::vector<std::string> fields;
    const std::size_t first = csv.column("1");
    const std::size_t second = csv.column("2");
    while (csv.next()) fields.push_back(std::string(csv[first]) + "|" + std::string(csv[second]));
    return fields;
  };
  using Fields = std::vector<std::string>;
  CHECK(read("a::b\nc::\n", {"::", false}) == Fields{"a|b", "c|"});
  CHECK(read("x::y\n\"a::b\"::\"say \"\"so\"\"\"\n", {"::", true}) == Fields{"a::b|say \"so\""});
  CHECK(read("a:b::c\n", {"::", false}) == Fields{"a:b|c"});
  CHECK(read("a\tb,c\nd\te\n", {"\t", false}) == Fields{"a|b,c", "d|e"});
  CHECK(read("2;1\nx;y\n", {";", true}) == Fields{"y|x"});  // a name counts before a number
  CHECK_THROWS_WITH(read("a;b\nc\n", {";", false}), ContainsSubstring("as in the first line"));
  CHECK_THROWS_WITH(read("a;b\n", {",", false}), ContainsSubstring("no column 2: it has 1"));
  CHECK_THROWS_AS(read("a;b\n", {"", false}), std::invalid_argument);
  CHECK_THROWS_AS(read("a;b\n", {"\"", false}), std::invalid_argument);
}
