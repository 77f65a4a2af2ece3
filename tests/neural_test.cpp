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
    neural::Adam<double> optimiser(adam["lr"].get<double>(), model->parameters());
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

// ------------------------------------------------------------------------------------------------
// Gradients by finite differences.

namespace {

Matrix<double> naive_units(const Matrix<double>& rows, double epsilon) {
  Matrix<double> units = rows;
  for (Index i = 0; i < rows.rows(); ++i) {
    units.row(i) /= std::sqrt(epsilon + rows.row(i).squaredNorm());
  }
  return units;
}

/// InfoNCE as its formula stands, place by place.
double naive_info_nce(const neural::InfoNceTerm<double>& term, const Matrix<double>& anchors,
                      const Matrix<double>& targets) {
  const Matrix<double> a = naive_units(anchors, term.length_epsilon);
  const Matrix<double> c = naive_units(targets, term.length_epsilon);
  const auto places = static_cast<Index>(term.anchor_ids.of.size());
  double loss = 0;
  for (Index place = 0; place < places; ++place) {
    const auto power = [&](Index row) {
      return std::exp(a.row(term.anchor_ids.at(place)).dot(c.row(row)) / term.temperature);
    };
    double sum = term.epsilon;
    if (term.others == neural::Others::all) {
      for (Index row = 0; row < c.rows(); ++row) sum += power(row);
    } else {
      for (Index other = 0; other < places; ++other) sum += power(term.target_ids.at(other));
    }
    loss -= std::log(power(term.target_ids.at(place)) / sum + term.epsilon);
  }
  return loss;
}

/// Checks that `loss(x)` changes along random directions and along some single entries of x as the
/// gradient says.
template <class Loss>
void check_gradient(RandomData& random, Matrix<double> x, const Matrix<double>& gradient,
                    Loss&& loss) {
  constexpr double step = 1e-6;
  const double scale = std::max(1.0, gradient.norm());
  for (int trial = 0; trial < 6; ++trial) {
    Matrix<double> direction = Matrix<double>::Zero(x.rows(), x.cols());
    if (trial < 3) {
      direction = random.dense(x.rows(), x.cols()).normalized();
    } else {
      direction(random.below(x.rows()), random.below(x.cols())) = 1;
    }
    const double above = loss(Matrix<double>(x + step * direction));
    const double wanted = (above - loss(Matrix<double>(x - step * direction))) / (2 * step);
    const double found = (gradient.array() * direction.array()).sum();
    // The second term is the rounding of the losses, over the step.
    CHECK(std::abs(found - wanted) < 3e-8 * scale + 1e-9 * std::abs(above));
  }
}

std::vector<Index> random_column(RandomData& random, Index places, Index range) {
  std::vector<Index> column;
  for (Index place = 0; place < places; ++place) column.push_back(random.below(range));
  return column;
}

Batch random_batch(RandomData& random, Index places, Index users, Index items) {
  const auto column = [&](Index range) {
    return Merged(random_column(random, places, range), range);
  };
  Merged of_users = column(users);
  Merged of_positives = column(items);
  return {of_users, of_positives, column(items)};
}

}  // namespace

TEST_CASE("columns of a batch are merged by what stands in them") {
  const Merged merged({4, 2, 4, 4, 0}, 5);
  CHECK(merged.ids == std::vector<Index>{4, 2, 0});
  CHECK(merged.counts == std::vector<Index>{3, 1, 1});
  CHECK(merged.of == std::vector<Index>{0, 1, 0, 0, 2});
  CHECK(merged.at(3) == 4);
  CHECK(Merged({}, 3).size() == 0);
}

TEST_CASE("smoothing is (I + A + A^2) / 3, and its own adjoint") {
  RandomData random(51);
  const lae::Csr<double> train = random.interactions(37, 23, 0.1);
  const neural::Graph<double> graph(train);
  Matrix<double> a = Matrix<double>::Zero(60, 60);
  const Matrix<double> x(train);
  for (Index u = 0; u < 37; ++u) {
    for (Index i = 0; i < 23; ++i) {
      if (x(u, i) == 0) continue;
      a(u, 37 + i) = a(37 + i, u) = 1 / std::sqrt(x.row(u).sum() * x.col(i).sum());
    }
  }
  for (const Index width : {1, 5, 32, 71}) {
    const Matrix<double> z = random.dense(60, width);
    Matrix<double> hop;
    Matrix<double> smoothed;
    graph.propagate(z, hop);
    CHECK((hop - a * z).cwiseAbs().maxCoeff() < 1e-14);
    graph.smooth(z, hop, smoothed);
    CHECK((smoothed - (z + a * z + a * (a * z)) / 3).cwiseAbs().maxCoeff() < 1e-14);

    Matrix<double> means = z;
    graph.average(means);
    CHECK(means.bottomRows(23) == z.bottomRows(23));
    Matrix<double> back = Matrix<double>::Zero(60, width);
    back.topRows(37) = random.dense(37, width);
    const Matrix<double> given = back;
    graph.add_adjoint_average(back);
    const double forwards = (means.topRows(37).array() * given.topRows(37).array()).sum();
    const double backwards = (z.bottomRows(23).array() * back.bottomRows(23).array()).sum();
    CHECK(std::abs(forwards - backwards) < 1e-12);
  }
}

TEST_CASE("the gradient of the ranking loss") {
  RandomData random(52);
  const Batch batch = random_batch(random, 40, 9, 7);
  const Matrix<double> z = 3 * random.dense(16, 5);
  Matrix<double> gradient = Matrix<double>::Zero(16, 5);
  Matrix<double> unused = gradient;
  neural::add_bpr(batch, 9, z, gradient);
  check_gradient(random, z, gradient, [&](const Matrix<double>& values) {
    return neural::add_bpr(batch, 9, values, unused);
  });
  // Where the exponential of either sign overflows.
  Matrix<double> far = z;
  far *= 1e4;
  CHECK(std::isfinite(neural::add_bpr(batch, 9, far, unused)));
  CHECK(unused.allFinite());
}

TEST_CASE("InfoNCE and its gradient, with repeats, for few and for many rows") {
  RandomData random(53);
  struct Size {
    Index places, anchors, targets, width;
  };
  for (const Size& size :
       {Size{12, 5, 4, 3}, Size{1, 1, 1, 1}, Size{150, 90, 600, 32}, Size{650, 530, 520, 4}}) {
    for (const auto others : {neural::Others::all, neural::Others::batch}) {
      for (const double epsilon : {0.0, 1e-3}) {
        INFO(size.places << " places, others " << static_cast<int>(others) << ", epsilon "
                         << epsilon);
        const Matrix<double> a = random.dense(size.anchors, size.width);
        const Matrix<double> c = random.dense(size.targets, size.width);
        const Merged anchor_ids(random_column(random, size.places, size.anchors), size.anchors);
        const Merged target_ids(random_column(random, size.places, size.targets), size.targets);
        neural::InfoNceTerm<double> term{anchor_ids, target_ids, others, 0.2, 0.7, epsilon, 1e-3};
        Matrix<double> by_a = Matrix<double>::Zero(size.anchors, size.width);
        Matrix<double> by_c = Matrix<double>::Zero(size.targets, size.width);
        const double loss = neural::add_info_nce<double>(term, a, c, by_a, by_c);
        const double wanted = naive_info_nce(term, a, c);
        CHECK(std::abs(loss - wanted) < 1e-12 * (1 + std::abs(wanted)));

        Matrix<double> ignored_a = by_a;
        Matrix<double> ignored_c = by_c;
        check_gradient(random, a, by_a, [&](const Matrix<double>& values) {
          return 0.7 * neural::add_info_nce<double>(term, values, c, ignored_a, ignored_c);
        });
        check_gradient(random, c, by_c, [&](const Matrix<double>& values) {
          return 0.7 * neural::add_info_nce<double>(term, a, values, ignored_a, ignored_c);
        });

        // Constant targets; gradients are added to what is there.
        Matrix<double> again = by_a;
        Matrix<double> none;
        CHECK(neural::add_info_nce<double>(term, a, c, again, none) == loss);
        CHECK((again - 2 * by_a).cwiseAbs().maxCoeff() < 1e-12);
      }
    }
  }
}

TEST_CASE("InfoNCE in float holds at low temperatures") {
  RandomData random(54);
  const Matrix<double> a = random.dense(70, 32);
  const Matrix<double> c = random.dense(900, 32);
  const Merged anchor_ids(random_column(random, 200, 70), 70);
  const Merged target_ids(random_column(random, 200, 900), 900);
  for (const double temperature : {0.025, 0.05, 0.2, 1.0}) {
    const neural::InfoNceTerm<float> term{anchor_ids, target_ids, neural::Others::all, temperature};
    const neural::InfoNceTerm<double> exact{anchor_ids, target_ids, neural::Others::all,
                                            temperature};
    Matrix<float> by_a = Matrix<float>::Zero(70, 32);
    Matrix<float> by_c = Matrix<float>::Zero(900, 32);
    Matrix<double> exact_a = Matrix<double>::Zero(70, 32);
    Matrix<double> exact_c = Matrix<double>::Zero(900, 32);
    const double loss =
        neural::add_info_nce<float>(term, a.cast<float>(), c.cast<float>(), by_a, by_c);
    CHECK(loss ==
          Approx(neural::add_info_nce<double>(exact, a, c, exact_a, exact_c)).epsilon(1e-5));
    CHECK((by_a.cast<double>() - exact_a).norm() < 1e-4 * exact_a.norm());
    CHECK((by_c.cast<double>() - exact_c).norm() < 1e-4 * exact_c.norm());
  }
}

TEST_CASE("the perceptron's gradients, of rows and of items with their users") {
  RandomData random(55);
  const lae::Csr<double> train = random.interactions(30, 11, 0.2);
  const neural::Graph<double> graph(train);
  const Matrix<double> features = random.dense(11, 9);
  neural::Parameters<double> parameters;
  neural::Mlp<double> mlp(parameters, "mlp", 9, 6, 4, neural::Mlp<double>::Biases::by_inputs, 3);
  REQUIRE(parameters.size() == 4);
  CHECK(parameters[2].name == "mlp.2.weight");

  // The loss is a fixed mix of the outputs.
  const Matrix<double> of_nodes = random.dense(41, 4);
  const Matrix<double> of_rows = random.dense(11, 4);
  Matrix<double> outputs;
  const auto loss_of_nodes = [&] {
    mlp.forward(graph, features, parameters, outputs);
    return (outputs.array() * of_nodes.array()).sum();
  };
  const auto loss_of_rows = [&](const Matrix<double>& rows) {
    mlp.forward(rows, parameters, outputs);
    return (outputs.array() * of_rows.array()).sum();
  };

  // Users' rows are those of the means of their items.
  loss_of_nodes();
  const Matrix<double> nodes = outputs;
  Matrix<double> inputs = Matrix<double>::Zero(41, 9);
  inputs.bottomRows(11) = features;
  graph.average(inputs);
  mlp.forward(inputs, parameters, outputs);
  CHECK((outputs - nodes).cwiseAbs().maxCoeff() < 1e-14);

  const auto check_parameters = [&](auto&& loss) {
    for (auto& each : parameters) {
      INFO(each.name);
      const Matrix<double> before = each.value;
      const Matrix<double> gradient = each.gradient;
      check_gradient(random, before, gradient, [&](const Matrix<double>& values) {
        each.value = values;
        const double result = loss();
        each.value = before;
        return result;
      });
      each.gradient.setZero();
    }
  };
  loss_of_nodes();
  mlp.backward(of_nodes, graph, features, parameters);
  check_parameters(loss_of_nodes);

  Matrix<double> by_inputs;
  loss_of_rows(features);
  mlp.backward(of_rows, features, parameters, by_inputs);
  check_gradient(random, features, by_inputs, loss_of_rows);
  check_parameters([&] { return loss_of_rows(features); });
}

TEST_CASE("the gradients of whole models") {
  RandomData random(56);
  const lae::Csr<double> train = random.interactions(25, 17, 0.15);
  const Matrix<double> features = random.dense(17, 10);
  const Batch batch = random_batch(random, 30, 25, 17);
  const neural::SeededChoices<double> choices(5, 77);
  for (const Kind kind : all_kinds) {
    for (const bool mask_all : {false, true}) {
      if (mask_all && kind != Kind::rlmrec_gen) continue;
      INFO(neural::title_of(kind) << ", all branches masked: " << mask_all);
      Options options = Options::of(kind);
      options.dimensions = 6;
      options.regularizer = 0.01;
      options.contrast_weight = 0.4;
      options.distill_weight = 0.6;
      options.mask_share = 0.3;
      options.reconstruct_weight = 0.7;
      options.mask_all_branches = mask_all;
      const auto model = neural::make_model<double>(options, train, &features, 9);
      for (auto& each : model->parameters()) {
        each.value += 0.3 * random.dense(each.value.rows(), each.value.cols());
      }
      model->differentiate(batch, choices);
      std::vector<Matrix<double>> gradients;
      for (const auto& each : model->parameters()) gradients.push_back(each.gradient);
      for (std::size_t p = 0; p < gradients.size(); ++p) {
        auto& each = model->parameters()[p];
        INFO(each.name);
        const Matrix<double> before = each.value;
        CHECK(gradients[p].norm() > 0);
        check_gradient(random, before, gradients[p], [&](const Matrix<double>& values) {
          each.value = values;
          const double loss = neural::total(model->differentiate(batch, choices));
          each.value = before;
          return loss;
        });
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------
// What is drawn.

TEST_CASE("an epoch holds each interaction once, with an item that the user does not have") {
  RandomData random(57);
  lae::Csr<double> train = random.interactions(60, 20, 0.3);
  for (Index item = 0; item < 20; ++item) train.coeffRef(7, item) = 1;  // has all
  train.makeCompressed();
  const neural::Graph<double> graph(train);
  const Matrix<double> x(train);
  Matrix<double> drawn = Matrix<double>::Zero(60, 20);
  std::set<std::vector<Index>> orders;
  constexpr Index epochs = 400;
  for (Index number = 0; number < epochs; ++number) {
    const neural::Epoch<double> epoch(graph, 3, number, 64);
    REQUIRE(epoch.batches() == (train.nonZeros() + 63) / 64);
    Matrix<double> seen = Matrix<double>::Zero(60, 20);
    std::vector<Index> order;
    for (Index b = 0; b < epoch.batches(); ++b) {
      const Batch batch = epoch.batch(b);
      CHECK(batch.size() == std::min<Index>(64, train.nonZeros() - 64 * b));
      for (Index place = 0; place < batch.size(); ++place) {
        const Index user = batch.users.at(place);
        ++seen(user, batch.positives.at(place));
        ++drawn(user, batch.negatives.at(place));
        order.push_back(user * 20 + batch.positives.at(place));
        if (user == 7) CHECK(batch.negatives.at(place) == batch.positives.at(place));
      }
    }
    REQUIRE(seen == x);
    orders.insert(order);
  }
  CHECK(orders.size() == epochs);
  // Never from the history, and else alike: within five deviations.
  for (Index user = 0; user < 60; ++user) {
    if (user == 7) continue;
    const double history = x.row(user).sum();
    const double expected = history * static_cast<double>(epochs) / (20 - history);
    for (Index item = 0; item < 20; ++item) {
      if (x(user, item) != 0) {
        CHECK(drawn(user, item) == 0);
      } else {
        CHECK(std::abs(drawn(user, item) - expected) < 5 * std::sqrt(expected + 1));
      }
    }
  }
}

TEST_CASE("masks are of distinct nodes, and alike for all nodes") {
  std::vector<int> times(50, 0);
  for (std::int64_t step = 0; step < 4000; ++step) {
    const auto masked = neural::SeededChoices<float>(1, step).masked(50, 10);
    REQUIRE(std::set<Index>(masked.begin(), masked.end()).size() == 10);
    for (const Index node : masked) ++times.at(static_cast<std::size_t>(node));
  }
  for (const int count : times) CHECK(std::abs(count - 800) < 5 * std::sqrt(800 * 0.8));
  auto all = neural::SeededChoices<float>(1, 0).masked(50, 50);
  std::sort(all.begin(), all.end());
  for (Index node = 0; node < 50; ++node) CHECK(all[static_cast<std::size_t>(node)] == node);
}

TEST_CASE("noise is uniform, and another for each view, layer, node and step") {
  double sum = 0;
  double squares = 0;
  std::set<double> values;
  std::size_t count = 0;
  for (const std::int64_t step : {0, 1, 5}) {
    const neural::SeededChoices<double> choices(1, step);
    for (const int view : {1, 2}) {
      for (const int layer : {1, 2}) {
        for (Index node = 0; node < 100; ++node) {
          double row[8];
          choices.noise(view, layer, node, 8, row);
          for (const double value : row) {
            REQUIRE((value >= 0 && value < 1));
            sum += value;
            squares += value * value;
            values.insert(value);
            ++count;
          }
        }
      }
    }
  }
  CHECK(values.size() + 20 > count);
  CHECK(sum / static_cast<double>(count) == Approx(0.5).margin(0.02));
  CHECK(squares / static_cast<double>(count) == Approx(1.0 / 3).margin(0.02));
}

// ------------------------------------------------------------------------------------------------
// Trainings.

namespace {

struct Shop {
  lae::Csr<float> train;
  lae::Csr<float> valid;
  Matrix<float> features;
};

/// Users like one of a few kinds of items, and features tell the kinds.
Shop make_shop(RandomData& random, Index users, Index items, Index kinds, double density) {
  Shop shop{lae::Csr<float>(users, items), lae::Csr<float>(users, items),
            (0.5 * random.dense(items, 24)).cast<float>()};
  for (Index user = 0; user < users; ++user) {
    for (Index item = 0; item < items; ++item) {
      const double likes = item % kinds == user % kinds ? density * static_cast<double>(kinds) : 0;
      if (random.uniform() >= likes + 0.05 * density) continue;
      (random.uniform() < 0.8 ? shop.train : shop.valid).insert(user, item) = 1;
    }
  }
  for (Index item = 0; item < items; ++item) shop.features(item, item % kinds) += 2;
  shop.train.makeCompressed();
  shop.valid.makeCompressed();
  return shop;
}

using FloatModel = std::unique_ptr<neural::Model<float>>;

FloatModel make(const Shop& shop, Kind kind, std::uint64_t seed = 1) {
  return neural::make_model<float>(Options::of(kind), shop.train, &shop.features, seed);
}

/// All parameters, one after the other.
std::vector<float> values_of(const neural::Model<float>& model) {
  std::vector<float> values;
  for (const auto& each : model.parameters()) {
    values.insert(values.end(), each.value.data(), each.value.data() + each.value.size());
  }
  return values;
}

neural::TrainOptions short_training(Index epochs) {
  neural::TrainOptions options;
  options.batch_size = 1500;
  options.longest = epochs;
  return options;
}

}  // namespace

TEST_CASE("the same bits for any number of threads") {
  RandomData random(58);
  const Shop shop = make_shop(random, 800, 700, 5, 0.006);
  for (const Kind kind : all_kinds) {
    INFO(neural::title_of(kind));
    const auto train = [&] {
      const FloatModel model = make(shop, kind);
      neural::Trainer<float> trainer(*model, shop.train, shop.valid, short_training(1));
      trainer.run();
      return std::make_pair(values_of(*model), trainer.best_recall());
    };
    const auto expected = with_threads(1, train);
    for (const int threads : {2, 3, 7}) CHECK(with_threads(threads, train) == expected);
  }
}

TEST_CASE("all models learn what users like") {
  RandomData random(59);
  const Shop shop = make_shop(random, 300, 200, 4, 0.04);
  for (const Kind kind : all_kinds) {
    INFO(neural::title_of(kind));
    const FloatModel model = make(shop, kind);
    neural::TrainOptions options = short_training(25);
    options.batch_size = 400;
    options.learning_rate = 0.02;
    neural::Trainer<float> trainer(*model, shop.train, shop.valid, options);
    Losses first;
    Losses last;
    with_threads(1, [&] {  // such short loops are not for several
      return trainer.run([&](const neural::EpochReport& report) {
        if (report.epoch == 1) first = report.losses;
        last = report.losses;
        return true;
      });
    });
    CHECK(neural::total(last) < neural::total(first));
    // By chance 0.1; of one kind in four alone, 0.4.
    CHECK(trainer.best_recall() > 0.3);
  }
}

TEST_CASE("a resumed training gives the same bits as one that was not interrupted") {
  RandomData random(60);
  const Shop shop = make_shop(random, 120, 150, 5, 0.05);
  const TemporaryFolder folder;
  for (const Kind kind : all_kinds) {
    INFO(neural::title_of(kind));
    std::vector<double> recalls;
    const auto note = [&](const neural::EpochReport& report) {
      recalls.push_back(report.valid_recall);
      recalls.push_back(neural::total(report.losses));
      return true;
    };
    const FloatModel whole = make(shop, kind);
    neural::Trainer<float> uninterrupted(*whole, shop.train, shop.valid, short_training(5));
    CHECK(uninterrupted.run(note));
    const std::vector<double> expected = recalls;

    // A process an epoch.
    recalls.clear();
    const auto path = folder / neural::name_of(kind);
    std::vector<float> values;
    for (Index epoch = 1; epoch <= 5; ++epoch) {
      const FloatModel part = make(shop, kind);
      neural::Trainer<float> trainer(*part, shop.train, shop.valid, short_training(5));
      CHECK(trainer.resume(path) == (epoch > 1));
      CHECK(trainer.epoch() == epoch - 1);
      const bool is_done = trainer.run([&](const neural::EpochReport& report) {
        note(report);
        trainer.save(path);
        return false;
      });
      CHECK(is_done == (epoch == 5));
      values = values_of(*part);
    }
    CHECK(recalls == expected);
    CHECK(values == values_of(*whole));

    const FloatModel after = make(shop, kind);
    neural::Trainer<float> finished(*after, shop.train, shop.valid, short_training(5));
    CHECK(finished.resume(path));
    CHECK(finished.is_done());
    CHECK(finished.best_epoch() == uninterrupted.best_epoch());
    finished.take_best();
    uninterrupted.take_best();
    CHECK(values_of(*after) == values_of(*whole));
  }
  CHECK(folder.file_count() == 5);  // nothing left beside them
}

TEST_CASE("training ends when patience does, with the best that was seen") {
  RandomData random(61);
  const Shop shop = make_shop(random, 80, 60, 3, 0.1);
  const FloatModel model = make(shop, Kind::light_gcn);
  neural::TrainOptions options = short_training(500);
  options.batch_size = 100;
  options.learning_rate = 0.05;
  options.patience = 6;
  neural::Trainer<float> trainer(*model, shop.train, shop.valid, options);
  double best = -1;
  Index best_epoch = 0;
  std::vector<float> best_values;
  CHECK(trainer.run([&](const neural::EpochReport& report) {
    if (report.valid_recall > best) {
      best = report.valid_recall;
      best_epoch = report.epoch;
      best_values = values_of(*model);
    }
    CHECK(report.best_epoch == best_epoch);
    CHECK(trainer.is_done() == (report.epoch - best_epoch >= 6));
    return true;
  }));
  CHECK(trainer.epoch() == best_epoch + 6);
  CHECK(trainer.best_recall() == best);
  CHECK(values_of(*model) != best_values);
  trainer.take_best();
  CHECK(values_of(*model) == best_values);
}

TEST_CASE("a state file that is damaged or of another training is refused") {
  RandomData random(62);
  const Shop shop = make_shop(random, 40, 30, 3, 0.1);
  const TemporaryFolder folder;
  const auto path = folder / "state";
  const FloatModel model = make(shop, Kind::rlmrec_con);
  neural::Trainer<float> trainer(*model, shop.train, shop.valid, short_training(9));
  CHECK_FALSE(trainer.resume(path));
  trainer.run_epoch();
  trainer.save(path);
  const std::string whole = read_bytes(path);
  const std::vector<float> values = values_of(*model);

  const auto refusal = [&](neural::Trainer<float>& another) {
    return file_error(path, [&] { another.resume(path); });
  };
  for (const std::size_t at :
       {std::size_t(0), std::size_t(25), whole.size() / 2, whole.size() - 9, whole.size() - 1}) {
    INFO("byte " << at);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    write_bytes(path, damaged);
    refusal(trainer);
  }
  for (const std::size_t length :
       {std::size_t(0), std::size_t(7), std::size_t(100), whole.size() - 1}) {
    write_bytes(path, whole.substr(0, length));
    refusal(trainer);
  }
  write_bytes(path, whole + "x");
  CHECK_THAT(refusal(trainer), ContainsSubstring("damaged"));
  write_bytes(path, "user,item,rating\n");
  CHECK_THAT(refusal(trainer), ContainsSubstring("not the state of a training"));
  CHECK(values_of(*model) == values);  // as they were
  CHECK(trainer.epoch() == 1);

  write_bytes(path, whole);
  const auto refusal_of = [&](neural::Model<float>& other_model, const Shop& data,
                              const neural::TrainOptions& options) {
    neural::Trainer<float> other(other_model, data.train, data.valid, options);
    return refusal(other);
  };
  const FloatModel other_kind = make(shop, Kind::sim_gcl);
  CHECK_THAT(refusal_of(*other_kind, shop, short_training(9)), ContainsSubstring("model simgcl"));
  const FloatModel other_start = make(shop, Kind::rlmrec_con, 2);
  CHECK_THAT(refusal_of(*other_start, shop, short_training(9)), ContainsSubstring("start 2"));
  const FloatModel same = make(shop, Kind::rlmrec_con);
  neural::TrainOptions options = short_training(9);
  options.seed = 5;
  CHECK_THAT(refusal_of(*same, shop, options), ContainsSubstring("seed 5"));
  options = short_training(9);
  options.learning_rate = 0.002;
  CHECK_THAT(refusal_of(*same, shop, options), ContainsSubstring("learning_rate 0.002"));
  Shop other_shop = shop;
  other_shop.features(3, 4) += 1;
  const FloatModel other_data = make(other_shop, Kind::rlmrec_con);
  CHECK_THAT(refusal_of(*other_data, other_shop, short_training(9)), ContainsSubstring("data"));
  // Longer, or more patient: the same training.
  options = short_training(11);
  options.patience = 20;
  neural::Trainer<float> longer(*same, shop.train, shop.valid, options);
  CHECK(longer.resume(path));
  CHECK(values_of(*same) == values);

  // A disk that is full leaves the file as it was.
  {
    const FileSizeLimit limit(1000);
    CHECK_THROWS_AS(trainer.save(path), lae::FileError);
  }
  CHECK(read_bytes(path) == whole);
  CHECK(folder.file_count() == 1);
}

TEST_CASE("small and odd data: one user, one item, more items than users, empty rows") {
  RandomData random(63);
  struct Size {
    Index users, items;
  };
  for (const Size& size : {Size{1, 1}, Size{1, 9}, Size{9, 1}, Size{3, 50}, Size{2, 2}}) {
    Shop shop{lae::Csr<float>(size.users, size.items), lae::Csr<float>(size.users, size.items),
              random.dense(size.items, 3).cast<float>()};
    // Of several users the last has no history, of several items the last no user.
    const Index users = std::max<Index>(size.users - 1, 1);
    const Index items = std::max<Index>(size.items - 1, 1);
    for (Index user = 0; user < users; ++user) shop.train.insert(user, user % items) = 1;
    shop.valid.insert(0, size.items - 1) = 1;
    shop.train.makeCompressed();
    shop.valid.makeCompressed();
    for (const Kind kind : all_kinds) {
      INFO(neural::title_of(kind) << ", " << size.users << " users, " << size.items << " items");
      Options options = Options::of(kind);
      options.mask_share = 0.5;
      options.cosine_scores = true;
      const FloatModel model = neural::make_model<float>(options, shop.train, &shop.features, 1);
      neural::Trainer<float> trainer(*model, shop.train, shop.valid, short_training(3));
      trainer.run();
      CHECK(model->embeddings().allFinite());
    }
  }
}

TEST_CASE("embeddings are a scorer of the users they were trained for") {
  RandomData random(64);
  const lae::Csr<double> train = random.interactions(40, 1500, 0.01);
  lae::Csr<double> test = random.interactions(40, 1500, 0.01);
  const Matrix<double> embeddings = random.dense(1540, 7);
  const neural::UserScorer<double> scorer(embeddings, 40);
  static_assert(lae::is_scorer_v<neural::UserScorer<float>>);
  const auto histories = neural::user_histories(train);
  const Matrix<double> scores = lae::score(scorer, histories);
  Matrix<double> wanted = embeddings.topRows(40) * embeddings.bottomRows(1500).transpose();
  for (Index user = 0; user < 40; ++user) {
    if (train.row(user).nonZeros() == 0) wanted.row(user).setZero();
  }
  CHECK((scores - wanted).cwiseAbs().maxCoeff() < 1e-13);

  // Lists leave out what is in the history, as for any scorer.
  const auto lists = lae::recommend(scorer, histories, {5});
  const Matrix<double> x(train);
  for (Index user = 0; user < 40; ++user) {
    Matrix<double> open = wanted.row(user);
    for (Index item = 0; item < 1500; ++item) {
      if (x(user, item) != 0) open(0, item) = -1e9;
    }
    Index best = 0;
    open.row(0).maxCoeff(&best);
    if (train.row(user).nonZeros() > 0) CHECK(lists.items(user, 0) == best);
  }
  CHECK(lae::evaluate(scorer, histories, test, {{10}}).all.users.size() > 30);

  lae::Csr<double> strange = histories;
  strange.valuePtr()[0] = 100;
  CHECK_THROWS_AS(lae::recommend(scorer, strange, {5}), std::invalid_argument);
  CHECK_THROWS_AS(neural::user_histories(lae::Csr<float>(1 << 24, 1)), std::invalid_argument);
}

TEST_CASE("options are those of the authors' scripts") {
  using neural::Setting;
  CHECK(Options::of(Kind::light_gcn).regularizer == 1e-6);
  CHECK(Options::of(Kind::light_gcn, Setting::toys).regularizer == 1e-8);
  CHECK(Options::of(Kind::light_gcn, Setting::books).regularizer == 0);
  CHECK(Options::of(Kind::sim_gcl).noise == 0.01);
  CHECK(Options::of(Kind::sim_gcl, Setting::toys).noise == 0.1);
  CHECK(Options::of(Kind::rlmrec_con).noise == 0.1);
  CHECK(Options::of(Kind::rlmrec_con, Setting::books).distill_temperature == 0.1);
  CHECK(Options::of(Kind::rlmrec_gen, Setting::toys).reconstruct_weight == 0.05);
  CHECK(Options::of(Kind::alpha_rec).contrast_temperature == 0.25);
  CHECK_FALSE(Options::of(Kind::alpha_rec, Setting::toys).cosine_scores);
  CHECK(Options::of(Kind::alpha_rec, Setting::books).cosine_scores);
}

TEST_CASE("wrong arguments of neural models are named") {
  const Matrix<double> features = Matrix<double>::Ones(3, 2);
  lae::Csr<double> train(2, 3);
  train.insert(0, 1) = 1;
  train.makeCompressed();
  const auto refuses = [&](const Options& options, const lae::Csr<double>& x,
                           const Matrix<double>* f, const char* message) {
    CHECK_THROWS_WITH(neural::make_model<double>(options, x, f, 1), ContainsSubstring(message));
  };
  const auto with = [](Kind kind, double Options::*option, double value) {
    Options options = Options::of(kind);
    options.*option = value;
    return options;
  };
  refuses(with(Kind::light_gcn, &Options::regularizer, -1), train, nullptr, "regularizer");
  refuses(with(Kind::sim_gcl, &Options::contrast_weight, NAN), train, nullptr, "contrast_weight");
  refuses(with(Kind::sim_gcl, &Options::contrast_temperature, 0.01), train, nullptr,
          "contrast_temperature");
  refuses(with(Kind::sim_gcl, &Options::noise, -1), train, nullptr, "noise");
  refuses(with(Kind::rlmrec_con, &Options::distill_temperature, 0), train, &features,
          "distill_temperature");
  refuses(with(Kind::rlmrec_gen, &Options::mask_share, 1.1), train, &features, "mask_share");
  Options flat;
  flat.dimensions = 0;
  refuses(flat, train, nullptr, "dimensions");
  for (const Kind kind : {Kind::rlmrec_con, Kind::rlmrec_gen, Kind::alpha_rec}) {
    refuses(Options::of(kind), train, nullptr, "needs features");
    const Matrix<double> short_by_one = Matrix<double>::Ones(2, 2);
    refuses(Options::of(kind), train, &short_by_one, "2 x 2");
    const Matrix<double> infinite = Matrix<double>::Constant(3, 2, INFINITY);
    refuses(Options::of(kind), train, &infinite, "not finite");
  }
  refuses(Options(), lae::Csr<double>(2, 3), nullptr, "empty");
  refuses(Options(), lae::Csr<double>(0, 3), nullptr, "0 x 3");

  const auto model = neural::make_model<double>(Options(), train, nullptr, 1);
  const auto refuses_training = [&](const lae::Csr<double>& valid,
                                    const neural::TrainOptions& options, const char* message) {
    CHECK_THROWS_WITH(neural::Trainer<double>(*model, train, valid, options),
                      ContainsSubstring(message));
  };
  refuses_training(lae::Csr<double>(2, 3), {}, "valid is empty");
  refuses_training(lae::Csr<double>(2, 4), {}, "valid is 2 x 4");
  refuses_training(train, {0}, "batch_size");
  refuses_training(train, {1, -1}, "learning_rate");
  refuses_training(train, {1, 1, 0}, "patience");
  refuses_training(train, {1, 1, 1, 0}, "longest");
}

TEST_CASE("an exception in one tile leaves the loop") {
  const auto run = [] {
    try {
      neural::for_each_tile(20, [](Index tile) {
        if (tile == 11) throw std::runtime_error("tile 11");
      });
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(with_threads(1, run) == "tile 11");
  CHECK(with_threads(3, run) == "tile 11");
}
