#pragma once

/// \file
/// Bytes in a known number, and their checks: a file, or a member of an archive.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/file_handle.hpp"
#include "lae/detail/io/file_kind.hpp"
#include "lae/io/file.hpp"
#if __has_include(<unistd.h>)
#include <sys/types.h>
#endif

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Bytes in a fixed number, read from first to last: a file, or a member of an archive.
class ByteSource {
 public:
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t remaining() const { return size_ - offset_; }

  /// \throws FileError if the bytes are not all there.
  void read(void* destination, std::uint64_t bytes) {
    auto* next = static_cast<char*>(destination);
    for (std::uint64_t missing = bytes; missing > 0;) {
      const std::uint64_t read = read_some(next, missing);
      if (read == 0) {
        fail_at(offset_, concat("truncated: expected ", bytes, " bytes, found ", bytes - missing));
      }
      next += read;
      missing -= read;
      offset_ += read;
    }
  }

  /// \throws FileError if anything is left, or the source finds its checksum wrong.
  void require_end() {
    char byte;
    if (read_some(&byte, 1) != 0) fail_at(offset_, "more bytes than expected");
  }

  /// Requires that what remains is an array of this shape: to be called before memory is allocated
  /// for it.
  /// \throws FileError naming the expected and the actual number of bytes.
  void require_array(const std::vector<std::uint64_t>& shape, std::uint64_t value_bytes) const {
    std::uint64_t bytes = value_bytes;
    bool overflows = false;
    std::string text;
    for (const std::uint64_t length : shape) {
      overflows = overflows || (length > 0 && bytes > largest_array / length);
      bytes = overflows ? 0 : bytes * length;
      text += (text.empty() ? "" : " x ") + std::to_string(length);
    }
    const std::string array =
        concat("an array of ", shape.empty() ? "1" : text, " values of ", value_bytes, " bytes");
    if (overflows) fail_at(offset_, array + " is larger than any file");
    if (bytes > remaining()) {
      fail_at(offset_, concat("truncated: ", array, " is expected to take ", bytes, " bytes, but ",
                              remaining(), " follow"));
    }
    if (bytes < remaining()) {
      fail_at(offset_, concat(array, " is expected to take ", bytes, " bytes, but ", remaining(),
                              " follow: there is something else behind it"));
    }
  }

  [[noreturn]] void fail(std::string_view message) const {
    if (member_.empty()) throw FileError(path_, message);
    throw FileError(path_, member_, message);
  }

  /// For a file that is not of the expected kind at all: says also what it seems to be.
  [[noreturn]] void fail_foreign(std::string_view message) const {
    fail(concat(message, but_it_is(member_.empty() ? file_kind_of(path_) : std::string_view())));
  }

  [[noreturn]] void fail_at(std::uint64_t offset, std::string_view message) const {
    throw FileError(path_, concat(member_, member_.empty() ? "" : ", ", "byte ", offset), message);
  }

 protected:
  /// `member` is the name of the part of the file that this is, empty for all of it.
  ByteSource(std::filesystem::path path, std::string member, std::uint64_t size)
      : path_(std::move(path)), member_(std::move(member)), size_(size) {}

  /// For sources that can: what is read next stands there.
  void set_offset(std::uint64_t offset) { offset_ = offset; }

 private:
  static constexpr std::uint64_t largest_array =
      static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());

  /// Reads at least one and at most `bytes` bytes; 0 means the end.
  virtual std::uint64_t read_some(char* destination, std::uint64_t bytes) = 0;

  std::filesystem::path path_;
  std::string member_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
};

/// A whole file.
class FileSource : public ByteSource {
 public:
  /// \throws FileError if the file cannot be opened or is not a regular file.
  explicit FileSource(const std::filesystem::path& path)
      : ByteSource(path, "", size_of(path)), file_(std::fopen(path.string().c_str(), "rb")) {
    if (!file_) fail("cannot be read: " + std::generic_category().message(errno));
  }

  /// Goes to an offset up to `size()`.
  void seek(std::uint64_t offset) {
    if (offset == this->offset()) return;
#if __has_include(<unistd.h>)
    const bool is_there = ::fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) == 0;
#else
    const bool is_there = ::_fseeki64(file_.get(), static_cast<long long>(offset), SEEK_SET) == 0;
#endif
    if (!is_there) fail_at(offset, "cannot be read: " + std::generic_category().message(errno));
    set_offset(offset);
  }

 private:
  static std::uint64_t size_of(const std::filesystem::path& path) {
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(path, error);
    if (error) throw FileError(path, "cannot be read: " + error.message());
    return size;
  }

  std::uint64_t read_some(char* destination, std::uint64_t bytes) override {
    const std::size_t read =
        std::fread(destination, 1, static_cast<std::size_t>(bytes), file_.get());
    if (read == 0 && std::ferror(file_.get()) != 0) {
      fail_at(offset(), "cannot be read: " + std::generic_category().message(errno));
    }
    return read;
  }

  FileHandle file_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
