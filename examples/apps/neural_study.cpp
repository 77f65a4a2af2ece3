#include "neural_study.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <lae/evaluation/evaluate.hpp>
#include <lae/io/file.hpp>
#include <neural/scorer.hpp>
#include <neural/trainer.hpp>
#include <peak_memory.hpp>
#include <system_error>
#include <vector>

#include "command_line.hpp"
#include "report.hpp"

namespace example {
namespace {

using nlohmann::ordered_json;

/// Seconds between two times that a training is written to disk.
constexpr double save_seconds = 2;

neural::TrainOptions train_options(const NeuralSettings& settings, std::uint64_t seed) {
  neural::TrainOptions options;
  options.longest = settings.longest;
  options.seed = seed;
  return options;
}

/// Sets each number of `result` to that which `combine` makes of the same numbers of all parts.
template <class Combine>
ordered_json combined(const std::vector<ordered_json>& parts, const Combine& combine) {
  ordered_json result = ordered_json::object();
  for (const auto& [name, first] : parts.front().items()) {
    if (name == "users") {
      result[name] = first;
      continue;
    }
    std::vector<ordered_json> those;
    for (const ordered_json& part : parts) those.push_back(part[name]);
    if (first.is_object()) {
      result[name] = combined(those, combine);
    } else if (first.is_number()) {
      std::vector<double> values;
      for (const ordered_json& each : those) values.push_back(each.get<double>());
      result[name] = combine(values);
    } else {
      result[name] = first;
    }
  }
  return result;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Of a sample.
double deviation(const std::vector<double>& values) {
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace

ordered_json neural_inputs(neural::Kind kind, const NeuralSettings& settings) {
  const neural::Options options = neural::Options::of(kind, settings.setting);
  const neural::TrainOptions training = train_options(settings, 0);
  ordered_json inputs{{"runs", settings.runs},
                      {"longest", training.longest},
                      {"patience", training.patience},
                      {"batch_size", training.batch_size},
                      {"learning_rate", training.learning_rate},
                      {"dimensions", options.dimensions},
                      {"regularizer", options.regularizer}};
  const bool has_views = kind == neural::Kind::sim_gcl || kind == neural::Kind::rlmrec_con ||
                         kind == neural::Kind::rlmrec_gen;
  if (has_views) {
    inputs["contrast_weight"] = options.contrast_weight;
    inputs["noise"] = options.noise;
  }
  if (has_views || kind == neural::Kind::alpha_rec) {
    inputs["contrast_temperature"] = options.contrast_temperature;
  }
  if (kind == neural::Kind::alpha_rec) inputs["cosine_scores"] = options.cosine_scores;
  if (kind == neural::Kind::rlmrec_con) {
    inputs["distill_weight"] = options.distill_weight;
    inputs["distill_temperature"] = options.distill_temperature;
  }
  if (kind == neural::Kind::rlmrec_gen) {
    inputs["mask_share"] = options.mask_share;
    inputs["reconstruct_weight"] = options.reconstruct_weight;
    inputs["reconstruct_temperature"] = options.reconstruct_temperature;
  }
  return inputs;
}

std::uint64_t NeuralStudy::seed(lae::Index run) const {
  return 2023 + static_cast<std::uint64_t>(run);
}

std::filesystem::path NeuralStudy::state(lae::Index run) const {
  return states_ / fmt::format("{}-{}.training", neural_step(kind_), seed(run));
}

void NeuralStudy::forget() const {
  for (lae::Index run = 0; run < settings_.runs; ++run) {
    std::error_code ignored;
    std::filesystem::remove(state(run), ignored);
    clear_up_beside(state(run));
  }
}

ordered_json NeuralStudy::run(StatusLine& status, const std::string& task) {
  const lae::Csr<float> histories = neural::user_histories(data_.train);
  const lae::Matrix<float>* const features =
      neural::needs_features(kind_) ? &*data_.embeddings : nullptr;
  ordered_json runs = ordered_json::array();
  std::vector<ordered_json> tests;
  std::vector<ordered_json> valids;
  std::vector<ordered_json> costs;
  for (lae::Index run = 0; run < settings_.runs; ++run) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    const yardstick::PeakMemory memory;
    const auto model = neural::make_model<float>(neural::Options::of(kind_, settings_.setting),
                                                 data_.train, features, seed(run));
    neural::Trainer<float> trainer(*model, data_.train, data_.valid,
                                   train_options(settings_, seed(run)));
    try {
      trainer.resume(state(run));
    } catch (const lae::FileError& error) {
      // Of other data or settings, most likely. It is replaced.
      status.clear();
      fmt::print("{}; that training begins anew\n", printable(error.what()));
    }

    Clock::time_point saved = Clock::now();
    bool is_saved = true;
    const auto save = [&] {
      if (is_saved) return;
      trainer.save(state(run));
      saved = Clock::now();
      is_saved = true;
    };
    trainer.run([&](const neural::EpochReport& report) {
      is_saved = false;
      status.show(
          fmt::format("{}: run {} of {}, epoch {}, validation R@20 {:.4f}, best {:.4f} at {}", task,
                      run + 1, settings_.runs, report.epoch, report.valid_recall,
                      trainer.best_recall(), report.best_epoch));
      if (Interruption::is_noted() || seconds_since(saved) >= save_seconds) save();
      Interruption::check();
      return true;
    });
    save();
    const lae::Index epochs = trainer.epoch();
    trainer.take_best();
    const double fit_seconds = seconds_since(start);
    const std::uint64_t fit_bytes = memory.added();

    const neural::UserScorer<float> scorer(model->embeddings(), model->graph().users());
    const auto measure = [&](const lae::Csr<float>& part) {
      return lae::evaluate(scorer, histories, part, {{10, 20}});
    };
    const Clock::time_point measuring = Clock::now();
    const lae::EvaluationReport test = measure(data_.test);
    costs.push_back(cost_json({0, fit_seconds, seconds_since(measuring), fit_bytes}));
    tests.push_back(report_json(test));
    valids.push_back(report_json(measure(data_.valid)));
    runs.push_back({{"seed", seed(run)},
                    {"epochs", epochs},
                    {"best_epoch", trainer.best_epoch()},
                    {"valid", valids.back()},
                    {"test", tests.back()}});
    if (run == 0) user_ndcg_.setZero(test.all.user_ndcg.rows(), 1);
    user_ndcg_ += test.all.user_ndcg.col(1) / static_cast<double>(settings_.runs);
  }
  ordered_json result{{"valid", combined(valids, mean)}, {"test", combined(tests, mean)}};
  if (settings_.runs > 1) result["deviation"] = combined(tests, deviation);
  result["cost"] = combined(costs, mean);
  result["runs"] = runs;
  return result;
}

}  // namespace example
