#pragma once

/// \file
/// The models that can be compared, as a table: what each is called, what it needs, and how its
/// hyper-parameters become a fit.

#include <functional>
#include <lae/lae.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataset.hpp"

namespace example {

/// What the user asked for; a model takes its own default where nothing is set.
struct HyperParameters {
  std::optional<double> lambda;
  std::optional<double> alpha;
  std::optional<double> lambda_x;
  std::optional<double> lambda_t;
  std::optional<double> lambda_f;
  std::optional<double> lambda_kd;
  lae::Refinements refinements{};  ///< of the models that are fitted on interactions
};

/// Settings that do well on catalogues of some thousand items with about ten interactions a user.
///
/// What acts on embeddings is relative to q, the mean squared length of an item's embedding:
/// encoders that normalise have q = 1, BERT has q > 200, and a fixed number cannot suit both.
namespace defaults {
inline constexpr double lambda = 100;
inline constexpr double cease_alpha = 0.25;
inline constexpr double add_ease_lambda_t = 50;
inline constexpr double add_ease_alpha = 0.2;
inline constexpr double llm_cease_alpha_times_q = 10;
inline constexpr double llm_add_ease_alpha = 0.4;
inline constexpr double lambda_f_per_q = 2;  ///< every ridge on embeddings
inline constexpr double l3ae_lambda_x = 0;
inline constexpr double l3ae_lambda_kd = 100;
}  // namespace defaults

/// The hyper-parameters of a model by name; refinements only where they are on.
using NamedValues = std::vector<std::pair<std::string, double>>;

inline void append(NamedValues& values, const lae::Refinements& refinements) {
  const auto add = [&](const char* name, double value) {
    if (value != 0) values.emplace_back(name, value);
  };
  add("dropout", refinements.dropout);
  add("user_exponent", refinements.user_exponent);
  add("target_exponent", refinements.target_exponent);
  add("diagonal_bound", refinements.diagonal_bound);
}
inline NamedValues named_values(const lae::EaseOptions& o) {
  NamedValues values{{"lambda", o.lambda}};
  append(values, o.refinements);
  return values;
}
inline NamedValues named_values(const lae::CeaseOptions& o) {
  NamedValues values{{"lambda", o.lambda}, {"alpha", o.alpha}};
  append(values, o.refinements);
  return values;
}
inline NamedValues named_values(const lae::AddEaseOptions& o) {
  NamedValues values{{"lambda_x", o.lambda_x}, {"lambda_t", o.lambda_t}, {"alpha", o.alpha}};
  append(values, o.refinements);
  return values;
}
inline NamedValues named_values(const lae::L3aeOptions& o) {
  NamedValues values{
      {"lambda_x", o.lambda_x}, {"lambda_f", o.lambda_f}, {"lambda_kd", o.lambda_kd}};
  append(values, o.refinements);
  return values;
}
inline NamedValues named_values(const lae::CosineOptions& o) {
  return {{"normalize", o.normalize ? 1.0 : 0.0}};
}

enum class SideInformation { none, embeddings, tags };

/// A model whose hyper-parameters are known to be valid.
template <class Scalar>
struct PreparedModel {
  NamedValues hyper_parameters;
  std::function<lae::ItemModel<Scalar>(const Dataset<Scalar>&, const lae::FitControl&)> fit;
  /// The form that `fit` takes if this one is asked for; empty for models without the choice.
  /// \throws std::invalid_argument if the model has no such form.
  std::function<lae::FitForm(const Dataset<Scalar>&, lae::FitForm)> form{};
};

template <class Scalar>
struct ModelEntry {
  std::string name;   ///< as on the command line
  std::string title;  ///< as in the table
  std::string about;
  SideInformation needs;
  /// \throws std::invalid_argument if a hyper-parameter cannot work.
  std::function<PreparedModel<Scalar>(const HyperParameters&, const Dataset<Scalar>&)> prepare;
};

/// q, the mean squared length of an item's embedding.
template <class Scalar>
double mean_squared_length(const lae::Matrix<Scalar>& embeddings) {
  return embeddings.template cast<double>().squaredNorm() / static_cast<double>(embeddings.rows());
}

/// All models. Defined in models.cpp for float and double.
template <class Scalar>
const std::vector<ModelEntry<Scalar>>& model_registry();
extern template const std::vector<ModelEntry<float>>& model_registry();
extern template const std::vector<ModelEntry<double>>& model_registry();

}  // namespace example
