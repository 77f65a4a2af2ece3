#pragma once

/// \file
/// A file as memory that processes share.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <system_error>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/io/file.hpp"
#if __has_include(<sys/mman.h>)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Read-only, and read from disk as it is looked at. A file that is replaced stays mapped as it
/// was; whoever cuts one off in place ends the processes that look at what is gone.
class MappedFile {
 public:
  /// \throws FileError if the file cannot be opened or mapped, or is not a regular file.
  explicit MappedFile(const std::filesystem::path& path) {
#if __has_include(<sys/mman.h>)
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || ::fstat(file, &status) != 0) fail(path, file, errno);
    if (!S_ISREG(status.st_mode)) fail(path, file, S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
    const auto bytes = static_cast<std::uint64_t>(status.st_size);
    if (bytes > (std::numeric_limits<std::size_t>::max)()) fail(path, file, EFBIG);
    size_ = static_cast<std::size_t>(bytes);
    if (size_ > 0) {  // nothing cannot be mapped
      void* const memory = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
      if (memory == MAP_FAILED) fail(path, file, errno);
      data_ = static_cast<const char*>(memory);
    }
    ::close(file);
#else
    throw FileError(path, "cannot be mapped on this system: load it instead");
#endif
  }

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
#if __has_include(<sys/mman.h>)
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
#endif
  }

  [[nodiscard]] const char* data() const {
    return data_;
  }
  [[nodiscard]] std::size_t size() const {
    return size_;
  }

 private:
#if __has_include(<sys/mman.h>)
  [[noreturn]] static void fail(const std::filesystem::path& path, int file, int reason) {
    if (file >= 0) ::close(file);
    throw FileError(path, "cannot be read: " + std::generic_category().message(reason));
  }
#endif

  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The bytes of one, for what reads any source.
class MappedSource : public ByteSource {
 public:
  MappedSource(const std::filesystem::path& path, const MappedFile& file)
      : ByteSource(path, "", file.size()), file_(file) {}

 private:
  std::uint64_t read_some(char* destination, std::uint64_t bytes) override {
    const std::uint64_t read = (std::min)(bytes, remaining());
    if (read > 0) std::memcpy(destination, file_.data() + offset(), static_cast<std::size_t>(read));
    return read;
  }

  const MappedFile& file_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
