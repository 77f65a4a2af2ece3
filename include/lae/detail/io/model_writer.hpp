#pragma once

/// \file
/// The sections of a model file, written.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/io/model_format.hpp"
#include "lae/detail/io/xxh64.hpp"
#include "lae/io/file.hpp"
#include "lae/io/model_kind.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A file of the newest version: `describe`, then sections, `commit`.
class ModelWriter {
 public:
  /// \throws FileError if the file cannot be written.
  explicit ModelWriter(const std::filesystem::path& path) : file_(path) {
    // Stands in for the header until the sections and their checksums are known.
    const std::array<char, first_section> nothing{};
    file_.write(nothing.data(), nothing.size());
  }

  void describe(ModelKind kind, std::size_t scalar, const ModelSizes& sizes) {
    header_.kind = static_cast<std::uint32_t>(kind);
    header_.scalar = static_cast<std::uint32_t>(scalar);
    header_.items = sizes.items;
    table_.users = sizes.users;
    table_.entries = sizes.entries;
    table_.rank = sizes.rank;
  }

  /// A section as a whole. One of no bytes is left out.
  /// \throws FileError if it cannot be written, as the others
  void write(ModelSection section, const void* data, std::uint64_t bytes) {
    begin(section);
    append(data, bytes);
    end();
  }
  template <class Dense>
  void write(ModelSection section, const Eigen::DenseBase<Dense>& values) {
    write(section, values.derived().data(),
          static_cast<std::uint64_t>(values.size()) * sizeof(typename Dense::Scalar));
  }

  /// A section in pieces.
  void begin(ModelSection section) {
    place_ = {section, 0, end_, 0, 0};
    checksum_ = {};
  }
  void append(const void* data, std::uint64_t bytes) {
    const auto* next = static_cast<const char*>(data);
    place_.bytes += bytes;
    while (bytes > 0) {
      const auto block = static_cast<std::size_t>((std::min)(bytes, checksum_block));
      checksum_.add(next, block);
      file_.write(next, block);
      next += block;
      bytes -= block;
    }
  }
  void end() {
    if (place_.bytes == 0) return;
    constexpr std::array<char, section_alignment> zeros{};
    const auto padding = static_cast<std::size_t>(padded(place_.bytes) - place_.bytes);
    checksum_.add(zeros.data(), padding);
    file_.write(zeros.data(), padding);
    place_.checksum = checksum_.value();
    table_.places[count_++] = place_;
    end_ += padded(place_.bytes);
  }

  void commit() {
    table_.checksum = checksum_of(header_, table_);
    file_.write_front(&header_, sizeof(header_));
    file_.write(&table_, sizeof(table_));
    file_.commit();
  }

 private:
  AtomicFile file_;
  ModelFileHeader header_{};
  ModelFileTable table_{};
  std::size_t count_ = 0;
  std::uint64_t end_ = first_section;
  ModelPlace place_{};
  Xxh64 checksum_{};
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
