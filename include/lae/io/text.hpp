#pragma once

/// \file
/// Text files read from first to last: bytes from somewhere, cut into lines.
///
///     lae::LineReader lines(lae::open_text("users.txt"));
///     for (std::string_view line; lines.next(line);) ids.emplace_back(line);

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/file_kind.hpp"
#include "lae/detail/io/plain_text.hpp"
#include "lae/io/file.hpp"
#include "lae/io/text_source.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Opens a text file that is not compressed.
/// \throws FileError if it cannot be opened.
[[nodiscard]] inline TextSourcePtr open_text(const std::filesystem::path& path) {
  return std::make_unique<detail::PlainText>(path);
}

/// A line of a text file that does not hold what it should; what follows it can still be read.
class BadLine : public FileError {
 public:
  BadLine(const std::filesystem::path& path, std::uint64_t line_number, std::string_view message)
      : FileError(path, detail::concat("line ", line_number), message) {}
};

/// Lines that were not read because they cannot be understood, if the caller wants to go on then.
struct SkippedLines {
  static constexpr std::size_t kept_messages = 5;

  std::uint64_t count = 0;
  std::vector<std::string> first_messages;  ///< of the first few

  void add(const BadLine& error) {
    ++count;
    if (first_messages.size() < kept_messages) first_messages.emplace_back(error.what());
  }
};

/// Cuts a text into lines, which may end in LF or CRLF; the last one need not end. A byte order
/// mark at the beginning is left out.
class LineReader {
 public:
  /// That many bytes behind a line can be read, too, whatever they hold: JSON parsers want it.
  static constexpr std::size_t padding = 64;

  /// No line of a data set is longer; what seems to be is something else.
  static constexpr std::size_t longest_line = std::size_t(1) << 28;

  explicit LineReader(TextSourcePtr source) : source_(std::move(source)), buffer_(first_size) {}

  [[nodiscard]] const TextSource& source() const { return *source_; }

  /// Number of the line that `next` gave last, from 1.
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }

  /// Gives the next line, valid until the next call, or returns false at the end.
  /// \throws FileError if reading fails, a line is longer than any should be, or the file begins as
  /// one of another kind does (Parquet, an archive, a web page, ...), naming it.
  bool next(std::string_view& line) {
    std::size_t searched = 0;
    while (true) {
      const char* const start = buffer_.data() + begin_;
      const void* const found = std::memchr(start + searched, '\n', end_ - begin_ - searched);
      if (found != nullptr) {
        line = {start, static_cast<std::size_t>(static_cast<const char*>(found) - start)};
        begin_ += line.size() + 1;
        break;
      }
      searched = end_ - begin_;
      if (fill()) continue;
      if (searched == 0) return false;
      line = {buffer_.data() + begin_, searched};
      begin_ = end_;
      break;
    }
    ++line_number_;
    if (line_number_ == 1 && line.substr(0, 3) == "\xef\xbb\xbf") line.remove_prefix(3);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return true;
  }

  /// \throws BadLine
  [[noreturn]] void fail(std::uint64_t line_number, std::string_view message) const {
    throw BadLine(source_->path(), line_number, message);
  }
  [[noreturn]] void fail(std::string_view message) const { fail(line_number_, message); }

 private:
  static constexpr std::size_t first_size = std::size_t(1) << 17;

  /// Reads more behind what is left; false at the end.
  bool fill() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ + padding >= buffer_.size()) {
      if (end_ > longest_line) {
        throw FileError(source_->path(), detail::concat("line ", line_number_ + 1),
                        detail::concat("longer than ", longest_line, " bytes",
                                       detail::begins_json_array({buffer_.data(), end_})
                                           ? detail::but_it_is(detail::json_array_message)
                                           : std::string()));
      }
      buffer_.resize(2 * buffer_.size());
    }
    const std::size_t read = source_->read(buffer_.data() + end_, buffer_.size() - padding - end_);
    if (!has_begun_) {
      const std::string_view kind =
          detail::file_kind({buffer_.data(), (std::min)(read, detail::file_kind_bytes)});
      if (!kind.empty()) {
        throw FileError(source_->path(), detail::concat("cannot be read as text: it is ", kind));
      }
    }
    has_begun_ = true;
    end_ += read;
    return read > 0;
  }

  TextSourcePtr source_;
  std::vector<char> buffer_;
  bool has_begun_ = false;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t line_number_ = 0;
};

}  // namespace LAE_ABI
}  // namespace lae
