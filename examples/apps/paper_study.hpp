#pragma once

/// \file
/// Everything that is computed for the tables and figures of one data set, in steps that are kept
/// on disk: what was computed with the same inputs is not computed again.

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <lae/blocks.hpp>
#include <lae/core/random.hpp>
#include <lae/data/latent_semantics.hpp>
#include <lae/io/npy.hpp>
#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <peak_memory.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "command_line.hpp"
#include "dataset.hpp"
#include "models.hpp"
#include "neural_study.hpp"
#include "report.hpp"
#include "spectrum.hpp"
#include "terminal.hpp"
#include "tuning_grids.hpp"

namespace example {

using nlohmann::ordered_json;

/// The results of the steps of a data set, by the name of the step, in the order of the steps.
using StepResults = ordered_json;

inline ordered_json to_json(const NamedValues& values) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, value] : values) json[name] = value;
  return json;
}

/// Names the bytes of a file without reading them; of a folder, whether files came or went.
inline ordered_json file_stamp(const std::filesystem::path& path) {
  return {{"bytes", std::filesystem::is_directory(path) ? 0 : std::filesystem::file_size(path)},
          {"changed", std::filesystem::last_write_time(path).time_since_epoch().count()}};
}

/// Where the results of a data set's steps are kept, and the metrics of single users.
class StepStore {
 public:
  explicit StepStore(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
  }

  /// The result of a step, if it was computed from the same inputs.
  std::optional<ordered_json> find(const std::string& step, const ordered_json& inputs) const {
    for (const char* kind : {".json", ".npy"}) clear_up_beside(folder_ / (step + kind));
    std::ifstream file(folder_ / (step + ".json"));
    if (!file) return std::nullopt;
    const ordered_json json = ordered_json::parse(file, nullptr, false);
    if (json.is_discarded() || !json.contains("inputs") || json["inputs"] != inputs) {
      return std::nullopt;
    }
    return json;
  }

  const std::filesystem::path& folder() const { return folder_; }

  void keep(const std::string& step, const ordered_json& result) const {
    write_json(folder_ / (step + ".json"), result);
  }

  /// NDCG@20 of each user with held-out items of the test set, rising by index.
  std::vector<double> user_ndcg(const std::string& step) const {
    const auto values = lae::load_npy<double>(folder_ / (step + ".npy"));
    return {values.data(), values.data() + values.size()};
  }
  void keep_user_ndcg(const std::string& step, const lae::Matrix<double>& values) const {
    lae::save_npy(folder_ / (step + ".npy"), values);
  }

 private:
  std::filesystem::path folder_;
};

/// What is fitted by blocks, and how large studies stay affordable.
struct StudyScale {
  FormChoice::Kind form = FormChoice::Kind::automatic;
  std::vector<lae::Index> neighbours{};  ///< of L3AE by blocks, beside the dense one or instead
  lae::Index tuning_users = 0;           ///< that points are measured on; 0: all
};

namespace detail {

template <class Model>
Model model_of(Model model) {
  return model;
}
template <class Scalar>
lae::SparseLowRankModel<Scalar> model_of(lae::BlockFit<Scalar> fit) {
  return std::move(fit.model);
}

}  // namespace detail

template <class Scalar>
class PaperStudy {
 public:
  /// \param others files of other embeddings of the items of this data set
  /// \param sources that L3AE is also tuned on, together; empty: none
  PaperStudy(std::filesystem::path data_folder, std::vector<std::filesystem::path> others,
             std::vector<SourceChoice> sources, StudyScale scale,
             const std::filesystem::path& store, StatusLine& status)
      : folder_(std::move(data_folder)),
        others_(std::move(others)),
        sources_(std::move(sources)),
        scale_(std::move(scale)),
        store_(store),
        status_(status),
        data_(read_dataset<Scalar>(folder_, lae::dataset_parts(folder_))) {
    if (data_.embeddings) q_ = lae::mean_squared_length(*data_.embeddings);
    is_dense_ = scale_.form == FormChoice::Kind::dense ||
                (scale_.form == FormChoice::Kind::automatic && dense_bytes() <= memory());
    if (!is_dense_ && scale_.neighbours.empty()) scale_.neighbours = {200};
  }

  const Dataset<Scalar>& data() const { return data_; }
  const StepStore& store() const { return store_; }

  /// Runs all steps that the data allow, or finds their results.
  /// \throws lae::Cancelled after Ctrl-C, with all finished steps kept.
  StepResults run(const NeuralSettings& neural = {}) {
    results_ = StepResults::object();
    if (!is_dense_) {
      status_.clear();
      fmt::print("{}: only models by blocks and spectral ones{}\n", name(), why_blocks());
    }
    run_ease();
    run_spectral();
    if (data_.embeddings && is_dense_) run_l3ae();
    if (data_.embeddings) run_blocks();
    if (is_dense_) run_others();
    run_spectrum();
    if (neural.runs > 0) run_neural(neural);
    return results_;
  }

 private:
  std::uint64_t dense_bytes() const {
    return data_.embeddings ? lae::L3ae<Scalar>()
                                  .estimate(lae::problem_size(data_.train, *data_.embeddings))
                                  .bytes
                            : lae::Ease<Scalar>().estimate(lae::problem_size(data_.train)).bytes;
  }
  static std::uint64_t memory() { return lae::FitControl().memory_budget; }

  std::string why_blocks() const {
    if (scale_.form == FormChoice::Kind::blocks) return "";
    return fmt::format("; dense ones would take {:.1f} GB of memory, of {:.1f} GB",
                       static_cast<double>(dense_bytes()) / 1e9,
                       static_cast<double>(memory()) / 1e9);
  }

  void run_ease() {
    if (is_dense_) {
      tune_by_interactions<lae::Ease<Scalar>>("ease", "EASE", grids::ease());
    } else {
      const lae::Index k = scale_.neighbours.front();
      tune_by_interactions<lae::Blocks<lae::Ease<Scalar>>>(
          "ease", fmt::format("EASE, blocks k = {}", k), grids::by_blocks(grids::ease(), k));
    }
    lambda_ = results_["ease"]["hyper_parameters"]["lambda"].template get<double>();
  }

  void run_spectral() {
    tune_by_interactions<lae::GfCf<Scalar>>("gfcf", "GF-CF", grids::gf_cf());
    tune_by_interactions<lae::Bspm<Scalar>>("bspm", "BSPM", grids::bspm());
    tune_by_interactions<lae::Sgfcf<Scalar>>("sgfcf", "SGFCF", grids::sgfcf());
  }

  /// L3AE by blocks, for each k; where there is no dense one, the first takes its place.
  void run_blocks() {
    for (const lae::Index k : scale_.neighbours) {
      const bool is_the_l3ae = !is_dense_ && k == scale_.neighbours.front();
      tune_with<lae::Blocks<lae::L3ae<Scalar>>>(
          is_the_l3ae ? "l3ae" : fmt::format("l3ae-blocks-{}", k),
          fmt::format("L3AE, blocks k = {}", k), grids::by_blocks(grids::l3ae(lambda_, q_), k),
          *data_.embeddings, stamps({file_name::embeddings}));
    }
  }

  void run_others() {
    if (data_.tags) {
      const ordered_json tags = stamps({file_name::tags});
      tune_with<lae::Cease<Scalar>>("cease", "CEASE", grids::cease(lambda_), *data_.tags, tags);
      tune_with<lae::AddEase<Scalar>>("add-ease", "Add-EASE", grids::add_ease(lambda_), *data_.tags,
                                      tags);
    }
    if (data_.embeddings) {
      tune_alone<lae::Cosine<Scalar>>("cosine", "cosine", {{false}, {true}});
      tune_alone<lae::FeatureEase<Scalar>>("semantic-ease", "semantic EASE",
                                           grids::semantic_ease(q_));
      const ordered_json embeddings = stamps({file_name::embeddings});
      tune_with<lae::Cease<Scalar>>("llm-cease", "LLM-CEASE", grids::llm_cease(lambda_, q_),
                                    *data_.embeddings, embeddings);
      tune_with<lae::AddEase<Scalar>>("llm-add-ease", "LLM-Add-EASE",
                                      grids::llm_add_ease(lambda_, q_), *data_.embeddings,
                                      embeddings);
    }
  }

  void run_l3ae() {
    const ordered_json embeddings = stamps({file_name::embeddings});
    tune_with<lae::L3ae<Scalar>>("l3ae", "L3AE", grids::l3ae(lambda_, q_), *data_.embeddings,
                                 embeddings);
    run_refined();
    run_sensitivity();

    // The same embeddings, each of another item: what they say is gone, all else is as before.
    lae::Matrix<Scalar> shuffled = *data_.embeddings;
    std::vector<lae::Index> order(static_cast<std::size_t>(shuffled.rows()));
    std::iota(order.begin(), order.end(), lae::Index(0));
    lae::Random(1).shuffle(order);
    for (lae::Index i = 0; i < shuffled.rows(); ++i) {
      shuffled.row(i) = data_.embeddings->row(order[static_cast<std::size_t>(i)]);
    }
    tune_with<lae::L3ae<Scalar>>("l3ae-shuffled", "L3AE, embeddings shuffled",
                                 grids::l3ae(lambda_, q_), shuffled, embeddings);

    for (const std::filesystem::path& path : others_) {
      tune_on_others(lae::load_features<Scalar>(path), file_stamp(path));
    }
    for (const lae::NamedFeatures<Scalar>& each : data_.features) {
      const bool is_dense = std::holds_alternative<lae::Matrix<Scalar>>(each.values);
      const std::string file = each.name + (is_dense ? ".npy" : ".npz");
      tune_on_others(each, file_stamp(folder_ / file_name::features / file));
    }
    if (!sources_.empty()) {
      const lae::Sources<Scalar> sources = make_sources<Scalar>(sources_, data_);
      const double q = lae::feature_scale(lae::L3aeOptions().recipe(), sources).in_semantics;
      tune_on("several sources: " + names_of(sources_), sources, q,
              stamps({file_name::embeddings, file_name::tags, file_name::features}));
    }
    if (data_.tags) {
      status_.show(fmt::format("{}: embedding the tags", name()));
      const auto of_tags = lae::latent_semantic_embeddings(lae::tf_idf(*data_.tags), 256, 1,
                                                           watch(status_, name() + ": tags"));
      tune_on("tags, latent semantic analysis", of_tags, lae::mean_squared_length(of_tags),
              file_stamp(folder_ / file_name::tags));
    }
  }

  void tune_on_others(const lae::NamedFeatures<Scalar>& features, const ordered_json& stamp) {
    std::visit(
        [&](const auto& values) {
          tune_on(features.name, values, lae::mean_squared_length(values), stamp);
        },
        features.values);
  }

  template <class Features>
  void tune_on(const std::string& name, const Features& features, double q,
               const ordered_json& stamp) {
    tune_with<lae::L3ae<Scalar>>(fmt::format("l3ae-on-{}", results_.size()), "L3AE on " + name,
                                 grids::l3ae(lambda_, q), features,
                                 {{"embeddings", name}, {"stamp", stamp}});
  }

  template <class Solver>
  void tune_by_interactions(const std::string& step, const std::string& title,
                            const std::vector<typename Solver::Options>& points) {
    tune<Solver>(
        step, title, points,
        [&](const auto& grid, auto&&... rest) {
          return lae::grid_trials<Solver>(grid, data_.train, data_.valid, rest...);
        },
        [&](const Solver& solver, const lae::FitControl& control) {
          return solver.fit(data_.train, control);
        });
  }

  template <class Solver, class Features>
  void tune_with(const std::string& step, const std::string& title,
                 const std::vector<typename Solver::Options>& points, const Features& features,
                 const ordered_json& more_inputs) {
    tune<Solver>(
        step, title, points,
        [&](const auto& grid, auto&&... rest) {
          return lae::grid_trials<Solver>(grid, data_.train, features, data_.valid, rest...);
        },
        [&](const Solver& solver, const lae::FitControl& control) {
          return solver.fit(data_.train, features, control);
        },
        more_inputs);
  }

  template <class Solver>
  void tune_alone(const std::string& step, const std::string& title,
                  const std::vector<typename Solver::Options>& points) {
    tune<Solver>(
        step, title, points,
        [&](const auto& grid, auto&&... rest) {
          return lae::grid_trials<Solver>(grid, data_.train, *data_.embeddings, data_.valid,
                                          rest...);
        },
        [&](const Solver& solver, const lae::FitControl& control) {
          return solver.fit(*data_.embeddings, control);
        },
        stamps({file_name::embeddings}));
  }

  /// Tunes a model on the validation set, fits the best point and measures it on the test set.
  /// \param search (points, options, control): the trials, best first
  /// \param fit (solver, control): the model
  template <class Solver, class Search, class Fit>
  void tune(const std::string& step, const std::string& title,
            const std::vector<typename Solver::Options>& points, Search&& search, Fit&& fit,
            const ordered_json& more_inputs = ordered_json::object()) {
    ordered_json inputs = inputs_of(points);
    inputs.update(more_inputs);
    run_step(step, title, inputs, [&](ordered_json& result, const lae::FitControl& control) {
      const auto start = std::chrono::steady_clock::now();
      lae::GridSearchOptions options;
      options.sample_users = scale_.tuning_users;
      const auto trials = search(points, options, control);
      const double tuning_seconds = seconds_since(start);
      add_best(result, trials.front());
      add_trials(result, trials);
      measure(step, result, tuning_seconds,
              [&] { return fit(Solver(trials.front().options), control); });
    });
  }

  void run_refined() {
    const lae::L3aeOptions start = best_l3ae();
    ordered_json inputs = inputs_of(std::vector<lae::L3aeOptions>{start});
    inputs.update(stamps({file_name::embeddings}));
    inputs["rounds"] = RefinedSearch::rounds;
    run_step(
        "l3ae-refined", "L3AE, refined", inputs,
        [&](ordered_json& result, const lae::FitControl& control) {
          RefinedSearch search(start);
          result["hyper_parameters"] = results_["l3ae"]["hyper_parameters"];
          result["valid"] = results_["l3ae"]["valid"];
          double best = result["valid"]["ndcg@20"];
          result["trials"] = ordered_json::array();
          const auto began = std::chrono::steady_clock::now();
          for (int i = 0; i < RefinedSearch::rounds * RefinedSearch::steps_a_round; ++i) {
            const auto trials = lae::grid_trials<lae::L3ae<Scalar>>(
                search.step(i), data_.train, *data_.embeddings, data_.valid, {}, control);
            add_trials(result, trials);
            if (!(trials.front().score > best)) continue;
            best = trials.front().score;
            search.take(trials.front().options);
            add_best(result, trials.front());
          }
          measure("l3ae-refined", result, seconds_since(began), [&] {
            return lae::L3ae<Scalar>(search.best()).fit(data_.train, *data_.embeddings, control);
          });
        });
  }

  /// One hyper-parameter at a time around the best point, on the validation set.
  void run_sensitivity() {
    const lae::L3aeOptions best = best_l3ae();
    std::vector<lae::L3aeOptions> points;
    std::vector<std::string> axes;
    const auto add = [&](const std::string& axis, const lae::L3aeOptions& point) {
      axes.push_back(axis);
      points.push_back(point);
    };
    for (const double factor : {0.4, 1.0, 2.0, 5.0}) {
      lae::L3aeOptions point = best;
      point.lambda_x = lambda_ * factor - best.lambda_kd;
      add("lambda_x", point);
    }
    for (const double per_q : {0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0}) {
      lae::L3aeOptions point = best;
      point.lambda_f = q_ * per_q;
      add("lambda_f", point);
    }
    for (const double share : {0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0}) {
      lae::L3aeOptions point = best;
      point.lambda_kd = lambda_ * share;
      point.lambda_x = lambda_ - point.lambda_kd;
      add("lambda_kd", point);
    }
    ordered_json inputs = inputs_of(points);
    inputs.update(stamps({file_name::embeddings}));
    run_step("sensitivity", "sensitivity", inputs,
             [&](ordered_json& result, const lae::FitControl& control) {
               const auto found = lae::grid_search<lae::L3ae<Scalar>>(
                   points, data_.train, *data_.embeddings, data_.valid, {}, control);
               std::map<NamedValues, double> scores;
               for (const auto& trial : found.trials) {
                 scores[named_values(trial.options)] = trial.score;
               }
               result["points"] = ordered_json::array();
               for (std::size_t i = 0; i < points.size(); ++i) {
                 const NamedValues values = named_values(points[i]);
                 ordered_json point = to_json(values);
                 point["axis"] = axes[i];
                 point["ndcg@20"] = scores[values];
                 result["points"].push_back(point);
               }
             });
  }

  void run_spectrum() {
    constexpr lae::Index count = 256;
    ordered_json inputs = stamps({file_name::train, file_name::embeddings});
    inputs["count"] = count;
    run_step("spectrum", "singular values", inputs,
             [&](ordered_json& result, const lae::FitControl&) {
               result["x"] = largest_singular_values(data_.train, count);
               Interruption::check();
               if (data_.embeddings)
                 result["f"] = largest_singular_values(*data_.embeddings, count);
             });
  }

  void run_neural(const NeuralSettings& settings) {
    NeuralData data{data_.train.template cast<float>(), data_.valid.template cast<float>(),
                    data_.test.template cast<float>()};
    if (data_.embeddings) data.embeddings = data_.embeddings->template cast<float>();
    for (const neural::Kind kind : neural_kinds) {
      if (neural::needs_features(kind) && !data.embeddings) continue;
      ordered_json inputs = stamps({file_name::train, file_name::valid, file_name::test});
      if (neural::needs_features(kind)) inputs.update(stamps({file_name::embeddings}));
      inputs.update(neural_inputs(kind, settings));
      const std::string step = neural_step(kind);
      NeuralStudy study(kind, settings, data, store_.folder());
      run_step(step, neural::title_of(kind), inputs,
               [&](ordered_json& result, const lae::FitControl&) {
                 result.update(study.run(status_, name() + ": " + neural::title_of(kind)));
                 store_.keep_user_ndcg(step, study.user_ndcg());
               });
      study.forget();
    }
  }

  /// Finds a step's result or computes it, with the seconds it took.
  template <class Compute>
  void run_step(const std::string& step, const std::string& title, const ordered_json& inputs,
                Compute&& compute) {
    if (auto kept = store_.find(step, inputs)) {
      results_[step] = *std::move(kept);
      return;
    }
    const std::string task = name() + ": " + title;
    status_.show(task);
    lae::FitControl control;
    control.progress = watch(status_, task);
    ordered_json result{{"title", title}, {"inputs", inputs}};
    const auto start = std::chrono::steady_clock::now();
    compute(result, control);
    Interruption::check();
    result["seconds"] = seconds_since(start);
    store_.keep(step, result);
    status_.clear();
    fmt::print("{}  {:.1f} s\n", task, result["seconds"].template get<double>());
    std::fflush(stdout);
    results_[step] = std::move(result);
  }

  /// Of those files of the data set that are there.
  ordered_json stamps(const std::vector<const char*>& names) const {
    ordered_json stamps = ordered_json::object();
    for (const char* each : names) {
      if (std::filesystem::exists(folder_ / each)) stamps[each] = file_stamp(folder_ / each);
    }
    return stamps;
  }

  /// What any step on a grid depends on.
  template <class Options>
  ordered_json inputs_of(const std::vector<Options>& points) const {
    ordered_json inputs = stamps({file_name::train, file_name::valid, file_name::test});
    inputs["scalar"] = sizeof(Scalar) == sizeof(float) ? "float" : "double";
    if (scale_.tuning_users > 0) inputs["tuning_users"] = scale_.tuning_users;
    inputs["points"] = ordered_json::array();
    for (const Options& point : points) inputs["points"].push_back(to_json(named_values(point)));
    return inputs;
  }

  template <class Options>
  static void add_best(ordered_json& result, const lae::Trial<Options>& best) {
    result["hyper_parameters"] = to_json(named_values(best.options));
    result["valid"] = {{"recall@10", best.recall[0]},
                       {"recall@20", best.recall[1]},
                       {"ndcg@10", best.ndcg[0]},
                       {"ndcg@20", best.ndcg[1]}};
  }

  template <class Options>
  static void add_trials(ordered_json& result, const std::vector<lae::Trial<Options>>& trials) {
    for (const auto& trial : trials) {
      ordered_json json = to_json(named_values(trial.options));
      json["ndcg@20"] = trial.score;
      if (!trial.failure.empty()) json["failure"] = trial.failure;
      result["trials"].push_back(json);
    }
  }

  /// Fits a model and measures it on the test set, with what that costs.
  template <class Fit>
  void measure(const std::string& step, ordered_json& result, double tuning_seconds,
               Fit&& fit) const {
    Cost cost;
    cost.tuning_seconds = tuning_seconds;
    auto start = std::chrono::steady_clock::now();
    const yardstick::PeakMemory memory;
    const auto model = detail::model_of(fit());
    cost.fit_seconds = seconds_since(start);
    cost.fit_bytes = memory.added();
    start = std::chrono::steady_clock::now();
    const auto report = lae::evaluate(model, data_.train, data_.test, {{10, 20}});
    cost.evaluate_seconds = seconds_since(start);
    result["cost"] = cost_json(cost);
    result["test"] = report_json(report);
    store_.keep_user_ndcg(step, report.all.user_ndcg.col(1));
  }

  lae::L3aeOptions best_l3ae() const {
    const ordered_json& values = results_["l3ae"]["hyper_parameters"];
    return {values["lambda_x"].get<double>(), values["lambda_f"].get<double>(),
            values["lambda_kd"].get<double>()};
  }

  std::string name() const { return printable(folder_.filename().string()); }

  std::filesystem::path folder_;
  std::vector<std::filesystem::path> others_;
  std::vector<SourceChoice> sources_;
  StudyScale scale_;
  StepStore store_;
  StatusLine& status_;
  Dataset<Scalar> data_;
  double q_ = 1;
  bool is_dense_ = true;  // whether dense models are there, too
  double lambda_ = 0;     // of EASE, the best
  StepResults results_;
};

}  // namespace example
