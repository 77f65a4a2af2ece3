#pragma once

/// \file
/// What model files begin with, and what stands where in them (see lae/io/model_file.md).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/detail/io/xxh64.hpp"
#include "lae/io/model_kind.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

static_assert(sizeof(Index) == 8, "lae: model files hold indices of 8 bytes");

/// How many of what a model has; 0 where it has no such thing.
struct ModelSizes {
  std::uint64_t items = 0;
  std::uint64_t users = 0;    ///< rows of interactions, which spectral and updatable models hold
  std::uint64_t entries = 0;  ///< of those, or of sparse weights
  std::uint64_t rank = 0;
};

/// What stands in a part of a file. The numbers are those of the files.
enum class ModelSection : std::uint32_t {
  none = 0,
  weights = 1,
  row_starts = 2,
  row_items = 3,
  row_values = 4,
  left = 5,
  right = 6,
  diagonal = 7,
  user_starts = 8,
  user_items = 9,
  user_values = 10,
  summary = 11,
  item_scale = 12,
  gram_sum = 13,
  singular_values = 14,
  right_sum = 15,
  about = 16,
  item_ids = 17,
  inverse = 18,
  inverse_features = 19,
  ridge = 20,
  user_weights = 21,
  recipe = 22,
  recipe_names = 23,
  sources = 24,
  dense_features = 25,
  tag_starts = 26,
  tag_columns = 27,
  tag_values = 28,
  peaks = 29
};

[[nodiscard]] inline const char* name_of(ModelSection section) {
  constexpr std::array<const char*, 30> names = {"nothing",
                                                 "weights",
                                                 "starts of rows",
                                                 "items of rows",
                                                 "values of rows",
                                                 "left factor",
                                                 "right factor",
                                                 "diagonal",
                                                 "starts of users",
                                                 "items of users",
                                                 "values of users",
                                                 "summary",
                                                 "scale of items",
                                                 "sums of the Gram matrix",
                                                 "singular values",
                                                 "sums of the right factor",
                                                 "name and options",
                                                 "item ids",
                                                 "inverse",
                                                 "inverse times features",
                                                 "ridge",
                                                 "weights of users",
                                                 "recipe",
                                                 "names of ridges",
                                                 "list of sources",
                                                 "dense features",
                                                 "starts of tags",
                                                 "columns of tags",
                                                 "values of tags",
                                                 "peaks"};
  const auto number = static_cast<std::size_t>(section);
  return number < names.size() ? names[number] : "section of an unknown kind";
}

/// Where that is.
struct ModelPlace {
  ModelSection section = ModelSection::none;
  std::uint32_t reserved = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< of the bytes, and of what pads them
};

/// Sections begin at multiples of this, and are padded with zeros up to the next.
inline constexpr std::uint64_t section_alignment = 64;

[[nodiscard]] inline std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + section_alignment - 1) / section_alignment * section_alignment;
}

/// What files of all versions begin with.
struct ModelFileHeader {
  static constexpr std::array<char, 8> expected_magic{'\x93', 'L', 'A', 'E', 'I', 'T', 'E', 'M'};
  static constexpr std::uint32_t expected_byte_order = 0x01020304;
  static constexpr std::uint32_t newest_version = 3;

  std::array<char, 8> magic = expected_magic;
  std::uint32_t byte_order = expected_byte_order;
  std::uint32_t version = newest_version;
  std::uint32_t scalar = 0;
  std::uint32_t kind = 0;
  std::uint64_t items = 0;
};
static_assert(sizeof(ModelFileHeader) == 32, "lae: the header must not be padded");

/// What follows in version 3.
struct ModelFileTable {
  std::uint64_t users = 0;
  std::uint64_t entries = 0;
  std::uint64_t rank = 0;
  std::uint64_t checksum = 0;  ///< of all that stands before the first section, with 0 here
  std::array<ModelPlace, 30> places{};
};
static_assert(sizeof(ModelPlace) == 32 && sizeof(ModelFileTable) == 992,
              "lae: the table must not be padded");

/// Where the first section of version 3 begins.
inline constexpr std::uint64_t first_section = sizeof(ModelFileHeader) + sizeof(ModelFileTable);

[[nodiscard]] inline std::uint64_t checksum_of(const ModelFileHeader& header,
                                               ModelFileTable table) {
  table.checksum = 0;
  Xxh64 checksum;
  checksum.add(&header, sizeof(header));
  checksum.add(&table, sizeof(table));
  return checksum.value();
}

/// What follows in version 2, which holds spectral models, in front of their arrays.
struct SpectralSizes {
  std::uint64_t users = 0;
  std::uint64_t entries = 0;
  std::uint64_t rank = 0;
};

/// A section of its own since version 3.
struct SpectralNumbers {
  std::uint64_t iterations = 0;
  double largest_value = 0;
  double least_value = 0;
  double residual = 0;
  /// Linear models: steps, length, and 0 or 1 for Euler's method and for the mean. SGFCF: the least
  /// and the most homophily, the exponents at either, and the weight of the Gram matrix.
  std::array<double, 5> numbers{};
};
static_assert(sizeof(SpectralSizes) == 24 && sizeof(SpectralNumbers) == 72,
              "lae: what files hold must not be padded");

/// A section of updatable models: their recipe, and the drift right after the last fit.
struct RecipeNumbers {
  double ridge = 0;
  double gram_weight = 0;
  double gram_weight_is_relative = 0;
  double semantic_use = 0;
  double semantic_ridge = 0;
  double semantic_ridge_is_relative = 0;
  double semantic_weight = 0;
  double dropout = 0;
  double user_exponent = 0;
  double target_exponent = 0;
  double diagonal_bound = 0;
  double drift_of_fit = 0;
};

/// One of the section of sources.
struct SourceNumbers {
  double weight = 0;
  std::uint64_t role = 0;
  std::uint64_t columns = 0;
  std::uint64_t is_sparse = 0;
  std::uint64_t entries = 0;  ///< 0 of dense ones
};
static_assert(sizeof(RecipeNumbers) == 96 && sizeof(SourceNumbers) == 40,
              "lae: what files hold must not be padded");

/// A product that stays the largest number if it is larger, and so is no size of anything.
[[nodiscard]] inline std::uint64_t product_of(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t most = (std::numeric_limits<std::uint64_t>::max)();
  return b > 0 && a > most / b ? most : a * b;
}
/// A sum likewise.
[[nodiscard]] inline std::uint64_t sum_of(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t most = (std::numeric_limits<std::uint64_t>::max)();
  return a > most - b ? most : a + b;
}

/// Bytes of the sections of a kind of model, in the order in which they are written. A diagonal may
/// be missing.
[[nodiscard]] inline std::vector<std::pair<ModelSection, std::uint64_t>> sections_of(
    ModelKind kind, std::uint64_t scalar, const ModelSizes& sizes) {
  using Section = ModelSection;
  const std::uint64_t factor = product_of(product_of(sizes.items, sizes.rank), scalar);
  const std::uint64_t of_items = product_of(sizes.items, scalar);
  const std::uint64_t of_rank = product_of(sizes.rank, scalar);
  const std::uint64_t of_entries = product_of(sizes.entries, scalar);
  if (kind == ModelKind::dense) return {{Section::weights, product_of(of_items, sizes.items)}};
  if (kind == ModelKind::updatable) {
    return {{Section::recipe, sizeof(RecipeNumbers)},
            {Section::user_starts, product_of(sizes.users + 1, sizeof(Index))},
            {Section::user_items, product_of(sizes.entries, sizeof(Index))},
            {Section::user_values, of_entries},
            {Section::ridge, of_items},
            {Section::peaks, of_items},
            {Section::inverse, product_of(of_items, sizes.items)},
            {Section::inverse_features, factor}};
  }
  if (kind == ModelKind::sparse_low_rank) {
    return {{Section::row_starts, product_of(sizes.items + 1, sizeof(Index))},
            {Section::row_items, product_of(sizes.entries, sizeof(std::uint32_t))},
            {Section::row_values, of_entries},
            {Section::left, factor},
            {Section::right, factor},
            {Section::diagonal, of_items}};
  }
  std::vector<std::pair<Section, std::uint64_t>> sections = {
      {Section::summary, sizeof(SpectralNumbers)},
      {Section::user_starts, product_of(sizes.users + 1, sizeof(Index))},
      {Section::user_items, product_of(sizes.entries, sizeof(Index))},
      {Section::user_values, of_entries},
      {Section::left, factor},
      {Section::right, factor}};
  if (kind == ModelKind::sgfcf) {
    sections.insert(sections.end(), {{Section::item_scale, of_items},
                                     {Section::gram_sum, of_items},
                                     {Section::singular_values, of_rank},
                                     {Section::right_sum, of_rank}});
  }
  return sections;
}

[[nodiscard]] inline std::string scalar_name(std::uint64_t scalar) {
  if (scalar == sizeof(float)) return "float";
  if (scalar == sizeof(double)) return "double";
  return concat(scalar, "-byte");
}

/// What `load_model` is asked for, in an error.
[[nodiscard]] inline std::string load_call(ModelKind kind, std::uint64_t scalar) {
  const std::string name = scalar_name(scalar);
  if (kind == ModelKind::spectral) return "load_model<lae::SpectralModel<" + name + ">>";
  if (kind == ModelKind::sgfcf) return "load_model<lae::SgfcfModel<" + name + ">>";
  if (kind == ModelKind::sparse_low_rank) {
    return "load_model<lae::SparseLowRankModel<" + name + ">>";
  }
  if (kind == ModelKind::updatable) return "load_model<lae::UpdatableModel<" + name + ">>";
  return "load_model<" + name + ">";
}

/// What a file holds, and where; of any version, as if it had a table.
struct ModelLayout {
  std::uint32_t version = 0;
  ModelKind kind = ModelKind::dense;
  std::uint64_t scalar = 0;
  ModelSizes sizes{};
  std::vector<ModelPlace> places{};

  [[nodiscard]] bool has_checksums() const { return version >= 3; }

  /// None if there is no such section.
  [[nodiscard]] const ModelPlace* find(ModelSection section) const {
    const auto place = std::find_if(places.begin(), places.end(), [&](const ModelPlace& each) {
      return each.section == section;
    });
    return place == places.end() ? nullptr : &*place;
  }
};

/// Bytes that are in a core's cache when their checksum is taken.
inline constexpr std::uint64_t checksum_block = std::uint64_t(1) << 18;

inline constexpr const char* fetch_again = "; write it anew, or fetch it again";

/// The table of a file of version 3, behind the header.
inline void read_table(ByteSource& source, const ModelFileHeader& header, ModelLayout& layout) {
  ModelFileTable table;
  if (source.remaining() < sizeof(table)) {
    source.fail(concat("truncated: expected a header of ", first_section, " bytes, found ",
                       source.size(), fetch_again));
  }
  source.read(&table, sizeof(table));
  if (checksum_of(header, table) != table.checksum) {
    source.fail(concat("is damaged: its first ", first_section, " bytes do not have their checksum",
                       fetch_again));
  }
  layout.sizes = {header.items, table.users, table.entries, table.rank};
  // One behind the other, so that no byte is without a checksum, and there are no two of a kind.
  std::uint64_t end = first_section;
  for (const ModelPlace& place : table.places) {
    if (place.section == ModelSection::none) continue;
    // So large that no file is, so small that the sum of two of them is one.
    constexpr std::uint64_t most = std::uint64_t(1) << 60;
    if (end > most || place.offset != end || place.bytes == 0 || place.bytes > most ||
        layout.find(place.section) != nullptr) {
      source.fail("is not as any program of lae writes it: its table makes no sense");
    }
    layout.places.push_back(place);
    end += padded(place.bytes);
  }
  if (source.size() < end) {
    source.fail(concat("truncated: expected ", end, " bytes, found ", source.size(), fetch_again));
  }
  if (source.size() > end) {
    source.fail_at(
        end, concat("there is something else behind the model, ", source.size() - end, " bytes"));
  }
}

/// A table for a file of version 1 or 2, which has none.
inline void make_table(ByteSource& source, const ModelFileHeader& header, ModelLayout& layout) {
  layout.sizes.items = header.items;
  std::uint64_t end = source.offset();
  if (layout.kind == ModelKind::dense) {
    layout.places = {{ModelSection::weights, 0, end, source.remaining(), 0}};
    return;
  }
  SpectralSizes sizes;
  source.read(&sizes, sizeof(sizes));
  layout.sizes = {header.items, sizes.users, sizes.entries, sizes.rank};
  end += sizeof(sizes);
  for (const auto& [section, bytes] : sections_of(layout.kind, layout.scalar, layout.sizes)) {
    layout.places.push_back({section, 0, end, bytes, 0});
    end = sum_of(end, bytes);
  }
}

/// Reads what a file of a model begins with.
/// \throws FileError if it holds anything else, or is of another size than it says
[[nodiscard]] inline ModelLayout read_layout(ByteSource& source) {
  ModelFileHeader header;
  header.magic = {};
  source.read(&header, (std::min)(std::uint64_t(sizeof(header)), source.size()));
  if (header.magic != ModelFileHeader::expected_magic) source.fail_foreign("is not a model file");
  if (source.offset() < sizeof(header)) {
    source.fail(concat("truncated: expected a header of ", sizeof(header), " bytes, found ",
                       source.offset(), fetch_again));
  }
  if (header.byte_order != ModelFileHeader::expected_byte_order) {
    source.fail("was written on a machine of the other byte order; fit the model on one of this");
  }
  constexpr std::uint32_t newest = ModelFileHeader::newest_version;
  if (header.version > newest) {
    source.fail(concat("has version ", header.version, " of the format, and this lae reads up to ",
                       newest, ": take a newer one"));
  }
  if (header.version == 0) source.fail("is damaged: it has version 0 of the format");
  ModelLayout layout;
  layout.version = header.version;
  // Version 1 knew one kind, whatever else stood there.
  layout.kind = static_cast<ModelKind>(header.version == 1 ? 0 : header.kind);
  layout.scalar = header.scalar;
  if (layout.has_checksums()) read_table(source, header, layout);
  if (header.version > 1 && header.kind > (layout.has_checksums() ? 4U : 2U)) {
    source.fail(concat("holds a model of unknown kind, ", header.kind));
  }
  if (!layout.has_checksums()) make_table(source, header, layout);
  return layout;
}

/// Requires a model of that kind, whose sections are of the sizes that the model's say: to be
/// called before memory is allocated, or looked at.
/// \throws FileError
inline void require_form(const ByteSource& source, const ModelLayout& layout, ModelKind kind,
                         std::size_t scalar) {
  if (layout.kind != kind) {
    source.fail("holds a model of another kind, for " + load_call(layout.kind, layout.scalar));
  }
  if (layout.scalar != scalar) {
    source.fail(
        concat("holds ", scalar_name(layout.scalar), " weights, asked for ", scalar_name(scalar)));
  }
  const auto& [items, users, entries, rank] = layout.sizes;
  if (items == 0) source.fail("holds a model of no items");
  constexpr std::uint64_t large = std::uint64_t(1) << 40;
  const bool is_spectral = kind == ModelKind::spectral || kind == ModelKind::sgfcf;
  if (is_spectral && rank == 0) source.fail("holds a model of no singular vectors");
  if (items > large || users > large || entries > large || rank > large ||
      (is_spectral && rank > (std::min)(items, users))) {
    source.fail("is larger than any file");
  }
  const auto sections = sections_of(kind, scalar, layout.sizes);
  if (layout.version == 1) source.require_array({items, items}, scalar);
  if (layout.version == 2) {
    std::uint64_t bytes = 0;
    for (const auto& section : sections) bytes = sum_of(bytes, section.second);
    source.require_array({bytes}, 1);
  }
  for (const auto& [section, bytes] : sections) {
    const ModelPlace* const place = layout.find(section);
    const std::uint64_t found = place != nullptr ? place->bytes : 0;
    if (found != bytes && !(section == ModelSection::diagonal && found == 0)) {
      source.fail(concat("is not as any program of lae writes it: it holds ", found, " bytes of ",
                         name_of(section), ", where its sizes say ", bytes));
    }
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
