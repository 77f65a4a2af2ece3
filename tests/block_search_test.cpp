// Searches of models by blocks: what their points share is computed once, and changes nothing.

#include <algorithm>
#include <cmath>
#include <lae/blocks.hpp>
#include <lae/lae.hpp>
#include <limits>
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
using lae::Matrix;

namespace {

using L3ae = lae::Blocks<lae::L3ae<double>>;
using Ease = lae::Blocks<lae::Ease<double>>;

struct Data {
  Csr<double> train, valid;
  Matrix<double> f;
  Csr<double> t;
};

Data make_data(std::uint64_t seed, Index users = 150, Index items = 90) {
  RandomData random(seed);
  const Csr<double> all = random.interactions(users, items, 0.1);
  Data data{Csr<double>(users, items), Csr<double>(users, items), random.dense(items, 7),
            random.interactions(items, 12, 0.2)};
  for (Index user = 0; user < users; ++user) {
    for (Csr<double>::InnerIterator e(all, user); e; ++e) {
      (random.uniform() < 0.7 ? data.train : data.valid).insert(user, e.col()) =
          0.5 + random.uniform();
    }
  }
  data.train.makeCompressed();
  data.valid.makeCompressed();
  return data;
}

template <class Model>
void check_same(const Model& a, const Model& b) {
  CHECK(a.sparse().start == b.sparse().start);
  CHECK(a.sparse().items == b.sparse().items);
  CHECK(a.sparse().values == b.sparse().values);
  CHECK(a.left() == b.left());
  CHECK(a.right() == b.right());
}

/// Every trial is what a fit of its own comes to; the model is the best one's.
/// \param search (points, options, control)
/// \param fit (options)
template <class Solver, class Search, class Fit>
void check_search(const std::vector<typename Solver::Options>& points, const Data& data,
                  const Search& search, const Fit& fit, bool are_exact) {
  lae::GridSearchOptions options;
  options.metric = lae::Metric::mrr;
  options.evaluation.cutoffs = {5, 20};
  Stages stages;
  const auto found = search(points, options, stages.control());
  REQUIRE(found.trials.size() == points.size());
  const double margin = are_exact ? 0 : 1e-9;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& trial = found.trials[i];
    if (i > 0) CHECK(trial.score <= found.trials[i - 1].score);
    const auto model = fit(Solver(trial.options)).model;
    const auto report = lae::evaluate(model, data.train, data.valid, options.evaluation);
    CHECK(std::abs(trial.score - report.all.mrr[1]) <= margin);
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(std::abs(trial.recall[c] - report.all.recall[c]) <= margin);
      CHECK(std::abs(trial.ndcg[c] - report.all.ndcg[c]) <= margin);
    }
    if (i > 0) continue;
    if (are_exact) {
      check_same(found.model, model);
    } else {
      CHECK((found.model.weights() - model.weights()).cwiseAbs().maxCoeff() < 1e-9);
    }
  }
}

std::vector<L3ae::Options> start() {
  L3ae::Options options{{-2, 1.5, 6}, {20}};
  options.tolerance = 1e-13;
  return {options};
}

}  // namespace

TEST_CASE("A solver by blocks fits as fit_blocks does", "[blocks]") {
  const Data data = make_data(801);
  L3ae::Options options{{-2, 1.5, 6}, {/*neighbours=*/9}};
  CHECK(options.lambda_kd == 6);
  const L3ae solver(options);
  check_same(solver.fit(data.train, data.f).model,
             lae::fit_blocks(lae::L3ae<double>({-2, 1.5, 6}), data.train, data.f, {9}).model);
  check_same(Ease({{3}, {9}}).fit(data.train).model,
             lae::fit_blocks(lae::Ease<double>({3}), data.train, {9}).model);
  const auto size = lae::problem_size(data.train, data.f);
  CHECK(solver.estimate(size).bytes ==
        lae::estimate_blocks(lae::L3ae<double>({-2, 1.5, 6}), size, {9}).bytes);

  std::vector<std::string> names;
  for (const auto& field : L3ae::Options::fields()) names.push_back(field.name);
  std::vector<std::string> expected;
  for (const auto& field : lae::L3aeOptions::fields()) {
    expected.push_back(field.name);
    CHECK(L3ae::Options::fields().find(field.name)->is_extra == field.is_extra);
    CHECK(L3ae::Options::fields().find(field.name)->text(options) == field.text(options));
  }
  expected.push_back("neighbours");
  CHECK(names == expected);
  CHECK_THROWS_WITH(L3ae({{-2, 1.5, 6}, {0}}), ContainsSubstring("neighbours must be at least 1"));
  CHECK_THROWS_WITH(Ease({{0}, {9}}), ContainsSubstring("lambda"));
}

TEST_CASE("Points by blocks do as models of their own", "[blocks][tuning]") {
  const Data data = make_data(802);
  const auto on = [&](const auto& features) {
    return std::make_pair(
        [&](const auto& points, const auto&... rest) {
          return lae::grid_search<L3ae>(points, data.train, features, data.valid, rest...);
        },
        [&](const L3ae& solver) { return solver.fit(data.train, features); });
  };
  lae::Sources<double> side;
  side.add(data.f)
      .add(data.t, 0.5, lae::SourceRole::gram)
      .add(Matrix<double>(data.f.leftCols(2)), 2, lae::SourceRole::gram);

  // Several λ_F: V in another basis.
  auto points = lae::vary(start(), "lambda_f", {0.5, 4});
  points = lae::vary(points, "lambda_kd", {3, 6});
  points = lae::vary(points, "neighbours", {5, 200, 12});
  points = lae::vary(points, "dropout", {0, 0.3});
  points = lae::vary(points, "user_exponent", {0, 0.2});
  points = lae::vary(points, "diagonal_bound", {0, 0.2});
  check_search<L3ae>(points, data, on(data.f).first, on(data.f).second, false);
  points = lae::vary(start(), "lambda_f", {0.5, 4});
  points = lae::vary(points, "gram_weight", {0, 0.4});
  points = lae::vary(points, "target_exponent", {0, 0.2});
  points = lae::vary(points, &lae::BlockOptions::rank, {0, 4});
  points = lae::vary(points, &lae::BlockOptions::mean_entries, {0, 6});
  check_search<L3ae>(points, data, on(side).first, on(side).second, false);

  // A single one: the same bits.
  points = lae::vary(start(), "lambda_x", {-2, 5});
  points = lae::vary(points, "neighbours", {3, 30});
  points = lae::vary(points, "lambda_kd", {4, 6});
  check_search<L3ae>(points, data, on(data.f).first, on(data.f).second, true);
  check_search<L3ae>(points, data, on(side).first, on(side).second, true);
}

TEST_CASE("Models by blocks without features, or of features alone, are searched",
          "[blocks][tuning]") {
  const Data data = make_data(803);
  auto ease = lae::vary(std::vector<Ease::Options>(1), "lambda", {0.5, 3, 20});
  ease = lae::vary(ease, "neighbours", {30, 4});
  ease = lae::vary(ease, [](auto& o) -> bool& { return o.symmetrise; }, {0, 1});
  check_search<Ease>(
      ease, data,
      [&](const auto& points, const auto&... rest) {
        return lae::grid_search<Ease>(points, data.train, data.valid, rest...);
      },
      [&](const Ease& solver) { return solver.fit(data.train); }, true);

  using AddEase = lae::Blocks<lae::AddEase<double>>;
  auto sum = lae::vary(std::vector<AddEase::Options>(1), "lambda_t", {0.5, 3});
  sum = lae::vary(sum, "alpha", {0.2, 1});
  check_search<AddEase>(
      sum, data,
      [&](const auto& points, const auto&... rest) {
        return lae::grid_search<AddEase>(points, data.train, data.f, data.valid, rest...);
      },
      [&](const AddEase& solver) { return solver.fit(data.train, data.f); }, false);

  using Cosine = lae::Blocks<lae::Cosine<double>>;
  check_search<Cosine>(
      lae::vary(std::vector<Cosine::Options>(1), "normalize", {0, 1}), data,
      [&](const auto& points, const auto&... rest) {
        return lae::grid_search<Cosine>(points, data.train, data.f, data.valid, rest...);
      },
      [&](const Cosine& solver) { return solver.fit(data.f); }, true);
}

TEST_CASE("Searches by blocks compute once what points share", "[blocks][tuning]") {
  const Data data = make_data(804);
  auto points = lae::vary(start(), "lambda_f", {0.5, 4, 20});
  points = lae::vary(points, "lambda_kd", {3, 6});
  for (auto& point : points) point.lambda_x = 10 - point.lambda_kd;
  points = lae::vary(points, "neighbours", {5, 12});
  points = lae::vary(points, "dropout", {0, 0.3});
  Stages stages;
  const auto trials =
      lae::grid_trials<L3ae>(points, data.train, data.f, data.valid, {}, stages.control());
  CHECK(trials.size() == 24);
  CHECK(stages.begun("neighbours") == 2);
  CHECK(stages.begun("blocks") == 4);
  CHECK(stages.begun("semantic products") == 2);
  CHECK(stages.begun("rotation") == 1);
}

TEST_CASE("Searches by blocks have the same bits on any threads", "[blocks][tuning][threads]") {
  const Data data = make_data(805, 400, 300);
  auto points = lae::vary(start(), "lambda_f", {0.5, 4});
  points = lae::vary(points, "neighbours", {5, 12});
  const auto run = [&] { return lae::grid_search<L3ae>(points, data.train, data.f, data.valid); };
  const auto expected = with_threads(1, run);
  const auto other = with_threads(3, run);
  CHECK(expected.trials[0].score == other.trials[0].score);
  CHECK(expected.trials[1].paired_error == other.trials[1].paired_error);
  check_same(expected.model, other.model);
}

TEST_CASE("Searches by blocks keep to their budget", "[blocks][tuning]") {
  const Data data = make_data(806);
  auto points = lae::vary(start(), "lambda_x", {3, 60});
  points = lae::vary(points, "lambda_f", {0.5, 4});
  const auto run = [&](std::uint64_t budget) {
    lae::FitControl control;
    control.memory_budget = budget;
    return lae::grid_search<L3ae>(points, data.train, data.f, data.valid, {}, control);
  };
  const auto expected = run(1u << 30);
  std::uint64_t needed = 0;
  try {
    static_cast<void>(run(1000));
    FAIL("it fitted into 1000 bytes");
  } catch (const lae::MemoryBudgetExceeded& error) {
    needed = error.needed_bytes();
  }
  CHECK_THROWS_AS(run(needed - 1), lae::MemoryBudgetExceeded);
  // Neither pairs nor the best model are kept.
  const auto tight = run(needed);
  REQUIRE(tight.trials.size() == points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(tight.trials[i].score == expected.trials[i].score);
  }
  CHECK((tight.model.weights() - expected.model.weights()).cwiseAbs().maxCoeff() < 1e-9);
}

TEST_CASE("Points by blocks that cannot be fitted come last", "[blocks][tuning]") {
  // Powers of 4: nothing is rounded but the smallest ridge, to nothing.
  Csr<double> train(5, 4), valid(5, 4);
  for (Index user = 0; user < 4; ++user) {
    for (Index item = 0; item < 3; ++item) train.insert(user, item) = 0x1p100;
  }
  train.insert(4, 3) = 1;
  valid.insert(0, 3) = 1;
  train.makeCompressed();
  const auto points = lae::vary(std::vector<Ease::Options>(1), "lambda", {1e-6, 0x1p200});
  const auto search = lae::grid_search<Ease>(points, train, valid);
  CHECK(search.trials[0].options.lambda == 0x1p200);
  CHECK(search.trials[0].failure.empty());
  CHECK(std::isnan(search.trials[1].score));
  CHECK_THAT(search.trials[1].failure, ContainsSubstring("raise the ridge (lambda)"));
  CHECK_THROWS_AS(lae::grid_trials<Ease>({points[0]}, train, valid), lae::NotPositiveDefinite);
}

TEST_CASE("Searches by blocks refuse what they cannot use, and stop when told to",
          "[blocks][tuning]") {
  const Data data = make_data(807);
  const std::vector<Ease::Options> points(1);
  CHECK_THROWS_WITH(lae::grid_search<Ease>({}, data.train, data.valid),
                    ContainsSubstring("the grid has no points"));
  CHECK_THROWS_WITH(lae::grid_search<Ease>({{{1}, {0}}}, data.train, data.valid),
                    ContainsSubstring("neighbours must be at least 1"));
  CHECK_THROWS_WITH(lae::grid_search<Ease>(points, data.train, Csr<double>(150, 89)),
                    ContainsSubstring("but valid is 150 x 89"));
  CHECK_THROWS_WITH(lae::grid_search<Ease>(points, data.train, Csr<double>(150, 90)),
                    ContainsSubstring("no user has a held-out item"));
  std::vector<Ease::Options> weighted(1);
  weighted[0].user_weights.assign(150, 1.0);
  CHECK_THROWS_WITH(lae::grid_search<Ease>(weighted, data.train, data.valid),
                    ContainsSubstring("user_weights are an argument of a search"));
  const std::vector<double> weights(150, 0.5);
  const auto search = lae::grid_search<Ease>(points, data.train, data.valid, {}, {}, weights);
  weighted[0].user_weights = weights;
  check_same(search.model, Ease(weighted[0]).fit(data.train).model);
  for (const std::string stage : {"grid", "neighbours", "blocks"}) {
    lae::FitControl control;
    control.progress = [&](std::string_view name, double) { return name != stage; };
    CHECK_THROWS_AS(lae::grid_search<Ease>(points, data.train, data.valid, {}, control),
                    lae::Cancelled);
  }
}

TEST_CASE("Trials tell how sure their users let them be", "[blocks][tuning]") {
  const Data data = make_data(808);
  lae::GridSearchOptions options;
  options.sample_users = 40;
  options.sample_seed = 3;
  const auto points = lae::vary(start(), "lambda_kd", {3, 6, 30});
  const auto trials = lae::grid_trials<L3ae>(points, data.train, data.f, data.valid, options);
  // Which users those are, from the dense search, which takes the same ones.
  std::vector<lae::L3aeOptions> dense_points(points.begin(), points.end());
  const auto dense =
      lae::grid_trials<lae::L3ae<double>>(dense_points, data.train, data.f, data.valid, options);
  for (const auto* errors : {&trials[0].standard_error, &dense[0].standard_error}) {
    CHECK(*errors > 0.01);
    CHECK(*errors < 0.1);
  }
  CHECK(trials[0].paired_error == 0);
  for (std::size_t i = 1; i < 3; ++i) CHECK(trials[i].paired_error < trials[i].standard_error);

  // All users, from their values.
  const auto all = lae::grid_trials<L3ae>(points, data.train, data.f, data.valid);
  const auto values = [&](const L3ae::Options& point) -> Eigen::ArrayXd {
    const auto model = L3ae(point).fit(data.train, data.f).model;
    return lae::evaluate(model, data.train, data.valid).all.user_ndcg.col(1).array();
  };
  const auto error = [](const Eigen::ArrayXd& v) {
    const double variance =
        (v - v.mean()).square().sum() / static_cast<double>((v.size() - 1) * v.size());
    return std::sqrt(variance);
  };
  const Eigen::ArrayXd best = values(all[0].options);
  for (const auto& trial : all) {
    const Eigen::ArrayXd own = values(trial.options);
    CHECK(trial.standard_error == Approx(error(own)).epsilon(1e-5));
    CHECK(trial.paired_error == Approx(error(own - best)).epsilon(1e-4).margin(1e-12));
  }
  options.sample_users = 1000;
  CHECK(lae::grid_trials<L3ae>(points, data.train, data.f, data.valid, options)[0].score ==
        all[0].score);
  options.sample_users = 1;
  CHECK(std::isnan(
      lae::grid_trials<L3ae>(points, data.train, data.f, data.valid, options)[0].standard_error));
  options.sample_users = -1;
  CHECK_THROWS_WITH(lae::grid_trials<L3ae>(points, data.train, data.f, data.valid, options),
                    ContainsSubstring("sample_users must not be negative"));
}
