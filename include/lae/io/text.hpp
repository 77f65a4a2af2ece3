#pragma once

/// \file
/// Text files read from first to last: bytes from somewhere, cut into lines.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/io/file.hpp"

namespace lae {

/// Bytes in an unknown number, read from first to last.
class TextSource {
 public:
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;
  virtual ~TextSource() = default;

  const std::filesystem::path& path() const { return path_; }

  /// Reads up to `bytes` bytes (at least 1) and returns how many; 0 means the end.
  /// \throws FileError if reading fails.
  virtual std::size_t read(char* destination, std::size_t bytes) = 0;

  /// How much of the file has been read, in [0, 1].
  double fraction_read() const {
    return file_bytes_ == 0 ? 1 : static_cast<double>(file_position()) / file_bytes_;
  }

 protected:
  /// \throws FileError if the path is not that of a regular file.
  explicit TextSource(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code error;
    const auto status = std::filesystem::status(path_, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
      throw FileError(path_, "cannot be read: it is not a regular file");
    }
    file_bytes_ = static_cast<double>(std::filesystem::file_size(path_, error));
    if (error) throw FileError(path_, "cannot be read: " + error.message());
  }

 private:
  /// How many bytes of the file on disk have been read.
  virtual std::uint64_t file_position() const = 0;

  std::filesystem::path path_;
  double file_bytes_ = 0;
};

using TextSourcePtr = std::unique_ptr<TextSource>;

namespace detail {

class PlainText : public TextSource {
 public:
  explicit PlainText(const std::filesystem::path& path)
      : TextSource(path), file_(std::fopen(path.string().c_str(), "rb")) {
    if (!file_) fail();
  }

  std::size_t read(char* destination, std::size_t bytes) override {
    const std::size_t read = std::fread(destination, 1, bytes, file_.get());
    if (read == 0 && std::ferror(file_.get()) != 0) fail();
    if (position_ == 0 && read >= 2 && std::memcmp(destination, "\x1f\x8b", 2) == 0) {
      throw FileError(path(), "is compressed with gzip; open it with open_gzip (lae/io/gzip.hpp)");
    }
    position_ += read;
    return read;
  }

 private:
  std::uint64_t file_position() const override { return position_; }

  [[noreturn]] void fail() const {
    throw FileError(path(), "cannot be read: " + std::generic_category().message(errno));
  }

  FileHandle file_;
  std::uint64_t position_ = 0;
};

}  // namespace detail

/// Opens a text file that is not compressed.
/// \throws FileError if it cannot be opened.
inline TextSourcePtr open_text(const std::filesystem::path& path) {
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

  const TextSource& source() const { return *source_; }

  /// Number of the line that `next` gave last, from 1.
  std::uint64_t line_number() const { return line_number_; }

  /// Gives the next line, valid until the next call, or returns false at the end.
  /// \throws FileError if reading fails or a line is longer than any should be.
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
  static constexpr std::size_t first_size = std::size_t(1) << 20;

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
                        detail::concat("longer than ", longest_line, " bytes"));
      }
      buffer_.resize(2 * buffer_.size());
    }
    const std::size_t read = source_->read(buffer_.data() + end_, buffer_.size() - padding - end_);
    end_ += read;
    return read > 0;
  }

  TextSourcePtr source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t line_number_ = 0;
};

namespace detail {

/// Calls take(record) for each record that next(record) gives until it returns false. A BadLine
/// that `next` throws is counted if there is `skipped`.
template <class Record, class Next, class Take>
void read_each(Next&& next, Take&& take, SkippedLines* skipped) {
  while (true) {
    Record record;
    try {
      if (!next(record)) return;
    } catch (const BadLine& error) {
      if (skipped == nullptr) throw;
      skipped->add(error);
      continue;
    }
    take(record);
  }
}

}  // namespace detail
}  // namespace lae
