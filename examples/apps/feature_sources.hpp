#pragma once

/// \file
/// The item features that models are fitted on: what the data folder has, or sources chosen on the
/// command line, as `--source NAME[:WEIGHT][:WAY...]`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <lae/data/prepare_features.hpp>
#include <lae/lae.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "command_line.hpp"
#include "dataset.hpp"

namespace example {

/// What a model is fitted on besides interactions.
enum class SideInformation { none, embeddings, tags };

/// One --source.
struct SourceChoice {
  std::string name;  ///< "embeddings", "tags", or one of the folder `features`
  double weight = 1;
  lae::SourceRole role = lae::SourceRole::by_model;
  std::vector<std::string> ways;  ///< of preparation: "centered", "unit", "tf-idf"
};

inline constexpr const char* sources_of_models =
    "item features for all models that take some, instead of embeddings or tags alone";

inline constexpr const char* source_form =
    "embeddings, tags, or the name of a file in the folder features (without .npy, .npz);\n"
    "may be given several times. WEIGHT is that of their Gram matrix (default: 1); WAY is\n"
    "how they are prepared, any of: centered (dense ones), unit (length 1), tf-idf (sparse\n"
    "ones), and gram for a part of the Gram matrix beside the interactions";

/// \throws UsageError
inline SourceChoice parse_source(const std::string& text) {
  SourceChoice choice;
  std::size_t begin = 0;
  for (bool is_name = true; begin <= text.size(); is_name = false) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    begin = end + 1;
    double number = 0;
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (is_name) {
      choice.name = part;
    } else if (error == std::errc() && stop == part.data() + part.size()) {
      choice.weight = number;
    } else if (part == "gram") {
      choice.role = lae::SourceRole::gram;
    } else if (part == "centered" || part == "unit" || part == "tf-idf") {
      choice.ways.push_back(part);
    } else {
      throw UsageError(
          fmt::format("--source {}: \"{}\" is neither a weight nor centered, unit, tf-idf or gram",
                      text, part));
    }
  }
  if (choice.name.empty() || !(choice.weight >= 0)) {
    throw UsageError(
        fmt::format("--source {}: a name and a weight of at least 0 are needed", text));
  }
  return choice;
}

/// \param what_for in a line or two
inline void add_source_option(CLI::App& app, std::vector<SourceChoice>& choices,
                              const std::string& what_for) {
  app.add_option_function<std::vector<std::string>>(
         "--source",
         [&](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) choices.push_back(parse_source(text));
         },
         what_for + ":\n" + source_form)
      ->option_text("NAME[:WEIGHT][:WAY]")
      ->allow_extra_args(false);
}

/// What has to be read for the sources chosen.
inline lae::DatasetParts parts_of(const std::vector<SourceChoice>& choices) {
  lae::DatasetParts parts;
  for (const SourceChoice& choice : choices) {
    if (choice.name == "embeddings") {
      parts.embeddings = true;
    } else if (choice.name == "tags") {
      parts.tags = true;
    } else if (std::count(parts.features.begin(), parts.features.end(), choice.name) == 0) {
      parts.features.push_back(choice.name);
    }
  }
  return parts;
}

namespace detail {

template <class Scalar>
lae::Matrix<Scalar> prepared(lae::Matrix<Scalar> features, const SourceChoice& choice) {
  for (const std::string& way : choice.ways) {
    if (way == "tf-idf") throw UsageError("--source " + choice.name + ": tf-idf is for tags");
    features = way == "unit" ? lae::unit_length(features) : lae::centered(features);
  }
  return features;
}
template <class Scalar>
lae::Csr<Scalar> prepared(lae::Csr<Scalar> features, const SourceChoice& choice) {
  for (const std::string& way : choice.ways) {
    if (way == "centered") {
      throw UsageError("--source " + choice.name + ": centring would make tags dense");
    }
    features = way == "unit" ? lae::unit_length(features) : lae::tf_idf(features);
  }
  return features;
}

}  // namespace detail

/// The sources chosen, of data that hold them.
/// \throws UsageError for preparations that do not fit.
template <class Scalar>
lae::Sources<Scalar> make_sources(const std::vector<SourceChoice>& choices,
                                  const lae::Dataset<Scalar>& data) {
  lae::Sources<Scalar> sources;
  const auto add = [&](const auto& features, const SourceChoice& choice) {
    sources.add(detail::prepared(features, choice), choice.weight, choice.role);
  };
  for (const SourceChoice& choice : choices) {
    if (choice.name == "embeddings") {
      add(*data.embeddings, choice);
    } else if (choice.name == "tags") {
      add(*data.tags, choice);
    } else {
      const auto source = std::find_if(data.features.begin(), data.features.end(),
                                       [&](const auto& each) { return each.name == choice.name; });
      std::visit([&](const auto& features) { add(features, choice); }, source->values);
    }
  }
  return sources;
}

/// "embeddings + 0.5 tags"
inline std::string names_of(const std::vector<SourceChoice>& choices) {
  std::string names;
  for (const SourceChoice& choice : choices) {
    if (!names.empty()) names += " + ";
    if (choice.weight != 1) names += fmt::format("{} ", choice.weight);
    names += choice.name;
    for (const std::string& way : choice.ways) names += " " + way;
    if (choice.role == lae::SourceRole::gram) names += " in the Gram matrix";
  }
  return names;
}

/// What models take their features from.
template <class Scalar>
class ItemFeatures {
 public:
  /// Takes the features out of the data.
  ItemFeatures(const std::vector<SourceChoice>& choices, lae::Dataset<Scalar>& data) {
    if (!choices.empty()) {
      chosen_ = make_sources(choices, data);
    } else {
      if (data.embeddings) embeddings_.add(*std::move(data.embeddings));
      if (data.tags) tags_.add(*data.tags);
    }
    data.embeddings.reset();
    data.tags.reset();
    data.features.clear();
  }

  const lae::Sources<Scalar>& of(SideInformation side) const {
    if (chosen_.size() > 0) return chosen_;
    return side == SideInformation::tags ? tags_ : embeddings_;
  }

  /// Columns of the embeddings and tags; 0: none, or sources were chosen.
  lae::Index dimensions() const { return embeddings_.size() > 0 ? embeddings_[0].cols() : 0; }
  lae::Index tags() const { return tags_.size() > 0 ? tags_[0].cols() : 0; }

 private:
  lae::Sources<Scalar> embeddings_;
  lae::Sources<Scalar> tags_;
  lae::Sources<Scalar> chosen_;
};

}  // namespace example
