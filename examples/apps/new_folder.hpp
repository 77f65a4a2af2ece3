#pragma once

/// \file
/// A folder that is there as a whole or not at all.

#include <fmt/format.h>

#include <filesystem>
#include <lae/io/file.hpp>
#include <system_error>

namespace example {

/// A folder to be filled beside its target, which takes the target's name on `commit`. Until then,
/// and for ever if the program fails, whatever had that name stays as it was. A process that is
/// killed leaves a folder named like the target with ".partial-" and a number at its end.
class NewFolder {
 public:
  /// \param marker a file that shows that an existing folder is of the same kind
  /// \param may_replace whether an existing folder of the same kind may be replaced
  /// \throws lae::FileError if the target exists and must not be replaced, or no folder can be
  /// made.
  NewFolder(const std::filesystem::path& target, const std::filesystem::path& marker,
            bool may_replace)
      : target_(std::filesystem::absolute(target).lexically_normal()) {
    namespace fs = std::filesystem;
    if (!target_.has_filename()) target_ = target_.parent_path();
    std::error_code error;
    exists_ = fs::exists(target_, error);
    if (exists_ && !fs::is_directory(target_)) throw lae::FileError(target, "is not a folder");
    if (exists_ && !fs::is_empty(target_)) {
      if (!fs::exists(target_ / marker)) {
        throw lae::FileError(target, "is a folder of something else: it is not empty, and has no " +
                                         marker.string());
      }
      if (!may_replace) {
        throw lae::FileError(target, "exists already; --replace makes it anew, whatever it holds");
      }
    }
    fs::create_directories(target_.parent_path(), error);
    for (int number = 0; !error; ++number) {
      partial_ = fs::path(fmt::format("{}.partial-{}", target_.string(), number));
      if (fs::create_directory(partial_, error)) return;
    }
    throw lae::FileError(target, "cannot be made: " + error.message());
  }

  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  ~NewFolder() {
    std::error_code ignored;
    if (!partial_.empty()) std::filesystem::remove_all(partial_, ignored);
  }

  /// Where to write a file of this name.
  std::filesystem::path operator/(const std::filesystem::path& name) const {
    return partial_ / name;
  }

  /// \throws lae::FileError if the folder cannot be moved.
  void commit() {
    namespace fs = std::filesystem;
    const fs::path old = partial_.string() + "-old";
    std::error_code error;
    if (exists_) fs::rename(target_, old, error);
    if (!error) {
      fs::rename(partial_, target_, error);
      std::error_code ignored;
      if (error && exists_) fs::rename(old, target_, ignored);
    }
    if (error) throw lae::FileError(target_, "cannot be replaced: " + error.message());
    partial_.clear();
    if (exists_) fs::remove_all(old, error);
  }

 private:
  std::filesystem::path target_;
  std::filesystem::path partial_;
  bool exists_ = false;
};

}  // namespace example
