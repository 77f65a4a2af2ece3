#pragma once

/// \file
/// From the system's memory to the disk.

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "lae/detail/core/abi.hpp"
#if __has_include(<unistd.h>)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Waits until what was written to a file, or which names a folder holds, is on disk.
/// \return whether it is, or that cannot be known here; `error` tells why not
inline bool sync(const std::filesystem::path& path, std::error_code& error) {
#if __has_include(<unistd.h>)
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_stored =
      file >= 0 && (::fsync(file) == 0 || errno == EINVAL || errno == ENOSYS || errno == ENOTSUP);
  if (!is_stored) error.assign(errno, std::generic_category());
  if (file >= 0) ::close(file);
  return is_stored;
#else
  static_cast<void>(path);
  static_cast<void>(error);
  return true;
#endif
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
