// Updates of a fitted model beside fits of it: time, memory and estimates, how exact updates are,
// and what serving from an updatable model costs, as one JSON object.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <lae/core/random.hpp>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <lae/updatable.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "peak_memory.hpp"
#include "synthetic_data.hpp"
#include "yardstick.hpp"

namespace {

using lae::Csr;
using lae::Index;
using nlohmann::json;

struct Arguments {
  std::string data;
  std::array<Index, 4> synthetic{2000, 1000, 20000, 64};
  std::string scalar = "double";
  bool with_features = false;
  double dropout = 0;
  std::vector<Index> users{1, 10, 100, 1000};
  Index items = 100;
  Index rounds = 0;
  bool exact = false;
};

/// Everyone named gets one item more.
template <class Scalar>
lae::Changes<Scalar> changes_of(const lae::UpdatableModel<Scalar>& model, Index count,
                                lae::Random& random) {
  lae::Changes<Scalar> changes;
  std::vector<Index> all(static_cast<std::size_t>(model.users()));
  for (std::size_t user = 0; user < all.size(); ++user) all[user] = static_cast<Index>(user);
  random.shuffle(all);
  all.resize(static_cast<std::size_t>(std::min(count, model.users())));
  changes.users = std::move(all);
  std::vector<Eigen::Triplet<Scalar, Index>> entries;
  for (std::size_t row = 0; row < changes.users.size(); ++row) {
    const auto place = static_cast<Index>(row);
    const lae::History<Scalar> history(model.interactions(), changes.users[row]);
    for (const auto& [item, value] : history) entries.emplace_back(place, item, value);
    entries.emplace_back(place, random.below(model.items()), Scalar(1));
  }
  changes.histories.resize(static_cast<Index>(changes.users.size()), model.items());
  changes.histories.setFromTriplets(entries.begin(), entries.end(),
                                    [](Scalar a, Scalar) { return a; });
  return changes;
}

template <class Run>
double seconds_of(const Run& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return yardstick::seconds_since(start);
}

template <class Scalar>
json measure(const Arguments& arguments) {
  const std::filesystem::path folder = arguments.data;
  const bool is_real = !arguments.data.empty();
  const auto [users, items, interactions, dimensions] = arguments.synthetic;
  const Csr<Scalar> train =
      is_real ? lae::load_npz<Scalar>(folder / "train.npz")
              : Csr<Scalar>(
                    synthetic::interactions(users, items, interactions).template cast<Scalar>());
  lae::Matrix<Scalar> f;
  if (arguments.with_features) {
    f = is_real
            ? lae::load_npy<Scalar>(folder / "embeddings.npy")
            : lae::Matrix<Scalar>(synthetic::embeddings(items, dimensions).template cast<Scalar>());
  }
  lae::L3aeOptions l3ae_options{-50, 10, 150};
  lae::EaseOptions ease_options{100};
  l3ae_options.refinements.dropout = ease_options.refinements.dropout = arguments.dropout;
  const lae::L3ae<Scalar> l3ae(l3ae_options);
  const lae::Ease<Scalar> ease(ease_options);

  json result{{"model", arguments.with_features ? "l3ae" : "ease"},
              {"scalar", arguments.scalar},
              {"threads", lae::thread_count()},
              {"users", train.rows()},
              {"items", train.cols()},
              {"interactions", train.nonZeros()},
              {"features", f.cols()}};
  const double fit_seconds = seconds_of([&] {
    const auto model = arguments.with_features ? l3ae.fit(train, f) : ease.fit(train);
    result["frobenius"] = model.weights().template cast<double>().norm();
  });
  result["fit_seconds"] = fit_seconds;
  const auto make = [&](const lae::FitControl& control) {
    return arguments.with_features ? lae::make_updatable(l3ae, train, f, control)
                                   : lae::make_updatable(ease, train, control);
  };
  try {
    static_cast<void>(make({{}, 0}));
  } catch (const lae::MemoryBudgetExceeded& refused) {
    result["make_estimated_bytes"] = refused.needed_bytes();
  }
  const yardstick::PeakMemory memory_to_make;
  const auto start = std::chrono::steady_clock::now();
  auto model = make({});
  result["make_seconds"] = yardstick::seconds_since(start);
  result["make_peak_bytes"] = memory_to_make.added();
  result["drift_of_fit"] = model.drift_of_fit();

  lae::Random random(1);
  const auto update = [&](const lae::Changes<Scalar>& changes) {
    const lae::UpdateCost cost = model.estimate_update(model.size_of(changes));
    json entry{{"users", changes.users.size()},
               {"new_items", changes.new_items},
               {"rank", cost.rank},
               {"estimated_bytes", cost.bytes},
               {"most_users", cost.most_users}};
    const yardstick::PeakMemory memory;
    lae::UpdateReport report;
    const double seconds = seconds_of([&] { report = model.update(changes); });
    entry["peak_bytes"] = memory.added();
    entry["seconds"] = seconds;
    entry["share_of_fit"] = seconds / fit_seconds;
    entry["is_fit"] = report.is_fit;
    entry["least_pivot"] = report.least_pivot;
    return entry;
  };
  update(changes_of(model, 1, random));  // threads and their buffers
  for (const Index count : arguments.users) {
    result["updates"].push_back(update(changes_of(model, count, random)));
  }
  for (Index round = 0; round < arguments.rounds; ++round) {
    model.update(changes_of(model, 1, random));
  }
  if (arguments.items > 0) {
    lae::Changes<Scalar> changes;
    changes.new_items = arguments.items;
    if (arguments.with_features) {
      changes.features.add(f.topRows(arguments.items));
    }
    result["updates"].push_back(update(changes));
  }
  result["drift_seconds"] = seconds_of([&] { result["drift"] = model.drift(); });

  const Csr<Scalar> some = model.interactions().topRows(1000);
  lae::Recommendations<Scalar> lists;
  lae::Recommendations<Scalar> dense_lists;
  result["seconds_for_1000_lists"] = seconds_of([&] { lists = lae::recommend(model, some, {20}); });
  {
    const auto dense = model.model();
    result["dense_seconds_for_1000_lists"] =
        seconds_of([&] { dense_lists = lae::recommend(dense, some, {20}); });
    result["lists_that_differ"] =
        (lists.items.array() != dense_lists.items.array()).rowwise().any().count();
    if (arguments.exact) {
      const auto fitted = arguments.with_features ? l3ae.fit(model.interactions(), *model.sources())
                                                  : ease.fit(model.interactions());
      result["largest_difference"] = (dense.weights() - fitted.weights()).cwiseAbs().maxCoeff();
      result["largest_weight"] = fitted.weights().cwiseAbs().maxCoeff();
    }
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Measures updates of EASE or L3AE beside fits: seconds, bytes, exactness."};
  app.add_option("--data", arguments.data,
                 "folder with train.npz, embeddings.npy; default: synthetic data");
  app.add_option("--synthetic", arguments.synthetic, "USERS,ITEMS,INTERACTIONS,DIMENSIONS")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--scalar", arguments.scalar)
      ->check(CLI::IsMember({"float", "double"}))
      ->capture_default_str();
  app.add_flag("--features", arguments.with_features, "L3AE instead of EASE");
  app.add_option("--dropout", arguments.dropout)->capture_default_str();
  app.add_option("--users", arguments.users, "how many change, of each update")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--items", arguments.items, "that come in one update more")->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "updates of a user each, besides")
      ->capture_default_str();
  app.add_flag("--exact", arguments.exact, "compares with a fit of what the data have become");
  CLI11_PARSE(app, argc, argv);
  try {
    const json result =
        arguments.scalar == "float" ? measure<float>(arguments) : measure<double>(arguments);
    std::cout << result.dump(1) << "\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
