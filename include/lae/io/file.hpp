#pragma once

/// \file
/// What every reader and writer of files shares: the error they throw, files that are replaced as
/// a whole or not at all, and a source of bytes that knows how many there are.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {

/// A file cannot be read or written, or does not hold what it should.
class FileError : public std::runtime_error {
 public:
  FileError(std::filesystem::path path, std::string_view message)
      : std::runtime_error(detail::concat(path.string(), ": ", message)), path_(std::move(path)) {}

  /// `location` is where in the file: "line 12", "byte 128".
  FileError(std::filesystem::path path, std::string_view location, std::string_view message)
      : std::runtime_error(detail::concat(path.string(), ", ", location, ": ", message)),
        path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A reserved name beside a target file, for whoever writes that file: `commit` moves what was
/// written there over the target in one step. Until then, and for ever if the writer fails, the
/// target stays as it was; an uncommitted file is removed by the destructor.
///
/// The target keeps its permissions, and remains a symbolic link if it is one. A process that is
/// killed leaves a file named like the target with ".partial-" and a number at its end.
class AtomicReplacement {
 public:
  /// \throws FileError if no file can be made in the target's folder, or the target exists and is
  /// not a regular file.
  explicit AtomicReplacement(const std::filesystem::path& target) : target_(target) {
    std::error_code error;
    previous_ = std::filesystem::status(target, error);
    if (std::filesystem::exists(previous_)) {
      if (!std::filesystem::is_regular_file(previous_)) {
        throw FileError(target_, "cannot be replaced: it is not a regular file");
      }
      target_ = std::filesystem::canonical(target, error);
      if (error) throw FileError(target, "cannot be replaced: " + error.message());
    }
    reserve_name();
  }

  AtomicReplacement(const AtomicReplacement&) = delete;
  AtomicReplacement& operator=(const AtomicReplacement&) = delete;

  ~AtomicReplacement() {
    std::error_code ignored;
    if (!committed_) std::filesystem::remove(partial_, ignored);
  }

  const std::filesystem::path& target() const { return target_; }

  /// The reserved name: an empty file, to be written to, or replaced.
  const std::filesystem::path& partial() const { return partial_; }

  /// \throws FileError if the file cannot be moved; the target is then as it was.
  void commit() {
    std::error_code error;
    if (std::filesystem::exists(previous_)) {
      std::filesystem::permissions(partial_, previous_.permissions(), error);
    }
    if (!error) std::filesystem::rename(partial_, target_, error);
    if (error) throw FileError(target_, "cannot be replaced: " + error.message());
    committed_ = true;
  }

 private:
  void reserve_name() {
    for (int number = 0;; ++number) {
      partial_ = target_;
      partial_ += ".partial-" + std::to_string(number);
      // Mode x fails if the file exists, so a name belongs to one writer among all processes.
      if (std::FILE* file = std::fopen(partial_.string().c_str(), "wbx")) {
        std::fclose(file);
        return;
      }
      if (errno != EEXIST) {
        throw FileError(target_, "cannot be written: " + std::generic_category().message(errno));
      }
    }
  }

  std::filesystem::path target_;
  std::filesystem::path partial_;
  std::filesystem::file_status previous_;
  bool committed_ = false;
};

namespace detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FileHandle = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace detail

/// A binary file being written, which takes its target's place on `commit` (see
/// AtomicReplacement).
class AtomicFile {
 public:
  /// \throws FileError as AtomicReplacement, and if the file cannot be opened.
  explicit AtomicFile(const std::filesystem::path& target)
      : replacement_(target), file_(std::fopen(replacement_.partial().string().c_str(), "wb")) {
    if (!file_) fail();
  }

  /// \throws FileError with the system's reason, such as a full disk.
  void write(const void* data, std::size_t bytes) {
    if (bytes > 0 && std::fwrite(data, 1, bytes, file_.get()) != bytes) fail();
  }

  /// To be called once, after the last write.
  /// \throws FileError if anything written before could not be stored.
  void commit() {
    // What is left in the buffer is written by closing, which may fail as any write may.
    if (std::fclose(file_.release()) != 0) fail();
    replacement_.commit();
  }

 private:
  [[noreturn]] void fail() const {
    const int reason = errno;
    throw FileError(replacement_.target(),
                    "cannot be written: " + std::generic_category().message(reason));
  }

  AtomicReplacement replacement_;
  detail::FileHandle file_;
};

namespace detail {

/// Bytes in a fixed number, read from first to last: a file, or a member of an archive.
class ByteSource {
 public:
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  std::uint64_t size() const { return size_; }
  std::uint64_t offset() const { return offset_; }
  std::uint64_t remaining() const { return size_ - offset_; }

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

  [[noreturn]] void fail_at(std::uint64_t offset, std::string_view message) const {
    throw FileError(path_, concat(member_, member_.empty() ? "" : ", ", "byte ", offset), message);
  }

 protected:
  /// `member` is the name of the part of the file that this is, empty for all of it.
  ByteSource(std::filesystem::path path, std::string member, std::uint64_t size)
      : path_(std::move(path)), member_(std::move(member)), size_(size) {}

 private:
  static constexpr std::uint64_t largest_array =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

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
}  // namespace lae
