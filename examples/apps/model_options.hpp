#pragma once

/// \file
/// The options of programs that fit models: what to compute in, and the models' hyper-parameters.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <lae/core/fit_form.hpp>
#include <lae/core/threads.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "models.hpp"

namespace example {

struct Computation {
  bool use_float = false;
  std::optional<int> threads;
  FormChoice form;

  const char* scalar_name() const { return use_float ? "float" : "double"; }
};

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

inline void add_neighbours_option(CLI::App& app, FormChoice& form) {
  app.add_option("--neighbours", form.neighbours,
                 "of models by blocks: the most items that the weights of one are a regression\n"
                 "on; default: 200")
      ->option_text("K")
      ->check(CLI::Range(1, 65535).description(""));
}

/// For programs whose every fit can take any form.
inline void add_form_option(CLI::App& app, Computation& computation) {
  app.add_option_function<std::string>(
         "--form",
         [&form = computation.form](const std::string& name) {
           form.kind = name == "blocks"                        ? FormChoice::Kind::blocks
                       : name == "auto" || name == "automatic" ? FormChoice::Kind::automatic
                                                               : FormChoice::Kind::dense;
           for (const lae::FitForm inverse :
                {lae::FitForm::primal, lae::FitForm::eliminated, lae::FitForm::dual}) {
             if (name == lae::form_name(inverse)) form.inverse = inverse;
           }
         },
         "how models are fitted: with a matrix of items x items (dense), by an inverse of that\n"
         "size (primal), the same after eliminating items that occur with few others\n"
         "(eliminated), or one of users x users (dual), all for the same model, or the fastest\n"
         "of them; or by regressions on each item's neighbours, without such a matrix, which is\n"
         "another model, about as good (blocks; spectral models have no such form). Default:\n"
         "dense, if memory allows and it should take less than a quarter of an hour, else\n"
         "blocks (auto)")
      ->option_text("FORM")
      ->check(
          CLI::IsMember({"auto", "automatic", "dense", "primal", "eliminated", "dual", "blocks"})
              .description(""));
  add_neighbours_option(app, computation.form);
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

/// A model with hyper-parameters, and in a form, that it can be fitted with.
/// \throws UsageError if they cannot work.
template <class Scalar>
PreparedModel<Scalar> prepare_model(const ModelEntry<Scalar>& model, const HyperParameters& wanted,
                                    const FormChoice& form, const lae::Csr<Scalar>& train,
                                    const ItemFeatures<Scalar>& features) {
  try {
    return model.prepare(wanted, form, train, features);
  } catch (const std::invalid_argument& error) {
    throw UsageError(model.name + ": " + error.what());
  }
}

inline constexpr const char* hyper_parameter_group =
    "Hyper-parameters (q is the mean squared length of an item's features)";

inline constexpr const char* extra_group = "Further options, of no effect by default";

inline bool is_hyper_parameter(const CLI::Option* option) {
  return option->get_group() == hyper_parameter_group || option->get_group() == extra_group;
}

/// An option for each option of any model.
inline void add_hyper_parameter_options(CLI::App& app, HyperParameters& wanted) {
  struct Text {
    std::string name;
    bool is_extra;
    std::vector<std::pair<std::string, std::string>> uses;  ///< what for, by which models
  };
  std::vector<Text> texts;
  for (const auto& model : model_registry<double>()) {
    for (const OptionText& option : model.options) {
      auto text = std::find_if(texts.begin(), texts.end(),
                               [&](const Text& each) { return each.name == option.name; });
      if (text == texts.end()) text = texts.insert(texts.end(), {option.name, option.is_extra, {}});
      const std::string use = option.about + "; default: " + option.default_value;
      auto same = std::find_if(text->uses.begin(), text->uses.end(),
                               [&](const auto& each) { return each.first == use; });
      if (same == text->uses.end()) {
        text->uses.emplace_back(use, model.name);
      } else {
        same->second += ", " + model.name;
      }
    }
  }
  for (const Text& text : texts) {
    std::string option = "--" + text.name;
    std::replace(option.begin(), option.end(), '_', '-');
    std::string about;
    for (const auto& [use, models] : text.uses) {
      if (!about.empty()) about += "\n";
      about += models + ":\n  " + use;
    }
    app.add_option_function<double>(
           option, [&wanted, name = text.name](const double& value) { wanted[name] = value; },
           about)
        ->option_text("X")
        ->group(text.is_extra ? extra_group : hyper_parameter_group);
  }
}

}  // namespace example
