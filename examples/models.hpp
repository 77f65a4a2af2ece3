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

namespace detail {

template <class Scalar>
double embedding_ridge(const Dataset<Scalar>& data) {
  return defaults::lambda_f_per_q * mean_squared_length(*data.embeddings);
}

/// `side` is the member of the data set that holds the side information.
template <class Scalar, class Side>
PreparedModel<Scalar> prepare_cease(const HyperParameters& wanted, double default_alpha,
                                    Side side) {
  const lae::Cease<Scalar> solver({wanted.lambda.value_or(defaults::lambda),
                                   wanted.alpha.value_or(default_alpha), wanted.refinements});
  return {named_values(solver.options()),
          [=](const Dataset<Scalar>& data, const lae::FitControl& control) {
            return solver.fit(data.train, *(data.*side), control);
          },
          [=](const Dataset<Scalar>& data, lae::FitForm form) {
            return solver.estimate(lae::problem_size(data.train, *(data.*side)), form).form;
          }};
}

template <class Scalar, class Side>
PreparedModel<Scalar> prepare_add_ease(const HyperParameters& wanted, double default_lambda_t,
                                       double default_alpha, Side side) {
  const lae::AddEase<Scalar> solver({wanted.lambda_x.value_or(defaults::lambda),
                                     wanted.lambda_t.value_or(default_lambda_t),
                                     wanted.alpha.value_or(default_alpha), wanted.refinements});
  return {named_values(solver.options()),
          [=](const Dataset<Scalar>& data, const lae::FitControl& control) {
            return solver.fit(data.train, *(data.*side), control);
          },
          [=](const Dataset<Scalar>& data, lae::FitForm form) {
            return solver.estimate(lae::problem_size(data.train, *(data.*side)), form).form;
          }};
}

}  // namespace detail

template <class Scalar>
const std::vector<ModelEntry<Scalar>>& model_registry() {
  using Data = Dataset<Scalar>;
  using Prepared = PreparedModel<Scalar>;
  using lae::FitControl;
  using lae::FitForm;
  static const std::vector<ModelEntry<Scalar>> entries = {
      {"ease", "EASE", "interactions alone", SideInformation::none,
       [](const HyperParameters& wanted, const Data&) -> Prepared {
         const lae::Ease<Scalar> solver(
             {wanted.lambda.value_or(defaults::lambda), wanted.refinements});
         return {named_values(solver.options()),
                 [=](const Data& data, const FitControl& control) {
                   return solver.fit(data.train, control);
                 },
                 [=](const Data& data, FitForm form) {
                   return solver.estimate(lae::problem_size(data.train), form).form;
                 }};
       }},
      {"cease", "CEASE", "interactions and tags in one fit", SideInformation::tags,
       [](const HyperParameters& wanted, const Data&) {
         return detail::prepare_cease<Scalar>(wanted, defaults::cease_alpha, &Data::tags);
       }},
      {"add-ease", "Add-EASE", "one fit on interactions and one on tags, added",
       SideInformation::tags,
       [](const HyperParameters& wanted, const Data&) {
         return detail::prepare_add_ease<Scalar>(wanted, defaults::add_ease_lambda_t,
                                                 defaults::add_ease_alpha, &Data::tags);
       }},
      {"l3ae", "L3AE", "interactions, distilling from a fit on embeddings",
       SideInformation::embeddings,
       [](const HyperParameters& wanted, const Data& data) -> Prepared {
         const lae::L3ae<Scalar> solver({wanted.lambda_x.value_or(defaults::l3ae_lambda_x),
                                         wanted.lambda_f.value_or(detail::embedding_ridge(data)),
                                         wanted.lambda_kd.value_or(defaults::l3ae_lambda_kd),
                                         wanted.refinements});
         return {named_values(solver.options()),
                 [=](const Data& fitted, const FitControl& control) {
                   return solver.fit(fitted.train, *fitted.embeddings, control);
                 },
                 [=](const Data& fitted, FitForm form) {
                   return solver.estimate(lae::problem_size(fitted.train, *fitted.embeddings), form)
                       .form;
                 }};
       }},
      {"semantic-ease", "semantic EASE", "embeddings alone, EASE's way",
       SideInformation::embeddings,
       [](const HyperParameters& wanted, const Data& data) -> Prepared {
         const double lambda_f = wanted.lambda_f.value_or(detail::embedding_ridge(data));
         const lae::Ease<Scalar> solver({lambda_f});
         return {{{"lambda_f", lambda_f}}, [=](const Data& fitted, const FitControl& control) {
                   return solver.fit_features(*fitted.embeddings, control);
                 }};
       }},
      {"cosine", "cosine", "embeddings alone, inner products (not normalised)",
       SideInformation::embeddings,
       [](const HyperParameters&, const Data&) -> Prepared {
         return {{}, [](const Data& data, const FitControl& control) {
                   return lae::Cosine<Scalar>().fit(*data.embeddings, control);
                 }};
       }},
      {"llm-cease", "LLM-CEASE", "CEASE on embeddings instead of tags", SideInformation::embeddings,
       [](const HyperParameters& wanted, const Data& data) {
         return detail::prepare_cease<Scalar>(
             wanted, defaults::llm_cease_alpha_times_q / mean_squared_length(*data.embeddings),
             &Data::embeddings);
       }},
      {"llm-add-ease", "LLM-Add-EASE", "Add-EASE on embeddings instead of tags",
       SideInformation::embeddings,
       [](const HyperParameters& wanted, const Data& data) {
         return detail::prepare_add_ease<Scalar>(wanted, detail::embedding_ridge(data),
                                                 defaults::llm_add_ease_alpha, &Data::embeddings);
       }},
  };
  return entries;
}

}  // namespace example
