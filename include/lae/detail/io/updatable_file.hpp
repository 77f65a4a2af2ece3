#pragma once

/// \file
/// Updatable models in files (see lae/io/model_file.hpp).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/model_file.hpp"
#include "lae/detail/io/model_format.hpp"
#include "lae/detail/io/model_reader.hpp"
#include "lae/detail/io/model_texts.hpp"
#include "lae/detail/io/model_writer.hpp"
#include "lae/detail/io/sorted_rows.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/updatable.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// All sources of a model: a list of them, and one behind the other what they hold.
template <class Scalar>
void write_sources(ModelWriter& writer, const Sources<Scalar>& sources) {
  std::vector<SourceNumbers> list;
  std::vector<const Matrix<Scalar>*> dense;
  std::vector<const Csr<Scalar>*> sparse;
  for (const Source<Scalar>& source : sources) {
    SourceNumbers numbers;
    numbers.weight = source.weight;
    numbers.role = static_cast<std::uint64_t>(source.role);
    numbers.columns = static_cast<std::uint64_t>(source.cols());
    if (const auto* const tags = std::get_if<Csr<Scalar>>(&source.features)) {
      numbers.is_sparse = 1;
      numbers.entries = static_cast<std::uint64_t>(tags->nonZeros());
      sparse.push_back(tags);
    } else {
      dense.push_back(&std::get<Matrix<Scalar>>(source.features));
    }
    list.push_back(numbers);
  }
  const auto write = [&](ModelSection section, const auto& parts, const auto& array_of) {
    writer.begin(section);
    for (const auto* const part : parts) {
      const auto [data, size] = array_of(*part);
      writer.append(data, static_cast<std::uint64_t>(size) * sizeof(*data));
    }
    writer.end();
  };
  writer.write(ModelSection::sources, list.data(), list.size() * sizeof(SourceNumbers));
  write(ModelSection::dense_features, dense,
        [](const auto& f) { return std::pair(f.data(), f.size()); });
  write(ModelSection::tag_starts, sparse,
        [](const auto& t) { return std::pair(t.outerIndexPtr(), t.rows() + 1); });
  write(ModelSection::tag_columns, sparse,
        [](const auto& t) { return std::pair(t.innerIndexPtr(), t.nonZeros()); });
  write(ModelSection::tag_values, sparse,
        [](const auto& t) { return std::pair(t.valuePtr(), t.nonZeros()); });
}

/// A section of so many values. \throws FileError if it has another size
template <class T>
std::vector<T> read_array(ModelReader& reader, ModelSection section, std::uint64_t size) {
  const std::uint64_t bytes = product_of(size, sizeof(T));
  if (reader.bytes_of(section) != bytes) {
    reader.fail(concat("is not as any program of lae writes it: it holds ",
                       reader.bytes_of(section), " bytes of ", name_of(section),
                       ", where its sizes say ", bytes));
  }
  std::vector<T> values(static_cast<std::size_t>(size));
  reader.read(section, values.data());
  return values;
}

/// What `write_sources` wrote; null if there is nothing.
/// \throws FileError if it makes no sense; std::invalid_argument if values do not
template <class Scalar>
std::shared_ptr<const Sources<Scalar>> read_sources(ModelReader& reader) {
  const auto list =
      read_array<SourceNumbers>(reader, ModelSection::sources,
                                reader.bytes_of(ModelSection::sources) / sizeof(SourceNumbers));
  if (list.empty()) return nullptr;
  const std::uint64_t items = reader.layout().sizes.items;
  std::uint64_t dense_values = 0;
  std::uint64_t tag_rows = 0;
  std::uint64_t tag_entries = 0;
  for (const SourceNumbers& source : list) {
    // So few that a product of two is a size of something.
    constexpr std::uint64_t most_columns = std::uint64_t(1) << 28;
    if (source.columns > most_columns || source.role > 2 || source.is_sparse > 1) {
      reader.fail("is not as any program of lae writes it: its list of sources makes no sense");
    }
    if (source.is_sparse == 0) {
      dense_values = sum_of(dense_values, product_of(items, source.columns));
    } else {
      tag_rows = sum_of(tag_rows, items + 1);
      tag_entries = sum_of(tag_entries, source.entries);
    }
  }
  const auto dense = read_array<Scalar>(reader, ModelSection::dense_features, dense_values);
  const auto starts = read_array<Index>(reader, ModelSection::tag_starts, tag_rows);
  const auto columns = read_array<Index>(reader, ModelSection::tag_columns, tag_entries);
  const auto values = read_array<Scalar>(reader, ModelSection::tag_values, tag_entries);
  auto next_dense = dense.begin();
  auto next_start = starts.begin();
  auto next_column = columns.begin();
  auto next_value = values.begin();
  const auto take = [](auto& from, Index size, auto* to) {
    std::copy_n(from, size, to);
    from += size;
  };
  auto sources = std::make_shared<Sources<Scalar>>();
  for (const SourceNumbers& source : list) {
    const auto role = static_cast<SourceRole>(source.role);
    const auto rows = static_cast<Index>(items);
    const auto width = static_cast<Index>(source.columns);
    if (source.is_sparse == 0) {
      Matrix<Scalar> features(rows, width);
      take(next_dense, features.size(), features.data());
      sources->add(std::move(features), source.weight, role);
    } else {
      const auto entries = static_cast<Index>(source.entries);
      Csr<Scalar> tags(rows, width);
      tags.resizeNonZeros(entries);
      take(next_start, rows + 1, tags.outerIndexPtr());
      take(next_column, entries, tags.innerIndexPtr());
      take(next_value, entries, tags.valuePtr());
      require_sorted_rows(reader, tags, entries, "tags");
      sources->add(tags, source.weight, role);
    }
  }
  return sources;
}

inline RecipeNumbers numbers_of(const Recipe& recipe, double drift_of_fit) {
  RecipeNumbers numbers;
  numbers.ridge = recipe.ridge;
  numbers.gram_weight = recipe.gram_weight.value;
  numbers.gram_weight_is_relative = recipe.gram_weight.is_relative ? 1 : 0;
  numbers.semantic_use = static_cast<double>(recipe.semantic_use);
  numbers.semantic_ridge = recipe.semantic_ridge.value;
  numbers.semantic_ridge_is_relative = recipe.semantic_ridge.is_relative ? 1 : 0;
  numbers.semantic_weight = recipe.semantic_weight;
  numbers.dropout = recipe.refinements.dropout;
  numbers.user_exponent = recipe.refinements.user_exponent;
  numbers.target_exponent = recipe.refinements.target_exponent;
  numbers.diagonal_bound = recipe.refinements.diagonal_bound;
  numbers.drift_of_fit = drift_of_fit;
  return numbers;
}

/// Without the names of its ridges. \throws std::invalid_argument
inline Recipe recipe_of(const RecipeNumbers& numbers) {
  require(numbers.semantic_use == 0 || numbers.semantic_use == 1 || numbers.semantic_use == 2,
          "there is no semantic use ", numbers.semantic_use);
  Recipe recipe;
  recipe.ridge = numbers.ridge;
  recipe.gram_weight.value = numbers.gram_weight;
  recipe.gram_weight.is_relative = numbers.gram_weight_is_relative != 0;
  recipe.semantic_use = static_cast<SemanticUse>(static_cast<int>(numbers.semantic_use));
  recipe.semantic_ridge.value = numbers.semantic_ridge;
  recipe.semantic_ridge.is_relative = numbers.semantic_ridge_is_relative != 0;
  recipe.semantic_weight = numbers.semantic_weight;
  recipe.refinements = {numbers.dropout, numbers.user_exponent, numbers.target_exponent,
                        numbers.diagonal_bound};
  return recipe;
}

template <class Scalar>
struct ModelFile<UpdatableModel<Scalar>> {
  static void write(ModelWriter& writer, const UpdatableModel<Scalar>& model) {
    const Csr<Scalar>& x = model.interactions();
    ModelSizes sizes;
    sizes.items = static_cast<std::uint64_t>(model.items());
    sizes.users = static_cast<std::uint64_t>(model.users());
    sizes.entries = static_cast<std::uint64_t>(x.nonZeros());
    sizes.rank = static_cast<std::uint64_t>(model.inverse_features().cols());
    writer.describe(ModelKind::updatable, sizeof(Scalar), sizes);
    const RecipeNumbers numbers = numbers_of(model.recipe(), model.drift_of_fit());
    writer.write(ModelSection::recipe, &numbers, sizeof(numbers));
    write_texts(writer, ModelSection::recipe_names,
                {model.recipe().ridge_name, model.recipe().semantic_ridge_name});
    writer.write(ModelSection::user_starts, x.outerIndexPtr(), (sizes.users + 1) * sizeof(Index));
    writer.write(ModelSection::user_items, x.innerIndexPtr(), sizes.entries * sizeof(Index));
    writer.write(ModelSection::user_values, x.valuePtr(), sizes.entries * sizeof(Scalar));
    writer.write(ModelSection::user_weights, model.user_weights().data(),
                 model.user_weights().size() * sizeof(double));
    if (model.sources()) write_sources(writer, *model.sources());
    writer.write(ModelSection::ridge, model.ridge());
    writer.write(ModelSection::peaks, model.peaks());
    writer.write(ModelSection::inverse, model.inverse());
    writer.write(ModelSection::inverse_features, model.inverse_features());
  }

  /// \throws FileError if the file holds anything else
  [[nodiscard]] static UpdatableModel<Scalar> read(ModelReader& reader) {
    const ModelSizes& sizes = reader.require(ModelKind::updatable, sizeof(Scalar));
    const auto items = static_cast<Index>(sizes.items);
    try {
      UpdatableParts<Scalar> parts;
      RecipeNumbers numbers;
      reader.read(ModelSection::recipe, &numbers);
      parts.recipe = recipe_of(numbers);
      parts.drift_of_fit = numbers.drift_of_fit;
      const std::vector<std::string> names = read_texts(reader, ModelSection::recipe_names);
      require(names.size() == 2, "there are ", names.size(), " names of ridges");
      parts.recipe.ridge_name = names[0].c_str();
      parts.recipe.semantic_ridge_name = names[1].c_str();
      parts.interactions = std::make_shared<const Csr<Scalar>>(interactions(reader, sizes));
      if (reader.bytes_of(ModelSection::user_weights) > 0) {
        parts.user_weights = read_array<double>(reader, ModelSection::user_weights, sizes.users);
      }
      parts.sources = read_sources<Scalar>(reader);
      parts.ridge.resize(items);
      reader.read(ModelSection::ridge, parts.ridge.data());
      parts.peaks.resize(items);
      reader.read(ModelSection::peaks, parts.peaks.data());
      parts.inverse = large_matrix<Scalar>(items, items);
      reader.read(ModelSection::inverse, parts.inverse.data());
      parts.inverse_features =
          large_matrix<Scalar>(sizes.rank > 0 ? items : 0, static_cast<Index>(sizes.rank));
      reader.read(ModelSection::inverse_features, parts.inverse_features.data());
      return UpdatableModel<Scalar>(std::move(parts));
    } catch (const std::invalid_argument& error) {
      reader.fail(concat("holds no such model: ", error.what()));
    } catch (const NotPositiveDefinite& error) {
      reader.fail(concat("holds no such model: ", error.what()));
    } catch (const MemoryBudgetExceeded& error) {
      reader.fail(concat("cannot be gone on with: ", error.what()));
    }
  }

 private:
  static Csr<Scalar> interactions(ModelReader& reader, const ModelSizes& sizes) {
    Csr<Scalar> x(static_cast<Index>(sizes.users), static_cast<Index>(sizes.items));
    x.resizeNonZeros(static_cast<Index>(sizes.entries));
    reader.read(ModelSection::user_starts, x.outerIndexPtr());
    reader.read(ModelSection::user_items, x.innerIndexPtr());
    reader.read(ModelSection::user_values, x.valuePtr());
    require_sorted_rows(reader, x, static_cast<Index>(sizes.entries), "interactions");
    return x;
  }
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
