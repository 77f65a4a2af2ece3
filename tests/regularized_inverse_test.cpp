#include <lae/algebra/regularized_inverse.hpp>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::FitForm;
using lae::Index;
using lae::Matrix;
using lae::Vector;
using naive::Dense;
using naive::largest;

namespace {

template <class Scalar>
Dense inverse(const Csr<double>& x, const Vector<double>& ridge, FitForm form) {
  return lae::regularized_inverse<Scalar>(Csr<Scalar>(x.cast<Scalar>()),
                                          Vector<Scalar>(ridge.cast<Scalar>()), form)
      .template cast<double>();
}

}  // namespace

TEMPLATE_TEST_CASE("Primal and dual forms equal the textbook inverse", "[inverse][dual]",
                   LAE_SCALARS) {
  const double tolerance = std::is_same_v<TestType, float> ? 1e-5 : 1e-13;
  RandomData random(40);
  for (const auto& [users, items] : std::vector<std::pair<Index, Index>>{
           {1, 1}, {1, 7}, {6, 7}, {7, 7}, {30, 90}, {100, 101}, {60, 400}, {150, 300}}) {
    for (const bool empty : {false, true}) {
      INFO("users x items " << users << " x " << items << (empty ? ", no interactions" : ""));
      Csr<double> x = random.interactions(users, items);
      for (Index entry = 0; entry < x.nonZeros(); ++entry) {
        x.valuePtr()[entry] = 2 * random.uniform() - 0.5;
      }
      if (empty) x.setZero();
      const Vector<double> ridge = random.dense(items, 1).cwiseAbs().array() + 0.5;
      const Dense expected = naive::inverse(Dense(x).transpose() * Dense(x), ridge);
      CHECK(largest(inverse<TestType>(x, ridge, FitForm::primal) - expected) < tolerance);
      const Dense dual = inverse<TestType>(x, ridge, FitForm::dual);
      CHECK(largest(dual - expected) < tolerance);
      CHECK(dual == dual.transpose());
      const Dense with_number = lae::regularized_inverse<TestType>(
                                    Csr<TestType>(x.cast<TestType>()), TestType(2), FitForm::dual)
                                    .template cast<double>();
      CHECK(largest(with_number - inverse<TestType>(x, naive::constant(items, 2), FitForm::dual)) ==
            0);
    }
  }
}

TEMPLATE_TEST_CASE("The dual form has the same bits from any number of threads",
                   "[inverse][threads]", LAE_SCALARS) {
  RandomData random(41);
  const Csr<double> x = random.interactions(330, 700);
  const auto fit = [&] { return inverse<TestType>(x, naive::constant(700, 3), FitForm::dual); };
  const auto alone = with_threads(1, fit);
  for (const int threads : thread_counts) CHECK(alone == with_threads(threads, fit));
}

TEMPLATE_TEST_CASE("Elimination equals the textbook inverse", "[inverse][elimination]",
                   LAE_SCALARS) {
  const double tolerance = std::is_same_v<TestType, float> ? 1e-5 : 1e-12;
  RandomData random(43);
  for (const Index items : {1, 2, 3, 5, 63, 64, 65, 130, 300}) {
    for (const double density : {0.0, 0.003, 0.01, 0.05, 1.0}) {
      INFO(items << " items, density " << density);
      Csr<double> x = random.interactions(2 * items + 1, items, density);
      for (Index entry = 0; entry < x.nonZeros(); ++entry) {
        x.valuePtr()[entry] = 2 * random.uniform() - 0.5;
      }
      const Vector<double> ridge = random.dense(items, 1).cwiseAbs().array() + 0.5;
      const Dense expected = naive::inverse(Dense(x).transpose() * Dense(x), ridge);
      const Dense actual = inverse<TestType>(x, ridge, FitForm::eliminated);
      CHECK(largest(actual - expected) < tolerance);
      CHECK(actual == actual.transpose());
    }
  }
}

TEST_CASE("Elimination keeps to its order and leaves a small rest", "[inverse][elimination]") {
  // A star: leaves go first, the least first, and make no new pairs.
  Matrix<double> star = Dense::Identity(6, 6) * 10;
  star.row(2).head(2).setOnes();
  star.col(2).tail(3).setOnes();
  lae::detail::SparsityGraph graph{lae::detail::Tile<double>(star)};
  CHECK(graph.degree(2) == 5);
  for (const Index leaf : {0, 1, 3, 4, 5}) CHECK(graph.degree(leaf) == 1);
  // With at most 6 items, one neighbour is too many (see is_worth_elimination).
  CHECK(lae::detail::elimination_order(graph).empty());

  // Pairs of items: all go but the last quarter.
  const Index n = 400;
  Matrix<double> pairs = Dense::Identity(n, n) * 3;
  for (Index i = 0; i < n; i += 2) pairs(i + 1, i) = 1;
  const Dense expected = Dense(pairs.selfadjointView<Eigen::Lower>()).inverse();
  const Index rest = lae::detail::invert_gram<double>(pairs, FitForm::eliminated, {}, {});
  CHECK(rest == n / 4);
  CHECK(largest(pairs - expected) < 1e-14);

  Matrix<double> full = Dense::Ones(70, 70) + 5 * Dense::Identity(70, 70);
  CHECK(lae::detail::invert_gram<double>(full, FitForm::eliminated, {}, {}) == 70);
}

TEMPLATE_TEST_CASE("Elimination has the same bits from any number of threads",
                   "[inverse][elimination][threads]", LAE_SCALARS) {
  RandomData random(44);
  const Csr<double> x = random.interactions(900, 700, 0.004);
  const auto fit = [&] {
    return inverse<TestType>(x, naive::constant(700, 3), FitForm::eliminated);
  };
  const auto alone = with_threads(1, fit);
  for (const int threads : thread_counts) CHECK(alone == with_threads(threads, fit));
}

TEST_CASE("A pivot that fails in or after elimination is named by its item",
          "[inverse][elimination][errors]") {
  const Index n = 300;
  Matrix<double> gram = Dense::Identity(n, n);
  gram.block(200, 0, 100, 100).setConstant(0.01);
  const auto failed_item = [&](Index item, double pivot) {
    Matrix<double> broken = gram;
    broken(item, item) = pivot;
    try {
      lae::detail::invert_gram<double>(broken, FitForm::eliminated, {}, {});
    } catch (const lae::NotPositiveDefinite& error) {
      CHECK_THAT(error.what(), ContainsSubstring("of item " + std::to_string(item) + " (of 300)"));
      return error.index();
    }
    return Index(-1);
  };
  CHECK(failed_item(150, -1) == 150);  // beside nothing
  CHECK(failed_item(7, 0) == 7);
  CHECK(failed_item(299, -2) == 299);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(failed_item(150, nan) == 150);
}

TEST_CASE("Elimination can be cancelled at every call", "[inverse][elimination][errors]") {
  RandomData random(46);
  const Csr<double> x = random.interactions(500, 400, 0.004);
  int calls = 0;
  int allowed = 1 << 30;
  const lae::Progress watch = [&](std::string_view, double) { return ++calls <= allowed; };
  const auto fit = [&] { return lae::regularized_inverse(x, 1.0, FitForm::eliminated, watch); };
  CHECK(fit().rows() == 400);
  const int all = calls;
  for (allowed = 0; allowed < all; allowed += 7) {
    calls = 0;
    CHECK_THROWS_AS(fit(), lae::Cancelled);
  }
}

TEST_CASE("The dual form is chosen when it is cheaper", "[inverse][dual][estimate]") {
  const auto form = [](Index users, Index items, Index interactions) {
    return lae::detail::inverse_cost<double>(users, items, interactions, FitForm::automatic).form;
  };
  CHECK(form(1000, 30000, 20000) == FitForm::dual);
  CHECK(form(20000, 30000, 400000) == FitForm::dual);
  CHECK(form(30000, 30000, 400000) == FitForm::primal);
  CHECK(form(100000, 30000, 400000) == FitForm::primal);
  // Sparse products with a nearly dense X would cost more than they save.
  CHECK(form(20000, 30000, 300000000) == FitForm::primal);
  CHECK(lae::detail::inverse_cost<double>(10, 30, 40, FitForm::primal).form == FitForm::primal);
  CHECK(lae::detail::inverse_cost<double>(10, 30, 300, FitForm::dual).form == FitForm::dual);

  // The choice is what happens: only the dual form reports the stage "expand".
  RandomData random(42);
  for (const Index users : {30, 500}) {
    bool expanded = false;
    const auto watch = [&](std::string_view stage, double) {
      expanded = expanded || stage == "expand";
      return true;
    };
    const Csr<double> x = random.interactions(users, 400, 0.01);
    CHECK(lae::regularized_inverse(x, 1.0, FitForm::automatic, watch).rows() == 400);
    CHECK(expanded == (users == 30));
  }
}

TEST_CASE("Forms that cannot work are refused", "[inverse][dual][errors]") {
  RandomData random(43);
  const Csr<double> x = random.interactions(5, 9);
  CHECK_THROWS_WITH(
      lae::regularized_inverse<double>(random.interactions(10, 9), 1.0, FitForm::dual),
      ContainsSubstring("10 x 9"));
  CHECK_THROWS_AS(lae::regularized_inverse<double>(x, -1.0, FitForm::dual), std::invalid_argument);
  CHECK_THROWS_WITH(lae::regularized_inverse<double>(x, Vector<double>(3)),
                    ContainsSubstring("3 values") && ContainsSubstring("9 items"));
  // A zero in the ridge has no reciprocal; the primal form needs none.
  Vector<double> ridge = Vector<double>::Ones(9);
  ridge[4] = 0;
  CHECK_THROWS_WITH(lae::regularized_inverse<double>(x, ridge, FitForm::dual),
                    ContainsSubstring("positive"));
  Csr<double> one_user(1, 9);
  one_user.insert(0, 4) = 1;
  const Matrix<double> p = lae::regularized_inverse<double>(one_user, ridge);
  CHECK(p(4, 4) == Approx(1));
}

TEST_CASE("A diagonal that the dual form lost in rounding is refused", "[inverse][dual][errors]") {
  // In float, v^2 / (1 + v^2) is 1 give or take a rounding error: for some v, more than 1.
  int refused = 0;
  for (int i = 0; i < 64; ++i) {
    Csr<float> heavy(1, 3);
    heavy.insert(0, 1) = 1e4f + 100.0f * static_cast<float>(i);
    try {
      const Matrix<float> p = lae::regularized_inverse<float>(heavy, 1.0f, FitForm::dual);
      CHECK(p(1, 1) > 0);
    } catch (const lae::NotPositiveDefinite& error) {
      ++refused;
      CHECK(error.item() == 1);
      CHECK_THAT(error.what(), ContainsSubstring("primal"));
    }
    CHECK_NOTHROW(lae::regularized_inverse<float>(heavy, 1.0f, FitForm::primal));
  }
  CHECK(refused > 0);
}

TEST_CASE("The dual form can be cancelled", "[inverse][dual][progress]") {
  RandomData random(44);
  const Csr<double> x = random.interactions(40, 300);
  for (const char* const stage : {"invert", "expand"}) {
    CHECK_THROWS_AS(lae::regularized_inverse<double>(x, 1.0, FitForm::dual,
                                                     [&](std::string_view name, double fraction) {
                                                       return name != stage || fraction < 0.5;
                                                     }),
                    lae::Cancelled);
  }
}
