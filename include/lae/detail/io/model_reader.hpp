#pragma once

/// \file
/// The sections of a model file: read, or mapped.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/io/mapped_file.hpp"
#include "lae/detail/io/model_format.hpp"
#include "lae/detail/io/xxh64.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A file that is read section by section. What `require` has let pass may be allocated.
class ModelReader {
 public:
  /// \throws FileError if the file cannot be read, or is not a model
  explicit ModelReader(const std::filesystem::path& path)
      : source_(path), layout_(read_layout(source_)) {}

  [[nodiscard]] const ModelLayout& layout() const { return layout_; }

  /// The sizes of a model of this kind.
  /// \throws FileError if the file holds another, or is no such model
  const ModelSizes& require(ModelKind kind, std::size_t scalar) {
    require_form(source_, layout_, kind, scalar);
    return layout_.sizes;
  }

  [[nodiscard]] std::uint64_t bytes_of(ModelSection section) const {
    const ModelPlace* const place = layout_.find(section);
    return place != nullptr ? place->bytes : 0;
  }

  /// Reads a section as a whole, if there is one.
  /// \throws FileError if it is damaged
  void read(ModelSection section, void* destination) {
    const ModelPlace* const place = layout_.find(section);
    if (place == nullptr) return;
    auto* next = static_cast<char*>(destination);
    read(*place, [&](std::uint64_t bytes) {
      char* const block = next;
      next += bytes;
      return block;
    });
  }

  /// Reads all of them, for their checksums alone.
  /// \throws FileError if one is damaged, or they are no model
  void verify() {
    require(layout_.kind, static_cast<std::size_t>(layout_.scalar));
    std::vector<char> buffer(static_cast<std::size_t>(checksum_block));
    for (const ModelPlace& place : layout_.places) {
      read(place, [&](std::uint64_t) { return buffer.data(); });
    }
  }

  [[noreturn]] void fail(const std::string& message) const { source_.fail(message); }

 private:
  /// \param block_for returns where so many bytes go
  template <class BlockFor>
  void read(const ModelPlace& place, BlockFor&& block_for) {
    source_.seek(place.offset);
    Xxh64 checksum;
    for (std::uint64_t missing = place.bytes; missing > 0;) {
      const std::uint64_t bytes = (std::min)(missing, checksum_block);
      char* const block = block_for(bytes);
      source_.read(block, bytes);
      if (layout_.has_checksums()) checksum.add(block, static_cast<std::size_t>(bytes));
      missing -= bytes;
    }
    if (!layout_.has_checksums()) return;
    std::array<char, section_alignment> padding{};
    const std::uint64_t bytes = padded(place.bytes) - place.bytes;
    source_.read(padding.data(), bytes);
    checksum.add(padding.data(), static_cast<std::size_t>(bytes));
    if (checksum.value() != place.checksum) {
      source_.fail_at(place.offset,
                      concat("is damaged: its ", name_of(place.section), ", ", place.bytes,
                             " bytes, do not have their checksum", fetch_again));
    }
  }

  FileSource source_;
  ModelLayout layout_;
};

/// A file whose sections are looked at where they are.
class MappedModel {
 public:
  /// \throws FileError if the file cannot be mapped, or is not a model
  explicit MappedModel(const std::filesystem::path& path)
      : file_(std::make_shared<const MappedFile>(path)),
        source_(path, *file_),
        layout_(read_layout(source_)) {}

  /// The sizes of a model of this kind.
  /// \throws FileError if the file holds another, or is no such model
  const ModelSizes& require(ModelKind kind, std::size_t scalar) {
    require_form(source_, layout_, kind, scalar);
    return layout_.sizes;
  }

  /// Where a section begins; null if there is none. Not before `require`.
  template <class T>
  [[nodiscard]] const T* at(ModelSection section) const {
    const ModelPlace* const place = layout_.find(section);
    if (place == nullptr) return nullptr;
    return reinterpret_cast<const T*>(file_->data() + place->offset);
  }

  /// Keeps it mapped.
  [[nodiscard]] const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  MappedSource source_;
  ModelLayout layout_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
