#pragma once

/// \file
/// What encode_items has finished, on disk after every batch.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <lae/core/types.hpp>
#include <lae/io/file.hpp>
#include <lae/io/text.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "embedding_origin.hpp"

namespace example {

/// Embeddings of items, in a file that grows by a record a batch: a header that names what they are
/// made of, written with the first one, then records of item numbers, values and a checksum. A
/// record that was cut short when the program or the machine stopped is cut off and left to be done
/// again.
class EncodingJournal {
 public:
  /// Opens the journal, or begins one.
  /// \param origin of what is to come; a journal with another fingerprint is refused
  /// \param restart forgets what a journal holds
  /// \throws lae::FileError if it cannot be opened, is another one's or used by another process.
  EncodingJournal(std::filesystem::path path, EmbeddingOrigin origin, lae::Index items,
                  bool restart)
      : path_(std::move(path)),
        origin_(std::move(origin)),
        is_done_(static_cast<std::size_t>(items), 0) {
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) fail("cannot be opened");
    try {
      // The other process may also have finished and removed the file since it was opened here.
      struct stat status {};
      if (flock(file_, LOCK_EX | LOCK_NB) != 0 || fstat(file_, &status) != 0 ||
          status.st_nlink == 0) {
        throw lae::FileError(path_, "is used by another process, which encodes the same items");
      }
      if (!restart) resume();
      if (is_empty()) begin_anew();
    } catch (...) {
      close(file_);
      throw;
    }
  }

  EncodingJournal(const EncodingJournal&) = delete;
  EncodingJournal& operator=(const EncodingJournal&) = delete;
  ~EncodingJournal() {
    std::error_code ignored;
    if (is_empty()) std::filesystem::remove(path_, ignored);
    close(file_);
  }

  /// What made the embeddings in a journal, if it holds any.
  /// \throws lae::FileError if it cannot be read
  static std::optional<EmbeddingOrigin> find_origin(const std::filesystem::path& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error || size == 0) return std::nullopt;
    lae::TextSourcePtr file = lae::open_text(path);
    std::string begin(std::min<std::uintmax_t>(size, longest_header), '\0');
    begin.resize(file->read(begin.data(), begin.size()));
    const auto header = parse_header(begin);
    if (holds_nothing(size, begin, header)) return std::nullopt;
    return header ? header->origin : EmbeddingOrigin{};
  }

  /// Whether no batch is finished.
  bool is_empty() const { return embeddings_.size() == 0; }

  bool is_done(lae::Index item) const { return is_done_[static_cast<std::size_t>(item)] != 0; }

  /// What made the embeddings: of those that a journal held, what it says.
  const EmbeddingOrigin& origin() const { return origin_; }

  /// What the server calls its model, if no embeddings tell yet.
  void set_served_model(const std::string& name) {
    if (origin_.served_model.empty()) origin_.served_model = name;
  }

  /// items x dimensions, zeros where nothing is known; no columns before the first batch.
  const lae::Matrix<float>& embeddings() const { return embeddings_; }

  /// Adds a batch, one row for each item, of as many columns as those before. When this returns,
  /// it is on disk.
  /// \throws lae::FileError; the batch does then not count.
  void append(const std::vector<lae::Index>& items, const lae::Matrix<float>& rows) {
    if (end_ == 0) write_at_end(header());
    std::string record(sizeof(RecordHeader), '\0');
    for (const lae::Index item : items) {
      const auto number = static_cast<std::int64_t>(item);
      record.append(reinterpret_cast<const char*>(&number), sizeof(number));
    }
    record.append(reinterpret_cast<const char*>(rows.data()),
                  static_cast<std::size_t>(rows.size()) * sizeof(float));
    const RecordHeader header{
        static_cast<std::uint64_t>(items.size()), static_cast<std::uint64_t>(rows.cols()),
        checksum(record.data() + sizeof(RecordHeader), record.size() - sizeof(RecordHeader))};
    std::memcpy(record.data(), &header, sizeof(header));
    write_at_end(record);
    take(items, rows);
  }

  /// Removes the file, when what it holds is elsewhere.
  void remove() {
    std::error_code error;
    std::filesystem::remove(path_, error);
    if (error) throw lae::FileError(path_, "cannot be removed: " + error.message());
  }

 private:
  struct RecordHeader {
    std::uint64_t items;
    std::uint64_t dimensions;
    std::uint64_t checksum;
  };

  static std::uint64_t checksum(const char* bytes, std::size_t size) {
    return crc32_z(0, reinterpret_cast<const unsigned char*>(bytes), size);
  }

  [[noreturn]] void fail(const char* what) const {
    throw lae::FileError(path_,
                         fmt::format("{}: {}", what, std::generic_category().message(errno)));
  }

  /// Behind what is whole: over the remains of a write that failed before, if there was one.
  void write_at_end(const std::string& bytes) {
    for (std::size_t written = 0; written < bytes.size();) {
      const ssize_t more = pwrite(file_, bytes.data() + written, bytes.size() - written,
                                  static_cast<off_t>(end_ + written));
      if (more < 0 && errno != EINTR) fail("cannot be written");
      if (more > 0) written += static_cast<std::size_t>(more);
    }
    if (fdatasync(file_) != 0) fail("cannot be written");
    end_ += bytes.size();
  }

  bool read_all(void* destination, std::uint64_t bytes) {
    auto* next = static_cast<char*>(destination);
    while (bytes > 0) {
      const ssize_t more = read(file_, next, bytes);
      if (more < 0 && errno == EINTR) continue;
      if (more < 0) fail("cannot be read");
      if (more == 0) return false;
      next += more;
      bytes -= static_cast<std::uint64_t>(more);
    }
    return true;
  }

  static constexpr std::string_view magic = "lae encoding journal ";

  /// Three lines: what this is, the fingerprint, and the rest of the origin.
  std::string header() const {
    return fmt::format("{}2\n{}\n{}", magic, origin_.fingerprint, to_line(to_json(origin_)));
  }

  struct Header {
    EmbeddingOrigin origin;
    std::uint64_t size;
  };

  /// The header of a file that begins with this text, if it is whole. The first version had two
  /// lines.
  static std::optional<Header> parse_header(const std::string& text) {
    const std::size_t version = magic.size();
    if (text.compare(0, version, magic) != 0 || version >= text.size()) return std::nullopt;
    std::vector<std::string> lines;
    std::size_t size = 0;
    for (int lines_left = text[version] == '1' ? 2 : 3; lines_left > 0; --lines_left) {
      const std::size_t end = text.find('\n', size);
      if (end == text.npos) return std::nullopt;
      lines.push_back(text.substr(size, end - size));
      size = end + 1;
    }
    const nlohmann::json rest =
        lines.size() == 3 ? nlohmann::json::parse(lines[2], nullptr, false) : nullptr;
    return Header{read_origin(rest, lines[1]), size};
  }

  static constexpr std::uint64_t longest_header = 1 << 24;

  /// Of a file of that size that begins so.
  static bool holds_nothing(std::uint64_t size, const std::string& begin,
                            const std::optional<Header>& header) {
    // One that was cut short within its header holds nothing, however it began; whole records have
    // zeros among their bytes.
    constexpr std::uint64_t smallest_with_record = 100;
    const bool is_cut =
        size < smallest_with_record ||
        (begin.compare(0, magic.size(), magic) == 0 && begin.find('\0') == begin.npos);
    return header ? size <= header->size : is_cut;
  }

  /// Takes what the file holds, if it holds embeddings.
  void resume() {
    const std::uint64_t size = std::filesystem::file_size(path_);
    std::string begin(std::min(size, longest_header), '\0');
    read_all(begin.data(), begin.size());
    const auto header = parse_header(begin);
    if (holds_nothing(size, begin, header)) return;
    if (!header || header->origin.fingerprint != origin_.fingerprint) {
      throw lae::FileError(
          path_, fmt::format("holds embeddings made with {}; --restart throws them away",
                             difference(header ? header->origin : EmbeddingOrigin{}, origin_)));
    }
    end_ = header->size;
    if (lseek(file_, static_cast<off_t>(end_), SEEK_SET) < 0) fail("cannot be read");
    while (read_record(size - end_)) end_ = static_cast<std::uint64_t>(lseek(file_, 0, SEEK_CUR));
    truncate();
    const bool is_told = !header->origin.model.empty();  // not in the first version
    if (!is_empty() && is_told) origin_ = header->origin;
  }

  void begin_anew() {
    end_ = 0;
    truncate();
  }

  void truncate() {
    if (ftruncate(file_, static_cast<off_t>(end_)) != 0) fail("cannot be written");
  }

  /// Takes the next record, if it is whole and makes sense.
  bool read_record(std::uint64_t bytes_left) {
    RecordHeader header{};
    if (bytes_left < sizeof(header) || !read_all(&header, sizeof(header))) return false;
    bytes_left -= sizeof(header);
    const auto columns = static_cast<std::uint64_t>(embeddings_.cols());
    if (header.dimensions == 0 || (columns > 0 && header.dimensions != columns)) return false;
    const std::uint64_t items = header.items;
    // Divisions, since a damaged header may hold numbers whose product overflows.
    if (items == 0 || items > is_done_.size() || header.dimensions > bytes_left / sizeof(float) ||
        items > bytes_left / (sizeof(std::int64_t) + header.dimensions * sizeof(float))) {
      return false;
    }
    std::string bytes(items * (sizeof(std::int64_t) + header.dimensions * sizeof(float)), '\0');
    if (!read_all(bytes.data(), bytes.size())) return false;
    if (checksum(bytes.data(), bytes.size()) != header.checksum) return false;

    std::vector<std::int64_t> numbers(items);
    std::memcpy(numbers.data(), bytes.data(), items * sizeof(std::int64_t));
    const auto count = static_cast<std::int64_t>(is_done_.size());
    if (std::any_of(numbers.begin(), numbers.end(),
                    [&](std::int64_t number) { return number < 0 || number >= count; })) {
      return false;
    }
    lae::Matrix<float> rows(static_cast<lae::Index>(items),
                            static_cast<lae::Index>(header.dimensions));
    std::memcpy(rows.data(), bytes.data() + items * sizeof(std::int64_t),
                static_cast<std::size_t>(rows.size()) * sizeof(float));
    take({numbers.begin(), numbers.end()}, rows);
    return true;
  }

  void take(const std::vector<lae::Index>& items, const lae::Matrix<float>& rows) {
    if (is_empty()) {
      embeddings_.setZero(static_cast<lae::Index>(is_done_.size()), rows.cols());
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      embeddings_.row(items[i]) = rows.row(static_cast<lae::Index>(i));
      is_done_[static_cast<std::size_t>(items[i])] = 1;
    }
  }

  std::filesystem::path path_;
  EmbeddingOrigin origin_;
  int file_ = -1;
  std::uint64_t end_ = 0;  ///< of what is whole in the file
  std::vector<char> is_done_;
  lae::Matrix<float> embeddings_;
};

}  // namespace example
