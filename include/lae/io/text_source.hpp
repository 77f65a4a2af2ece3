#pragma once

/// \file
/// Bytes of a text file, wherever they come from: derive from TextSource to read others.
///
///     lae::TextSourcePtr source = lae::open_text("ratings.csv");
///     char bytes[4096];
///     while (const std::size_t count = source->read(bytes, sizeof bytes)) {
///       std::cout.write(bytes, static_cast<std::streamsize>(count));
///     }

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "lae/detail/core/abi.hpp"
#include "lae/io/file.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Bytes in an unknown number, read from first to last.
class TextSource {
 public:
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;
  virtual ~TextSource() = default;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Reads up to `bytes` bytes (at least 1) and returns how many; 0 means the end.
  /// \throws FileError if reading fails.
  virtual std::size_t read(char* destination, std::size_t bytes) = 0;

  /// How much of the file has been read, in [0, 1].
  [[nodiscard]] double fraction_read() const {
    return file_bytes_ == 0 ? 1 : static_cast<double>(file_position()) / file_bytes_;
  }

 protected:
  /// \throws FileError if the path is not that of a regular file.
  explicit TextSource(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code error;
    const auto status = std::filesystem::status(path_, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
      throw FileError(path_, "cannot be read: it is not a regular file");
    }
    file_bytes_ = static_cast<double>(std::filesystem::file_size(path_, error));
    if (error) throw FileError(path_, "cannot be read: " + error.message());
  }

 private:
  /// How many bytes of the file on disk have been read.
  virtual std::uint64_t file_position() const = 0;

  std::filesystem::path path_;
  double file_bytes_ = 0;
};

using TextSourcePtr = std::unique_ptr<TextSource>;

}  // namespace LAE_ABI
}  // namespace lae
