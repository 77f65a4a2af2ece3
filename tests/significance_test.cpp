// Paired comparisons against values by hand and of SciPy, and by laws.

#include <lae/evaluation/significance.hpp>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::compare_paired;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("The t-test by hand and as SciPy has it", "[significance]") {
  // Differences 1, 2, 3, 4: mean 2.5, standard error √(5/3) / 2, t = 3.873 with 3 degrees of
  // freedom, for which tables say p = 0.0305.
  const auto result = compare_paired({2, 4, 6, 8}, {1, 2, 3, 4});
  CHECK(result.users == 4);
  CHECK(result.difference == Approx(2.5));
  CHECK(result.t == Approx(3.87298));
  CHECK(result.p_value == Approx(0.03047).epsilon(1e-3));
  // scipy.stats.ttest_rel
  const auto many = compare_paired({0.61, 0, 0.39, 1, 0.5, 0, 0.43, 0.63, 0, 0.29},
                                   {0.5, 0, 0.31, 1, 0.63, 0, 0, 0.5, 0.1, 0.29});
  CHECK(many.difference == Approx(0.052));
  CHECK(many.t == Approx(1.0513695387335247).epsilon(1e-12));
  CHECK(many.p_value == Approx(0.32049803218330597).epsilon(1e-10));
}

TEST_CASE("The bootstrap's interval is the normal one of many users", "[significance]") {
  RandomData random(403);
  std::vector<double> a;
  const std::vector<double> b(4000, 0.0);
  for (std::size_t i = 0; i < b.size(); ++i) a.push_back(0.1 + random.uniform());
  const auto result = compare_paired(a, b);
  const double error = result.difference / result.t;
  CHECK(result.low == Approx(result.difference - 1.96 * error).margin(0.2 * error));
  CHECK(result.high == Approx(result.difference + 1.96 * error).margin(0.2 * error));
  const auto narrow = compare_paired(a, b, {1, 2000, 0.6827});
  CHECK(narrow.low == Approx(narrow.difference - error).margin(0.15 * error));
  CHECK(narrow.high == Approx(narrow.difference + error).margin(0.15 * error));
  // The t-test is not the bootstrap's affair, and the seed decides the bootstrap.
  const auto other = compare_paired(a, b, {2, 2000, 0.95});
  CHECK(other.t == result.t);
  CHECK(other.low != result.low);
  CHECK(compare_paired(a, b).low == result.low);
  // All resamples but one are within; of one resample nothing can be left out.
  const auto single = compare_paired(a, b, {1, 1, 0.95});
  CHECK(single.low == single.high);
}

TEST_CASE("Paired comparisons are symmetric, and scale and shift as they must", "[significance]") {
  RandomData random(404);
  std::vector<double> a;
  std::vector<double> b;
  for (int i = 0; i < 50; ++i) {
    a.push_back(random.uniform());
    b.push_back(random.uniform());
  }
  const auto result = compare_paired(a, b);
  CHECK(result.low < result.difference);
  CHECK(result.difference < result.high);
  const auto mirrored = compare_paired(b, a);
  CHECK(mirrored.difference == Approx(-result.difference));
  CHECK(mirrored.t == Approx(-result.t));
  CHECK(mirrored.p_value == Approx(result.p_value));
  CHECK(mirrored.low == Approx(-result.high));
  CHECK(mirrored.high == Approx(-result.low));
  std::vector<double> scaled_a;
  std::vector<double> scaled_b;
  for (std::size_t i = 0; i < a.size(); ++i) {
    scaled_a.push_back(4 * a[i] + 1);
    scaled_b.push_back(4 * b[i] + 1);
  }
  const auto scaled = compare_paired(scaled_a, scaled_b);
  CHECK(scaled.t == Approx(result.t));
  CHECK(scaled.p_value == Approx(result.p_value));
  CHECK(scaled.low == Approx(4 * result.low));
}

TEST_CASE("Models that do not differ, or differ alike for all", "[significance]") {
  const auto same = compare_paired({1, 2}, {1, 2});
  CHECK(same.difference == 0);
  CHECK(same.t == 0);
  CHECK(same.p_value == 1);
  CHECK(same.low == 0);
  CHECK(same.high == 0);
  const auto better = compare_paired({1.5, 2.5, 0.5}, {1, 2, 0});
  CHECK(better.difference == 0.5);
  CHECK(better.t == infinity);
  CHECK(better.p_value == 0);
  CHECK(compare_paired({1, 2, 0}, {1.5, 2.5, 0.5}).t == -infinity);
}

TEST_CASE("Columns of users' values", "[significance]") {
  lae::Matrix<double> values(3, 2);
  values << 1, 2, 3, 4, 5, 6;
  CHECK(lae::values_of_users(values, 1) == std::vector<double>{2, 4, 6});
  CHECK_THROWS_WITH(lae::values_of_users(values, 2), ContainsSubstring("column 2"));
}

TEST_CASE("compare_paired refuses what it cannot compare", "[significance][errors]") {
  CHECK_THROWS_WITH(compare_paired({1, 2}, {1, 2, 3}),
                    ContainsSubstring("2 users") && ContainsSubstring("3"));
  CHECK_THROWS_AS(compare_paired({1}, {1}), std::invalid_argument);
  CHECK_THROWS_WITH(compare_paired({1, std::numeric_limits<double>::quiet_NaN()}, {1, 2}),
                    ContainsSubstring("user 1"));
  CHECK_THROWS_WITH(compare_paired({1, 2}, {1, 3}, {1, 0, 0.95}), ContainsSubstring("resamples"));
  CHECK_THROWS_WITH(compare_paired({1, 2}, {1, 3}, {1, 10, 1}), ContainsSubstring("confidence"));
}
