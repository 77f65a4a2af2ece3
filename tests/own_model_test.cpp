// A model that is not the library's: written with public headers, as users write theirs.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <lae/lae.hpp>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "naive.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using naive::Dense;

namespace {

/// Features are a prior whose strength grows with the ridge; dropout is never off.
struct Leaning {
  double stiffness = 3;
  double lean = 0.4;
  lae::FeatureRidge softness = lae::FeatureRidge::times_q(0.5);
  double forgetting = 0.2;

  static constexpr lae::Inputs inputs = lae::Inputs::interactions_and_features;

  static lae::OptionFields<Leaning> fields() {
    lae::OptionFields<Leaning> list;
    list.add("stiffness", &Leaning::stiffness, lae::Range::positive(), "ridge");
    list.add("lean", &Leaning::lean, lae::Range::from_to(0, 1), "share of the ridge");
    list.add("softness", &Leaning::softness, lae::Range::positive(), "ridge on features");
    list.add("forgetting", &Leaning::forgetting, lae::Range::from_below(0, 1), "dropout");
    return list;
  }

  lae::Refinements refinements() const {
    lae::Refinements refinements;
    refinements.dropout = forgetting;
    refinements.user_exponent = 0.1;
    refinements.target_exponent = 0.3;
    refinements.diagonal_bound = 0.05;
    return refinements;
  }

  lae::Recipe recipe() const {
    lae::Recipe recipe;
    recipe.ridge = stiffness;
    recipe.ridge_name = "stiffness";
    recipe.semantic_use = lae::SemanticUse::prior;
    recipe.semantic_ridge = softness;
    recipe.semantic_ridge_name = "softness";
    recipe.semantic_weight = lean * stiffness;
    recipe.refinements = refinements();
    return recipe;
  }
};

using Solver = lae::Solver<Leaning>;

struct OwnShop {
  lae::Csr<double> train;
  lae::Csr<double> valid;
  lae::Matrix<double> features;
};

OwnShop make_own_shop(std::uint64_t seed, Index users, Index items, Index dimensions) {
  RandomData random(seed);
  const lae::Csr<double> all = random.interactions(users, items, 0.2);
  OwnShop shop{lae::Csr<double>(users, items), lae::Csr<double>(users, items),
               random.dense(items, dimensions)};
  for (Index user = 0; user < users; ++user) {
    for (lae::Csr<double>::InnerIterator entry(all, user); entry; ++entry) {
      // No two items with the same scores, which rounding would put in any order.
      (random.uniform() < 0.7 ? shop.train : shop.valid).insert(user, entry.col()) =
          0.5 + random.uniform();
    }
  }
  shop.train.makeCompressed();
  shop.valid.makeCompressed();
  return shop;
}

/// The weights by the textbook.
Dense textbook(const OwnShop& shop, const Leaning& options) {
  const Dense f = shop.features;
  const double q = f.squaredNorm() / static_cast<double>(f.rows());
  const double softness = options.softness.is_relative ? options.softness.value * q  //
                                                       : options.softness.value;
  const Dense s = naive::ease(f * f.transpose(), softness);
  const Dense x = shop.train;
  const Dense weighted = naive::user_weighted(x, {}, options.refinements());
  return naive::refined(x, weighted.transpose() * weighted, options.stiffness, s,
                        options.lean * options.stiffness, options.refinements());
}

/// The mean recall of the lists that these weights give, by their definition.
double textbook_recall(const Dense& weights, const OwnShop& shop, Index k) {
  const Dense train = shop.train;
  const Dense valid = shop.valid;
  double sum = 0;
  double users = 0;
  for (Index user = 0; user < train.rows(); ++user) {
    const std::set<Index> relevant = naive::items_of(valid, user);
    if (relevant.empty()) continue;
    std::vector<Index> ranked =
        naive::ranking((train.row(user) * weights).transpose(), naive::items_of(train, user));
    ranked.resize(std::min(ranked.size(), static_cast<std::size_t>(k)));
    const auto hits = std::count_if(ranked.begin(), ranked.end(),
                                    [&](Index item) { return relevant.count(item) > 0; });
    sum += static_cast<double>(hits) / static_cast<double>(relevant.size());
    ++users;
  }
  return sum / users;
}

}  // namespace

TEST_CASE("A user's own model is fitted as its recipe says", "[own_model]") {
  // More and fewer users than items; features of low rank and not.
  for (const auto& shop : {make_own_shop(1, 60, 30, 4), make_own_shop(2, 20, 45, 6),
                           make_own_shop(3, 50, 24, 24), make_own_shop(4, 12, 30, 30)}) {
    Leaning absolute;
    absolute.softness = 0.7;
    for (const Leaning& options : {Leaning(), absolute, Leaning{0.5, 1, 2.0, 0.5},  //
                                   Leaning{20, 0, 1.0, 0}}) {
      const auto model = Solver(options).fit(shop.train, shop.features);
      CHECK(naive::largest(model.weights() - textbook(shop, options)) < 1e-10);
    }
  }
}

TEST_CASE("A user's own model refuses options by the names it gave them", "[own_model]") {
  CHECK_THROWS_WITH(Solver({-1}), ContainsSubstring("stiffness must be positive and finite"));
  CHECK_THROWS_WITH(Solver({1, 1.5}), ContainsSubstring("lean must lie in [0, 1], got 1.5"));
  CHECK_THROWS_WITH(Solver({1, 1, 1.0, 1}), ContainsSubstring("forgetting must lie in [0, 1)"));
  CHECK_THROWS_WITH(lae::vary(std::vector<Leaning>(1), "dropout", {0.1}),
                    ContainsSubstring("no option \"dropout\""));
}

TEST_CASE("A user's own model is estimated, and kept to its budget", "[own_model]") {
  const OwnShop shop = make_own_shop(5, 80, 50, 5);
  const Solver solver;
  const lae::FitCost cost = solver.estimate(lae::problem_size(shop.train, shop.features));
  CHECK(cost.flops > 50.0 * 50 * 50);
  CHECK(cost.bytes > 50 * 50 * sizeof(double));
  lae::FitControl control;
  control.memory_budget = cost.bytes;
  CHECK_NOTHROW((void)solver.fit(shop.train, shop.features, control));
  control.memory_budget = cost.bytes - 1;
  CHECK_THROWS_AS((void)solver.fit(shop.train, shop.features, control), lae::MemoryBudgetExceeded);
  CHECK_THROWS_WITH((void)solver.fit(shop.train, shop.features, control),
                    ContainsSubstring("needs " + std::to_string(cost.bytes) + " bytes"));
}

TEST_CASE("A user's own model is searched, evaluated and saved", "[own_model]") {
  const OwnShop shop = make_own_shop(6, 90, 40, 5);
  auto points = lae::vary(std::vector<Leaning>(1), "stiffness", {0.5, 5});
  points = lae::vary(points, "lean", {0, 0.8});
  points = lae::vary(points, &Leaning::softness, {0.1, 2});
  points = lae::vary(points, "forgetting", {0, 0.4});
  const auto search = lae::grid_search<Solver>(points, shop.train, shop.features, shop.valid);
  REQUIRE(search.trials.size() == 16);
  double best = 0;
  for (const auto& trial : search.trials) {
    CHECK(trial.failure.empty());
    const auto model = Solver(trial.options).fit(shop.train, shop.features);
    const auto report = lae::evaluate(model, shop.train, shop.valid).all;
    const Dense weights = textbook(shop, trial.options);
    for (const std::size_t c : {std::size_t(0), std::size_t(1)}) {
      CHECK(trial.ndcg[c] == Approx(report.ndcg[c]).margin(1e-12));
      CHECK(trial.recall[c] == Approx(report.recall[c]).margin(1e-12));
      CHECK(trial.recall[c] ==
            Approx(textbook_recall(weights, shop, c == 0 ? 10 : 20)).margin(1e-12));
    }
    CHECK(trial.score == trial.ndcg[1]);
    best = std::max(best, trial.score);
  }
  CHECK(search.trials[0].score == best);
  CHECK(search.trials.back().score < best);
  CHECK(naive::largest(search.model.weights() - textbook(shop, search.trials[0].options)) < 1e-10);

  const TemporaryFolder folder;
  lae::save_model(folder / "own.lae", search.model);
  CHECK(lae::load_model<double>(folder / "own.lae").weights() == search.model.weights());
}
