#pragma once

/// \file
/// The texts of a model file: item ids, and the model's name and options.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/model_format.hpp"
#include "lae/detail/io/model_reader.hpp"
#include "lae/detail/io/model_writer.hpp"
#include "lae/io/model_info.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A section of texts: their number k; k + 1 numbers, where each begins and the last one ends in
/// what follows; all of them, one behind the other.
inline void write_texts(ModelWriter& writer, ModelSection section,
                        const std::vector<std::string>& texts) {
  std::vector<std::uint64_t> numbers = {texts.size(), 0};
  numbers.reserve(texts.size() + 2);
  for (const std::string& text : texts) numbers.push_back(numbers.back() + text.size());
  writer.begin(section);
  writer.append(numbers.data(), numbers.size() * sizeof(numbers[0]));
  std::string block;
  for (const std::string& text : texts) {
    block += text;
    if (block.size() < checksum_block) continue;
    writer.append(block.data(), block.size());
    block.clear();
  }
  writer.append(block.data(), block.size());
  writer.end();
}

/// None if there is no such section. \throws FileError if it does not hold texts
[[nodiscard]] inline std::vector<std::string> read_texts(ModelReader& reader,
                                                         ModelSection section) {
  std::vector<std::string> texts;
  const std::uint64_t size = reader.bytes_of(section);
  if (size == 0) return texts;
  const auto require = [&](bool holds) {
    if (!holds) {
      reader.fail(concat("is not as any program of lae writes it: its ", name_of(section),
                         " are no texts"));
    }
  };
  constexpr std::uint64_t word = sizeof(std::uint64_t);
  std::vector<char> bytes(static_cast<std::size_t>(size));
  reader.read(section, bytes.data());
  const auto number_at = [&](std::uint64_t place) {
    std::uint64_t number;
    std::memcpy(&number, bytes.data() + place * word, word);
    return number;
  };
  require(size >= 2 * word && number_at(0) <= size / word - 2);
  const std::uint64_t count = number_at(0);
  const std::uint64_t first = (count + 2) * word;
  require(number_at(1) == 0 && number_at(count + 1) == size - first);
  texts.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t text = 0; text < count; ++text) {
    const std::uint64_t begin = number_at(text + 1);
    const std::uint64_t end = number_at(text + 2);
    require(begin <= end && end <= size - first);
    texts.emplace_back(bytes.data() + first + begin, static_cast<std::size_t>(end - begin));
  }
  return texts;
}

/// Writes what there is of it.
inline void write_info(ModelWriter& writer, const ModelInfo& info) {
  if (!info.model.empty() || !info.options.empty()) {
    std::vector<std::string> about = {info.model};
    for (const auto& [name, value] : info.options) {
      about.push_back(name);
      about.push_back(value);
    }
    write_texts(writer, ModelSection::about, about);
  }
  if (!info.item_ids.empty()) write_texts(writer, ModelSection::item_ids, info.item_ids);
}

/// \throws FileError if the file holds something else there
[[nodiscard]] inline ModelInfo read_info(ModelReader& reader) {
  ModelInfo info;
  std::vector<std::string> about = read_texts(reader, ModelSection::about);
  if (!about.empty() && about.size() % 2 == 0) {
    reader.fail("is not as any program of lae writes it: it has an option without a value");
  }
  if (!about.empty()) info.model = std::move(about[0]);
  for (std::size_t i = 1; i < about.size(); i += 2) {
    info.options.emplace_back(std::move(about[i]), std::move(about[i + 1]));
  }
  info.item_ids = read_texts(reader, ModelSection::item_ids);
  if (!info.item_ids.empty() && info.item_ids.size() != reader.layout().sizes.items) {
    reader.fail(concat("is not as any program of lae writes it: it has ", info.item_ids.size(),
                       " ids of ", reader.layout().sizes.items, " items"));
  }
  return info;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
