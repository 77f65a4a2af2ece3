// GF-CF, BSPM and SGFCF: against their papers' formulas in plain dense algebra, and what holds of
// them whatever the data.

#include <algorithm>
#include <cmath>
#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <peak_memory.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "naive_spectral.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using naive::Dense;

namespace {

double difference(const Dense& a, const Dense& b) {
  REQUIRE(a.rows() == b.rows());
  REQUIRE(a.cols() == b.cols());
  return a.size() ? (a - b).cwiseAbs().maxCoeff() : 0;
}

template <class Scalar>
Dense wide(const Matrix<Scalar>& matrix) {
  return matrix.template cast<double>();
}

/// As exact as the Scalar allows; 1e-9 or better in double.
template <class Scalar>
double tolerance() {
  return std::is_same_v<Scalar, float> ? 3e-5 : 1e-9;
}

template <class Options>
Options exact(Options options) {
  options.tolerance = 1e-12;
  return options;
}

std::vector<lae::BspmOptions> kinds_of_bspm(Index rank) {
  std::vector<lae::BspmOptions> kinds;
  for (const bool euler : {false, true}) {
    for (const bool late : {false, true}) {
      for (const bool mean : {false, true}) {
        for (const Index steps : {Index(1), Index(3)}) {
          kinds.push_back(exact(lae::BspmOptions{0.4, steps, 1.7, rank, euler, late, mean}));
        }
      }
    }
  }
  return kinds;
}

/// Users and items without interactions among others.
Csr<double> with_gaps(RandomData& random, Index users, Index items, double density) {
  Csr<double> x = random.interactions(users, items, density);
  x.prune([&](Index user, Index item, double) { return user % 7 != 3 && item % 5 != 4; });
  x.makeCompressed();
  return x;
}

/// Fits all three, in what is between plain and the defaults.
template <class Scalar, class Check>
void with_each_model(const Csr<Scalar>& x, Index rank, Check&& check) {
  check("GF-CF", lae::GfCf<Scalar>({0.3, rank}).fit(x));
  check("BSPM", lae::Bspm<Scalar>({0.5, 2, 2.2, rank}).fit(x));
  check("SGFCF", lae::Sgfcf<Scalar>({rank}).fit(x));
}

}  // namespace

TEMPLATE_TEST_CASE("GF-CF and BSPM are their formulas", "[spectral]", LAE_SCALARS) {
  RandomData random(601);
  // More users than items, fewer, one of either; ranks above both; the last one is filtered.
  for (const auto& [users, items, rank] : {std::tuple<Index, Index, Index>{40, 25, 5},
                                           {20, 33, 6},
                                           {1, 9, 3},
                                           {9, 1, 3},
                                           {30, 20, 500},
                                           {1, 1, 1},
                                           {130, 90, 12}}) {
    CAPTURE(users, items, rank);
    const Csr<double> x =
        items > 9 ? with_gaps(random, users, items, 0.2) : random.interactions(users, items, 0.5);
    if (x.nonZeros() == 0) continue;
    const Csr<TestType> narrow = x.cast<TestType>();
    const auto gf_cf = exact(lae::GfCfOptions{0.3, rank});
    const auto model = lae::GfCf<TestType>(gf_cf).fit(narrow);
    CHECK(difference(wide(model.weights()), naive::gf_cf(Dense(x), gf_cf)) < tolerance<TestType>());
    for (const lae::BspmOptions& bspm : kinds_of_bspm(rank)) {
      CAPTURE(bspm.euler, bspm.late_merge, bspm.mean, bspm.steps);
      CHECK(difference(wide(lae::Bspm<TestType>(bspm).fit(narrow).weights()),
                       naive::bspm(Dense(x), bspm)) < tolerance<TestType>());
    }
  }
}

TEST_CASE("Interactions may be of different strength", "[spectral]") {
  RandomData random(602);
  Csr<double> x = random.interactions(50, 30, 0.2);
  for (Index e = 0; e < x.nonZeros(); ++e) x.valuePtr()[e] = 0.5 + random.uniform();
  const auto options = exact(lae::GfCfOptions{0.7, 8});
  CHECK(difference(lae::GfCf<double>(options).fit(x).weights(), naive::gf_cf(Dense(x), options)) <
        1e-9);
}

TEMPLATE_TEST_CASE("SGFCF scores training users as its formulas do", "[spectral]", LAE_SCALARS) {
  RandomData random(603);
  std::vector<lae::SgfcfOptions> kinds = {{8}, {8, 0.5, 1, 1}, {5, 0.3, 0.4, 2, 0.2, 1.5}, {300}};
  for (const auto& [users, items] :
       {std::pair<Index, Index>{40, 25}, {20, 33}, {130, 90}, {2, 3}}) {
    const Csr<double> x =
        items > 9 ? with_gaps(random, users, items, 0.2) : random.interactions(users, items, 0.9);
    const Csr<TestType> narrow = x.cast<TestType>();
    for (lae::SgfcfOptions options : kinds) {
      options = exact(options);
      CAPTURE(users, items, options.rank, options.beta_end, options.mu);
      const auto model = lae::Sgfcf<TestType>(options).fit(narrow);
      const Dense expected = naive::sgfcf(Dense(x), options);
      // Singular values down to 1e-3 have the power -0.5: float loses that much.
      const double loose = std::is_same_v<TestType, float> && options.rank > 100 ? 30 : 1;
      CHECK(difference(wide(model.score(narrow)), expected) < loose * tolerance<TestType>());
      const Eigen::VectorXd h = naive::homophily(Dense(x));
      CHECK(difference(model.homophily(narrow), h) < 1e-12);
    }
  }
}

TEST_CASE("SGFCF where all are alike", "[spectral]") {
  // Every pair is shared: all homophilies are equal, but nothing is divided by their range.
  Csr<double> x(6, 4);
  for (Index user = 0; user < 6; ++user) {
    for (Index item = 0; item < 4; ++item) x.insert(user, item) = 1;
  }
  x.makeCompressed();
  const auto model = lae::Sgfcf<double>({3}).fit(x);
  CHECK(model.rank() == 1);
  CHECK(wide(model.score(x)).allFinite());
  CHECK((wide(model.score(x)).array() - 2.6 / 4).abs().maxCoeff() < 1e-12);
}

TEST_CASE("A history that no training user has counts against all of them", "[spectral]") {
  // Pairs 0-1 and 0-2 have one user each.
  Csr<double> x(3, 5);
  for (const auto& [user, item] :
       std::vector<std::pair<Index, Index>>{{0, 0}, {0, 1}, {1, 0}, {1, 2}, {2, 3}, {2, 4}}) {
    x.insert(user, item) = 1;
  }
  x.makeCompressed();
  const auto model = lae::Sgfcf<double>({3}).fit(x);
  Csr<double> histories(5, 5);
  const std::vector<std::vector<Index>> of = {{0, 1}, {0, 1, 2}, {1, 2}, {3}, {}};
  for (std::size_t user = 0; user < of.size(); ++user) {
    for (const Index item : of[user]) histories.insert(static_cast<Index>(user), item) = 1;
  }
  histories.makeCompressed();
  const auto h = model.homophily(histories);
  CHECK(h[0] == 0);                // a training user's own pair
  CHECK(h[1] == Approx(2.0 / 3));  // two of three pairs have been seen
  CHECK(h[2] == 0);
  CHECK(h[3] == 0);
  CHECK(h[4] == 0);
  CHECK(wide(model.score(histories)).row(4).isZero(0));
}

TEMPLATE_TEST_CASE("Spectral models know no order of items or users", "[spectral][laws]",
                   LAE_SCALARS) {
  RandomData random(604);
  const Csr<TestType> x = with_gaps(random, 70, 50, 0.15).cast<TestType>();
  std::vector<Index> order(50);
  for (Index i = 0; i < 50; ++i) order[static_cast<std::size_t>(i)] = (i * 17 + 3) % 50;
  Csr<TestType> shuffled(70, 50);
  for (Index user = 0; user < 70; ++user) {
    for (typename Csr<TestType>::InnerIterator e(x, user); e; ++e) {
      shuffled.coeffRef(69 - user, order[static_cast<std::size_t>(e.col())]) = e.value();
    }
  }
  shuffled.makeCompressed();
  std::vector<Dense> scores;
  with_each_model(x, 7,
                  [&](const char*, const auto& model) { scores.push_back(wide(model.score(x))); });
  std::size_t place = 0;
  with_each_model(shuffled, 7, [&](const char* name, const auto& model) {
    INFO(name);
    const Dense moved = wide(model.score(shuffled));
    Dense back(70, 50);
    for (Index user = 0; user < 70; ++user) {
      for (Index i = 0; i < 50; ++i)
        back(user, i) = moved(69 - user, order[static_cast<std::size_t>(i)]);
    }
    CHECK(difference(back, scores[place++]) < (std::is_same_v<TestType, float> ? 2e-5 : 1e-6));
  });
}

TEMPLATE_TEST_CASE("Spectral scores are the same in batches, ranges and alone", "[spectral][laws]",
                   LAE_SCALARS) {
  RandomData random(605);
  const Csr<TestType> x = with_gaps(random, 150, 90, 0.1).cast<TestType>();
  const double rounding = std::is_same_v<TestType, float> ? 1e-6 : 1e-14;
  with_each_model(x, 10, [&](const char* name, const auto& model) {
    INFO(name);
    const Dense all = wide(model.score(x));
    for (Index user = 0; user < x.rows(); user += 11) {
      Eigen::Matrix<TestType, 1, Eigen::Dynamic> whole(90);
      whole.setConstant(1);  // scores are added
      model.add_scores(lae::History<TestType>(x, user), 0, whole);
      CHECK(difference(whole.template cast<double>().array() - 1, all.row(user)) < 10 * rounding);
      for (const auto& [begin, size] :
           {std::pair<Index, Index>{0, 1}, {13, 40}, {89, 1}, {90, 0}}) {
        Eigen::Matrix<TestType, 1, Eigen::Dynamic> part(size);
        part.setConstant(1);
        model.add_scores(lae::History<TestType>(x, user), begin, part);
        CHECK(difference(part.template cast<double>(),
                         whole.segment(begin, size).template cast<double>()) < 10 * rounding);
      }
    }
    lae::RecommendOptions one;
    one.k = 5;
    one.batch_users = 1;
    lae::RecommendOptions many = one;
    many.batch_users = 41;
    CHECK(difference(lae::recommend(model, x, one).scores.template cast<double>(),
                     lae::recommend(model, x, many).scores.template cast<double>()) <
          100 * rounding);
  });
}

TEST_CASE("Weights are what histories are multiplied by, and explain scores", "[spectral][laws]") {
  RandomData random(606);
  const Csr<double> x = with_gaps(random, 60, 40, 0.2);
  for (Index i = 0; i < 2; ++i) {
    const auto model =
        i == 0 ? lae::GfCf<double>({0.3, 6}).fit(x) : lae::Bspm<double>({0.5, 2, 2.2, 6}).fit(x);
    Csr<double> histories = random.interactions(20, 40, 0.2);
    for (Index e = 0; e < histories.nonZeros(); ++e)
      histories.valuePtr()[e] = random.uniform() - 0.3;
    const Matrix<double> b = model.weights();
    CHECK(difference(model.score(histories), Dense(histories) * b) < 1e-12);
    CHECK(b.diagonal().cwiseAbs().maxCoeff() > 0.01);
    // As a dense model it recommends the same.
    const lae::ItemModel<double> dense{Matrix<double>(b)};
    CHECK(lae::recommend(dense, x, {10}).items == lae::recommend(model, x, {10}).items);
    const Csr<double> history = histories.row(4);
    const auto why = lae::explain(model, history, 7, 40);
    double sum = why.rest;
    for (const auto& reason : why.reasons) {
      CHECK(reason.value ==
            Approx(histories.coeff(4, reason.item) * b(reason.item, 7)).margin(1e-12));
      sum += reason.value;
    }
    CHECK(sum == Approx(why.total).margin(1e-12));
  }
}

TEMPLATE_TEST_CASE("Spectral models have the same bits on any threads", "[spectral][laws]",
                   LAE_SCALARS) {
  RandomData random(607);
  const Csr<TestType> x = with_gaps(random, 400, 300, 0.05).cast<TestType>();
  const auto all = [&] {
    std::vector<Matrix<TestType>> results;
    with_each_model(x, 33, [&](const char*, const auto& model) {
      results.push_back(model.parts().left);
      results.push_back(model.parts().right);
      results.push_back(model.score(x));
      results.push_back(lae::recommend(model, x, {10}).scores);
    });
    return results;
  };
  const auto expected = with_threads(1, all);
  for (const int threads : {2, 3, 7}) {
    const auto results = with_threads(threads, all);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(threads, i);
      CHECK(results[i] == expected[i]);
    }
  }
}

TEST_CASE("Spectral models in float are close to those in double", "[spectral][laws]") {
  RandomData random(608);
  const Csr<double> x = with_gaps(random, 400, 300, 0.05);
  std::vector<Dense> scores;
  with_each_model(x, 30, [&](const char*, const auto& model) { scores.push_back(model.score(x)); });
  std::size_t place = 0;
  with_each_model(Csr<float>(x.cast<float>()), 30, [&](const char* name, const auto& model) {
    INFO(name);
    const Dense expected = scores[place++];
    CHECK(difference(wide(model.score(x.cast<float>())), expected) <
          1e-3 * naive::Dense(expected).cwiseAbs().maxCoeff());
  });
}

TEST_CASE("New users are served as training users are, and all by OrPopular", "[spectral]") {
  RandomData random(609);
  const Csr<double> x = with_gaps(random, 90, 60, 0.15);
  with_each_model(x, 9, [&](const char* name, const auto& model) {
    INFO(name);
    CHECK(difference(model.score(Csr<double>(x.middleRows(20, 30))),
                     model.score(x).middleRows(20, 30)) < 1e-12);
    const lae::Popularity<double> popularity(x);
    const auto lists = lae::recommend(lae::OrPopular(model, popularity), x, {5});
    CHECK((lists.items.array() >= 0).all());
    const auto own = lae::recommend(model, x, {5});
    for (Index user = 0; user < x.rows(); ++user) {
      if (x.row(user).nonZeros() > 0) CHECK(lists.items.row(user) == own.items.row(user));
    }
  });
}

TEST_CASE("Spectral models tell how their singular vectors came out", "[spectral]") {
  RandomData random(610);
  const Csr<double> x = random.interactions(300, 200, 0.05);
  const auto model = lae::GfCf<double>({0.3, 20, 1e-8}).fit(x);
  const auto svd = naive::truncated_svd(naive::normalized(Dense(x), 0, 0.5), 20);
  CHECK(model.rank() == 20);
  CHECK(model.summary().largest_value == Approx(1));
  CHECK(model.summary().least_value == Approx(svd.s[19]));
  CHECK(model.summary().residual <= 1e-8);
  CHECK(model.summary().iterations > 1);
  const auto hasty = lae::GfCf<double>({0.3, 20, 1e-8, 1}).fit(x);
  CHECK(hasty.summary().residual > 1e-8);
}

TEST_CASE("Spectral fits refuse what they cannot use", "[spectral]") {
  Csr<double> x(3, 3);
  CHECK_THROWS_WITH(lae::GfCf<double>().fit(x), ContainsSubstring("is empty"));
  x.insert(1, 2) = -1;
  CHECK_THROWS_WITH(lae::GfCf<double>().fit(x), ContainsSubstring("-1 in row 1, column 2"));
  x.coeffRef(1, 2) = std::nan("");
  CHECK_THROWS_WITH(lae::Sgfcf<double>().fit(x), ContainsSubstring("not finite"));
  CHECK_THROWS_WITH(lae::GfCf<double>({-1}), ContainsSubstring("low_pass must not be negative"));
  CHECK_THROWS_WITH(lae::GfCf<double>({0.3, 0}), ContainsSubstring("rank must lie in"));
  CHECK_THROWS_WITH(lae::Bspm<double>({0.3, 0}), ContainsSubstring("steps must lie in"));
  CHECK_THROWS_WITH(lae::Sgfcf<double>({10, -0.1}), ContainsSubstring("epsilon must not"));
  CHECK_THROWS_WITH(lae::Sgfcf<double>({10, 0.4, 0.5, 1.5, 1, 0, 0}),
                    ContainsSubstring("tolerance must be positive"));
  lae::GfCfOptions options;
  CHECK_THROWS_WITH(lae::GfCfOptions::fields().find("rank")->set(options, 2.5),
                    ContainsSubstring("rank must be a whole number, got 2.5"));
  lae::GfCfOptions::fields().find("rank")->set(options, 12);
  CHECK(options.rank == 12);
}

TEST_CASE("Spectral fits can be cancelled at any call, and report falling nowhere", "[spectral]") {
  RandomData random(611);
  const Csr<double> x = random.interactions(300, 200, 0.05);
  const lae::Bspm<double> bspm({0.5, 1, 1.2, 20});
  const lae::Sgfcf<double> sgfcf({20});
  const auto run = [&](int last) {
    int calls = 0;
    std::string stage;
    double before = 0;
    lae::FitControl control;
    control.progress = [&](std::string_view name, double fraction) {
      if (name != stage) before = 0;
      stage = name;
      CHECK(fraction >= before);
      before = fraction;
      return ++calls != last;
    };
    static_cast<void>(bspm.fit(x, control));
    static_cast<void>(sgfcf.fit(x, control));
    return calls;
  };
  const int all = run(-1);
  CHECK(all > 8);
  for (int last = 1; last <= all; ++last) CHECK_THROWS_AS(run(last), lae::Cancelled);
}

TEST_CASE("Spectral fits keep to their budget", "[spectral][memory]") {
  RandomData random(612);
  const Csr<double> x = random.interactions(300, 200, 0.05);
  const lae::GfCf<double> solver({0.3, 20});
  const auto bytes = solver.estimate(lae::problem_size(x)).bytes;
  lae::FitControl control;
  control.memory_budget = bytes;
  CHECK(solver.fit(x, control).items() == 200);
  control.memory_budget = bytes - 1;
  CHECK_THROWS_AS(solver.fit(x, control), lae::MemoryBudgetExceeded);
  // Memory grows with the interactions and items x rank.
  const auto at = [](Index users, Index items, Index entries, Index rank) {
    return static_cast<double>(
        lae::GfCf<float>({0.3, rank}).estimate({users, items, entries}).bytes);
  };
  CHECK(at(2'000'000, 1'000'000, 20'000'000, 64) < 2.2 * at(1'000'000, 500'000, 10'000'000, 64));
  CHECK(at(1'000'000, 500'000, 10'000'000, 64) < 2e9);
}

namespace {

/// As in lae/models/spectral_solver.hpp.
struct LowPass {
  Index rank = 64;
  double exponent = 0.4;

  template <class Scalar>
  using Model = lae::SgfcfModel<Scalar>;
  static lae::OptionFields<LowPass> fields() {
    lae::OptionFields<LowPass> list;
    list.add("rank", &LowPass::rank, "singular vectors");
    list.add("exponent", &LowPass::exponent, lae::Range::not_negative(), "of the normalisation");
    return list;
  }
  [[nodiscard]] lae::SpectralRecipe recipe() const {
    lae::SpectralRecipe recipe;
    recipe.svd.rank = rank;
    recipe.exponent = exponent;
    return recipe;
  }
};

}  // namespace

TEST_CASE("A spectral model of one's own is fitted and searched as the others", "[spectral]") {
  RandomData random(613);
  const Csr<double> x = random.interactions(90, 60, 0.15);
  lae::SgfcfOptions same{12, 0.3, 1, 1, 0};
  const auto expected = lae::Sgfcf<double>(same).fit(x);
  const auto model = lae::SpectralSolver<LowPass>({12, 0.3}).fit(x);
  CHECK(difference(model.score(x), expected.score(x)) < 1e-12);
  const auto points = lae::vary(std::vector<LowPass>(1), "rank", {4, 12});
  const auto search = lae::grid_search<lae::SpectralSolver<LowPass>>(points, x, x);
  CHECK(search.trials.size() == 2);
}
