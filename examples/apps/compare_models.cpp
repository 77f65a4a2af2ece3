// Fits the models of the library on one data set and compares their recommendations:
// `compare_models --help`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <lae/evaluation/sample.hpp>
#include <lae/io/file.hpp>
#include <lae/lae.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "dataset.hpp"
#include "model_options.hpp"
#include "models.hpp"
#include "report.hpp"
#include "synthetic_shop.hpp"
#include "terminal.hpp"

namespace example {
namespace {

struct Settings {
  std::optional<std::filesystem::path> data;
  std::vector<std::string> models;  ///< empty: all that the data allow
  std::vector<SourceChoice> sources;
  HyperParameters hyper_parameters;
  std::vector<lae::Index> cutoffs = {10, 20};
  bool tests_on_all = false;
  std::optional<lae::Index> test_users;
  Computation computation;
  std::optional<std::filesystem::path> json;
  std::uint64_t seed = 1;
  std::optional<std::filesystem::path> write_data;
};

void add_options(CLI::App& app, Settings& settings) {
  const auto& models = model_registry<double>();
  std::string model_list = "which models, separated by commas; default: all whose files are there";
  std::vector<std::string> model_names;
  for (const auto& model : models) {
    model_names.push_back(model.name);
    model_list += fmt::format("\n  {:<14} {}", model.name, model.about);
  }

  app.add_option("--data", settings.data,
                 fmt::format("folder with {}, {}, {} (users x items),\n"
                             "{} (items x dimensions), {} (items x tags);\n"
                             "the last two only for models that use them.\n"
                             "Default: a small synthetic shop",
                             file_name::train, file_name::valid, file_name::test,
                             file_name::embeddings, file_name::tags))
      ->option_text("DIR")
      ->check(CLI::ExistingDirectory);
  app.add_option("--models", settings.models, model_list)
      ->option_text("NAME,...")
      ->delimiter(',')
      ->check(CLI::IsMember(model_names).description(""));
  app.add_option("--cutoffs", settings.cutoffs,
                 "lengths of the recommended lists to measure; default: 10,20")
      ->option_text("K,...")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000000).description(""));
  app.add_option_function<std::string>(
         "--test-history",
         [&](const std::string& parts) { settings.tests_on_all = parts == "all"; },
         "what is known of users when the test part is ranked: what was trained on (train,\n"
         "default), or the validation part, too (all), as where the last ones are left out")
      ->option_text("PARTS")
      ->check(CLI::IsMember({"train", "all"}).description(""));
  app.add_option("--test-users", settings.test_users,
                 "measure on so many of the users with test (or validation) items, chosen at\n"
                 "random; default: all")
      ->option_text("N")
      ->check(CLI::Range(1, 1000000000).description(""));
  add_source_option(app, settings.sources, sources_of_models);
  add_computation_options(app, settings.computation);
  add_form_option(app, settings.computation);
  app.add_option("--json", settings.json,
                 "write the outcome here too, with validation, head and tail metrics")
      ->option_text("FILE");

  add_hyper_parameter_options(app, settings.hyper_parameters);

  const std::string synthetic = "Synthetic shop (without --data)";
  app.add_option("--seed", settings.seed, "which shop to make; default: 1")
      ->option_text("N")
      ->group(synthetic)
      ->excludes("--data");
  app.add_option("--write-data", settings.write_data,
                 "write the shop as a folder that --data reads")
      ->option_text("DIR")
      ->group(synthetic)
      ->excludes("--data");
}

/// The item file that a model needs and the data folder lacks.
std::optional<std::string> missing_file(const Settings& settings, SideInformation needs) {
  if (!settings.data || !settings.sources.empty() || needs == SideInformation::none) {
    return std::nullopt;
  }
  const std::string name = needs == SideInformation::tags ? file_name::tags : file_name::embeddings;
  if (std::filesystem::exists(*settings.data / name)) return std::nullopt;
  return name;
}

/// The models to compare, and a line about each that is left out.
template <class Scalar>
struct Selection {
  std::vector<ModelEntry<Scalar>> models;
  std::vector<std::string> left_out;

  bool any_needs(SideInformation side) const {
    return std::any_of(models.begin(), models.end(),
                       [&](const ModelEntry<Scalar>& model) { return model.needs == side; });
  }
};

/// \throws lae::FileError if a model was asked for by name, but not its file.
template <class Scalar>
Selection<Scalar> select_models(const Settings& settings) {
  Selection<Scalar> selection;
  for (const ModelEntry<Scalar>& model : model_registry<Scalar>()) {
    const bool asked_for =
        std::count(settings.models.begin(), settings.models.end(), model.name) > 0;
    if (!asked_for && !settings.models.empty()) continue;
    const std::optional<std::string> missing = missing_file(settings, model.needs);
    if (!asked_for && !settings.sources.empty() && model.name.rfind("llm-", 0) == 0) {
      selection.left_out.push_back(model.name + " left out: on the same sources as " +
                                   model.name.substr(4));
    } else if (!missing) {
      selection.models.push_back(model);
    } else if (asked_for) {
      throw lae::FileError(*settings.data / *missing, "not found, but " + model.name + " needs it");
    } else {
      selection.left_out.push_back(fmt::format("{} left out: no {}", model.name, *missing));
    }
  }
  return selection;
}

/// Checks every model's hyper-parameters, before the first one is fitted.
/// \throws UsageError
template <class Scalar>
std::vector<PreparedModel<Scalar>> prepare_models(const std::vector<ModelEntry<Scalar>>& models,
                                                  const Settings& settings,
                                                  const lae::Csr<Scalar>& train,
                                                  const ItemFeatures<Scalar>& features) {
  std::vector<PreparedModel<Scalar>> prepared;
  for (const ModelEntry<Scalar>& model : models) {
    prepared.push_back(prepare_model(model, settings.hyper_parameters, settings.computation.form,
                                     train, features));
  }
  return prepared;
}

template <class Scalar>
nlohmann::ordered_json data_json(const Settings& settings, const Dataset<Scalar>& data,
                                 const ItemFeatures<Scalar>& features) {
  nlohmann::ordered_json json;
  if (settings.data) {
    json["folder"] = settings.data->string();
  } else {
    json["synthetic_seed"] = settings.seed;
  }
  json["users"] = data.train.rows();
  json["items"] = data.train.cols();
  json["train_interactions"] = data.train.nonZeros();
  json["valid_interactions"] = data.valid.nonZeros();
  json["test_interactions"] = data.test.nonZeros();
  if (features.dimensions() > 0) json["embedding_dimensions"] = features.dimensions();
  if (!data.encoder.empty()) json["encoder"] = data.encoder;
  if (features.tags() > 0) json["tags"] = features.tags();
  if (!settings.sources.empty()) json["sources"] = names_of(settings.sources);
  if (settings.test_users) json["test_users"] = *settings.test_users;
  return json;
}

template <class Scalar>
void print_heading(const Settings& settings, const Dataset<Scalar>& data,
                   const ItemFeatures<Scalar>& features, const Selection<Scalar>& selection,
                   const std::vector<PreparedModel<Scalar>>& prepared, std::size_t title_width) {
  if (settings.data) {
    fmt::print("data: {}\n", settings.data->string());
  } else {
    fmt::print("data: a made-up shop (seed {}), as no --data was given\n", settings.seed);
  }
  fmt::print("      {} users x {} items; train / validation / test: {} / {} / {} interactions\n",
             data.train.rows(), data.train.cols(), data.train.nonZeros(), data.valid.nonZeros(),
             data.test.nonZeros());
  if (features.dimensions() > 0) {
    fmt::print("      embeddings of {} dimensions{}\n", features.dimensions(),
               data.encoder.empty() ? "" : ", by " + printable(data.encoder));
  }
  if (features.tags() > 0) fmt::print("      {} different tags\n", features.tags());
  if (!settings.sources.empty()) {
    fmt::print("      item features: {}\n", printable(names_of(settings.sources)));
  }
  for (const std::string& line : selection.left_out) fmt::print("{}\n", line);

  fmt::print("\nhyper-parameters\n");
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    std::string list;
    for (const auto& [name, value] : prepared[i].hyper_parameters) {
      list += fmt::format("{}{} = {:.4g}", list.empty() ? "" : ", ", name, value);
    }
    if (prepared[i].form == "blocks") {
      list += fmt::format(" (by blocks{}{})", prepared[i].why.empty() ? "" : ": ", prepared[i].why);
    } else if (!prepared[i].form.empty()) {
      list += fmt::format(" ({} form)", prepared[i].form);
    }
    fmt::print("  {:<{}} {}\n", selection.models[i].title, title_width,
               list.empty() ? "none" : list);
  }

  fmt::print("\non the test set{}, in {} with {} thread{}\n",
             settings.test_users ? fmt::format(" of {} users", *settings.test_users) : "",
             settings.computation.scalar_name(), lae::thread_count(),
             lae::thread_count() == 1 ? "" : "s");
  fmt::print("R: recall, N: NDCG, tail: only items outside the 20 % most popular ones\n\n");
}

template <class Scalar>
Dataset<Scalar> obtain_data(const Settings& settings, const Selection<Scalar>& selection) {
  if (settings.data) {
    if (!settings.sources.empty()) {
      return read_dataset<Scalar>(*settings.data, parts_of(settings.sources));
    }
    return read_dataset<Scalar>(*settings.data, {selection.any_needs(SideInformation::embeddings),
                                                 selection.any_needs(SideInformation::tags)});
  }
  Dataset<Scalar> shop = shop_dataset<Scalar>(make_synthetic_shop(settings.seed));
  if (settings.write_data) lae::save_dataset(*settings.write_data, shop);
  return shop;
}

template <class Scalar>
void compare(const Settings& settings) {
  StatusLine status;
  // An unwritable target is better known now than after the fits.
  if (settings.json) lae::AtomicReplacement reservation(*settings.json);
  const Selection<Scalar> selection = select_models<Scalar>(settings);
  status.show("reading the data");
  Dataset<Scalar> data = obtain_data(settings, selection);
  const ItemFeatures<Scalar> features(settings.sources, data);
  const auto prepared = prepare_models(selection.models, settings, data.train, features);
  status.clear();

  std::size_t title_width = 0;
  for (const auto& model : selection.models) {
    title_width = std::max(title_width, model.title.size());
  }
  print_heading(settings, data, features, selection, prepared, title_width);
  const Table table(settings.cutoffs, title_width);
  table.print_header();

  lae::EvaluateOptions evaluation;
  evaluation.cutoffs = settings.cutoffs;
  lae::Csr<Scalar> all_before_test;
  if (settings.tests_on_all) all_before_test = data.train + data.valid;
  const lae::Csr<Scalar>& histories = settings.tests_on_all ? all_before_test : data.train;
  std::optional<lae::Csr<Scalar>> some_test;
  std::optional<lae::Csr<Scalar>> some_valid;
  if (settings.test_users) {
    some_test = lae::sample_of_users(data.test, *settings.test_users);
    some_valid = lae::sample_of_users(data.valid, *settings.test_users);
  }
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    const ModelEntry<Scalar>& model = selection.models[i];
    const std::string task = fmt::format("[{}/{}] {}", i + 1, prepared.size(), model.title);
    lae::FitSummary summary;
    lae::FitControl control;
    control.progress = watch(status, task);
    control.summary = &summary;

    const auto fit_start = std::chrono::steady_clock::now();
    const AnyModel<Scalar> fitted = prepared[i].fit(control);
    const double fit_seconds = seconds_since(fit_start);
    Interruption::check();

    status.show(task + ": evaluate");
    const auto evaluate_start = std::chrono::steady_clock::now();
    lae::EvaluationReport test =
        lae::evaluate(fitted, histories, some_test ? *some_test : data.test, evaluation);
    const double evaluate_seconds = seconds_since(evaluate_start);
    Interruption::check();
    lae::EvaluationReport valid =
        lae::evaluate(fitted, data.train, some_valid ? *some_valid : data.valid, evaluation);
    Interruption::check();

    status.clear();
    if (!fitted.remark.empty()) fmt::print("{}: {}\n", model.title, fitted.remark);
    std::string form = prepared[i].form;
    if (summary.eliminated > 0) {
      form = lae::form_name(summary.form);
      fmt::print("{}: {} items eliminated first, {:.0f} % of n³ left\n", model.title,
                 summary.eliminated, 100 * summary.share);
    }
    outcomes.push_back({model.name, model.title, prepared[i].hyper_parameters, std::move(form),
                        fit_seconds, evaluate_seconds, std::move(valid), std::move(test)});
    table.print_row(outcomes.back());
  }
  table.print_verdict(outcomes);

  if (settings.json) {
    nlohmann::ordered_json models = nlohmann::ordered_json::array();
    for (const Outcome& outcome : outcomes) models.push_back(outcome_json(outcome));
    write_json(*settings.json, {{"lae_version", LAE_VERSION_STRING},
                                {"data", data_json(settings, data, features)},
                                {"scalar", settings.computation.scalar_name()},
                                {"threads", lae::thread_count()},
                                {"cutoffs", settings.cutoffs},
                                {"test_history", settings.tests_on_all ? "all" : "train"},
                                {"models", std::move(models)},
                                {"left_out", selection.left_out}});
  }
}

void run(Settings& settings) {
  std::sort(settings.cutoffs.begin(), settings.cutoffs.end());
  settings.cutoffs.erase(std::unique(settings.cutoffs.begin(), settings.cutoffs.end()),
                         settings.cutoffs.end());
  with_scalar(settings.computation, [&](auto zero) { compare<decltype(zero)>(settings); });
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) {
  CLI::App app(
      "Fits closed-form recommenders on one data set and compares their test-set rankings.\n",
      "compare_models");
  app.footer(fmt::format(
      "The table holds test-set metrics: recall (R) and NDCG (N) at each cutoff, averaged over "
      "the\n"
      "users with test items, training items left out; tail N counts only test items outside the\n"
      "20 % most popular ones. {}",
      example::exit_codes_text));
  example::Settings settings;
  example::add_options(app, settings);
  return example::run_program(app, argc, argv, [&] { example::run(settings); });
}
