// One search of a grid within a memory budget, on synthetic data and in a process of its own: the
// budget, the peak and their ratio, as one JSON object.

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <lae/tuning/grid_search.hpp>
#include <lae/tuning/l3ae_protocol.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "peak_memory.hpp"
#include "synthetic_data.hpp"

namespace {

using nlohmann::json;

struct Arguments {
  std::array<lae::Index, 4> synthetic{300000, 200, 900000, 32};
  std::string model = "ease";
  std::string scalar = "double";
  std::size_t points = 20;
  double budget_mb = 60;
};

/// Steps of a half, from 1.
std::vector<double> ridges(std::size_t count) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(std::pow(1.5, static_cast<double>(i)));
  }
  return values;
}

struct Outcome {
  std::size_t points = 0;
  double ndcg = 0;
};

template <class Scalar>
Outcome search(const Arguments& arguments, const lae::Csr<float>& train,
               const lae::Csr<float>& valid, const lae::Matrix<float>& embeddings,
               const lae::FitControl& control) {
  if (arguments.model == "ease") {
    const auto points = lae::vary(std::vector<lae::EaseOptions>{{}}, &lae::EaseOptions::lambda,
                                  ridges(arguments.points));
    const auto result = lae::grid_search<lae::Ease<Scalar>>(points, train, valid, {}, control);
    return {result.trials.size(), result.trials.front().score};
  }
  if (arguments.model == "l3ae") {
    const auto points = lae::vary(std::vector<lae::L3aeOptions>{{}}, &lae::L3aeOptions::lambda_f,
                                  ridges(arguments.points));
    const auto result =
        lae::grid_search<lae::L3ae<Scalar>>(points, train, embeddings, valid, {}, control);
    return {result.trials.size(), result.trials.front().score};
  }
  const auto result = lae::tune_l3ae<Scalar>(train, embeddings, valid, {}, {}, control);
  return {result.ease.size() + result.l3ae.trials.size(), result.l3ae.trials.front().score};
}

template <class Scalar>
json measure(const Arguments& arguments) {
  const auto [users, items, interactions, dimensions] = arguments.synthetic;
  const lae::Csr<float> train = synthetic::interactions(users, items, interactions);
  const lae::Csr<float> valid = synthetic::interactions(users, items, interactions / 4, 2);
  const lae::Matrix<float> embeddings =
      arguments.model == "ease" ? lae::Matrix<float>() : synthetic::embeddings(items, dimensions);
  lae::FitControl control;
  control.memory_budget = static_cast<std::uint64_t>(arguments.budget_mb * 1e6);
  json result{{"model", arguments.model},
              {"scalar", arguments.scalar},
              {"threads", lae::thread_count()},
              {"users", users},
              {"items", items},
              {"interactions", train.nonZeros()},
              {"features", embeddings.cols()},
              {"budget_bytes", control.memory_budget}};
  const yardstick::PeakMemory memory;
  const auto start = std::chrono::steady_clock::now();
  try {
    const Outcome outcome = search<Scalar>(arguments, train, valid, embeddings, control);
    result["points"] = outcome.points;
    result["ndcg"] = outcome.ndcg;
  } catch (const lae::MemoryBudgetExceeded& error) {
    result["needed_bytes"] = error.needed_bytes();
  }
  result["seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result["peak_bytes"] = memory.added();
  result["peak_of_budget"] =
      static_cast<double>(memory.added()) / static_cast<double>(control.memory_budget);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{
      "Measures the memory of one search of a grid beside the budget it was given. A search that\n"
      "refuses a budget tells the bytes it needs (needed_bytes)."};
  app.add_option("--synthetic", arguments.synthetic, "USERS,ITEMS,INTERACTIONS,DIMENSIONS")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--model", arguments.model, "tune_l3ae is the search of both, EASE and L3AE")
      ->check(CLI::IsMember({"ease", "l3ae", "tune_l3ae"}))
      ->capture_default_str();
  app.add_option("--scalar", arguments.scalar)
      ->check(CLI::IsMember({"float", "double"}))
      ->capture_default_str();
  app.add_option("--points", arguments.points, "of ease and l3ae")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--budget-mb", arguments.budget_mb,
                 "what the search may take beside its data, in 10^6 bytes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
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
