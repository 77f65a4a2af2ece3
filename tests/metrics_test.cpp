// The metrics by hand, against their definitions, and by laws.

#include <lae/evaluation/coverage.hpp>
#include <lae/evaluation/gini.hpp>
#include <lae/evaluation/metric.hpp>
#include <lae/evaluation/novelty.hpp>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "naive_metrics.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using lae::Matrix;
using lae::Metric;

namespace {

using List = std::vector<Index>;

Matrix<Index> matrix_of(const std::vector<List>& lists, Index places) {
  Matrix<Index> matrix = Matrix<Index>::Constant(static_cast<Index>(lists.size()), places, -1);
  for (std::size_t user = 0; user < lists.size(); ++user) {
    for (std::size_t place = 0; place < lists[user].size(); ++place) {
      matrix(static_cast<Index>(user), static_cast<Index>(place)) = lists[user][place];
    }
  }
  return matrix;
}

/// A random order of some of the items.
List random_list(RandomData& random, Index items, Index length) {
  List all(static_cast<std::size_t>(items));
  for (Index i = 0; i < items; ++i) all[static_cast<std::size_t>(i)] = i;
  for (Index i = items; i > 1; --i) {
    std::swap(all[static_cast<std::size_t>(i - 1)], all[static_cast<std::size_t>(random.below(i))]);
  }
  all.resize(static_cast<std::size_t>(length));
  return all;
}

}  // namespace

TEST_CASE("Metrics of a list by hand", "[metrics]") {
  const List ranked = {7, 3, 9, 1, -1, -1};
  const List relevant = {1, 3, 4};
  using lae::RecallDenominator;
  CHECK(lae::recall(ranked, relevant, 1) == 0);
  CHECK(lae::recall(ranked, relevant, 2) == Approx(1.0 / 3));
  CHECK(lae::recall(ranked, relevant, 2, RecallDenominator::capped) == Approx(1.0 / 2));
  CHECK(lae::recall(ranked, relevant, 10) == Approx(2.0 / 3));
  CHECK(lae::recall(ranked, relevant, 10, RecallDenominator::capped) == Approx(2.0 / 3));
  const double second = 1 / std::log2(3.0);
  const double fourth = 1 / std::log2(5.0);
  CHECK(lae::ndcg(ranked, relevant, 1) == 0);
  CHECK(lae::ndcg(ranked, relevant, 2) == Approx(second / (1 + second)));
  CHECK(lae::ndcg(ranked, relevant, 4) == Approx((second + fourth) / (1 + second + 0.5)));
  CHECK(lae::ndcg(ranked, relevant, 100) == lae::ndcg(ranked, relevant, 4));
  CHECK(lae::precision(ranked, relevant, 2) == 0.5);
  CHECK(lae::precision(ranked, relevant, 10) == Approx(0.2));
  CHECK(lae::hit_rate(ranked, relevant, 1) == 0);
  CHECK(lae::hit_rate(ranked, relevant, 4) == 1);
  CHECK(lae::reciprocal_rank(ranked, relevant, 1) == 0);
  CHECK(lae::reciprocal_rank(ranked, relevant, 4) == 0.5);
  // Hits at ranks 2 and 4 are the first and the second: precisions 1/2 and 2/4.
  CHECK(lae::average_precision(ranked, relevant, 1) == 0);
  CHECK(lae::average_precision(ranked, relevant, 2) == Approx(0.5 / 2));
  CHECK(lae::average_precision(ranked, relevant, 4) == Approx(1.0 / 3));

  CHECK(lae::recall(List{}, relevant, 3) == 0);
  CHECK_THROWS_WITH(lae::recall(ranked, relevant, 0), ContainsSubstring("cutoff"));
  CHECK_THROWS_WITH(lae::ndcg(ranked, List{3, 1}, 2), ContainsSubstring("sorted"));
}

TEST_CASE("Metrics of random lists equal their definitions", "[metrics]") {
  RandomData random(700);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const Index items = 1 + random.below(30);
    const List ranked = random_list(random, items, random.below(items + 1));
    const List some = random_list(random, items, 1 + random.below(items));
    const std::set<Index> relevant(some.begin(), some.end());
    const Index k = 1 + random.below(40);
    for (const Metric metric : lae::all_metrics) {
      for (const bool capped : {false, true}) {
        INFO(lae::metric_name(metric) << "@" << k);
        const auto denominator =
            capped ? lae::RecallDenominator::capped : lae::RecallDenominator::relevant;
        const List sorted(relevant.begin(), relevant.end());
        CHECK(lae::measure(metric, ranked, sorted, k, denominator) ==
              Approx(naive::metric(metric, ranked, relevant, k, capped)).margin(1e-14));
      }
    }
  }
}

TEST_CASE("Metrics of lists keep their laws", "[metrics]") {
  RandomData random(701);
  for (const Metric metric : lae::all_metrics) {
    INFO(lae::metric_name(metric));
    const List relevant = {2, 3, 5};
    // A perfect list has 1, a list without hits 0, and neither is defined without relevant items.
    CHECK(lae::measure(metric, relevant, relevant, 3) == Approx(1));
    CHECK(lae::measure(metric, List{0, 1, 4}, relevant, 3) == 0);
    CHECK(std::isnan(lae::measure(metric, List{0, 1}, List{}, 2)));
    CHECK_THROWS_WITH(lae::measure(metric, List{0}, relevant, 0), ContainsSubstring("cutoff"));
    CHECK_THROWS_WITH(lae::measure(metric, List{0}, List{5, 2}, 1), ContainsSubstring("sorted"));
    // A hit that moves up does no harm; padding does nothing.
    for (Index place = 4; place > 0; --place) {
      List low(5, 0);
      List high = low;
      low[static_cast<std::size_t>(place)] = 3;
      high[static_cast<std::size_t>(place - 1)] = 3;
      CHECK(lae::measure(metric, high, relevant, 5) >= lae::measure(metric, low, relevant, 5));
      List padded = high;
      padded.insert(padded.end(), 3, -1);
      CHECK(lae::measure(metric, padded, relevant, 8) == lae::measure(metric, high, relevant, 8));
    }
  }
  CHECK(lae::metric_name(Metric::hit_rate) == "hit_rate");
  CHECK_THROWS_WITH(lae::metric_name(static_cast<Metric>(17)), ContainsSubstring("17"));
  CHECK_THROWS_WITH(lae::measure(static_cast<Metric>(17), List{1}, List{1}, 1),
                    ContainsSubstring("17"));
}

TEST_CASE("Coverage, novelty and Gini by hand", "[metrics]") {
  const Matrix<Index> lists = matrix_of({{0, 1, 2}, {0, 3}, {0}}, 3);  // of 5 items
  CHECK(lae::coverage(lists, 1, 5) == Approx(0.2));
  CHECK(lae::coverage(lists, 2, 5) == Approx(0.6));
  CHECK(lae::coverage(lists, 9, 5) == Approx(0.8));
  // Item 0 has all 8 users, 1 has one, 2 nobody, 3 four.
  const std::vector<Index> users = {8, 1, 0, 4, 2};
  CHECK(lae::novelty(lists, 1, users, 8) == 0);
  CHECK(lae::novelty(lists, 2, users, 8) == Approx((3 * 0.0 + 3 + 1) / 5));
  CHECK(lae::novelty(lists, 3, users, 8) == Approx((3 * 0.0 + 3 + 3 + 1) / 6));
  CHECK(lae::gini(lists, 1, 5) == 1);
  CHECK(lae::gini(matrix_of({{0, 1}, {2, 3}}, 2), 2, 4) == 0);
  // Counts 0, 1, 1, 1, 3: (-4 * 0 - 2 * 1 + 0 * 1 + 2 * 1 + 4 * 3) / (4 * 6).
  CHECK(lae::gini(lists, 3, 5) == Approx(0.5));

  const Matrix<Index> nothing = matrix_of({{}, {}}, 3);
  CHECK(lae::coverage(nothing, 3, 5) == 0);
  CHECK(std::isnan(lae::coverage(Matrix<Index>(0, 3), 3, 0)));
  CHECK(std::isnan(lae::novelty(nothing, 3, users, 8)));
  CHECK(std::isnan(lae::gini(nothing, 3, 5)));
  CHECK(std::isnan(lae::gini(matrix_of({{0}}, 1), 1, 1)));

  CHECK_THROWS_WITH(lae::coverage(lists, 0, 5), ContainsSubstring("cutoff"));
  CHECK_THROWS_WITH(lae::gini(lists, 3, 3), ContainsSubstring("item 3, out of 3"));
  CHECK_THROWS_WITH(lae::novelty(lists, 3, {8, 1, 0, 9, 2}, 8), ContainsSubstring("item 3"));
}

TEST_CASE("Coverage, novelty and Gini of random lists equal their definitions", "[metrics]") {
  RandomData random(702);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const Index items = 2 + random.below(20);
    const naive::Dense train(random.interactions(9, items, 0.3));
    std::vector<Index> users;
    for (Index i = 0; i < items; ++i) users.push_back((train.col(i).array() != 0).count());
    std::vector<List> lists(9);
    for (List& list : lists) list = random_list(random, items, 1 + random.below(items));
    const Matrix<Index> matrix = matrix_of(lists, items);
    for (const Index k : {Index(1), Index(3), 2 * items}) {
      CHECK(lae::coverage(matrix, k, items) == Approx(naive::coverage(lists, k, items)));
      CHECK(lae::novelty(matrix, k, users, 9) ==
            Approx(naive::novelty(lists, k, train)).margin(1e-12));
      CHECK(lae::gini(matrix, k, items) == Approx(naive::gini(lists, k, items)).margin(1e-12));
    }
    // In any order of the users.
    const Matrix<Index> reversed = matrix.colwise().reverse();
    CHECK(lae::novelty(reversed, 3, users, 9) == lae::novelty(matrix, 3, users, 9));
    CHECK(lae::gini(reversed, 3, items) == lae::gini(matrix, 3, items));
  }
}
