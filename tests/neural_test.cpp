// The neural models: against the losses, gradients and scores of the L3AE authors' own code,
// against finite differences, and what a training promises.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <lae/evaluation/evaluate.hpp>
#include <lae/lae.hpp>
#include <memory>
#include <neural/batch.hpp>
#include <neural/bpr.hpp>
#include <neural/info_nce.hpp>
#include <neural/mlp.hpp>
#include <neural/model.hpp>
#include <neural/parallel.hpp>
#include <neural/scorer.hpp>
#include <neural/trainer.hpp>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "random_data.hpp"
#include "test_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using lae::Matrix;
using neural::Batch;
using neural::Kind;
using neural::Losses;
using neural::Merged;
using neural::Options;

namespace {

constexpr Kind all_kinds[] = {Kind::light_gcn, Kind::sim_gcl, Kind::rlmrec_con, Kind::rlmrec_gen,
                              Kind::alpha_rec};

// ------------------------------------------------------------------------------------------------
// The authors' own code on a made-up case.

Matrix<double> matrix_of(const nlohmann::json& json) {
  if (!json[0].is_array()) {
    Matrix<double> row(1, static_cast<Index>(json.size()));
    for (std::size_t j = 0; j < json.size(); ++j) row(0, static_cast<Index>(j)) = json[j];
    return row;
  }
  Matrix<double> values(static_cast<Index>(json.size()), static_cast<Index>(json[0].size()));
  for (std::size_t i = 0; i < json.size(); ++i) {
    values.row(static_cast<Index>(i)) = matrix_of(json[i]).row(0);
  }
  return values;
}

Matrix<double> stacked(const Matrix<double>& upper, const Matrix<double>& lower) {
  Matrix<double> both(upper.rows() + lower.rows(), upper.cols());
  both << upper, lower;
  return both;
}

/// The noise and masks that were drawn there.
class GivenChoices : public neural::Choices<double> {
 public:
  explicit GivenChoices(const nlohmann::json& model) {
    if (model.contains("noise_uniform")) {
      for (const int view : {1, 2}) {
        for (const int layer : {1, 2}) {
          const std::string name = "view" + std::to_string(view) + "_layer" + std::to_string(layer);
          noise_.push_back(matrix_of(model["noise_uniform"][name]));
        }
      }
    }
    if (model.contains("masked_rows")) {
      for (const auto& row : model["masked_rows"]) masked_.push_back(row.get<Index>());
    }
  }

  void noise(int view, int layer, Index node, Index dimensions, double* row) const override {
    const auto& values = noise_[static_cast<std::size_t>(2 * (view - 1) + layer - 1)];
    std::copy_n(values.row(node).data(), dimensions, row);
  }

  std::vector<Index> masked(Index, Index count) const override {
    CHECK(count == static_cast<Index>(masked_.size()));
    return masked_;
  }

 private:
  std::vector<Matrix<double>> noise_;
  std::vector<Index> masked_;
};

struct Case {
  Kind kind;
  nlohmann::json all;
  nlohmann::json model;
  lae::Csr<double> train;
  Matrix<double> features;
  Batch batch;

  Case(const std::filesystem::path& path, Kind which) : kind(which) {
    std::ifstream file(path);
    all = nlohmann::json::parse(file);
    const char* const names[] = {"lightgcn", "simgcl", "simgcl_plus", "simgcl_gene", "alpharec"};
    model = all["models"][names[static_cast<std::size_t>(kind)]];
    train.resize(all["m"].get<Index>(), all["n"].get<Index>());
    for (const auto& entry : all["train"]) {
      train.insert(entry[0].get<Index>(), entry[1].get<Index>()) = 1;
    }
    train.makeCompressed();
    features = matrix_of(all["F_items"]);
    std::vector<Index> columns[3];
    for (const auto& place : all["batch"]) {
      for (std::size_t c = 0; c < 3; ++c) columns[c].push_back(place[c].get<Index>());
    }
    batch = {Merged(columns[0], train.rows()), Merged(columns[1], train.cols()),
             Merged(columns[2], train.cols())};
  }

  std::unique_ptr<neural::Model<double>> make(bool cosine = false) const {
    Options options = Options::of(kind);
    const auto& hyper = model["hyper"];
    options.dimensions = all["d"].get<Index>();
    options.regularizer = hyper["reg_weight"];
    options.contrast_weight = hyper.value("cl_weight", 0.0);
    options.contrast_temperature = hyper.value("cl_tau", 0.2);
    options.noise = hyper.value("eps", 0.0);
    options.distill_weight = hyper.value("kd_weight", 0.0);
    options.distill_temperature = hyper.value("kd_tau", 0.2);
    options.mask_share = hyper.value("mask_ratio", 0.0);
    options.reconstruct_weight = hyper.value("recon_weight", 0.0);
    options.reconstruct_temperature = hyper.value("recon_tau", 0.2);
    options.cosine_scores = cosine;
    auto made = neural::make_model<double>(options, train, &features, 1);
    for (auto& each : made->parameters()) {
      each.value = wanted(model["parameters"], each);
    }
    return made;
  }

  /// The matrix of a parameter; embeddings are one matrix here and two there.
  static Matrix<double> wanted(const nlohmann::json& parts,
                               const neural::Parameter<double>& parameter) {
    if (parameter.name == "embeddings") {
      return stacked(matrix_of(parts["user_embeds"]), matrix_of(parts["item_embeds"]));
    }
    if (parameter.name == "mask_token") return matrix_of(parts["masker.mask_token"]);
    return matrix_of(parts[parameter.name]);
  }

  /// What their AlphaRec adds to its loss for a table of embeddings that it does not use.
  double unused_regularizer() const {
    if (kind != Kind::alpha_rec) return 0;
    return model["hyper"]["reg_weight"].get<double>() *
           stacked(matrix_of(model["parameters"]["user_embeds"]),
                   matrix_of(model["parameters"]["item_embeds"]))
               .squaredNorm();
  }
};

}  // namespace

TEST_CASE("losses, gradients and scores are those of the authors' code") {
  const auto path = test_reference("neural-losses.json");
  if (!path) return;
  for (const Kind kind : all_kinds) {
    const Case expected(*path, kind);
    const auto model = expected.make();
    INFO(neural::title_of(kind));
    const GivenChoices choices(expected.model);

    const Losses losses = model->differentiate(expected.batch, choices);
    const std::vector<std::pair<std::string, std::string>> names = {
        {"bpr", "bpr_loss"},    {"regularizer", "reg_loss"},   {"contrast", "cl_loss"},
        {"distill", "kd_loss"}, {"reconstruct", "recon_loss"}, {"softmax", "ssm_loss"}};
    for (const auto& [name, loss] : losses) {
      const auto known = std::find_if(names.begin(), names.end(),
                                      [&, n = name](const auto& each) { return each.first == n; });
      REQUIRE(known != names.end());
      INFO(name);
      double wanted = expected.model["components"][known->second];
      if (name == "regularizer") wanted -= expected.unused_regularizer();
      CHECK(std::abs(loss - wanted) < 1e-9);
    }
    CHECK(std::abs(neural::total(losses) + expected.unused_regularizer() -
                   expected.model["loss"].get<double>()) < 1e-9);
    for (const auto& each : model->parameters()) {
      INFO(each.name);
      const Matrix<double> wanted = Case::wanted(expected.model["gradients"], each);
      CHECK((each.gradient - wanted).cwiseAbs().maxCoeff() < 1e-9);
    }

    const Matrix<double> z = model->embeddings();
    CHECK((z - matrix_of(expected.model["Z"])).cwiseAbs().maxCoeff() < 1e-9);
    const auto histories = neural::user_histories(expected.train);
    const auto scores_of = [&](const Matrix<double>& embeddings) {
      return lae::score(neural::UserScorer<double>(embeddings, expected.train.rows()), histories);
    };
    const char* const name = kind == Kind::alpha_rec ? "scores_dot" : "scores";
    CHECK((scores_of(z) - matrix_of(expected.model[name])).cwiseAbs().maxCoeff() < 1e-9);
    if (kind == Kind::alpha_rec) {
      const Matrix<double> wanted = matrix_of(expected.model["scores_cosine"]);
      CHECK((scores_of(expected.make(true)->embeddings()) - wanted).cwiseAbs().maxCoeff() < 1e-9);
    }
  }
}

TEST_CASE("three steps of Adam are those of the authors' code") {
  const auto path = test_reference("neural-losses.json");
  if (!path) return;
  for (const Kind kind : all_kinds) {
    const Case expected(*path, kind);
    const auto model = expected.make();
    INFO(neural::title_of(kind));
    const GivenChoices choices(expected.model);
    const auto& adam = expected.model["adam"];
    neural::Adam<double> optimiser(adam["lr"].get<double>());
    for (int step = 0; step < adam["steps"].get<int>(); ++step) {
      const Losses losses = model->differentiate(expected.batch, choices);
      if (kind != Kind::alpha_rec) {
        const double wanted = adam["losses_before_step"][static_cast<std::size_t>(step)];
        CHECK(std::abs(neural::total(losses) - wanted) < 1e-8);
      }
      optimiser.step(model->parameters());
    }
    for (const auto& each : model->parameters()) {
      INFO(each.name);
      const Matrix<double> wanted = Case::wanted(adam["parameters_after"], each);
      CHECK((each.value - wanted).cwiseAbs().maxCoeff() < 1e-7);
    }
  }
}
