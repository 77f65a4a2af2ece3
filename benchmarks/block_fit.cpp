// One fit by blocks, and on request the exact one beside it: time, memory, estimates and quality,
// as one JSON object. The two run in turn in one process, so that a busy machine slows both.

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <lae/models/blocks.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "peak_memory.hpp"
#include "synthetic_data.hpp"
#include "yardstick.hpp"

namespace {

using lae::Index;
using nlohmann::json;

struct Arguments {
  std::string data;
  std::array<Index, 4> synthetic{100000, 50000, 1000000, 64};
  lae::L3aeOptions model{-50, 10, 150};
  double lambda_f_times_q = 0;
  lae::BlockOptions blocks;
  bool exact = false;
};

/// Of all threads together.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Runs `fit(control)`, and what it took.
template <class Fit>
auto measured(json& result, const Fit& fit) {
  json stages = json::object();
  double stage_start = 0;
  lae::FitControl control;
  control.progress = [&](std::string_view stage, double fraction) {
    if (fraction == 0) stage_start = cpu_seconds();
    if (fraction == 1) stages[std::string(stage)] = cpu_seconds() - stage_start;
    return true;
  };
  const yardstick::PeakMemory memory;
  const double cpu_start = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  auto fitted = fit(control);
  result["seconds"] = yardstick::seconds_since(start);
  result["cpu_seconds"] = cpu_seconds() - cpu_start;
  result["cpu_seconds_of_stages"] = stages;
  result["peak_bytes"] = memory.added();
  result["process_peak_bytes"] = memory.of_process();
  return fitted;
}

template <class Model>
void evaluate(const Model& model, const lae::Csr<float>& train, const lae::Csr<float>& test,
              json& result) {
  if (test.nonZeros() == 0) return;
  const auto start = std::chrono::steady_clock::now();
  const auto report = lae::evaluate(model, train, test, {{20}});
  result["evaluate_seconds"] = yardstick::seconds_since(start);
  result["ndcg@20"] = report.all.ndcg[0];
  result["recall@20"] = report.all.recall[0];
}

json measure(const Arguments& arguments) {
  const std::filesystem::path folder = arguments.data;
  const bool is_real = !arguments.data.empty();
  const auto [users, items, interactions, dimensions] = arguments.synthetic;
  const lae::Csr<float> train = is_real ? lae::load_npz<float>(folder / "train.npz")
                                        : synthetic::category(users, items, interactions);
  const lae::Csr<float> test = is_real ? lae::load_npz<float>(folder / "test.npz")
                                       : lae::Csr<float>(train.rows(), train.cols());
  const lae::Matrix<float> embeddings = is_real ? lae::load_npy<float>(folder / "embeddings.npy")
                                                : synthetic::embeddings(items, dimensions);
  lae::L3aeOptions options = arguments.model;
  if (arguments.lambda_f_times_q > 0) {
    options.lambda_f = lae::FeatureRidge::times_q(arguments.lambda_f_times_q);
  }
  const lae::L3ae<float> solver(options);
  const lae::ProblemSize size = lae::problem_size(train, embeddings);

  json result{{"threads", lae::thread_count()},
              {"users", size.users},
              {"items", size.items},
              {"interactions", size.interactions},
              {"dimensions", embeddings.cols()}};
  {
    json& blocks = result["blocks"];
    const auto fit = measured(blocks, [&](const lae::FitControl& control) {
      return lae::fit_blocks(solver, train, embeddings, arguments.blocks, control);
    });
    const lae::BlockReport& report = fit.report;
    blocks["estimated_bytes"] = lae::estimate_blocks(solver, size, arguments.blocks).bytes;
    blocks["neighbours"] = report.neighbours;
    blocks["weights_of_an_item"] =
        static_cast<double>(report.kept_entries) / static_cast<double>(size.items);
    blocks["pairs_kept"] = report.pairs;
    blocks["pair_products"] = report.pair_products;
    blocks["longest_history"] = report.longest_history;
    blocks["rank"] = report.rank;
    blocks["iterations"] = report.iterations;
    blocks["worst_residual"] = report.worst_residual;
    blocks["converged"] = report.converged;
    evaluate(fit.model, train, test, blocks);
    const std::size_t few = 64;
    std::vector<Index> some(few);
    for (std::size_t i = 0; i < few; ++i) some[i] = static_cast<Index>(i);
    const auto start = std::chrono::steady_clock::now();
    const auto lists = lae::recommend(fit.model, train.topRows(few), {20});
    blocks["milliseconds_for_a_list"] = 1e3 * yardstick::seconds_since(start) / few;
    blocks["first"] = lists.items(0, 0);
  }
  if (arguments.exact) {
    json& exact = result["exact"];
    const auto model = measured(exact, [&](const lae::FitControl& control) {
      return solver.fit(train, embeddings, control);
    });
    evaluate(model, train, test, exact);
    const double exact_seconds = exact["cpu_seconds"];
    result["blocks"]["share_of_exact_cpu"] =
        result["blocks"]["cpu_seconds"].get<double>() / exact_seconds;
    result["blocks"]["share_of_exact"] =
        result["blocks"]["seconds"].get<double>() / exact["seconds"].get<double>();
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  double lambda_f = 10;
  CLI::App app{
      "Measures L3AE by blocks: seconds, bytes, quality; with --exact, of the exact fit, too."};
  app.add_option("--data", arguments.data,
                 "folder with train.npz, test.npz, embeddings.npy; default: synthetic data");
  app.add_option("--synthetic", arguments.synthetic, "USERS,ITEMS,INTERACTIONS,DIMENSIONS")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--lambda-x", arguments.model.lambda_x)->capture_default_str();
  app.add_option("--lambda-f", lambda_f)->capture_default_str();
  app.add_option("--lambda-f-times-q", arguments.lambda_f_times_q,
                 "lambda_f relative to the embeddings' mean squared length");
  app.add_option("--lambda-kd", arguments.model.lambda_kd)->capture_default_str();
  app.add_option("--neighbours", arguments.blocks.neighbours)->capture_default_str();
  app.add_option("--mean-entries", arguments.blocks.mean_entries, "0: all")->capture_default_str();
  app.add_option("--tolerance", arguments.blocks.tolerance)->capture_default_str();
  app.add_flag("--symmetrise", arguments.blocks.symmetrise);
  app.add_flag("--exact", arguments.exact, "the exact fit, too");
  CLI11_PARSE(app, argc, argv);
  arguments.model.lambda_f = lambda_f;
  try {
    std::cout << measure(arguments).dump(1) << "\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
