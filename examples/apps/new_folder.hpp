#pragma once

/// \file
/// A folder that is there as a whole or not at all.

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <lae/io/file.hpp>
#include <lae/io/partial_name.hpp>
#include <optional>
#include <system_error>

namespace example {

/// A folder to be filled beside its target, which takes the target's name on `commit`. Until then,
/// and for ever if the program fails, whatever had that name stays as it was. What a process leaves
/// that is killed is removed by the next one with the same target (see lae::PartialName).
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
    fs::create_directories(target_.parent_path(), error);
    if (!error) name_.emplace(target_, error);
    std::error_code ignored;
    exists_ = fs::exists(target_, ignored);
    if (exists_ && !fs::is_directory(target_)) throw lae::FileError(target, "is not a folder");
    if (exists_ && !fs::is_empty(target_)) {
      if (!fs::exists(target_ / marker)) {
        throw lae::FileError(target, "is a folder of something else: it is not empty, and has no " +
                                         marker.string());
      }
      if (!may_replace) {
        throw lae::FileError(target,
                             "exists already; --replace makes it anew, whatever it holds but "
                             "embeddings by a server");
      }
    }
    if (!error) fs::create_directory(name_->path(), error);
    if (error) throw lae::FileError(target, "cannot be made: " + error.message());
  }

  /// Where to write a file of this name.
  std::filesystem::path operator/(const std::filesystem::path& name) const {
    return name_->path() / name;
  }

  /// \throws lae::FileError if the folder cannot be moved.
  void commit() {
    std::error_code error;
    if (!exists_ || !exchange(name_->path(), target_)) move(error);
    if (error) throw lae::FileError(target_, "cannot be replaced: " + error.message());
    name_.reset();  // removes what had the name before
  }

 private:
  /// Gives each of two folders the other's name, so that at no moment one has none.
  /// \return whether the file system can do that
  static bool exchange([[maybe_unused]] const std::filesystem::path& a,
                       [[maybe_unused]] const std::filesystem::path& b) {
#if defined(SYS_renameat2)
    constexpr unsigned exchange_flag = 2;
    return syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), exchange_flag) == 0;
#else
    return false;
#endif
  }

  /// In two steps, if there is a folder to replace: if this program is killed between them, the
  /// next one undoes the first.
  void move(std::error_code& error) const {
    namespace fs = std::filesystem;
    if (exists_) fs::rename(target_, name_->displaced(), error);
    if (error) return;
    fs::rename(name_->path(), target_, error);
    std::error_code ignored;
    if (error && exists_) fs::rename(name_->displaced(), target_, ignored);
  }

  std::filesystem::path target_;
  std::optional<lae::PartialName> name_;
  bool exists_ = false;
};

}  // namespace example
