#pragma once

/// \file
/// What every reader and writer of files shares: the error they throw, and files that are replaced
/// as a whole or not at all.
///
///     lae::AtomicFile file("numbers.bin");
///     file.write(numbers.data(), numbers.size() * sizeof(double));
///     file.commit();  // until here, an earlier numbers.bin is as it was

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "lae/core/errors.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/file_handle.hpp"

namespace lae {
inline namespace LAE_ABI {

/// A file cannot be read or written, or does not hold what it should.
class FileError : public std::runtime_error {
 public:
  FileError(std::filesystem::path path, std::string_view message)
      : std::runtime_error(detail::concat(path.string(), ": ", message)), path_(std::move(path)) {}

  /// `location` is where in the file: "line 12", "byte 128".
  FileError(std::filesystem::path path, std::string_view location, std::string_view message)
      : std::runtime_error(detail::concat(path.string(), ", ", location, ": ", message)),
        path_(std::move(path)) {}

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

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

  [[nodiscard]] const std::filesystem::path& target() const { return target_; }

  /// The reserved name: an empty file, to be written to, or replaced.
  [[nodiscard]] const std::filesystem::path& partial() const { return partial_; }

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

}  // namespace LAE_ABI
}  // namespace lae
