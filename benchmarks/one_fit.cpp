// One fit in a process of its own: its time, memory and estimate, beside the machine's GEMM rate
// (from gemm_rate, which stands in the same folder), as one JSON object.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "peak_memory.hpp"
#include "synthetic_data.hpp"
#include "yardstick.hpp"

namespace {

using nlohmann::json;

struct Arguments {
  std::string data;
  std::array<lae::Index, 4> synthetic{2000, 1000, 20000, 64};
  std::string model = "l3ae";
  std::string scalar = "double";
  lae::FitForm form = lae::FitForm::automatic;
  double lambda = 100;
  double lambda_x = -50;
  double lambda_f = 10;
  double lambda_kd = 150;
  bool evaluate = false;
  bool grid = false;
};

struct Inputs {
  lae::Csr<float> train;
  lae::Csr<float> valid;
  lae::Csr<float> test;
  lae::Matrix<float> embeddings;
};

Inputs read(const Arguments& arguments) {
  const bool with_embeddings = arguments.model != "ease";
  if (arguments.data.empty()) {
    const auto [users, items, interactions, dimensions] = arguments.synthetic;
    return {synthetic::interactions(users, items, interactions),
            synthetic::interactions(users, items, interactions / 8, 2),
            synthetic::interactions(users, items, interactions / 8, 3),
            with_embeddings ? synthetic::embeddings(items, dimensions) : lae::Matrix<float>()};
  }
  const std::filesystem::path folder = arguments.data;
  return {lae::load_npz<float>(folder / "train.npz"), lae::load_npz<float>(folder / "valid.npz"),
          lae::load_npz<float>(folder / "test.npz"),
          with_embeddings ? lae::load_npy<float>(folder / "embeddings.npy") : lae::Matrix<float>()};
}

/// What gemm_rate prints, on the same threads.
json gemm_rate(const std::string& scalar) {
  const auto program =
      std::filesystem::read_symlink("/proc/self/exe").replace_filename("gemm_rate").string();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
      popen(("'" + program + "' " + scalar).c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> part{};
  while (pipe && std::fgets(part.data(), part.size(), pipe.get()) != nullptr) text += part.data();
  const json rate = json::parse(text, nullptr, false);
  if (!rate.is_object()) throw std::runtime_error("could not run " + program);
  return rate;
}

template <class Scalar>
json measure(const Arguments& arguments) {
  const Inputs inputs = read(arguments);
  const bool is_ease = arguments.model == "ease";
  const lae::Ease<Scalar> ease({arguments.lambda, {}, arguments.form});
  lae::L3aeOptions l3ae_options{arguments.lambda_x, arguments.lambda_f, arguments.lambda_kd};
  l3ae_options.form = arguments.form;
  const lae::L3ae<Scalar> l3ae(l3ae_options);
  const lae::ProblemSize size = is_ease ? lae::problem_size(inputs.train)
                                        : lae::problem_size(inputs.train, inputs.embeddings);
  const lae::FitCost cost = is_ease ? ease.estimate(size) : l3ae.estimate(size);

  json stages = json::object();
  lae::FitSummary summary;
  lae::FitControl control;
  control.summary = &summary;
  auto stage_start = std::chrono::steady_clock::now();
  control.progress = [&](std::string_view stage, double fraction) {
    if (fraction == 0) stage_start = std::chrono::steady_clock::now();
    if (fraction == 1) stages[std::string(stage)] = yardstick::seconds_since(stage_start);
    return true;
  };

  const json gemm_before = gemm_rate(arguments.scalar);
  const yardstick::PeakMemory memory;
  const auto start = std::chrono::steady_clock::now();
  const lae::ItemModel<Scalar> model = is_ease ? ease.fit(inputs.train, control)
                                               : l3ae.fit(inputs.train, inputs.embeddings, control);
  const double seconds = yardstick::seconds_since(start);
  const std::uint64_t added = memory.added();
  const std::uint64_t of_process = memory.of_process();
  const json gemm_after = gemm_rate(arguments.scalar);
  const yardstick::GemmRate gemm = yardstick::mean({gemm_before["eigen"], gemm_before["openblas"]},
                                                   {gemm_after["eigen"], gemm_after["openblas"]});

  json result{{"model", arguments.model},
              {"scalar", arguments.scalar},
              {"threads", lae::thread_count()},
              {"users", size.users},
              {"items", size.items},
              {"interactions", size.interactions},
              {"features", inputs.embeddings.cols()},
              {"form", lae::form_name(summary.form)},
              {"share_of_cube", summary.share},
              {"fit_seconds", seconds},
              {"stage_seconds", stages},
              {"flops", cost.flops},
              {"gemm_gflops", gemm.fastest() / 1e9},
              {"gemm_by", gemm.fastest_by()},
              {"openblas_kernel", gemm_after["openblas_kernel"]},
              {"share_of_gemm", cost.flops / seconds / gemm.fastest()},
              {"peak_bytes", added},
              {"estimated_bytes", cost.bytes},
              {"process_peak_bytes", of_process},
              {"frobenius", model.weights().template cast<double>().norm()}};
  if (arguments.evaluate) {
    const auto evaluate_start = std::chrono::steady_clock::now();
    const auto report = lae::evaluate(model, inputs.train, inputs.test, {{20}});
    result["evaluate_seconds"] = yardstick::seconds_since(evaluate_start);
    result["recall@20"] = report.all.recall[0];
    result["ndcg@20"] = report.all.ndcg[0];
  }
  if (arguments.grid) {
    // With λ_X + λ_KD as in the fit, from a tenth of λ_F to ten times it.
    lae::L3aeProtocol protocol;
    protocol.lambda_f.clear();
    for (const double factor : {0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0}) {
      protocol.lambda_f.push_back(factor * arguments.lambda_f);
    }
    const auto points = lae::l3ae_grid(arguments.lambda_x + arguments.lambda_kd, protocol);
    const auto grid_start = std::chrono::steady_clock::now();
    const auto search =
        lae::grid_search<lae::L3ae<Scalar>>(points, inputs.train, inputs.embeddings, inputs.valid);
    result["grid_seconds"] = yardstick::seconds_since(grid_start);
    result["grid_points"] = search.trials.size();
    result["grid_best_ndcg@20"] = search.trials.front().score;
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Measures one fit: seconds, flops, peak bytes, and the share of the GEMM rate."};
  app.add_option(
      "--data", arguments.data,
      "folder with train.npz, valid.npz, test.npz, embeddings.npy; default: synthetic data");
  app.add_option("--synthetic", arguments.synthetic, "USERS,ITEMS,INTERACTIONS,DIMENSIONS")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--model", arguments.model)
      ->check(CLI::IsMember({"ease", "l3ae"}))
      ->capture_default_str();
  app.add_option("--scalar", arguments.scalar)
      ->check(CLI::IsMember({"float", "double"}))
      ->capture_default_str();
  app.add_option("--form", arguments.form, "which matrix to invert; default: automatic")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, lae::FitForm>{{"automatic", lae::FitForm::automatic},
                                              {"primal", lae::FitForm::primal},
                                              {"eliminated", lae::FitForm::eliminated},
                                              {"dual", lae::FitForm::dual}}));
  app.add_option("--lambda", arguments.lambda, "ridge of ease")->capture_default_str();
  app.add_option("--lambda-x", arguments.lambda_x, "l3ae")->capture_default_str();
  app.add_option("--lambda-f", arguments.lambda_f, "l3ae")->capture_default_str();
  app.add_option("--lambda-kd", arguments.lambda_kd, "l3ae")->capture_default_str();
  app.add_flag("--evaluate", arguments.evaluate, "time an evaluation of the test set, too");
  app.add_flag("--grid", arguments.grid,
               "time a search of 42 points of l3ae, measured on the validation set, too");
  CLI11_PARSE(app, argc, argv);
  try {
    std::cout << (arguments.scalar == "float" ? measure<float>(arguments)
                                              : measure<double>(arguments))
                     .dump(1)
              << "\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
