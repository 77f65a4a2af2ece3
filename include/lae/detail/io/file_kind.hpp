#pragma once

/// \file
/// What a file is that is not what was expected, told by what it begins with.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/io/file_handle.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A kind of file that people have at hand where something else should be.
struct FileKind {
  enum class Start { binary, letters, page };

  std::string_view magic;  ///< what it begins with; '?' stands for any byte
  std::string_view what;   ///< that it is, and what to do
  /// Letters alone begin a text as well, unless what follows is none; of a page, white space may
  /// stand before them, and they may be small or capital.
  Start start = Start::binary;
};

/// No kind needs more bytes than these to be recognised.
inline constexpr std::size_t file_kind_bytes = 64;

inline constexpr FileKind file_kinds[] = {
    {"PAR1",
     "Parquet: convert it with python -c \"import pandas, sys; pandas.read_parquet(sys.argv[1])"
     ".to_json(sys.argv[2], orient='records', lines=True)\" IN.parquet OUT.jsonl",
     FileKind::Start::letters},
    {"ARROW1",
     "Arrow (Feather): convert it with python -c \"import pandas, sys; "
     "pandas.read_feather(sys.argv[1]).to_json(sys.argv[2], orient='records', lines=True)\" "
     "IN.arrow OUT.jsonl",
     FileKind::Start::letters},
    {"PK\3\4", "a zip archive (as .npz is): unpack it with unzip"},
    {"PK\5\6", "a zip archive without files"},
    {"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it with zstd -d"},
    {"BZh?1AY&SY", "compressed with bzip2: unpack it with bunzip2"},
    {{"\xfd"
      "7zXZ\0",
      6},
     "compressed with xz: unpack it with xz -d"},
    {"\x04\x22\x4d\x18", "compressed with lz4: unpack it with lz4 -d"},
    {"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it with 7z x"},
    {"\x1f\x8b", "compressed with gzip: unpack it with gunzip"},
    {"\x93NUMPY", "a NumPy array (.npy)"},
    {"\x89HDF\r\n", "HDF5: export what is needed of it"},
    {{"SQLite format 3\0", 16}, "an SQLite database: export what is needed of it"},
    {"version https://git-lfs",
     "a Git LFS pointer, which stands for the file itself: fetch that with git lfs pull"},
    {"\xff\xfe", "UTF-16 text: convert it with iconv -f UTF-16 -t UTF-8"},
    {"\xfe\xff", "UTF-16 text: convert it with iconv -f UTF-16 -t UTF-8"},
    {"<!doctype", "a web page: the download saved that instead of the data", FileKind::Start::page},
    {"<html", "a web page: the download saved that instead of the data", FileKind::Start::page},
    {"<?xml", "XML, perhaps a server's error message saved instead of the data",
     FileKind::Start::page},
};

/// Says what kind of file begins like that; nothing, if none that is known.
[[nodiscard]] inline std::string_view file_kind(std::string_view begin) {
  const std::string_view mark = "\xef\xbb\xbf";
  std::string_view page = begin;
  if (page.substr(0, mark.size()) == mark) page.remove_prefix(mark.size());
  page.remove_prefix((std::min)(page.find_first_not_of(" \t\r\n"), page.size()));
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto is_text = [](std::string_view bytes) {
    return bytes.find('\n') != bytes.npos && std::none_of(bytes.begin(), bytes.end(), [](char c) {
             return c >= 0 && c < ' ' && c != '\t' && c != '\r' && c != '\n';
           });
  };
  for (const FileKind& kind : file_kinds) {
    const bool is_page = kind.start == FileKind::Start::page;
    const std::string_view start = (is_page ? page : begin).substr(0, kind.magic.size());
    const bool is_kind =
        std::equal(start.begin(), start.end(), kind.magic.begin(), kind.magic.end(),
                   [&](char c, char of_magic) {
                     return of_magic == '?' || c == of_magic || (is_page && lower(c) == of_magic);
                   });
    if (is_kind && !(kind.start == FileKind::Start::letters && is_text(begin))) return kind.what;
  }
  return {};
}

/// As above, of a file; nothing, if it cannot be read.
[[nodiscard]] inline std::string_view file_kind_of(const std::filesystem::path& path) {
  const FileHandle file(std::fopen(path.string().c_str(), "rb"));
  if (!file) return {};
  char begin[file_kind_bytes];
  return file_kind({begin, std::fread(begin, 1, sizeof(begin), file.get())});
}

/// To be put behind a message that a file is not what was expected: ": it is ...", or nothing.
[[nodiscard]] inline std::string but_it_is(std::string_view kind) {
  return kind.empty() ? std::string() : ": it is " + std::string(kind);
}

/// Whether a line begins a JSON array of objects, arrays or texts.
[[nodiscard]] inline bool begins_json_array(std::string_view line) {
  const std::size_t opening = line.find_first_not_of(" \t");
  if (opening == line.npos || line[opening] != '[') return false;
  const std::size_t next = line.find_first_not_of(" \t\r", opening + 1);
  return next == line.npos || std::string_view("{[\"]").find(line[next]) != std::string_view::npos;
}

inline constexpr std::string_view json_array_message =
    "a JSON array, where one object a line is expected: jq -c '.[]' IN.json > OUT.jsonl writes it "
    "so";

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
