// Real data: the results of the L3AE authors' own code, weights and metrics.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "test_data.hpp"

using lae::Csr;
using lae::Index;
using lae::ItemModel;
using lae::Matrix;
using nlohmann::json;

namespace {

struct Dataset {
  Csr<double> train;
  Csr<double> valid;
  Csr<double> test;
  Csr<double> tags;
  Matrix<double> embeddings;
};

Dataset read_dataset(const std::filesystem::path& folder) {
  return {lae::load_npz<double>(folder / "train.npz"), lae::load_npz<double>(folder / "valid.npz"),
          lae::load_npz<double>(folder / "test.npz"), lae::load_npz<double>(folder / "tags.npz"),
          lae::load_npy<double>(folder / "embeddings.npy")};
}

/// Fits what the authors' class computes; their names for hyper-parameters are read here alone.
ItemModel<double> fit(const std::string& official_class, const json& parameters,
                      const Dataset& data) {
  const auto get = [&](const char* name) { return parameters.at(name).get<double>(); };
  const auto squared = [&](const char* name) { return get(name) * get(name); };
  if (official_class == "EASE") {
    return lae::Ease<double>({get("reg_X")}).fit(data.train);
  }
  if (official_class == "EASE_Text") {
    return lae::FeatureEase<double>({get("reg_F")}).fit(data.embeddings);
  }
  if (official_class == "Text_Similarity") return lae::Cosine<double>().fit(data.embeddings);
  if (official_class == "Collective_EASE") {
    return lae::Cease<double>({get("reg"), squared("alpha")}).fit(data.train, data.tags);
  }
  if (official_class == "L3AE_Collective") {
    return lae::Cease<double>({get("reg"), squared("alpha")}).fit(data.train, data.embeddings);
  }
  if (official_class == "Additive_EASE") {
    return lae::AddEase<double>({get("reg_X"), get("reg_F"), get("alpha")})
        .fit(data.train, data.tags);
  }
  if (official_class == "L3AE_Additive") {
    return lae::AddEase<double>({get("reg_X"), get("reg_F"), get("alpha")})
        .fit(data.train, data.embeddings);
  }
  REQUIRE(official_class == "L3AE");
  return lae::L3ae<double>({get("reg_X"), get("reg_F"), get("reg_E")})
      .fit(data.train, data.embeddings);
}

using Metrics = std::vector<double>;  // R@10, R@20, N@10, N@20

/// The metrics if all scores within `width` of one another were ordered against the held-out items,
/// and if they were ordered for them.
std::pair<Metrics, Metrics> tie_bounds(const ItemModel<double>& model, const Csr<double>& train,
                                       const Csr<double>& held_out, double width) {
  Metrics least(4, 0.0);
  Metrics most(4, 0.0);
  double users = 0;
  for (Index user = 0; user < train.rows(); ++user) {
    std::vector<Index> relevant;
    for (Csr<double>::InnerIterator entry(held_out, user); entry; ++entry) {
      relevant.push_back(entry.col());
    }
    if (relevant.empty()) continue;
    ++users;
    Eigen::RowVectorXd scores = model.score(Csr<double>(train.row(user))).row(0);
    for (Csr<double>::InnerIterator entry(train, user); entry; ++entry) {
      scores[entry.col()] = -std::numeric_limits<double>::infinity();
    }
    for (const bool against : {true, false}) {
      Metrics& sums = against ? least : most;
      const double shift = against ? width : -width;
      for (std::size_t c = 0; c < 2; ++c) {
        const Index k = c == 0 ? 10 : 20;
        double hits = 0;
        double gain = 0;
        double ideal = 0;
        for (std::size_t r = 0; r < relevant.size(); ++r) {
          const double bar = scores[relevant[r]] - shift;
          const Index above = (scores.array() > bar).count() - (against ? 1 : 0);
          if (above < k) {
            hits += 1;
            gain += 1 / std::log2(static_cast<double>(above) + 2);
          }
          if (static_cast<Index>(r) < k) ideal += 1 / std::log2(static_cast<double>(r) + 2);
        }
        sums[c] += hits / static_cast<double>(relevant.size());
        sums[2 + c] += gain / ideal;
      }
    }
  }
  for (Metrics* sums : {&least, &most}) {
    for (double& sum : *sums) sum /= users;
  }
  return {least, most};
}

void check_run(const json& run, const Dataset& data) {
  const std::string name = run.at("official_class");
  INFO(name << " " << run.at("hyperparameters").dump());
  const ItemModel<double> model = fit(name, run.at("hyperparameters"), data);
  const Matrix<double>& b = model.weights();

  // Their EASE is computed in float, all else in double, and so are the tolerances. In float, even
  // the sum of squares behind their Frobenius norm loses up to 1e-3 over n^2 entries.
  const bool in_float = name == "EASE";
  const double weight_tolerance = in_float ? 1e-5 : 1e-9;
  const double metric_tolerance = in_float ? 1e-4 : 1e-6;
  const double norm_tolerance = in_float ? 1.2e-3 : 1e-9;

  const double frobenius = run.at("frobenius");
  const double scale = std::max(1.0, std::abs(run.at("max").get<double>()));
  const auto close = [&](double ours, double theirs, double tolerance) {
    CHECK(std::abs(ours - theirs) <= tolerance);
  };
  close(b.norm(), frobenius, norm_tolerance * frobenius);
  // The sum of n^2 entries: its rounding follows their size, not that of the sum.
  close(b.sum(), run.at("sum"),
        weight_tolerance * frobenius * std::sqrt(static_cast<double>(b.size())));
  close(b.maxCoeff(), run.at("max"), weight_tolerance * scale);
  close(b.minCoeff(), run.at("min"), weight_tolerance * scale);
  for (const json& entry : run.at("entries")) {
    close(b(entry.at(0).get<Index>(), entry.at(1).get<Index>()), entry.at(2),
          weight_tolerance * scale);
  }

  for (const char* split : {"test", "valid"}) {
    INFO(split);
    const Csr<double>& held_out = std::string(split) == "test" ? data.test : data.valid;
    const json& expected = run.at(split);
    const std::vector<double> theirs = {expected.at("R@10"), expected.at("R@20"),
                                        expected.at("N@10"), expected.at("N@20")};
    const auto report = lae::evaluate(model, data.train, held_out, {{10, 20}});
    const std::vector<double> ours = {report.all.recall[0], report.all.recall[1],
                                      report.all.ndcg[0], report.all.ndcg[1]};
    if (name == "EASE_Text") {
      // Items of one title have one embedding, so their scores differ by rounding alone.
      const auto [least, most] = tie_bounds(model, data.train, held_out, 1e-9);
      for (std::size_t i = 0; i < 4; ++i) {
        CHECK(theirs[i] >= least[i] - metric_tolerance);
        CHECK(theirs[i] <= most[i] + metric_tolerance);
        CHECK(ours[i] >= least[i] - 1e-12);
        CHECK(ours[i] <= most[i] + 1e-12);
        CHECK(most[i] - least[i] < 1e-3);
      }
    } else {
      for (std::size_t i = 0; i < 4; ++i) close(ours[i], theirs[i], metric_tolerance);
    }
  }
}

void check_reference(const std::string& name) {
  const auto folder = test_data(name);
  const auto results = test_reference(name + ".json");
  if (!folder || !results) return;
  const Dataset data = read_dataset(*folder);
  std::ifstream file(*results);
  const json reference = json::parse(file);
  REQUIRE(reference.at("runs").size() > 0);
  for (const json& run : reference.at("runs")) check_run(run, data);
}

}  // namespace

TEST_CASE("games-10core: every run of the authors' code is reproduced", "[reference]") {
  check_reference("games-10core");
}

TEST_CASE("games-10core: a grid of L3AE is what 42 fits from scratch are", "[reference]") {
  const auto folder = test_data("games-10core");
  if (!folder) return;
  const Dataset data = read_dataset(*folder);
  lae::L3aeProtocol protocol;
  protocol.lambda_f = {10, 20, 50, 100, 200, 500, 1000};
  protocol.lambda_kd = {25, 50, 75, 100, 150, 200};
  const auto search = lae::grid_search<lae::L3ae<double>>(lae::l3ae_grid(100, protocol), data.train,
                                                          data.embeddings, data.valid);
  REQUIRE(search.trials.size() == 42);
  for (const auto& trial : search.trials) {
    INFO("lambda_f " << trial.options.lambda_f << ", lambda_kd " << trial.options.lambda_kd);
    const auto model = lae::L3ae<double>(trial.options).fit(data.train, data.embeddings);
    const auto expected = lae::evaluate(model, data.train, data.valid, {{10, 20}}).all;
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(std::abs(trial.recall[c] - expected.recall[c]) < 1e-9);
      CHECK(std::abs(trial.ndcg[c] - expected.ndcg[c]) < 1e-9);
    }
  }
}

TEST_CASE("games-llm-profiles: every run of the authors' code is reproduced", "[reference]") {
  check_reference("games-llm-profiles");
}
