#pragma once

/// \file
/// A text file compressed with gzip. Needs zlib.

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/io/file.hpp"
#include "lae/io/text_source.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

class GzipText : public TextSource {
 public:
  explicit GzipText(const std::filesystem::path& path)
      : TextSource(path), file_(gzopen(path.string().c_str(), "rb")) {
    if (!file_) {
      throw FileError(path, "cannot be read: " + std::generic_category().message(errno));
    }
    gzbuffer(file_.get(), 1 << 18);
  }

  std::size_t read(char* destination, std::size_t bytes) override {
    constexpr std::size_t most = (std::numeric_limits<int>::max)();
    const int read =
        gzread(file_.get(), destination, static_cast<unsigned>((std::min)(bytes, most)));
    // At the end of a file that was cut off, zlib gives what there is, and remembers an error.
    int code = Z_OK;
    const char* const message = gzerror(file_.get(), &code);
    if (code == Z_BUF_ERROR || (read == 0 && !gzdirect(file_.get()) && code != Z_OK)) {
      throw FileError(path(), "truncated: the compressed data end early");
    }
    if (read < 0 || code < 0) {
      throw FileError(path(), concat("cannot be read: ",
                                     code == Z_ERRNO ? std::generic_category().message(errno)
                                                     : std::string(message)));
    }
    return static_cast<std::size_t>(read);
  }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };

  [[nodiscard]] std::uint64_t file_position() const override {
    return static_cast<std::uint64_t>(std::max<z_off_t>(gzoffset(file_.get()), 0));
  }

  std::unique_ptr<std::remove_pointer_t<gzFile>, Close> file_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
