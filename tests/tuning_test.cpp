// Grid search against fits from scratch.

#include <cmath>
#include <functional>
#include <lae/core/random.hpp>
#include <lae/lae.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::AddEase;
using lae::AddEaseOptions;
using lae::Cease;
using lae::CeaseOptions;
using lae::Cosine;
using lae::Csr;
using lae::Ease;
using lae::EaseOptions;
using lae::FeatureEase;
using lae::FeatureEaseOptions;
using lae::Index;
using lae::L3ae;
using lae::L3aeOptions;
using lae::Matrix;
using lae::Refinements;
using lae::vary;

namespace {

struct Shop {
  Csr<double> train;
  Csr<double> valid;
  Matrix<double> f;     // few dimensions: a low-rank prior
  Matrix<double> wide;  // many: a dense one
  Csr<double> t;
};

Shop make_shop(std::uint64_t seed, Index users, Index items, double density = 0.1) {
  RandomData random(seed);
  const Csr<double> all = random.interactions(users, items, density);
  Csr<double> train(users, items);
  Csr<double> valid(users, items);
  for (Index user = 0; user < users; ++user) {
    for (Csr<double>::InnerIterator entry(all, user); entry; ++entry) {
      // No two items with the same scores, which rounding would put in any order.
      (random.uniform() < 0.7 ? train : valid).insert(user, entry.col()) = 0.5 + random.uniform();
    }
  }
  train.makeCompressed();
  valid.makeCompressed();
  return {train, valid, random.dense(items, 7), random.dense(items, items),
          random.interactions(items, 9, 0.2)};
}

/// The least budget that search(control) asks for.
template <class Search>
std::uint64_t needed_by(Search&& search) {
  lae::FitControl control;
  control.memory_budget = 1;
  try {
    search(control);
  } catch (const lae::MemoryBudgetExceeded& error) {
    return error.needed_bytes();
  }
  FAIL("one byte was enough");
  return 0;
}

double largest(const Matrix<double>& matrix) {
  return matrix.cwiseAbs().maxCoeff();
}

/// Each point plain, with some refinements and with all of them.
template <class Options>
std::vector<Options> vary_refinements(const std::vector<Options>& points) {
  const std::vector<Refinements> refinements = {
      {}, {0.3, 0, 0, 0}, {0, 0.2, 0.2, 0}, {0.3, 0.2, 0, 0.1}, {0.3, 0.2, 0.2, 0.1}};
  std::vector<Options> varied;
  for (const Options& point : points) {
    for (const Refinements& refinement : refinements) {
      varied.push_back(point);
      varied.back().refinements = refinement;
    }
  }
  return varied;
}

/// Every trial is what a fit and an evaluation from scratch say, in order, and nothing is missing.
template <class Solver, class Fit>
void check_against_fits(const std::string& name, const Shop& shop,
                        const std::vector<typename Solver::Options>& points,
                        const lae::GridSearchResult<Solver>& result, Fit&& fit) {
  using Scalar = typename Solver::Scalar;
  INFO(name);
  // In float, two items whose scores are equal up to rounding may change places.
  const double tolerance = std::is_same_v<Scalar, float> ? 2e-3 : 1e-11;
  REQUIRE(result.trials.size() == points.size());
  double before = std::numeric_limits<double>::infinity();
  double best = 0;
  for (const auto& trial : result.trials) {
    CHECK(trial.failure.empty());
    CHECK(trial.score <= before);
    before = trial.score;
    const auto all = lae::evaluate(fit(Solver(trial.options)), shop.train, shop.valid).all;
    CHECK(trial.score == trial.ndcg[1]);
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(trial.recall[c] == Approx(all.recall[c]).margin(tolerance));
      CHECK(trial.ndcg[c] == Approx(all.ndcg[c]).margin(tolerance));
    }
    best = std::max(best, all.ndcg[1]);
  }
  CHECK(result.trials.front().score == Approx(best).margin(tolerance));
  const auto from_scratch = fit(Solver(result.trials.front().options));
  const auto difference = (result.model.weights() - from_scratch.weights()).cwiseAbs().maxCoeff();
  CHECK(difference < (std::is_same_v<Scalar, float> ? 1e-3 : 1e-10));
}

template <class Options>
std::vector<Options> in_form(std::vector<Options> points, lae::FitForm form) {
  for (Options& point : points) point.form = form;
  return points;
}

template <class Scalar>
void check_all_models(const Shop& shop, lae::FitForm form = lae::FitForm::automatic) {
  // Not as a structured binding, which lambdas cannot capture before C++20.
  const Csr<double>& train = shop.train;
  const Csr<double>& valid = shop.valid;
  const Matrix<double>& f = shop.f;
  const Matrix<double>& wide = shop.wide;
  const Csr<double>& t = shop.t;
  const auto with_ease = in_form(
      vary_refinements(vary(std::vector<EaseOptions>{{}}, &EaseOptions::lambda, {2, 20})), form);
  check_against_fits<Ease<Scalar>>("EASE", shop, with_ease,
                                   lae::grid_search<Ease<Scalar>>(with_ease, train, valid),
                                   [&](const auto& solver) { return solver.fit(train); });

  auto with_cease = vary(std::vector<CeaseOptions>{{}}, &CeaseOptions::lambda, {2, 20});
  with_cease = vary_refinements(vary(with_cease, &CeaseOptions::alpha, {0, 0.5}));
  const auto check_cease = [&](const char* name, const auto& side, lae::FitForm cease_form) {
    const auto points = in_form(with_cease, cease_form);
    check_against_fits<Cease<Scalar>>(name, shop, points,
                                      lae::grid_search<Cease<Scalar>>(points, train, side, valid),
                                      [&](const auto& solver) { return solver.fit(train, side); });
  };
  check_cease("CEASE", t, form);
  check_cease("LLM-CEASE", f, lae::FitForm::automatic);
  lae::Sources<double> both;
  both.add(f).add(t, 0.7);
  check_cease("CEASE on two sources", both, lae::FitForm::automatic);

  auto with_add = vary(std::vector<AddEaseOptions>{{}}, &AddEaseOptions::lambda_x, {2, 20});
  with_add = vary(with_add, &AddEaseOptions::lambda_t, {1, 9});
  with_add = in_form(vary_refinements(vary(with_add, &AddEaseOptions::alpha, {0, 0.3, 1})), form);
  const auto check_add = [&](const char* name, const auto& side) {
    check_against_fits<AddEase<Scalar>>(
        name, shop, with_add, lae::grid_search<AddEase<Scalar>>(with_add, train, side, valid),
        [&](const auto& solver) { return solver.fit(train, side); });
  };
  check_add("Add-EASE", t);
  check_add("LLM-Add-EASE", f);
  check_add("LLM-Add-EASE, dense prior", wide);

  auto with_l3ae = vary(std::vector<L3aeOptions>{{}}, &L3aeOptions::lambda_f, {1, 3, 20});
  with_l3ae = vary(with_l3ae, &L3aeOptions::lambda_kd, {0, 4, 30});
  for (L3aeOptions& point : with_l3ae) point.lambda_x = 12 - point.lambda_kd;
  with_l3ae = in_form(vary_refinements(with_l3ae), form);
  const auto check_l3ae = [&](const char* name, const auto& side) {
    check_against_fits<L3ae<Scalar>>(name, shop, with_l3ae,
                                     lae::grid_search<L3ae<Scalar>>(with_l3ae, train, side, valid),
                                     [&](const auto& solver) { return solver.fit(train, side); });
  };
  check_l3ae("L3AE", f);
  check_l3ae("L3AE on tags", t);
  check_l3ae("L3AE, dense prior", wide);
  check_l3ae("L3AE on two sources", both);
  lae::Sources<double> in_both_places;
  in_both_places.add(f).add(t, 0.7, lae::SourceRole::gram);
  with_l3ae = vary(with_l3ae, &L3aeOptions::gram_weight, {0, 0.5});
  check_l3ae("L3AE with tags in the Gram matrix", in_both_places);

  const auto on_features = vary(std::vector<FeatureEaseOptions>{{}}, "lambda_f", {1, 5, 50});
  const auto check_features = [&](const char* name, const auto& side) {
    check_against_fits<FeatureEase<Scalar>>(
        name, shop, on_features,
        lae::grid_search<FeatureEase<Scalar>>(on_features, train, side, valid),
        [&](const auto& solver) { return solver.fit(side); });
  };
  check_features("semantic EASE", f);
  check_features("semantic EASE, dense prior", wide);
  check_features("EASE on tags", t);
  const std::vector<lae::CosineOptions> switched = {{false}, {true}};
  check_against_fits<Cosine<Scalar>>("cosine", shop, switched,
                                     lae::grid_search<Cosine<Scalar>>(switched, train, f, valid),
                                     [&](const auto& solver) { return solver.fit(f); });
}

}  // namespace

TEMPLATE_TEST_CASE("Every point of a grid is what a fit from scratch is", "[tuning]", LAE_SCALARS) {
  check_all_models<TestType>(make_shop(300, 60, 40));
  // Far more users than items: Q as a whole.
  check_all_models<TestType>(make_shop(301, 150, 30));
}

TEST_CASE("Grids are searched in the dual form, too", "[tuning][dual]") {
  check_all_models<double>(make_shop(302, 25, 50, 0.2), lae::FitForm::dual);
}

TEST_CASE("Many ridges on few dimensions take eigenvectors", "[tuning]") {
  using Semantics = lae::detail::SemanticPhase<double>;
  CHECK_FALSE(Semantics::is_worth_eigenvectors(3168, 768, 7));
  REQUIRE(Semantics::is_worth_eigenvectors(400, 3, 30));
  const Shop shop = make_shop(303, 60, 400, 0.03);
  const Matrix<double> f = shop.f.leftCols(3);
  std::vector<double> ridges;
  for (int i = 0; i < 30; ++i) ridges.push_back(0.1 * std::pow(1.3, i));
  const auto points = vary(std::vector<L3aeOptions>{{5, 1, 20}}, &L3aeOptions::lambda_f, ridges);
  check_against_fits<L3ae<double>>(
      "L3AE", shop, points, lae::grid_search<L3ae<double>>(points, shop.train, f, shop.valid),
      [&](const auto& solver) { return solver.fit(shop.train, f); });
  const auto alone =
      vary(std::vector<FeatureEaseOptions>{{}}, &FeatureEaseOptions::lambda_f, ridges);
  check_against_fits<FeatureEase<double>>(
      "semantic EASE", shop, alone,
      lae::grid_search<FeatureEase<double>>(alone, shop.train, f, shop.valid),
      [&](const auto& solver) { return solver.fit(f); });
}

TEST_CASE("With little memory a search keeps less and finds the same", "[tuning]") {
  const Shop shop = make_shop(304, 60, 200, 0.05);
  auto points = vary(std::vector<L3aeOptions>{{5, 1, 20}}, &L3aeOptions::lambda_f, {1, 5});
  points = vary(points, &L3aeOptions::lambda_x, {30, 5, -5});
  const auto rich = lae::grid_search<L3ae<double>>(points, shop.train, shop.f, shop.valid);
  lae::FitControl poor;
  // Far less than the square matrix more that keeping anything would take: the buffers of the
  // ranking are the larger part of what is needed here.
  poor.memory_budget = needed_by([&](const lae::FitControl& control) {
    (void)lae::grid_search<L3ae<double>>(points, shop.train, shop.f, shop.valid, {}, control);
  });
  const auto search =
      lae::grid_search<L3ae<double>>(points, shop.train, shop.f, shop.valid, {}, poor);
  REQUIRE(search.trials.size() == rich.trials.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(search.trials[i].options.lambda_x == rich.trials[i].options.lambda_x);
    CHECK(search.trials[i].ndcg == rich.trials[i].ndcg);
  }
  CHECK(largest(search.model.weights() - rich.model.weights()) < 1e-12);
  --poor.memory_budget;
  CHECK_THROWS_AS(lae::grid_search<L3ae<double>>(points, shop.train, shop.f, shop.valid, {}, poor),
                  lae::MemoryBudgetExceeded);
}

namespace {

/// What a search finds, as numbers whose bits are compared.
struct Found {
  std::vector<double> ndcg;
  Matrix<double> weights;

  friend bool operator==(const Found& a, const Found& b) {
    return a.ndcg == b.ndcg && a.weights == b.weights;
  }
};

/// A search of some points of each model.
std::vector<std::function<Found()>> searches(const Shop& shop) {
  const auto found = [](const auto& result) {
    Found all{{}, result.model.weights().template cast<double>()};
    for (const auto& trial : result.trials) all.ndcg.push_back(trial.ndcg[1]);
    return all;
  };
  const auto points = [](const auto& first, auto member) {
    return vary_refinements(vary(std::vector{first}, member, {2, 9}));
  };
  return {
      [=, &shop] {
        return found(lae::grid_search<Ease<float>>(points(EaseOptions{5}, &EaseOptions::lambda),
                                                   shop.train, shop.valid));
      },
      [=, &shop] {
        return found(lae::grid_search<Cease<double>>(
            points(CeaseOptions{5, 0.5}, &CeaseOptions::lambda), shop.train, shop.t, shop.valid));
      },
      [=, &shop] {
        return found(lae::grid_search<AddEase<double>>(
            points(AddEaseOptions{5, 3, 0.4}, &AddEaseOptions::lambda_t), shop.train, shop.wide,
            shop.valid));
      },
      [=, &shop] {
        return found(lae::grid_search<FeatureEase<double>>(
            vary(std::vector<FeatureEaseOptions>{{5}}, &FeatureEaseOptions::lambda_f, {1, 5}),
            shop.train, shop.f, shop.valid));
      },
      [=, &shop] {
        return found(
            lae::grid_search<L3ae<double>>(points(L3aeOptions{5, 1, 20}, &L3aeOptions::lambda_kd),
                                           shop.train, shop.f, shop.valid));
      },
      [=, &shop] {
        return found(
            lae::grid_search<L3ae<double>>(points(L3aeOptions{5, 1, 20}, &L3aeOptions::lambda_f),
                                           shop.train, shop.wide, shop.valid));
      },
  };
}

}  // namespace

TEST_CASE("Searches have the same bits from any number of threads", "[tuning][threads]") {
  const Shop shop = make_shop(305, 300, 150, 0.05);
  for (const auto& search : searches(shop)) {
    const Found alone = with_threads(1, search);
    for (const int threads : thread_counts) CHECK(with_threads(threads, search) == alone);
  }
}

TEST_CASE("A search, lists and measures of one program at once are those of each alone",
          "[tuning][threads]") {
  const Shop shop = make_shop(308, 200, 130, 0.05);
  const auto search = searches(shop)[4];
  const auto model = Ease<double>({5}).fit(shop.train);
  const auto lists = [&] {
    const auto top = lae::recommend(model, shop.train, {20});
    return Found{{top.scores.data(), top.scores.data() + top.scores.size()},
                 top.items.cast<double>()};
  };
  const auto measures = [&] {
    const auto report = lae::evaluate(model, shop.train, shop.valid);
    return Found{report.all.recall, report.all.user_ndcg};
  };
  const std::vector<std::function<Found()>> all = {search, lists, measures, search};
  std::vector<Found> alone;
  for (const auto& each : all) alone.push_back(with_threads(1, each));
  CHECK(at_once(all) == alone);
}

TEST_CASE("A point that cannot be fitted comes last and says why", "[tuning][errors]") {
  // Item 3 alone spans a direction; what the smallest ridge leaves of it is lost in rounding.
  Matrix<float> f = Matrix<float>::Zero(6, 2);
  f(3, 0) = 1000;
  f(1, 1) = f(2, 1) = f(4, 1) = 1;
  RandomData random(306);
  const Csr<double> train = random.interactions(20, 6, 0.3);
  const Csr<double> valid = random.interactions(20, 6, 0.2);
  const auto points =
      vary(std::vector<L3aeOptions>{{5, 1, 20}}, &L3aeOptions::lambda_f, {1e-4, 1, 10});
  const auto result = lae::grid_search<L3ae<float>>(points, train, f, valid);
  CHECK(result.trials[2].options.lambda_f.value == 1e-4);
  CHECK(std::isnan(result.trials[2].score));
  CHECK_THAT(result.trials[2].failure,
             ContainsSubstring("item 3") && ContainsSubstring("lambda_f"));
  CHECK(result.trials[1].failure.empty());
  try {
    (void)lae::grid_search<L3ae<float>>({points[0]}, train, f, valid);
    FAIL("no error");
  } catch (const lae::NotPositiveDefinite& error) {
    CHECK(error.item() == 3);
    CHECK(error.what() == result.trials[2].failure);
  }
}

TEST_CASE("The protocol keeps the sum of the ridges that EASE chose", "[tuning]") {
  const Shop shop = make_shop(307, 80, 40);
  lae::L3aeProtocol protocol;
  protocol.lambda = {1, 5, 30, 200};
  protocol.lambda_f = {0.5, 5};
  protocol.lambda_kd = {1, 20, 100};
  protocol.refinements.dropout = 0.1;
  const auto tuned = lae::tune_l3ae<double>(shop.train, shop.f, shop.valid, protocol);
  REQUIRE(tuned.ease.size() == 4);
  REQUIRE(tuned.l3ae.trials.size() == 6);
  for (const auto& trial : tuned.l3ae.trials) {
    CHECK(trial.options.lambda_x + trial.options.lambda_kd == Approx(tuned.ease[0].options.lambda));
    CHECK(trial.options.refinements.dropout == 0.1);
  }
}

TEST_CASE("The metric that decides can be chosen", "[tuning]") {
  const Shop shop = make_shop(308, 60, 40);
  const auto points = vary(std::vector<EaseOptions>{{}}, &EaseOptions::lambda, {1, 10, 100, 1000});
  lae::GridSearchOptions options;
  options.evaluation.cutoffs = {3, 1};
  options.cutoff = 1;
  options.metric = lae::Metric::recall;
  const auto result = lae::grid_search<Ease<double>>(points, shop.train, shop.valid, options);
  for (const auto& trial : result.trials) CHECK(trial.score == trial.recall[1]);
  options.cutoff = 20;
  CHECK_THROWS_WITH(lae::grid_search<Ease<double>>(points, shop.train, shop.valid, options),
                    ContainsSubstring("20") && ContainsSubstring("cutoffs"));
}

TEST_CASE("Searches report progress, can be cancelled, and refuse nonsense", "[tuning][errors]") {
  const Shop shop = make_shop(309, 60, 40);
  const auto points = vary(std::vector<EaseOptions>{{}}, &EaseOptions::lambda, {1, 10});
  double last = -1;
  lae::FitControl control;
  control.progress = [&](std::string_view stage, double fraction) {
    if (stage != "grid") return true;
    CHECK(fraction >= last);
    last = fraction;
    return true;
  };
  (void)lae::grid_search<Ease<double>>(points, shop.train, shop.valid, {}, control);
  CHECK(last == 1);
  control.progress = [](std::string_view stage, double fraction) {
    return stage != "grid" || fraction < 0.5;
  };
  CHECK_THROWS_AS(lae::grid_search<Ease<double>>(points, shop.train, shop.valid, {}, control),
                  lae::Cancelled);
  CHECK_THROWS_WITH(lae::grid_search<Ease<double>>({}, shop.train, shop.valid),
                    ContainsSubstring("no points"));
  CHECK_THROWS_WITH(lae::grid_search<Ease<double>>({EaseOptions{-1}}, shop.train, shop.valid),
                    ContainsSubstring("lambda"));
  CHECK_THROWS_WITH(lae::grid_search<Ease<double>>(points, shop.train, Csr<double>(60, 40)),
                    ContainsSubstring("held-out"));
  CHECK_THROWS_WITH(lae::grid_search<Ease<double>>(points, shop.train, Csr<double>(61, 40)),
                    ContainsSubstring("61 x 40"));
  CHECK_THROWS_WITH(
      lae::grid_search<L3ae<double>>({L3aeOptions()}, shop.train, shop.f.topRows(39), shop.valid),
      ContainsSubstring("39 rows"));
  CHECK_THROWS_WITH(vary(points, "lamda", {1}), ContainsSubstring("lamda"));
}

TEST_CASE("A search measures on a sample of the users, the same for the same seed", "[tuning]") {
  const Shop shop = make_shop(310, 90, 40);
  std::vector<Index> users;
  for (Index user = 0; user < shop.valid.rows(); ++user) {
    if (shop.valid.row(user).nonZeros() > 0) users.push_back(user);
  }
  lae::GridSearchOptions options;
  options.sample_users = 25;
  options.sample_seed = 7;
  lae::Random(options.sample_seed).shuffle(users);
  Csr<double> sample(shop.valid.rows(), shop.valid.cols());
  for (std::size_t i = 0; i < 25; ++i) {
    for (Csr<double>::InnerIterator e(shop.valid, users[i]); e; ++e) {
      sample.coeffRef(users[i], e.col()) = e.value();
    }
  }
  sample.makeCompressed();
  const auto points = vary(std::vector<EaseOptions>{{}}, &EaseOptions::lambda, {0.5, 3, 10});
  const auto trials = lae::grid_trials<Ease<double>>(points, shop.train, shop.valid, options);
  std::vector<Eigen::ArrayXd> values;
  for (const auto& trial : trials) {
    const auto model = Ease<double>(trial.options).fit(shop.train);
    const auto report = lae::evaluate(model, shop.train, sample);
    CHECK(report.all.users.size() == 25);
    CHECK(trial.score == Approx(report.all.ndcg[1]).epsilon(1e-12));
    values.emplace_back(report.all.user_ndcg.col(1).array());
    const auto error = [](const Eigen::ArrayXd& v) {
      return std::sqrt((v - v.mean()).square().sum() / 24 / 25);
    };
    CHECK(trial.standard_error == Approx(error(values.back())).epsilon(1e-5));
    CHECK(trial.paired_error ==
          Approx(error(values.back() - values[0])).epsilon(1e-4).margin(1e-9));
  }
  options.sample_seed = 8;
  CHECK(lae::grid_trials<Ease<double>>(points, shop.train, shop.valid, options)[0].score !=
        trials[0].score);
}

TEST_CASE("The plainest point near the best is chosen", "[tuning]") {
  using Trial = lae::Trial<EaseOptions>;
  const auto trial = [](double lambda, double score, double paired_error) {
    Trial result{{lambda}, score};
    result.paired_error = paired_error;
    return result;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Trial> trials{trial(50, 0.5, 0), trial(200, 0.49, 0.02), trial(100, 0.48, 0.02),
                                  trial(500, 0.47, 0.02), trial(900, nan, nan)};
  const auto is_plainer = [](const EaseOptions& a, const EaseOptions& b) {
    return a.lambda > b.lambda;
  };
  CHECK(lae::plainest_near_best(trials, is_plainer).options.lambda == 200);
  CHECK(lae::plainest_near_best(trials, is_plainer, 0).options.lambda == 50);
  CHECK(lae::plainest_near_best(trials, is_plainer, 2).options.lambda == 500);
  // Of equally plain ones the best.
  const auto is_never = [](const EaseOptions&, const EaseOptions&) { return false; };
  CHECK(&lae::plainest_near_best(trials, is_never) == &trials[0]);
  CHECK_THROWS_WITH(lae::plainest_near_best(std::vector<Trial>(), is_never),
                    ContainsSubstring("no trials"));
  CHECK_THROWS_WITH(lae::plainest_near_best(trials, is_never, -1), ContainsSubstring("errors"));
}
