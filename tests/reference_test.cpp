// Real data: the results of the L3AE authors' own code, weights and metrics.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <lae/io/npy.hpp>
#include <lae/io/npz.hpp>
#include <lae/lae.hpp>
#include <nlohmann/json.hpp>
#include <string>

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
  return {lae::read_npz<double>(folder / "train.npz"), lae::read_npz<double>(folder / "valid.npz"),
          lae::read_npz<double>(folder / "test.npz"), lae::read_npz<double>(folder / "tags.npz"),
          lae::read_npy<double>(folder / "embeddings.npy")};
}

/// Fits what the authors' class computes; their names for hyper-parameters are read here alone.
template <class Scalar>
ItemModel<Scalar> fit(const std::string& official_class, const json& parameters,
                      const Dataset& data) {
  const auto get = [&](const char* name) { return parameters.at(name).get<double>(); };
  const auto squared = [&](const char* name) { return get(name) * get(name); };
  if (official_class == "EASE") {
    return lae::Ease<Scalar>({get("reg_X")}).fit(data.train);
  }
  if (official_class == "EASE_Text") {
    return lae::Ease<Scalar>({get("reg_F")}).fit_features(data.embeddings);
  }
  if (official_class == "Text_Similarity") return lae::Cosine<Scalar>().fit(data.embeddings);
  if (official_class == "Collective_EASE") {
    return lae::Cease<Scalar>({get("reg"), squared("alpha")}).fit(data.train, data.tags);
  }
  if (official_class == "L3AE_Collective") {
    return lae::Cease<Scalar>({get("reg"), squared("alpha")}).fit(data.train, data.embeddings);
  }
  if (official_class == "Additive_EASE") {
    return lae::AddEase<Scalar>({get("reg_X"), get("reg_F"), get("alpha")})
        .fit(data.train, data.tags);
  }
  if (official_class == "L3AE_Additive") {
    return lae::AddEase<Scalar>({get("reg_X"), get("reg_F"), get("alpha")})
        .fit(data.train, data.embeddings);
  }
  REQUIRE(official_class == "L3AE");
  return lae::L3ae<Scalar>({get("reg_X"), get("reg_F"), get("reg_E")})
      .fit(data.train, data.embeddings);
}

template <class Scalar>
void check_run(const json& run, const Dataset& data) {
  const std::string name = run.at("official_class");
  INFO(name << " " << run.at("hyperparameters").dump());
  const ItemModel<Scalar> model = fit<Scalar>(name, run.at("hyperparameters"), data);
  const Matrix<Scalar>& b = model.weights();

  // Their EASE is computed in float, all else in double, and so are our tolerances.
  const bool in_float = name == "EASE" || std::is_same_v<Scalar, float>;
  const double weight_tolerance = in_float ? 1e-5 : 1e-9;
  const double metric_tolerance = in_float ? 1e-4 : 1e-6;

  const double frobenius = run.at("frobenius");
  const double scale = std::max(1.0, std::abs(run.at("max").get<double>()));
  const auto close = [&](double ours, double theirs, double tolerance) {
    CHECK(std::abs(ours - theirs) <= tolerance);
  };
  close(static_cast<double>(b.norm()), frobenius, weight_tolerance * frobenius);
  // The sum of n^2 entries: its rounding follows their size, not that of the sum.
  close(b.template cast<double>().sum(), run.at("sum"),
        weight_tolerance * frobenius * std::sqrt(static_cast<double>(b.size())));
  close(static_cast<double>(b.maxCoeff()), run.at("max"), weight_tolerance * scale);
  close(static_cast<double>(b.minCoeff()), run.at("min"), weight_tolerance * scale);
  for (const json& entry : run.at("entries")) {
    close(static_cast<double>(b(entry.at(0).get<Index>(), entry.at(1).get<Index>())), entry.at(2),
          weight_tolerance * scale);
  }

  for (const char* split : {"test", "valid"}) {
    INFO(split);
    const Csr<double>& held_out = std::string(split) == "test" ? data.test : data.valid;
    const auto report = lae::evaluate(model, data.train, held_out, {{10, 20}});
    const json& expected = run.at(split);
    close(report.all.recall[0], expected.at("R@10"), metric_tolerance);
    close(report.all.recall[1], expected.at("R@20"), metric_tolerance);
    close(report.all.ndcg[0], expected.at("N@10"), metric_tolerance);
    close(report.all.ndcg[1], expected.at("N@20"), metric_tolerance);
  }
}

void check_reference(const std::string& name, const std::vector<std::string>& classes) {
  const auto folder = test_data(name);
  if (!folder) return;
  const auto results = test_reference(name + ".json");
  if (!results) return;
  const Dataset data = read_dataset(*folder);
  std::ifstream file(*results);
  int checked = 0;
  for (const json& run : json::parse(file).at("runs")) {
    const std::string official_class = run.at("official_class");
    if (!classes.empty() &&
        std::find(classes.begin(), classes.end(), official_class) == classes.end()) {
      continue;
    }
    check_run<double>(run, data);
    ++checked;
  }
  CHECK(checked > 0);
}

}  // namespace

TEST_CASE("games-10core: every run of the authors' code is reproduced", "[reference]") {
  check_reference("games-10core", {});
}

TEST_CASE("games-llm-profiles: every run of the authors' code is reproduced", "[reference]") {
  check_reference("games-llm-profiles", {});
}
