// Searches of spectral models: what their points share is computed once, and changes nothing.

#include <algorithm>
#include <cmath>
#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "random_data.hpp"
#include "stages.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;

namespace {

struct Data {
  Csr<double> train, valid;
};

Data make_data(std::uint64_t seed) {
  RandomData random(seed);
  const Csr<double> all = random.interactions(300, 180, 0.08);
  Data data{Csr<double>(300, 180), Csr<double>(300, 180)};
  for (Index user = 0; user < 300; ++user) {
    for (Csr<double>::InnerIterator e(all, user); e; ++e) {
      (random.uniform() < 0.8 ? data.train : data.valid).insert(user, e.col()) = 1;
    }
  }
  data.train.makeCompressed();
  data.valid.makeCompressed();
  return data;
}

/// Every trial is what a fit of its own comes to; the model is the best one's.
template <class Solver>
void check_search(const std::vector<typename Solver::Options>& points, const Data& data,
                  Index decompositions) {
  Stages stages;
  lae::GridSearchOptions options;
  options.metric = lae::Metric::mrr;
  options.evaluation.cutoffs = {10, 20};
  const auto search =
      lae::grid_search<Solver>(points, data.train, data.valid, options, stages.control());
  CHECK(stages.begun("singular vectors") == decompositions);
  CHECK(stages.begun("homophily") <= 1);
  REQUIRE(search.trials.size() == points.size());
  for (std::size_t i = 0; i < search.trials.size(); ++i) {
    const auto& trial = search.trials[i];
    if (i > 0) CHECK(trial.score <= search.trials[i - 1].score);
    const auto model = Solver(trial.options).fit(data.train);
    const auto report = lae::evaluate(model, data.train, data.valid, options.evaluation);
    CHECK(trial.score == Approx(report.all.mrr[1]).epsilon(1e-9));
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(trial.recall[c] == Approx(report.all.recall[c]).epsilon(1e-9));
      CHECK(trial.ndcg[c] == Approx(report.all.ndcg[c]).epsilon(1e-9));
    }
    if (i == 0) {
      CHECK((search.model.score(data.valid) - model.score(data.valid)).cwiseAbs().maxCoeff() <
            1e-9);
    }
  }
  const auto trials = lae::grid_trials<Solver>(points, data.train, data.valid, options);
  REQUIRE(trials.size() == points.size());
  CHECK(trials.front().score == search.trials.front().score);
  CHECK(trials.back().paired_error > 0);
  CHECK(trials.front().paired_error == 0);
  options.sample_users = 60;
  const auto sampled = lae::grid_trials<Solver>(points, data.train, data.valid, options);
  CHECK(sampled.front().standard_error > trials.front().standard_error);
}

template <class Options>
std::vector<Options> exactly() {
  Options options;
  options.tolerance = 1e-11;
  return {options};
}

}  // namespace

TEST_CASE("Points of one normalisation share their singular vectors", "[spectral][tuning]") {
  const Data data = make_data(701);
  auto gf_cf = lae::vary(exactly<lae::GfCfOptions>(), "rank", {5, 20, 11});
  gf_cf = lae::vary(gf_cf, "low_pass", {0, 0.3, 1});
  check_search<lae::GfCf<double>>(gf_cf, data, 1);

  auto bspm = lae::vary(exactly<lae::BspmOptions>(), "rank", {20, 8});
  bspm = lae::vary(bspm, "time", {1.2, 2.2});
  bspm = lae::vary(bspm, "late_merge", {0, 1});
  check_search<lae::Bspm<double>>(bspm, data, 1);

  auto sgfcf = lae::vary(exactly<lae::SgfcfOptions>(), "rank", {8, 20});
  sgfcf = lae::vary(sgfcf, "epsilon", {0.3, 0.4});
  sgfcf = lae::vary(sgfcf, "beta_end", {0.5, 1.5});
  check_search<lae::Sgfcf<double>>(sgfcf, data, 2);
}

TEST_CASE("Searches of spectral models have the same bits on any threads", "[spectral][tuning]") {
  const Data data = make_data(702);
  const auto points = lae::vary(std::vector<lae::SgfcfOptions>(1), "rank", {8, 20});
  const auto run = [&] {
    return lae::grid_search<lae::Sgfcf<double>>(points, data.train, data.valid);
  };
  const auto expected = with_threads(1, run);
  const auto other = with_threads(3, run);
  CHECK(expected.trials[0].score == other.trials[0].score);
  CHECK(expected.trials[0].options.rank == other.trials[0].options.rank);
  CHECK(expected.model.score(data.train) == other.model.score(data.train));
}

TEST_CASE("Of equal spectral points the first one wins", "[spectral][tuning]") {
  const Data data = make_data(703);
  std::vector<lae::SgfcfOptions> points(3);
  points[0].rank = points[1].rank = points[2].rank = 9;
  points[0].tolerance = 1e-7;
  points[2].tolerance = 1e-7;
  points[1].seed = 1;
  const auto trials = lae::grid_trials<lae::Sgfcf<double>>(points, data.train, data.valid);
  CHECK(trials[0].options.tolerance == 1e-7);
}

TEST_CASE("Searches of spectral models refuse what they cannot use", "[spectral][tuning]") {
  const Data data = make_data(704);
  const std::vector<lae::GfCfOptions> points(1);
  using GfCf = lae::GfCf<double>;
  CHECK_THROWS_WITH(lae::grid_search<GfCf>({}, data.train, data.valid),
                    ContainsSubstring("the grid has no points"));
  CHECK_THROWS_WITH(lae::grid_search<GfCf>({{-1}}, data.train, data.valid),
                    ContainsSubstring("low_pass must not be negative"));
  CHECK_THROWS_WITH(lae::grid_search<GfCf>(points, data.train, Csr<double>(300, 179)),
                    ContainsSubstring("but valid is 300 x 179"));
  CHECK_THROWS_WITH(lae::grid_search<GfCf>(points, data.train, Csr<double>(300, 180)),
                    ContainsSubstring("no user has a held-out item"));
  CHECK_THROWS_WITH(
      lae::grid_search<GfCf>(points, data.train, data.valid, {}, {}, std::vector<double>(300, 1.0)),
      ContainsSubstring("take no user_weights"));
  lae::FitControl control;
  control.memory_budget = 1000;
  CHECK_THROWS_AS(lae::grid_search<GfCf>(points, data.train, data.valid, {}, control),
                  lae::MemoryBudgetExceeded);
  control = {};
  control.progress = [](std::string_view name, double) { return name != "singular vectors"; };
  CHECK_THROWS_AS(lae::grid_search<GfCf>(points, data.train, data.valid, {}, control),
                  lae::Cancelled);
}
