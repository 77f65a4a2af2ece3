#pragma once

/// \file
/// A file that shows that a process is alive.

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/machine_memory.hpp"
#if defined(__linux__)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#endif

namespace lae {
inline namespace LAE_ABI {
namespace detail {

#if defined(__linux__)

/// A file that is locked as long as its process lives. On Linux alone: elsewhere, that a file is
/// there says that someone owns it, for ever.
class LockFile {
 public:
  LockFile() = default;
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile() { close_file(); }

  /// Makes and locks a file.
  /// \return whether it did; if not, and there is no error, another one owns the file
  bool take(const std::filesystem::path& path, std::error_code& error) {
    path_ = path;
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0) {
      if (errno != EEXIST) error.assign(errno, std::generic_category());
      return false;
    }
    // One who clears up may have come between. Where there are no locks, none is broken either.
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      close_file();
      return false;
    }
    const std::string text = std::string(mark) + machine_start();
    const bool is_told = ::write(file_, text.data(), text.size()) >= 0;
    static_cast<void>(is_told);  // else it is never taken over where that matters
    if (is_named()) return true;
    close_file();
    return false;
  }

  /// Locks a file that a process has left which has ended.
  /// \return whether it did: not if that process may be alive
  bool take_over(const std::filesystem::path& path) {
    path_ = path;
    file_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file_ >= 0 && ::flock(file_, LOCK_EX | LOCK_NB) == 0 && is_named() &&
        is_of_this_machine()) {
      return true;
    }
    close_file();
    return false;
  }

  /// Removes the file, if it was taken, and lets go of it.
  void remove() {
    if (file_ >= 0) ::unlink(path_.c_str());
    close_file();
  }

 private:
  void close_file() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

  /// Whether the file still has its name: its owner before may have removed it since it was opened.
  [[nodiscard]] bool is_named() const {
    struct stat opened {};
    struct stat named {};
    return ::fstat(file_, &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
  }

  /// Whether what the file says does not speak against its being one of these, of this machine.
  /// Other machines may not see the locks of this one, nor this one theirs, unless the file system
  /// is one that only one machine can use at a time.
  [[nodiscard]] bool is_of_this_machine() const {
    char bytes[128];
    const ::ssize_t size = ::pread(file_, bytes, sizeof(bytes), 0);
    if (size < 0) return false;
    const std::string text(bytes, static_cast<std::size_t>(size));
    // It is empty if its owner was killed at once, or there was no space for more.
    if (!text.empty() && text.compare(0, mark.size(), mark) != 0) return false;
    struct statfs system {};
    if (::fstatfs(file_, &system) != 0) return false;
    switch (static_cast<unsigned long>(system.f_type)) {
      case 0xef53:      // ext2, ext3, ext4
      case 0x58465342:  // XFS
      case 0x9123683e:  // Btrfs
      case 0xf2f52010:  // F2FS
      case 0x2fc12fc1:  // ZFS
      case 0x01021994:  // tmpfs
      case 0x794c7630:  // overlayfs, whose upper layer is one of these
        return true;
      default:
        break;
    }
    const std::string start = machine_start();
    return !start.empty() && text == std::string(mark) + start;
  }

  /// What no other machine has, nor this one after it was started again.
  static std::string machine_start() { return system_file("/proc/sys/kernel/random/boot_id"); }

  static constexpr std::string_view mark = "lae lock ";

  std::filesystem::path path_;
  int file_ = -1;
};

#else

class LockFile {
 public:
  LockFile() = default;
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  bool take(const std::filesystem::path& path, std::error_code& error) {
    path_ = path;
    // Mode x fails if the file exists, so a name belongs to one writer among all processes.
    std::FILE* file = std::fopen(path.string().c_str(), "wbx");
    if (file != nullptr) {
      std::fclose(file);
      is_taken_ = true;
    } else if (errno != EEXIST) {
      error.assign(errno, std::generic_category());
    }
    return is_taken_;
  }

  bool take_over(const std::filesystem::path&) { return false; }

  void remove() {
    std::error_code ignored;
    if (is_taken_) std::filesystem::remove(path_, ignored);
    is_taken_ = false;
  }

 private:
  std::filesystem::path path_;
  bool is_taken_ = false;
};

#endif

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
