// What the solvers refuse, what they accept, and what they say a fit will cost.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <lae/lae.hpp>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using naive::Dense;

namespace {

const double nan_value = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

/// Checks that the fit is refused with a message that holds both parts.
template <class Fit>
void check_refused(Fit&& fit, const std::string& one, const std::string& other) {
  CHECK_THROWS_AS(fit(), std::invalid_argument);
  CHECK_THROWS_WITH(fit(), ContainsSubstring(one) && ContainsSubstring(other));
}

}  // namespace

TEST_CASE("Options are checked by the constructor", "[models][errors]") {
  for (const double bad : {0.0, -1.0, nan_value, infinity}) {
    INFO("value " << bad);
    CHECK_THROWS_WITH(lae::Ease<double>({bad}), ContainsSubstring("lambda"));
    CHECK_THROWS_WITH(lae::Cease<double>({bad, 1}), ContainsSubstring("lambda"));
    CHECK_THROWS_WITH(lae::AddEase<double>({bad, 1, 0.5}), ContainsSubstring("lambda_x"));
    CHECK_THROWS_WITH(lae::AddEase<double>({1, bad, 0.5}), ContainsSubstring("lambda_t"));
    CHECK_THROWS_WITH(lae::L3ae<double>({1, bad, 1}), ContainsSubstring("lambda_f"));
  }
  for (const double bad : {-0.1, nan_value, infinity}) {
    CHECK_THROWS_WITH(lae::Cease<double>({1, bad}), ContainsSubstring("alpha"));
    CHECK_THROWS_WITH(lae::AddEase<double>({1, 1, bad}), ContainsSubstring("alpha"));
    CHECK_THROWS_WITH(lae::L3ae<double>({1, 1, bad}), ContainsSubstring("lambda_kd"));
  }
  CHECK_THROWS_WITH(lae::AddEase<double>({1, 1, 1.01}), ContainsSubstring("[0, 1]"));
  CHECK_THROWS_WITH(lae::L3ae<double>({-150, 10, 150}),
                    ContainsSubstring("lambda_x + lambda_kd") && ContainsSubstring("-150 + 150"));
  CHECK_THROWS_WITH(lae::L3ae<float>({-200, 10, 150}), ContainsSubstring("-200 + 150"));
  CHECK_THROWS_WITH(lae::L3ae<double>({nan_value, 10, 150}), ContainsSubstring("lambda_x"));
  CHECK_NOTHROW(lae::L3ae<double>({-149, 10, 150}));
  CHECK(lae::L3ae<float>({-50, 10, 150}).options().lambda_kd == 150);
}

TEST_CASE("Shapes that do not match are refused with both sizes", "[models][errors]") {
  RandomData random(60);
  const Csr<double> x = random.interactions(10, 8);
  const Matrix<double> f = random.dense(7, 3);
  const Csr<double> t = random.interactions(9, 4);
  check_refused([&] { return lae::Cease<double>().fit(x, f); }, "7 rows", "8 items");
  check_refused([&] { return lae::Cease<double>().fit(x, t); }, "9 rows", "8 items");
  check_refused([&] { return lae::AddEase<double>().fit(x, f); }, "7 rows", "8 items");
  check_refused([&] { return lae::AddEase<double>().fit(x, t); }, "9 rows", "8 items");
  check_refused([&] { return lae::L3ae<double>().fit(x, f); }, "7 rows", "8 items");
  check_refused([&] { return lae::L3ae<double>().fit(x, t); }, "9 rows", "8 items");
}

TEST_CASE("Values that are not finite are refused by every model", "[models][errors]") {
  RandomData random(61);
  const Csr<double> x = random.interactions(10, 8);
  const Matrix<double> f = random.dense(8, 3);
  for (const double bad : {nan_value, infinity, -infinity}) {
    Csr<double> bad_x = x;
    bad_x.coeffRef(4, 2) = bad;
    Matrix<double> bad_f = f;
    bad_f(5, 1) = bad;
    const Csr<double> bad_t = bad_f.sparseView();
    check_refused([&] { return lae::Ease<double>().fit(bad_x); }, "interactions",
                  "row 4, column 2");
    check_refused([&] { return lae::Cease<double>().fit(bad_x, f); }, "interactions",
                  "row 4, column 2");
    check_refused([&] { return lae::AddEase<double>().fit(bad_x, f); }, "interactions",
                  "row 4, column 2");
    check_refused([&] { return lae::L3ae<double>().fit(bad_x, f); }, "interactions",
                  "row 4, column 2");
    check_refused([&] { return lae::FeatureEase<double>().fit(bad_f); }, "features",
                  "row 5, column 1");
    check_refused([&] { return lae::Cease<double>().fit(x, bad_f); }, "features",
                  "row 5, column 1");
    check_refused([&] { return lae::AddEase<double>().fit(x, bad_f); }, "features",
                  "row 5, column 1");
    check_refused([&] { return lae::L3ae<double>().fit(x, bad_f); }, "features", "row 5, column 1");
    check_refused([&] { return lae::Cosine<double>().fit(bad_f); }, "features", "row 5, column 1");
    check_refused([&] { return lae::FeatureEase<double>().fit(bad_t); }, "features",
                  "row 5, column 1");
    check_refused([&] { return lae::Cease<double>().fit(x, bad_t); }, "features",
                  "row 5, column 1");
    check_refused([&] { return lae::AddEase<double>().fit(x, bad_t); }, "features",
                  "row 5, column 1");
    check_refused([&] { return lae::L3ae<double>().fit(x, bad_t); }, "features", "row 5, column 1");
    check_refused([&] { return lae::Cosine<double>().fit(bad_t); }, "features", "row 5, column 1");
  }
}

TEST_CASE("Nothing to learn from is an error", "[models][errors]") {
  RandomData random(67);
  const Csr<double> x = random.interactions(5, 4);
  const Matrix<double> f = random.dense(4, 2);
  const Csr<double> none(5, 4);
  check_refused([&] { return lae::Ease<double>().fit(none); }, "5 users x 4 items", "empty");
  check_refused([&] { return lae::Cease<double>().fit(none, f); }, "5 users x 4 items", "empty");
  check_refused([&] { return lae::AddEase<double>().fit(none, f); }, "5 users x 4 items", "empty");
  check_refused([&] { return lae::L3ae<double>().fit(none, f); }, "5 users x 4 items", "empty");
  CHECK_THROWS_WITH(lae::Ease<double>().fit(Csr<double>(0, 0)), ContainsSubstring("empty"));
  Csr<double> only_a_zero(2, 2);
  only_a_zero.insert(0, 0) = 0;
  CHECK_THROWS_WITH(lae::Ease<double>().fit(only_a_zero), ContainsSubstring("empty"));

  const Matrix<double> no_features(4, 0);
  check_refused([&] { return lae::FeatureEase<double>().fit(no_features); }, "features", "4 x 0");
  check_refused([&] { return lae::Cease<double>().fit(x, no_features); }, "features", "4 x 0");
  check_refused([&] { return lae::AddEase<double>().fit(x, no_features); }, "features", "4 x 0");
  check_refused([&] { return lae::L3ae<double>().fit(x, no_features); }, "features", "4 x 0");
  check_refused([&] { return lae::Cosine<double>().fit(no_features); }, "features", "4 x 0");
}

TEST_CASE("Items never seen, items without features, one item: all valid", "[models]") {
  RandomData random(62);
  Dense x = Dense(random.interactions(30, 12));
  x.col(4).setZero();
  x.col(11).setZero();
  x.row(3).setZero();
  const Csr<double> rows(x.sparseView());
  Matrix<double> f = random.dense(12, 5);
  f.row(4).setZero();
  f.row(7).setZero();
  f.col(2).setZero();
  const Csr<double> t = f.sparseView();
  const auto check = [](const lae::ItemModel<double>& model, const Dense& textbook) {
    CHECK((Dense(model.weights()) - textbook).cwiseAbs().maxCoeff() < 1e-12);
    // Item 4 has neither users nor features.
    CHECK(model.weights().col(4).cwiseAbs().maxCoeff() == 0);
    CHECK(model.weights().row(4).cwiseAbs().maxCoeff() == 0);
  };
  check(lae::Ease<double>({3}).fit(rows), naive::ease(x.transpose() * x, 3));
  check(lae::FeatureEase<double>({3}).fit(f), naive::ease(f * f.transpose(), 3));
  check(lae::FeatureEase<double>({3}).fit(t), naive::ease(f * f.transpose(), 3));
  check(lae::Cosine<double>().fit(f), naive::cosine(f));
  const lae::Cease<double> cease({3, 0.4});
  check(cease.fit(rows, f), naive::cease(x, f, 3, 0.4));
  check(cease.fit(rows, t), naive::cease(x, f, 3, 0.4));
  const lae::AddEase<double> add_ease({3, 2, 0.4});
  check(add_ease.fit(rows, f), naive::add_ease(x, f, 3, 2, 0.4));
  check(add_ease.fit(rows, t), naive::add_ease(x, f, 3, 2, 0.4));
  const lae::L3ae<double> l3ae({-2, 3, 6});
  check(l3ae.fit(rows, f), naive::l3ae(x, f, -2, 3, 6));
  check(l3ae.fit(rows, t), naive::l3ae(x, f, -2, 3, 6));

  // Item 11 was never seen, but its text says what it is like.
  CHECK(l3ae.fit(rows, f).weights().col(11).cwiseAbs().maxCoeff() > 1e-3);
  CHECK(lae::Ease<double>().fit(rows).weights().col(11).cwiseAbs().maxCoeff() == 0);
  CHECK(lae::FeatureEase<double>().fit(Matrix<double>::Zero(6, 3)).weights().norm() == 0);

  Csr<double> one(3, 1);
  one.insert(1, 0) = 1;
  const Matrix<double> feature = Matrix<double>::Ones(1, 1);
  CHECK(lae::Ease<double>().fit(one).weights()(0, 0) == 0);
  CHECK(lae::Cease<double>().fit(one, feature).weights()(0, 0) == 0);
  CHECK(lae::AddEase<double>().fit(one, feature).weights()(0, 0) == 0);
  CHECK(lae::L3ae<double>().fit(one, feature).weights()(0, 0) == 0);
  CHECK(lae::Cosine<double>().fit(feature).weights()(0, 0) == 0);
}

TEST_CASE("Any Eigen expression can be fitted", "[models]") {
  RandomData random(66);
  const Csr<double> x = random.interactions(30, 12);
  const Matrix<double> f = random.dense(12, 5);
  const lae::L3ae<double> solver({-2, 3, 6});
  const auto weights = [](const auto& model) { return Dense(model.weights()); };
  const Dense expected = weights(solver.fit(Csr<double>(x * 2.0), Matrix<double>(f * 0.5)));
  CHECK(weights(solver.fit(x * 2.0, f * 0.5)) == expected);
  CHECK(weights(solver.fit(x + x, Eigen::MatrixXd(f) / 2)) == expected);
  const Eigen::SparseMatrix<float> by_column = x.cast<float>();
  CHECK(weights(solver.fit((2.0f * by_column.transpose()).transpose(), (f / 2).cast<float>()))
            .isApprox(expected, 1e-5));
  CHECK(weights(lae::Ease<double>().fit(x.topRows(20))) ==
        weights(lae::Ease<double>().fit(Csr<double>(x.topRows(20)))));
  CHECK(lae::problem_size(x + x, f).interactions == x.nonZeros());
}

TEST_CASE("Cosine normalises on demand", "[models]") {
  RandomData random(63);
  Matrix<double> f = random.dense(20, 6);
  f.row(3).setZero();
  Dense unit = f;
  for (Index i = 0; i < 20; ++i) {
    if (i != 3) unit.row(i).normalize();
  }
  CHECK((Dense(lae::Cosine<double>({true}).fit(f).weights()) - naive::cosine(unit))
            .cwiseAbs()
            .maxCoeff() < 1e-14);
  CHECK((Dense(lae::Cosine<double>({true}).fit(Csr<double>(f.sparseView())).weights()) -
         naive::cosine(unit))
            .cwiseAbs()
            .maxCoeff() < 1e-14);
}

TEST_CASE("A ridge lost in rounding names the item and what to raise", "[models][errors]") {
  // Items 1 and 2 are always bought together, so without a ridge that counts G is singular.
  Dense x = Dense::Zero(4, 3);
  x << 1, 0, 0, 0, 3000, 3000, 0, 3000, 3000, 1, 3000, 3000;
  try {
    (void)lae::Ease<float>({1e-3}).fit(Csr<double>(x.sparseView()));
    FAIL("no error");
  } catch (const lae::NotPositiveDefinite& error) {
    CHECK(error.item() == 2);
    CHECK_THAT(error.what(), ContainsSubstring("item 2") && ContainsSubstring("ridge"));
  }
}

TEST_CASE("What a fit costs is known without allocating", "[models][estimate]") {
  // n^2 passes 32 bits at n = 46,341, and n^2 doubles pass it far earlier.
  const Index n = 46341;
  lae::ProblemSize size;
  size.users = 100000;
  size.items = n;
  size.interactions = 100;
  size.sources = {{64, {}}};
  const std::uint64_t square = std::uint64_t(46341) * 46341 * 8;
  const auto near_square = [&](const lae::FitCost& cost, std::uint64_t squares) {
    CHECK(cost.bytes >= squares * square);
    CHECK(static_cast<double>(cost.bytes) < 1.02 * static_cast<double>(squares * square));
    CHECK(cost.flops > 0);
  };
  near_square(lae::Cease<double>().estimate(size), 1);
  near_square(lae::AddEase<double>().estimate(size), 1);
  near_square(lae::L3ae<double>().estimate(size), 1);
  near_square(lae::Cosine<double>().estimate(size), 1);
  size.sources = {{40000, 200}};
  near_square(lae::Cease<double>().estimate(size), 1);
  near_square(lae::AddEase<double>().estimate(size), 2);
  near_square(lae::L3ae<double>().estimate(size), 2);
  size.sources.clear();
  near_square(lae::Ease<double>().estimate(size), 1);
  CHECK(lae::Ease<double>().estimate(size).flops == Approx(1e3 * 99.516e9).epsilon(0.01));
  // Few users: the dual form inverts a small matrix, but the model is as large as ever.
  size.users = 1000;
  near_square(lae::Ease<double>().estimate(size), 1);
  CHECK(lae::Ease<double>().estimate(size).form == lae::FitForm::dual);
  CHECK(lae::Ease<double>().estimate(size).flops < 2e9);
  CHECK(lae::Ease<double>({100, {}, lae::FitForm::primal}).estimate(size).form ==
        lae::FitForm::primal);
  CHECK(lae::Ease<float>().estimate(size).bytes < square / 2 * 51 / 50);
}

TEST_CASE("Elimination is automatic where it saves much, and a summary tells",
          "[models][elimination]") {
  RandomData random(45);
  const auto summary_of = [](const Csr<double>& x, lae::FitForm form) {
    lae::FitSummary summary;
    lae::FitControl control;
    control.summary = &summary;
    static_cast<void>(lae::Ease<double>({1, {}, form}).fit(x, control));
    return summary;
  };
  const Csr<double> sparse = random.interactions(700, 600, 0.003);
  const lae::FitSummary chosen = summary_of(sparse, lae::FitForm::automatic);
  CHECK(chosen.form == lae::FitForm::eliminated);
  CHECK(chosen.eliminated > 100);
  CHECK(chosen.share == Approx(std::pow(1 - static_cast<double>(chosen.eliminated) / 600, 3)));
  CHECK(summary_of(sparse, lae::FitForm::primal).form == lae::FitForm::primal);
  CHECK(summary_of(sparse, lae::FitForm::primal).share == 1);
  CHECK(summary_of(random.interactions(700, 600, 0.2), lae::FitForm::automatic).eliminated == 0);
  CHECK(summary_of(random.interactions(30, 600, 0.2), lae::FitForm::automatic).form ==
        lae::FitForm::dual);
  // With the smallest matrices it must be asked for.
  CHECK(summary_of(random.interactions(100, 90, 0.003), lae::FitForm::automatic).eliminated == 0);
}

TEST_CASE("A fit beyond its memory budget is refused with the figure", "[models][estimate]") {
  // 3 million items: 72 TB, and no machine to allocate them.
  Csr<float> x(2, 3000000);
  x.insert(0, 2999999) = 1;
  lae::FitControl control;
  control.memory_budget = std::uint64_t(1) << 30;
  try {
    (void)lae::Ease<double>().fit(x, control);
    FAIL("no error");
  } catch (const lae::MemoryBudgetExceeded& error) {
    CHECK(error.needed_bytes() > std::uint64_t(72000000000000));
    CHECK_THAT(error.what(), ContainsSubstring(std::to_string(error.needed_bytes())) &&
                                 ContainsSubstring(std::to_string(control.memory_budget)));
  }
  const Matrix<float> f = Matrix<float>::Ones(3000000, 1);
  CHECK_THROWS_AS(lae::FeatureEase<double>().fit(f, control), lae::MemoryBudgetExceeded);
  CHECK_THROWS_AS(lae::Cease<double>().fit(x, f, control), lae::MemoryBudgetExceeded);
  CHECK_THROWS_AS(lae::AddEase<double>().fit(x, f, control), lae::MemoryBudgetExceeded);
  CHECK_THROWS_AS(lae::L3ae<double>().fit(x, f, control), lae::MemoryBudgetExceeded);
  CHECK_THROWS_AS(lae::Cosine<double>().fit(f, control), lae::MemoryBudgetExceeded);
  CHECK_THROWS_AS(lae::Ease<double>().fit(x), lae::MemoryBudgetExceeded);  // the machine's memory
}

TEST_CASE("Fits report their stages and can be cancelled in any of them", "[models][progress]") {
  RandomData random(64);
  const Csr<double> x = random.interactions(50, 300);
  const Matrix<double> f = random.dense(300, 20);
  std::vector<std::string> stages;
  lae::FitControl control;
  control.progress = [&](std::string_view stage, double) {
    if (stages.empty() || stages.back() != stage) stages.emplace_back(stage);
    return true;
  };
  (void)lae::L3ae<double>().fit(x, f, control);
  CHECK(stages == std::vector<std::string>{"gram of features", "factor", "semantics", "gram",
                                           "invert", "product", "weights"});
  for (const std::string& last : stages) {
    control.progress = [&](std::string_view stage, double) { return stage != last; };
    CHECK_THROWS_AS(lae::L3ae<double>().fit(x, f, control), lae::Cancelled);
  }
}

TEST_CASE("Every long step of every model and of searches can be cancelled", "[models][progress]") {
  RandomData random(68);
  const Csr<double> x = random.interactions(90, 300);
  const Csr<double> few = random.interactions(40, 300);
  const Csr<double> valid = random.interactions(90, 300, 0.02);
  const Matrix<double> f = random.dense(300, 20);
  const Matrix<double> wide = random.dense(300, 250);
  const Csr<double> t = random.interactions(300, 30, 0.1);
  const auto check = [](const char* name, const auto& run, const std::vector<std::string>& steps) {
    INFO(name);
    std::vector<std::string> stages;
    lae::FitControl control;
    control.progress = [&](std::string_view stage, double fraction) {
      CHECK(fraction >= 0);
      CHECK(fraction <= 1);
      if (std::find(stages.begin(), stages.end(), stage) == stages.end()) {
        stages.emplace_back(stage);
      }
      return true;
    };
    run(control);
    for (const std::string& step : steps) {
      INFO(step);
      CHECK(std::find(stages.begin(), stages.end(), step) != stages.end());
    }
    for (const std::string& last : stages) {
      INFO(last);
      // In the middle of the step, not at its beginning.
      control.progress = [&](std::string_view stage, double fraction) {
        return stage != last || fraction < 0.3;
      };
      CHECK_THROWS_AS(run(control), lae::Cancelled);
    }
  };
  using Control = const lae::FitControl&;
  check("EASE", [&](Control c) { return lae::Ease<double>().fit(x, c); },
        {"gram", "invert", "weights"});
  check("EASE, dual",
        [&](Control c) {
          return lae::Ease<double>({9, {}, lae::FitForm::dual}).fit(few, c);
        },
        {"gram", "invert", "expand", "weights"});
  check("LLM-CEASE", [&](Control c) { return lae::Cease<double>().fit(x, f, c); },
        {"gram", "gram of features", "invert", "weights"});
  check("L3AE, dense prior", [&](Control c) { return lae::L3ae<double>().fit(x, wide, c); },
        {"gram of features", "invert", "gram", "weights"});
  check("Add-EASE on tags", [&](Control c) { return lae::AddEase<double>().fit(x, t, c); },
        {"gram of tags", "factor", "semantics", "invert", "weights"});
  check("cosine", [&](Control c) { return lae::Cosine<double>().fit(f, c); },
        {"gram of features", "weights"});
  const auto points =
      lae::vary(std::vector<lae::L3aeOptions>(1), &lae::L3aeOptions::lambda_f, {1, 5});
  check(
      "search",
      [&](Control c) { return lae::grid_search<lae::L3ae<double>>(points, x, f, valid, {}, c); },
      {"grid", "gram of features", "gram", "invert", "product", "factor", "semantics", "weights"});
}

TEST_CASE("Squares that overflow the Scalar are called that", "[models][errors]") {
  RandomData random(69);
  Csr<float> x = random.interactions(20, 8).cast<float>();
  const Matrix<float> f = random.dense(8, 3).cast<float>();
  Csr<float> huge = x;
  huge.coeffRef(2, 1) = 1e30F;
  check_refused([&] { return lae::Ease<float>().fit(huge); }, "item 1", "overflows float");
  check_refused([&] { return lae::L3ae<float>().fit(huge, f); }, "item 1", "overflows float");
  Matrix<float> large = f;
  large(5, 2) = 1e25F;
  check_refused([&] { return lae::L3ae<float>().fit(x, large); }, "features: the sum of squares",
                "item 5");
  check_refused([&] { return lae::Cease<float>().fit(x, large); }, "features", "item 5");
  CHECK_NOTHROW(lae::Ease<double>().fit(huge.cast<double>()));
}

TEST_CASE("Options are listed once, with ranges, texts and what they are relative to", "[models]") {
  const auto fields = lae::L3aeOptions::fields();
  std::vector<std::string> names;
  for (const auto& field : fields) names.push_back(field.name);
  CHECK(names == std::vector<std::string>{"lambda_x", "lambda_f", "lambda_kd", "gram_weight",
                                          "dropout", "user_exponent", "target_exponent",
                                          "diagonal_bound"});
  REQUIRE(fields.find("lambda_f") != nullptr);
  CHECK(fields.find("lambda_g") == nullptr);
  lae::L3aeOptions options;
  CHECK(fields.find("lambda_f")->text(options) == "2 q");
  CHECK(fields.find("gram_weight")->text(options) == "10 / q");
  CHECK(fields.find("lambda_f")->range.text() == "must be positive and finite");
  fields.find("lambda_f")->set(options, 7);
  CHECK(fields.find("lambda_f")->text(options) == "7");
  fields.find("dropout")->set(options, 0.25);
  CHECK(options.refinements.dropout == 0.25);
  CHECK(fields.find("dropout")->is_extra);
  CHECK_FALSE(fields.find("dropout")->range.contains(1));
  CHECK(fields.find("dropout")->range.contains(0));
  CHECK(fields.find("diagonal_bound")->range.contains(infinity));
  CHECK_FALSE(fields.find("lambda_x")->range.contains(nan_value));
  const lae::L3aeOptions absolute = lae::resolved(lae::L3aeOptions(), {5, 200});
  CHECK(fields.find("lambda_f")->text(absolute) == "400");
  CHECK(fields.find("gram_weight")->text(absolute) == "2");

  // What is relative means the same for features of any length.
  RandomData random(70);
  const Csr<double> x = random.interactions(40, 30);
  const Matrix<double> f = random.dense(30, 6);
  const Csr<double> t = random.interactions(30, 8, 0.3);
  const auto same = [](const lae::ItemModel<double>& a, const lae::ItemModel<double>& b) {
    return (a.weights() - b.weights()).cwiseAbs().maxCoeff() < 1e-12;
  };
  CHECK(same(lae::L3ae<double>().fit(x, f), lae::L3ae<double>().fit(x, 100 * f)));
  CHECK(same(lae::L3ae<double>().fit(x, f),
             lae::L3ae<double>({0, 2 * lae::mean_squared_length(f), 100}).fit(x, f)));
  CHECK(same(lae::Cease<double>().fit(x, t),
             lae::Cease<double>({100, 10 / lae::mean_squared_length(t)}).fit(x, t)));
  CHECK(same(lae::AddEase<double>().fit(x, f), lae::AddEase<double>().fit(x, 0.01 * f)));
}

TEST_CASE("Solvers take empty braces, and deduce their Scalar", "[models]") {
  const lae::Ease<double> ease({});
  const lae::L3ae<double> l3ae({});
  const lae::Cease<float> cease{};
  const lae::Ease in_double({});
  const lae::L3aeOptions options{-5, 3, 20};
  const lae::L3ae by_options(options);
  CHECK(std::is_same_v<decltype(in_double), const lae::Ease<double>>);
  CHECK(std::is_same_v<decltype(by_options), const lae::L3ae<double>>);
  CHECK(by_options.options().lambda_kd == 20);
  CHECK(ease.options().lambda == lae::EaseOptions().lambda);
  CHECK(l3ae.options().lambda_kd == lae::L3aeOptions().lambda_kd);
  CHECK(cease.options().lambda == lae::CeaseOptions().lambda);
  CHECK(lae::Ease<double>({7}).options().lambda == 7);
  CHECK_FALSE(std::is_copy_constructible_v<lae::ItemModel<double>>);
  CHECK(std::is_nothrow_move_constructible_v<lae::ItemModel<double>>);
}

TEST_CASE("Sources say what does not fit", "[models][sources][errors]") {
  RandomData random(71);
  const Csr<double> x = random.interactions(20, 8);
  const Matrix<double> f = random.dense(8, 3);
  lae::Sources<double> sources;
  CHECK_THROWS_WITH(lae::L3ae<double>().fit(x, sources), ContainsSubstring("0 rows"));
  sources.add(f);
  CHECK_THROWS_WITH(sources.add(random.dense(7, 3)),
                    ContainsSubstring("7 rows") && ContainsSubstring("8 items"));
  CHECK_THROWS_WITH(sources.add(f, -1), ContainsSubstring("weight"));
  CHECK_THROWS_WITH(sources.add(Matrix<double>(8, 0)), ContainsSubstring("8 x 0"));
  CHECK(sources.size() == 1);

  lae::Sources<double> in_gram;
  in_gram.add(f, 1, lae::SourceRole::gram);
  CHECK_THROWS_WITH(lae::L3ae<double>().fit(x, in_gram), ContainsSubstring("semantic phase"));
  CHECK_THROWS_WITH(lae::FeatureEase<double>().fit(in_gram), ContainsSubstring("Gram matrix"));
  lae::Sources<double> in_semantics;
  in_semantics.add(f, 1, lae::SourceRole::semantics);
  CHECK_THROWS_WITH(lae::Cease<double>().fit(x, in_semantics),
                    ContainsSubstring("no semantic phase"));
  lae::CeaseOptions dual;
  dual.form = lae::FitForm::dual;
  CHECK_THROWS_WITH(lae::Cease<double>(dual).fit(random.interactions(4, 8), f),
                    ContainsSubstring("no dual form"));
}

TEST_CASE("A model gives its weights away without a copy", "[models]") {
  RandomData random(65);
  auto model = lae::Ease<double>().fit(random.interactions(20, 10));
  const double* storage = model.weights().data();
  const Matrix<double> weights = std::move(model).weights();
  CHECK(weights.data() == storage);
}
