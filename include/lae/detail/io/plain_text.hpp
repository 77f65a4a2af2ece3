#pragma once

/// \file
/// A text file that is not compressed.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/io/file_handle.hpp"
#include "lae/io/file.hpp"
#include "lae/io/text_source.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

class PlainText : public TextSource {
 public:
  explicit PlainText(const std::filesystem::path& path)
      : TextSource(path), file_(std::fopen(path.string().c_str(), "rb")) {
    if (!file_) fail();
  }

  std::size_t read(char* destination, std::size_t bytes) override {
    const std::size_t read = std::fread(destination, 1, bytes, file_.get());
    if (read == 0 && std::ferror(file_.get()) != 0) fail();
    if (position_ == 0 && read >= 2 && std::memcmp(destination, "\x1f\x8b", 2) == 0) {
      throw FileError(path(), "is compressed with gzip; open it with open_gzip (lae/io/gzip.hpp)");
    }
    position_ += read;
    return read;
  }

 private:
  [[nodiscard]] std::uint64_t file_position() const override { return position_; }

  [[noreturn]] void fail() const {
    throw FileError(path(), "cannot be read: " + std::generic_category().message(errno));
  }

  FileHandle file_;
  std::uint64_t position_ = 0;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
