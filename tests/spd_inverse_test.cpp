#include <lae/algebra/spd_inverse.hpp>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using lae::Matrix;
using naive::Dense;

namespace {

/// Sizes on both sides of every split and tile edge.
const std::vector<Index> sizes = {1, 2, 3, 47, 48, 49, 96, 97, 127, 128, 129, 256, 257, 400, 641};

}  // namespace

TEMPLATE_TEST_CASE("The inverse is exact to rounding, at any size", "[inverse]", LAE_SCALARS) {
  using Scalar = TestType;
  RandomData random(10);
  for (const Index n : sizes) {
    INFO("n = " << n);
    const Matrix<Scalar> a = random.positive_definite<Scalar>(n);
    Matrix<Scalar> p = a;
    // The strict upper triangle must not be read.
    p.template triangularView<Eigen::StrictlyUpper>().setConstant(
        std::numeric_limits<Scalar>::quiet_NaN());
    lae::invert_spd(p);
    CHECK(p == p.transpose());
    const Dense residual =
        a.template cast<double>() * p.template cast<double>() - Dense::Identity(n, n);
    CHECK(residual.cwiseAbs().maxCoeff() <=
          50 * static_cast<double>(n) *
              static_cast<double>(std::numeric_limits<Scalar>::epsilon()) *
              std::max(1.0, static_cast<double>(n) / 10));
  }
}

TEMPLATE_TEST_CASE("The inverse of the Cholesky factor makes the matrix the identity", "[inverse]",
                   LAE_SCALARS) {
  using Scalar = TestType;
  RandomData random(11);
  for (const Index n : sizes) {
    INFO("n = " << n);
    Matrix<Scalar> a = random.positive_definite<Scalar>(n);
    Matrix<Scalar> inverse = a;
    inverse.template triangularView<Eigen::StrictlyUpper>().setConstant(7);
    lae::invert_cholesky_factor(inverse);
    const Dense above =
        Dense(inverse.template cast<double>()).triangularView<Eigen::StrictlyUpper>();
    CHECK((above.array() == 7).count() == n * (n - 1) / 2);
    const Dense l = Dense(inverse.template cast<double>()).triangularView<Eigen::Lower>();
    CHECK((l.diagonal().array() > 0).all());
    CHECK((l * a.template cast<double>() * l.transpose() - Dense::Identity(n, n)).norm() <=
          10 * static_cast<double>(std::numeric_limits<Scalar>::epsilon()) *
              static_cast<double>(a.norm()) * std::sqrt(static_cast<double>(n)));
  }
}

TEST_CASE("The inverse has the same bits from any number of threads", "[inverse][threads]") {
  RandomData random(12);
  for (const Index n : {1, 100, 300, 777}) {
    INFO("n = " << n);
    const Matrix<double> a = random.positive_definite<double>(n);
    const auto inverse = [&] {
      Matrix<double> p = a;
      lae::invert_spd(p);
      return p;
    };
    const Matrix<double> one = with_threads(1, inverse);
    for (const int threads : thread_counts) CHECK(one == with_threads(threads, inverse));
  }
}

#ifdef _OPENMP
TEST_CASE("Inverses inside a caller's parallel region have the same bits", "[inverse][threads]") {
  RandomData random(13);
  const Matrix<double> a = random.positive_definite<double>(300);
  Matrix<double> alone = a;
  lae::invert_spd(alone);
  std::vector<Matrix<double>> inverses(4, a);
#pragma omp parallel for num_threads(2)
  for (std::size_t i = 0; i < inverses.size(); ++i) lae::invert_spd(inverses[i]);
  for (const Matrix<double>& inverse : inverses) CHECK(inverse == alone);
}
#endif

TEST_CASE("A matrix that is not positive definite names its pivot", "[inverse][errors]") {
  RandomData random(14);
  for (const Index bad : {0, 5, 100, 130, 399}) {
    INFO("pivot " << bad);
    Matrix<double> a = random.positive_definite<double>(400);
    a(bad, bad) = -1;
    try {
      lae::invert_spd(a);
      FAIL("no error");
    } catch (const lae::NotPositiveDefinite& error) {
      CHECK(error.item() == bad);
      CHECK_THAT(error.what(),
                 ContainsSubstring("item " + std::to_string(bad)) && ContainsSubstring("ridge"));
    }
  }
  Matrix<double> with_nan = random.positive_definite<double>(10);
  with_nan(7, 3) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(lae::invert_spd(with_nan), lae::NotPositiveDefinite);
  Matrix<double> oblong(3, 4);
  CHECK_THROWS_WITH(lae::invert_spd(oblong), ContainsSubstring("3 x 4"));
  Matrix<double> empty;
  CHECK_THROWS_AS(lae::invert_spd(empty), std::invalid_argument);
}

TEST_CASE("Progress rises from 0 to 1, cancels, and passes exceptions on", "[inverse][progress]") {
  RandomData random(15);
  const Matrix<double> a = random.positive_definite<double>(700);
  const int threads = GENERATE(1, 2);
  with_threads(threads, [&] {
    Matrix<double> p = a;
    std::vector<double> fractions;
    lae::invert_spd(p, [&](std::string_view stage, double fraction) {
      CHECK(stage == "invert");
      fractions.push_back(fraction);
      return true;
    });
    CHECK(fractions.size() > 10);
    CHECK(std::is_sorted(fractions.begin(), fractions.end()));
    CHECK(fractions.front() == 0);
    CHECK(fractions.back() == 1);

    int calls = 0;
    p = a;
    CHECK_THROWS_AS(
        lae::invert_spd(p, [&](std::string_view, double f) { return ++calls, f < 0.3; }),
        lae::Cancelled);
    CHECK(calls < static_cast<int>(fractions.size()));

    p = a;
    CHECK_THROWS_WITH(lae::invert_spd(p,
                                      [](std::string_view, double fraction) {
                                        if (fraction > 0.5)
                                          throw std::runtime_error("from the callback");
                                        return true;
                                      }),
                      "from the callback");
    return 0;
  });
}
