#pragma once

// What the fuzz targets share: bytes as a file or as a text, and the errors that readers may throw.

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <lae/io/file.hpp>
#include <lae/io/text_source.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fuzz {

/// A folder in memory, of this process alone; the system forgets it when it is restarted.
inline const std::filesystem::path& folder() {
  static const std::filesystem::path path = [] {
    const std::filesystem::path memory = "/dev/shm";
    std::filesystem::path made =
        (std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) /
        ("lae-fuzz-" + std::to_string(getpid()));
    std::filesystem::create_directories(made);
    std::atexit([] { std::filesystem::remove_all(folder()); });
    return made;
  }();
  return path;
}

/// Writes a file into that folder.
inline std::filesystem::path write_file(const std::string& name, std::string_view bytes) {
  std::filesystem::path path = folder() / name;
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) {
    std::abort();
  }
  std::fclose(file);
  return path;
}

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Text that is not in a file, although it bears the name of one. It comes in pieces, as from a
/// slow disk.
class Text : public lae::TextSource {
 public:
  explicit Text(std::string_view text) : TextSource(any_file()), text_(text) {}

  std::size_t read(char* destination, std::size_t bytes) override {
    constexpr std::size_t most = 4096;
    const std::size_t count = std::min({bytes, text_.size() - position_, most});
    if (count > 0) std::memcpy(destination, text_.data() + position_, count);
    position_ += count;
    return count;
  }

 private:
  static const std::filesystem::path& any_file() {
    static const std::filesystem::path path = write_file("text", "");
    return path;
  }
  [[nodiscard]] std::uint64_t file_position() const override { return position_; }

  std::string_view text_;
  std::size_t position_ = 0;
};

inline lae::TextSourcePtr text(std::string_view bytes) {
  return std::make_unique<Text>(bytes);
}

/// Calls read, which may refuse what it reads, but in no other way than this.
template <class Read>
void try_to(Read&& read) {
  try {
    read();
  } catch (const lae::FileError&) {
  } catch (const std::invalid_argument&) {
  }
}

/// Ends the program if something is not as it must be.
inline void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace fuzz
