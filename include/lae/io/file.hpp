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
#include "lae/detail/io/sync.hpp"
#include "lae/io/partial_name.hpp"

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
/// The target keeps its permissions, and remains a symbolic link if it is one. What a process
/// leaves that is killed is removed by the next one that writes the same target (see PartialName).
class AtomicReplacement {
 public:
  /// \throws FileError if no file can be made in the target's folder, or the target exists and is
  /// not a regular file.
  explicit AtomicReplacement(const std::filesystem::path& target)
      : target_(existing(target)), name_(target_, error_) {
    if (!error_) {
      // Mode x, so that what anyone else put there is not written to.
      if (std::FILE* file = std::fopen(partial().string().c_str(), "wbx")) {
        std::fclose(file);
        return;
      }
      error_.assign(errno, std::generic_category());
    }
    throw FileError(target_, "cannot be written: " + error_.message());
  }

  [[nodiscard]] const std::filesystem::path& target() const { return target_; }

  /// The reserved name: an empty file, to be written to, or replaced. None after `commit`.
  [[nodiscard]] const std::filesystem::path& partial() const { return name_.path(); }

  /// Returns when the new file is on disk.
  /// \throws FileError if the file cannot be stored or moved; the target is then as it was.
  void commit() {
    // A machine that loses power must not have moved what it had yet to write.
    if (!detail::sync(partial(), error_)) {
      throw FileError(target_, "cannot be written: " + error_.message());
    }
    if (std::filesystem::exists(previous_)) {
      std::filesystem::permissions(partial(), previous_.permissions(), error_);
    }
    if (!error_) std::filesystem::rename(partial(), target_, error_);
    if (error_) throw FileError(target_, "cannot be replaced: " + error_.message());
    name_.release();
    std::error_code ignored;  // the file is there, and whole
    detail::sync(target_.has_parent_path() ? target_.parent_path() : ".", ignored);
  }

 private:
  /// What is to be replaced, behind symbolic links.
  std::filesystem::path existing(const std::filesystem::path& target) {
    previous_ = std::filesystem::status(target, error_);
    error_.clear();
    if (!std::filesystem::exists(previous_)) return target;
    if (!std::filesystem::is_regular_file(previous_)) {
      throw FileError(target, "cannot be replaced: it is not a regular file");
    }
    const std::filesystem::path file = std::filesystem::canonical(target, error_);
    if (error_) throw FileError(target, "cannot be replaced: " + error_.message());
    return file;
  }

  std::error_code error_;
  std::filesystem::file_status previous_;
  std::filesystem::path target_;
  PartialName name_;
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

  /// Writes over the first bytes, after all others: for what is known only then. As many bytes must
  /// be there already.
  /// \throws FileError as `write`.
  void write_front(const void* data, std::size_t bytes) {
    if (std::fseek(file_.get(), 0, SEEK_SET) != 0) fail();
    write(data, bytes);
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
