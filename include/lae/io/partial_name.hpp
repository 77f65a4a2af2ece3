#pragma once

/// \file
/// Names for what is being written, which the next writer clears up if this one is killed.

#include <filesystem>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/io/lock_file.hpp"

namespace lae {
inline namespace LAE_ABI {

/// A name beside a target, "NAME.partial-" and a number, that no other process uses as long as this
/// object lives: for a file or folder that is to take the target's place when it is whole. What
/// still stands there at the end of the object is removed.
///
/// A process that is killed leaves what it wrote, and beside it "NAME.lock-N", which it had locked.
/// The next PartialName of the same target removes both, unless a process may still own them: the
/// system lets go of a lock when its process ends, whatever its number. Where several machines may
/// share a file system, one removes only what was begun by itself since it was started. What has no
/// lock file is no concern of this class and stays.
class PartialName {
 public:
  /// Takes a name and clears up what killed writers of this target left. `error` tells why no name
  /// can be taken; there is none then.
  PartialName(const std::filesystem::path& target, std::error_code& error) : target_(target) {
    clear_up();
    error.clear();
    for (int number = 0; !error; ++number) {
      path_ = partial_name(number);
      if (lock_.take(lock_name(number), error) && !exists(path_)) return;
      lock_.remove();
    }
    path_.clear();
  }

  PartialName(const PartialName&) = delete;
  PartialName& operator=(const PartialName&) = delete;

  ~PartialName() { release(); }

  /// Ends the use of the name before the object ends.
  void release() noexcept {
    try {
      if (!path_.empty()) remove_all_of(path_, lock_);
    } catch (const std::bad_alloc&) {
      // The next one clears up.
    }
    path_.clear();
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Where a folder's writer may put what it replaces for a moment: if it is killed while nothing
  /// has the target's name, the next one moves this back.
  [[nodiscard]] std::filesystem::path displaced() const { return displaced_by(path_); }

 private:
  static std::filesystem::path displaced_by(const std::filesystem::path& partial) {
    return partial.string() + "-old";
  }
  static bool exists(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
  }

  [[nodiscard]] std::filesystem::path partial_name(int number) const {
    return target_.string() + ".partial-" + std::to_string(number);
  }
  [[nodiscard]] std::filesystem::path lock_name(int number) const {
    return target_.string() + ".lock-" + std::to_string(number);
  }

  /// The number in a lock file's name, if it is one of this target; else negative.
  [[nodiscard]] int number_of(const std::string& file_name) const {
    const std::string begin = target_.filename().string() + ".lock-";
    if (file_name.compare(0, begin.size(), begin) != 0) return -1;
    const std::string digits = file_name.substr(begin.size());
    const bool is_number = !digits.empty() && digits.size() < 9 &&
                           digits.find_first_not_of("0123456789") == digits.npos;
    return is_number ? std::stoi(digits) : -1;
  }

  /// Removes what killed writers of this target left.
  void clear_up() const {
    const std::vector<std::filesystem::path> files = beside(target_);
    for (const std::filesystem::path& file : files) {
      const int number = number_of(file.filename().string());
      detail::LockFile lock;
      if (number < 0 || !lock.take_over(lock_name(number))) continue;
      const std::filesystem::path partial = partial_name(number);
      std::error_code error;
      if (exists(displaced_by(partial)) && !exists(target_)) {
        std::filesystem::rename(displaced_by(partial), target_, error);
        if (error) continue;
      }
      // libzip gives its temporary files names that begin like that of what they are to replace.
      const std::string begin = partial.filename().string() + ".";
      for (const std::filesystem::path& other : files) {
        if (other.filename().string().compare(0, begin.size(), begin) == 0) {
          std::filesystem::remove(other, error);
        }
      }
      remove_all_of(partial, lock);
    }
  }

  /// Removes what has this name, and then the lock; it stays for another attempt if that fails.
  static void remove_all_of(const std::filesystem::path& partial, detail::LockFile& lock) {
    std::error_code ignored;
    std::filesystem::remove_all(partial, ignored);
    std::filesystem::remove_all(displaced_by(partial), ignored);
    if (!exists(partial) && !exists(displaced_by(partial))) lock.remove();
  }

  /// What stands in the folder of a file; nothing if that cannot be read.
  static std::vector<std::filesystem::path> beside(const std::filesystem::path& file) {
    const std::filesystem::path folder = file.parent_path();
    std::vector<std::filesystem::path> files;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      files.push_back(entry->path());
    }
    return files;
  }

  std::filesystem::path target_;
  std::filesystem::path path_;
  detail::LockFile lock_;
};

}  // namespace LAE_ABI
}  // namespace lae
