#pragma once

/// \file
/// The options of programs that fit models: what to compute in, and the models' hyper-parameters.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <lae/core/threads.hpp>
#include <optional>
#include <string>
#include <utility>

#include "command_line.hpp"
#include "models.hpp"

namespace example {

struct Computation {
  bool use_float = false;
  std::optional<int> threads;
  lae::FitForm form = lae::FitForm::automatic;

  const char* scalar_name() const { return use_float ? "float" : "double"; }
};

inline const char* form_name(lae::FitForm form) {
  switch (form) {
    case lae::FitForm::primal:
      return "primal";
    case lae::FitForm::dual:
      return "dual";
    case lae::FitForm::automatic:
      break;
  }
  return "automatic";
}

inline void add_computation_options(CLI::App& app, Computation& computation) {
  app.add_option_function<std::string>(
         "--scalar", [&](const std::string& name) { computation.use_float = name == "float"; },
         "float (half the memory, about twice as fast) or double (default)")
      ->option_text("TYPE")
      ->check(CLI::IsMember({"float", "double"}).description(""));
  app.add_option("--threads", computation.threads, "default: OpenMP's choice")
      ->option_text("N")
      ->check(CLI::Range(1, 4096).description(""));
}

/// For programs whose every fit can take either form.
inline void add_form_option(CLI::App& app, Computation& computation) {
  app.add_option_function<std::string>(
         "--form",
         [&](const std::string& name) {
           for (const lae::FitForm form : {lae::FitForm::primal, lae::FitForm::dual}) {
             if (name == form_name(form)) computation.form = form;
           }
         },
         "which inverse fits on interactions take: of items x items (primal) or of users x\n"
         "users (dual), for the same model; default: the faster one (automatic)")
      ->option_text("FORM")
      ->check(CLI::IsMember({"automatic", "primal", "dual"}).description(""));
}

/// Calls body(0.0F) or body(0.0), on as many threads as wanted.
/// \throws UsageError if there can be only one thread.
template <class Body>
void with_scalar(const Computation& computation, Body&& body) {
  if (computation.threads) {
#ifdef _OPENMP
    omp_set_num_threads(*computation.threads);
#else
    if (*computation.threads != 1) {
      throw UsageError("--threads: built without OpenMP, so only 1 is possible");
    }
#endif
  }
  computation.use_float ? body(0.0F) : body(0.0);
}

/// The form that a fit takes, in a word; empty for models without the choice.
template <class Scalar>
std::string form_taken(const PreparedModel<Scalar>& model, lae::FitForm asked_for,
                       const Dataset<Scalar>& data) {
  return model.form ? form_name(model.form(data, asked_for)) : "";
}

/// A model with hyper-parameters, and in a form, that it can be fitted with.
/// \throws UsageError if they cannot work.
template <class Scalar>
PreparedModel<Scalar> prepare_model(const ModelEntry<Scalar>& model, const HyperParameters& wanted,
                                    lae::FitForm form, const Dataset<Scalar>& data) {
  try {
    PreparedModel<Scalar> prepared = model.prepare(wanted, data);
    form_taken(prepared, form, data);
    return prepared;
  } catch (const std::invalid_argument& error) {
    throw UsageError(model.name + ": " + error.what());
  }
}

inline constexpr const char* hyper_parameter_group =
    "Hyper-parameters (q is the mean squared length of an item's embedding)";

inline constexpr const char* refinement_group =
    "Refinements of all models fitted on interactions; default: 0, which is off";

inline bool is_hyper_parameter(const CLI::Option* option) {
  return option->get_group() == hyper_parameter_group || option->get_group() == refinement_group;
}

inline void add_hyper_parameter_options(CLI::App& app, HyperParameters& wanted) {
  const auto add_number = [&](const char* name, std::optional<double>& value, std::string text) {
    app.add_option(name, value, std::move(text))->option_text("X")->group(hyper_parameter_group);
  };
  add_number("--lambda", wanted.lambda,
             fmt::format("ridge of ease, cease, llm-cease; default: {}", defaults::lambda));
  add_number("--alpha", wanted.alpha,
             fmt::format("weight of the side information.\n"
                         "cease, llm-cease: factor of its Gram matrix; default: {}, {} / q\n"
                         "add-ease, llm-add-ease: its share, in [0, 1]; default: {}, {}",
                         defaults::cease_alpha, defaults::llm_cease_alpha_times_q,
                         defaults::add_ease_alpha, defaults::llm_add_ease_alpha));
  add_number("--lambda-x", wanted.lambda_x,
             fmt::format("ridge on interactions.\n"
                         "add-ease, llm-add-ease; default: {}\n"
                         "l3ae: may be negative if lambda-x + lambda-kd > 0; default: {}",
                         defaults::lambda, defaults::l3ae_lambda_x));
  add_number("--lambda-t", wanted.lambda_t,
             fmt::format("ridge on side information of add-ease, llm-add-ease;\n"
                         "default: {}, {} q",
                         defaults::add_ease_lambda_t, defaults::lambda_f_per_q));
  add_number("--lambda-f", wanted.lambda_f,
             fmt::format("ridge on embeddings of l3ae, semantic-ease; default: {} q",
                         defaults::lambda_f_per_q));
  add_number("--lambda-kd", wanted.lambda_kd,
             fmt::format("strength of l3ae's distillation from the embeddings; default: {}",
                         defaults::l3ae_lambda_kd));

  const auto add_refinement = [&](const char* name, double& value, std::string text) {
    app.add_option(name, value, std::move(text))->option_text("X")->group(refinement_group);
  };
  add_refinement("--dropout", wanted.refinements.dropout,
                 "p in [0, 1): a ridge that grows with an item's popularity");
  add_refinement("--user-exponent", wanted.refinements.user_exponent,
                 "a: users with r items in their history count r^(-2a)");
  add_refinement("--target-exponent", wanted.refinements.target_exponent,
                 "b: scores of an item that n users have are scaled by n^(-b)");
  add_refinement("--diagonal-bound", wanted.refinements.diagonal_bound,
                 "how much an item may stand for itself, at least 0");
}

}  // namespace example
