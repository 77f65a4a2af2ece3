#pragma once

/// \file
/// A text file that may be compressed with gzip. Needs zlib.

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/file_handle.hpp"
#include "lae/io/file.hpp"
#include "lae/io/text_source.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// zlib's own gzread ignores whatever stands behind the compressed data, so this calls inflate.
class GzipText : public TextSource {
 public:
  explicit GzipText(const std::filesystem::path& path)
      : TextSource(path), file_(std::fopen(path.string().c_str(), "rb")), input_(buffer_bytes) {
    if (!file_) fail();
  }

  ~GzipText() override {
    if (is_inflating_) inflateEnd(&stream_);
  }

  std::size_t read(char* destination, std::size_t bytes) override {
    if (file_position_ == 0) begin();
    if (!is_gzip_) return read_plain(destination, bytes);
    const std::size_t most =
        (std::min)(bytes, static_cast<std::size_t>((std::numeric_limits<unsigned>::max)()));
    stream_.next_out = reinterpret_cast<Bytef*>(destination);
    stream_.avail_out = static_cast<unsigned>(most);
    while (stream_.avail_out > 0 && !is_at_end_) inflate_some();
    return most - stream_.avail_out;
  }

 private:
  static constexpr std::size_t buffer_bytes = std::size_t(1) << 17;
  static constexpr int gzip_window_bits = 15 + 16;

  [[nodiscard]] std::uint64_t file_position() const override {
    return file_position_ - stream_.avail_in;
  }

  /// Reads the first bytes, which tell whether the file is compressed.
  void begin() {
    fill();
    is_gzip_ = stream_.avail_in >= 2 && begins_member();
    if (!is_gzip_) return;
    if (inflateInit2(&stream_, gzip_window_bits) != Z_OK) {
      throw FileError(path(), "cannot be read: zlib cannot be initialised");
    }
    is_inflating_ = true;
  }

  [[nodiscard]] bool begins_member() const {
    return stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b;
  }

  /// Reads more of the file behind what is left of it; false at its end.
  bool fill() {
    std::copy(stream_.next_in, stream_.next_in + stream_.avail_in, input_.begin());
    const std::size_t left = stream_.avail_in;
    const std::size_t count =
        std::fread(input_.data() + left, 1, input_.size() - left, file_.get());
    if (count == 0 && std::ferror(file_.get()) != 0) fail();
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<unsigned>(left + count);
    file_position_ += count;
    return count > 0;
  }

  std::size_t read_plain(char* destination, std::size_t bytes) {
    if (stream_.avail_in == 0) {
      const std::size_t count = std::fread(destination, 1, bytes, file_.get());
      if (count == 0 && std::ferror(file_.get()) != 0) fail();
      file_position_ += count;
      return count;
    }
    const std::size_t count = (std::min)(bytes, std::size_t(stream_.avail_in));
    std::copy_n(stream_.next_in, count, reinterpret_cast<Bytef*>(destination));
    stream_.next_in += count;
    stream_.avail_in -= static_cast<unsigned>(count);
    return count;
  }

  void inflate_some() {
    if (stream_.avail_in == 0 && !fill()) {
      throw FileError(path(), "truncated: the compressed data end early");
    }
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      next_member();
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      throw FileError(path(), concat("byte ", file_position()),
                      concat("cannot be read: ", code == Z_MEM_ERROR      ? "not enough memory"
                                                 : stream_.msg != nullptr ? stream_.msg
                                                                          : zError(code)));
    }
  }

  /// Another member may follow, or zeros to the end, with which tapes and disks are padded.
  void next_member() {
    if (stream_.avail_in < 2) fill();
    if (stream_.avail_in >= 2 && begins_member()) {
      inflateReset(&stream_);
      return;
    }
    do {
      const Bytef* const end = stream_.next_in + stream_.avail_in;
      const Bytef* const other = std::find_if(static_cast<const Bytef*>(stream_.next_in), end,
                                              [](Bytef byte) { return byte != 0; });
      if (other != end) {
        throw FileError(
            path(),
            concat("byte ", file_position() + static_cast<std::uint64_t>(other - stream_.next_in)),
            "something other than compressed data follows them");
      }
      stream_.avail_in = 0;
    } while (fill());
    is_at_end_ = true;
  }

  [[noreturn]] void fail() const {
    throw FileError(path(), "cannot be read: " + std::generic_category().message(errno));
  }

  FileHandle file_;
  std::vector<Bytef> input_;
  z_stream stream_{};  ///< what of input_ is not yet read; and, if it is gzip, inflates it
  std::uint64_t file_position_ = 0;
  bool is_gzip_ = false;
  bool is_inflating_ = false;
  bool is_at_end_ = false;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
