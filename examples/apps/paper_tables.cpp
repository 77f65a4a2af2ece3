// Tunes the models on data-set folders and reports what the L3AE paper reports of them:
// `paper_tables --help`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <lae/io/npy.hpp>
#include <lae/lae.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "dataset.hpp"
#include "model_options.hpp"
#include "paper_report.hpp"
#include "paper_study.hpp"
#include "terminal.hpp"

namespace example {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::vector<fs::path> data;
  std::vector<fs::path> embeddings;
  std::vector<SourceChoice> sources;
  fs::path output = "paper-tables";
  bool with_neural = false;
  NeuralSettings neural{/*runs=*/5};
  StudyScale scale;
  Computation computation;
};

/// The name of a data set: that of its folder.
std::string name_of(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return printable((whole.has_filename() ? whole : whole.parent_path()).filename().string());
}

/// Other embeddings for each folder: files beside embeddings.npy that are named alike, and those
/// given that have a row for each of its items.
std::map<fs::path, std::vector<fs::path>> assign_embeddings(const Settings& settings) {
  std::map<fs::path, std::vector<fs::path>> others;
  std::map<lae::Index, std::vector<fs::path>> by_items;
  for (const fs::path& folder : settings.data) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind("embeddings-", 0) == 0 && entry.path().extension() == ".npy") {
        others[folder].push_back(entry.path());
      }
    }
    std::sort(others[folder].begin(), others[folder].end());
    by_items[lae::load_npz<float>(folder / file_name::train).cols()].push_back(folder);
  }
  for (const fs::path& file : settings.embeddings) {
    const lae::Index items = lae::load_npy<float>(file).rows();
    const auto folders = by_items.find(items);
    if (folders == by_items.end() || folders->second.size() > 1) {
      throw UsageError(fmt::format("{} has {} rows, which {} of the data sets has items",
                                   file.string(), items,
                                   folders == by_items.end() ? "none" : "more than one"));
    }
    others[folders->second.front()].push_back(file);
  }
  return others;
}

template <class Scalar>
ordered_json counts_of(const Dataset<Scalar>& data) {
  ordered_json counts{{"users", data.train.rows()},
                      {"items", data.train.cols()},
                      {"train", data.train.nonZeros()},
                      {"valid", data.valid.nonZeros()},
                      {"test", data.test.nonZeros()}};
  if (data.embeddings) counts["dimensions"] = data.embeddings->cols();
  if (!data.encoder.empty()) counts["encoder"] = data.encoder;
  if (data.tags) counts["tags"] = data.tags->cols();
  return counts;
}

template <class Scalar>
void study(const Settings& settings) {
  const auto others = assign_embeddings(settings);
  StatusLine status;
  std::vector<StudiedSet> sets;
  for (const fs::path& folder : settings.data) {
    const std::string name = name_of(folder);
    status.show(name + ": reading the data");
    PaperStudy<Scalar> set(folder, others.at(folder), settings.sources, settings.scale,
                           settings.output / "steps" / name, status);
    StepResults steps = set.run(settings.with_neural ? settings.neural : NeuralSettings());
    sets.push_back({name, counts_of(set.data()), std::move(steps), set.store()});
  }
  status.show("writing the report");
  const std::string why_undrawn = PaperReport(sets, settings.output).write();
  status.clear();
  fmt::print("{}\n", (settings.output / "report.md").string());
  if (!why_undrawn.empty()) {
    fmt::print(
        "plots were not drawn: {}; with one that works, run this again, which takes "
        "seconds\n",
        why_undrawn);
  }
}

void run(const Settings& settings) {
  std::vector<std::string> names;
  for (const fs::path& folder : settings.data) names.push_back(name_of(folder));
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
    throw UsageError("--data: two folders of the same name would share their results");
  }
  fs::create_directories(settings.output);
  with_scalar(settings.computation, [&](auto zero) { study<decltype(zero)>(settings); });
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) {
  CLI::App app(
      "Tunes closed-form recommenders on the validation sets of data-set folders, measures the\n"
      "best of each on the test sets, and writes tables and figures like those of the L3AE paper\n"
      "(CIKM 2025) as Markdown, one HTML page, JSON and PNG.\n",
      "paper_tables");
  app.footer(fmt::format(
      "Finished steps are kept in the output folder. Interrupted and started again, the program\n"
      "goes on where it was; a step is done again if its data or its grid have changed. {}",
      example::exit_codes_text));
  example::Settings settings;
  app.add_option("--data", settings.data,
                 "folders with train.npz, valid.npz, test.npz, and for the models that use them\n"
                 "embeddings.npy and tags.npz (as compare_models reads them)")
      ->option_text("DIR ...")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option(
         "--embeddings", settings.embeddings,
         "further embeddings to compare L3AE on, each for the data set with as many items;\n"
         "files embeddings-*.npy in a data folder are taken anyway")
      ->option_text("FILE ...")
      ->check(CLI::ExistingFile);
  example::add_source_option(app, settings.sources,
                             "item features that L3AE is also tuned on, all together, of every\n"
                             "data set");
  app.add_option(
         "--output", settings.output,
         "folder for report.md, report.html, report.json, plots and steps; default: paper-tables")
      ->option_text("DIR");
  CLI::Option* const neural =
      app.add_flag("--neural", settings.with_neural,
                   "also train the neural models of the paper, which takes minutes to hours: on a\n"
                   "busy machine one thread is faster than several (OMP_NUM_THREADS=1)");
  app.add_option("--neural-runs", settings.neural.runs,
                 "trainings of each with other seeds, of which the mean counts; default: 5")
      ->option_text("N")
      ->check(CLI::Range(1, 100))
      ->needs(neural);
  app.add_option("--neural-epochs", settings.neural.longest,
                 "epochs after which a training ends at the latest; default: 3000")
      ->option_text("N")
      ->check(CLI::Range(1, 100000))
      ->needs(neural);
  app.add_option("--neural-like", settings.neural.setting,
                 "the data set whose hyper-parameters in the L3AE authors' scripts are taken:\n"
                 "games, toys or books; default: games")
      ->option_text("NAME")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, neural::Setting>{{"games", neural::Setting::games},
                                                 {"toys", neural::Setting::toys},
                                                 {"books", neural::Setting::books}}))
      ->needs(neural);
  using Kind = example::FormChoice::Kind;
  app.add_option("--form", settings.scale.form,
                 "which L3AE and EASE are tuned: with a matrix of items x items, as all others\n"
                 "but the spectral ones (dense), or by blocks, and no dense ones (blocks).\n"
                 "Default: dense if memory allows (auto)")
      ->option_text("FORM")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Kind>{
          {"auto", Kind::automatic}, {"dense", Kind::dense}, {"blocks", Kind::blocks}}));
  app.add_option("--neighbours", settings.scale.neighbours,
                 "tune L3AE by blocks, too, with each item's weights a regression on up to K\n"
                 "others; a row for each K; default: none, or 200 where there are no dense models")
      ->option_text("K,...")
      ->delimiter(',')
      ->check(CLI::Range(1, 65535).description(""));
  app.add_option("--tuning-users", settings.scale.tuning_users,
                 "tune on so many users of the validation set, chosen at random; default: all")
      ->option_text("N")
      ->check(CLI::Range(1, 1000000000).description(""));
  example::add_computation_options(app, settings.computation);
  return example::run_program(app, argc, argv, [&] { example::run(settings); });
}
