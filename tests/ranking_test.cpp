// Recommending and the evaluator, against naive recomputation.

#include <lae/lae.hpp>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "naive_metrics.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::ItemModel;
using lae::Matrix;
using naive::Dense;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Weights with many equal scores: small whole numbers.
ItemModel<double> coarse_model(RandomData& random, Index items) {
  Matrix<double> weights = (2 * random.dense(items, items)).array().round();
  weights.diagonal().setZero();
  return ItemModel<double>(weights);
}

}  // namespace

TEST_CASE("Lists equal a full sort, ties to the lower index", "[recommend]") {
  RandomData random(40);
  // More items than one range of columns, and fewer users than one batch, and the reverse.
  for (const auto& [users, items] : {std::pair<Index, Index>{30, 1500}, {200, 40}, {3, 1}}) {
    const ItemModel<double> model = coarse_model(random, items);
    const Csr<double> histories = random.interactions(users, items, 0.1);
    const Dense scores = Dense(histories) * model.weights();
    for (const bool exclude_seen : {true, false}) {
      for (const Index batch : {1, 7, 1000}) {
        lae::RecommendOptions options;
        options.k = 25;
        options.exclude_seen = exclude_seen;
        options.batch_users = batch;
        const auto top = lae::recommend(model, histories, options);
        REQUIRE(top.items.rows() == users);
        REQUIRE(top.items.cols() == 25);
        for (Index user = 0; user < users; ++user) {
          std::set<Index> excluded;
          if (exclude_seen) excluded = naive::items_of(Dense(histories), user);
          std::vector<Index> expected = naive::ranking(scores.row(user), excluded);
          expected.resize(25, -1);
          CHECK(naive::row_of(top.items, user) == expected);
          for (Index place = 0; place < 25; ++place) {
            const Index item = top.items(user, place);
            CHECK(top.scores(user, place) == (item < 0 ? -infinity : scores(user, item)));
          }
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("Lists have the same bits from any number of threads", "[recommend][threads]",
                   LAE_SCALARS) {
  RandomData random(41);
  const ItemModel<TestType> model(random.dense(700, 700).cast<TestType>());
  const Csr<double> histories = random.interactions(300, 700, 0.05);
  const auto top = [&] { return lae::recommend(model, histories, {50}); };
  const auto one = with_threads(1, top);
  for (const int threads : thread_counts) {
    const auto many = with_threads(threads, top);
    CHECK(one.items == many.items);
    CHECK(one.scores == many.scores);
  }
}

TEST_CASE("Allow and deny lists bound what is recommended", "[recommend]") {
  RandomData random(42);
  const ItemModel<double> model = coarse_model(random, 30);
  const Csr<double> histories = random.interactions(20, 30, 0.1);
  lae::RecommendOptions options;
  options.k = 30;
  options.allow = {{3, 5, 8, 21, 29}};
  options.deny = {5, 6, 29};
  const auto top = lae::recommend(model, histories, options);
  for (Index user = 0; user < 20; ++user) {
    const std::set<Index> seen = naive::items_of(Dense(histories), user);
    std::set<Index> expected;
    for (const Index item : {3, 8, 21}) {
      if (seen.count(item) == 0) expected.insert(item);
    }
    const std::vector<Index> row = naive::row_of(top.items, user);
    std::set<Index> recommended(row.begin(), row.end());
    CHECK(recommended.erase(-1) == 1);
    CHECK(recommended == expected);
  }
  options.allow = std::vector<Index>{};
  CHECK((lae::recommend(model, histories, options).items.array() == -1).all());
  options.allow.reset();
  options.deny = {30};
  CHECK_THROWS_WITH(lae::recommend(model, histories, options),
                    ContainsSubstring("deny") && ContainsSubstring("30 items"));
  options.deny.clear();
  options.allow = {{-1}};
  CHECK_THROWS_WITH(lae::recommend(model, histories, options), ContainsSubstring("allow"));
}

TEST_CASE("New users fold in: any rows over the model's items", "[recommend]") {
  RandomData random(43);
  const Csr<double> train = random.interactions(40, 25);
  const auto model = lae::Ease<double>({5}).fit(train);
  const Csr<double> strangers = random.interactions(7, 25);
  const Csr<double> weighted = strangers * 2.5;
  const Dense expected = Dense(weighted) * model.weights();
  CHECK((Dense(model.score(weighted)) - expected).cwiseAbs().maxCoeff() < 1e-12);
  CHECK((Dense(model.score({4, 9})) -
         Dense((model.weights().row(4) + model.weights().row(9)).transpose()))
            .cwiseAbs()
            .maxCoeff() < 1e-12);
  CHECK(lae::recommend(model, strangers, {5}).items == lae::recommend(model, weighted, {5}).items);
  const Csr<double> nobody(2, 25);
  const auto top = lae::recommend(model, nobody, {3});
  CHECK(naive::row_of(top.items, 1) == std::vector<Index>{0, 1, 2});  // all scores are zero
  CHECK(lae::recommend(model, Csr<double>(0, 25), {3}).items.rows() == 0);
}

TEST_CASE("Scores that are NaN are never recommended", "[recommend]") {
  Matrix<double> weights = Matrix<double>::Zero(4, 4);
  weights(0, 1) = std::numeric_limits<double>::quiet_NaN();
  weights(0, 2) = -infinity;
  weights(0, 3) = 1;
  const auto top =
      lae::recommend(ItemModel<double>(weights), naive::sparse(Dense::Identity(1, 4)), {4});
  CHECK(naive::row_of(top.items, 0) == std::vector<Index>{3, 2, -1, -1});
}

TEST_CASE("recommend refuses what it cannot do", "[recommend][errors]") {
  RandomData random(44);
  const ItemModel<double> model = coarse_model(random, 6);
  CHECK_THROWS_WITH(lae::recommend(model, Csr<double>(2, 5)),
                    ContainsSubstring("5 columns") && ContainsSubstring("6 items"));
  CHECK_THROWS_WITH(lae::recommend(model, Csr<double>(2, 6), {0}), ContainsSubstring("k must"));
  lae::RecommendOptions no_batch;
  no_batch.batch_users = 0;
  CHECK_THROWS_AS(lae::recommend(model, Csr<double>(2, 6), no_batch), std::invalid_argument);
  Csr<double> with_nan(2, 6);
  with_nan.insert(1, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(lae::recommend(model, with_nan), ContainsSubstring("row 1, column 1"));
  CHECK_THROWS_WITH(model.score({0, 6}), ContainsSubstring("item 6"));
  CHECK_THROWS_WITH(model.score(Csr<double>(2, 5)), ContainsSubstring("5 columns"));
  CHECK_THROWS_WITH(ItemModel<double>(Matrix<double>(3, 4)), ContainsSubstring("3 x 4"));
}

namespace {

struct Split {
  Csr<double> train;
  Csr<double> test;
};

/// Some users have no test items, some no history, some neither.
Split random_split(std::uint64_t seed, Index users, Index items) {
  RandomData random(seed);
  Dense train = Dense(random.interactions(users, items, 0.12));
  Dense test = Dense(random.interactions(users, items, 0.06));
  for (Index user = 0; user < users; ++user) {
    if (user % 5 == 0) train.row(user).setZero();
    if (user % 7 == 0) test.row(user).setZero();
  }
  test = (train.array() != 0).select(0, test);
  return {naive::sparse(train), naive::sparse(test)};
}

/// Every user's candidates, best first.
std::vector<std::vector<Index>> rankings(const ItemModel<double>& model, const Csr<double>& train) {
  const Dense histories(train);
  const Dense scores = model.score(train);
  std::vector<std::vector<Index>> lists;
  for (Index user = 0; user < histories.rows(); ++user) {
    lists.push_back(naive::ranking(scores.row(user), naive::items_of(histories, user)));
  }
  return lists;
}

/// One value for each user that counts.
struct NaiveMetrics {
  std::vector<Index> users{};
  std::vector<double> recall{};
  std::vector<double> ndcg{};

  static double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  }
};

NaiveMetrics naive_metrics(const std::vector<std::vector<Index>>& lists, const Csr<double>& test,
                           Index k, bool capped, const std::set<Index>& counted) {
  const Dense held_out(test);
  NaiveMetrics metrics;
  for (Index user = 0; user < held_out.rows(); ++user) {
    std::set<Index> relevant;
    for (const Index item : naive::items_of(held_out, user)) {
      if (counted.count(item) != 0) relevant.insert(item);
    }
    if (relevant.empty()) continue;
    const auto value = [&](lae::Metric metric) {
      return naive::metric(metric, lists[static_cast<std::size_t>(user)], relevant, k, capped);
    };
    metrics.users.push_back(user);
    metrics.recall.push_back(value(lae::Metric::recall));
    metrics.ndcg.push_back(value(lae::Metric::ndcg));
  }
  return metrics;
}

/// The most popular fifth of the items, by sorting pairs of (-count, index).
std::set<Index> popular_fifth(const Csr<double>& train) {
  const Dense dense(train);
  std::vector<std::pair<double, Index>> order;
  for (Index item = 0; item < dense.cols(); ++item) order.push_back({-dense.col(item).sum(), item});
  std::sort(order.begin(), order.end());
  std::set<Index> head;
  for (Index place = 0; place < dense.cols() / 5; ++place) {
    head.insert(order[static_cast<std::size_t>(place)].second);
  }
  return head;
}

}  // namespace

TEST_CASE("The evaluator equals a naive one", "[evaluate]") {
  for (const auto& [users, items] : {std::pair<Index, Index>{90, 35}, {300, 12}, {40, 1100}}) {
    const Split split = random_split(50, users, items);
    RandomData random(51);
    const ItemModel<double> model = coarse_model(random, items);  // tied scores
    std::set<Index> everything;
    for (Index item = 0; item < items; ++item) everything.insert(item);
    const std::set<Index> head = popular_fifth(split.train);
    std::set<Index> tail = everything;
    for (const Index item : head) tail.erase(item);
    const auto lists = rankings(model, split.train);
    lae::EvaluateOptions options;
    options.cutoffs = {20, 1, 5, 2000};  // in any order, also above the number of items
    for (const bool capped : {false, true}) {
      options.recall_denominator =
          capped ? lae::RecallDenominator::capped : lae::RecallDenominator::relevant;
      std::vector<lae::EvaluationReport> reports;
      for (const Index batch : {1, 5, 10000}) {
        options.batch_users = batch;
        reports.push_back(lae::evaluate(model, split.train, split.test, options));
        CHECK(reports.back().cutoffs == options.cutoffs);
      }
      const auto check = [&](lae::GroupMetrics lae::EvaluationReport::*group,
                             const std::set<Index>& counted) {
        for (std::size_t c = 0; c < options.cutoffs.size(); ++c) {
          const auto expected =
              naive_metrics(lists, split.test, options.cutoffs[c], capped, counted);
          const auto largest_error = [&](const Matrix<double>& ours,
                                         const std::vector<double>& theirs) {
            const auto column = ours.col(static_cast<Index>(c));
            return (column - Eigen::Map<const Eigen::VectorXd>(theirs.data(), column.size()))
                .cwiseAbs()
                .maxCoeff();
          };
          for (const auto& report : reports) {
            const lae::GroupMetrics& ours = report.*group;
            REQUIRE(ours.users == expected.users);
            CHECK(ours.recall[c] == Approx(NaiveMetrics::mean(expected.recall)));
            CHECK(ours.ndcg[c] == Approx(NaiveMetrics::mean(expected.ndcg)));
            CHECK(largest_error(ours.user_recall, expected.recall) < 1e-14);
            CHECK(largest_error(ours.user_ndcg, expected.ndcg) < 1e-14);
          }
        }
      };
      check(&lae::EvaluationReport::all, everything);
      check(&lae::EvaluationReport::head, head);
      check(&lae::EvaluationReport::tail, tail);
    }
  }
}

TEST_CASE("A perfect and a worst recommender", "[evaluate]") {
  // User u has item u in training and 20 + u held out; the weights know it, or its opposite.
  const Index half = 20;
  Dense train = Dense::Zero(half, 2 * half);
  Dense test = train;
  Matrix<double> knows = Matrix<double>::Zero(2 * half, 2 * half);
  for (Index user = 0; user < half; ++user) {
    train(user, user) = 1;
    test(user, half + user) = 1;
    knows(user, half + user) = 1;
  }
  const auto perfect =
      lae::evaluate(ItemModel<double>(knows), naive::sparse(train), naive::sparse(test), {{1, 5}});
  CHECK(perfect.all.recall == std::vector<double>{1, 1});
  CHECK(perfect.all.ndcg == std::vector<double>{1, 1});
  CHECK(perfect.all.users.size() == 20);
  const auto worst = lae::evaluate(ItemModel<double>(-knows), naive::sparse(train),
                                   naive::sparse(test), {{1, 2 * half - 2, 2 * half - 1}});
  CHECK(worst.all.recall == std::vector<double>{0, 0, 1});  // last of all candidates
  CHECK(worst.all.ndcg[1] == 0);
}

TEST_CASE("Without anyone to measure, means are NaN", "[evaluate]") {
  RandomData random(52);
  const ItemModel<double> model = coarse_model(random, 10);
  const auto report = lae::evaluate(model, random.interactions(5, 10), Csr<double>(5, 10), {{3}});
  CHECK(report.all.users.empty());
  CHECK(std::isnan(report.all.recall[0]));
  CHECK(std::isnan(report.tail.ndcg[0]));
}

TEMPLATE_TEST_CASE("Evaluation has the same bits from any number of threads", "[evaluate][threads]",
                   LAE_SCALARS) {
  const Split split = random_split(53, 700, 60);
  RandomData random(54);
  const ItemModel<TestType> model(random.dense(60, 60).cast<TestType>());
  const auto evaluation = [&] { return lae::evaluate(model, split.train, split.test); };
  const auto one = with_threads(1, evaluation);
  const auto check = [](const lae::GroupMetrics& a, const lae::GroupMetrics& b) {
    CHECK(a.users == b.users);
    CHECK(a.recall == b.recall);
    CHECK(a.ndcg == b.ndcg);
    CHECK(a.user_recall == b.user_recall);
    CHECK(a.user_ndcg == b.user_ndcg);
  };
  for (const int threads : thread_counts) {
    const auto many = with_threads(threads, evaluation);
    check(one.all, many.all);
    check(one.head, many.head);
    check(one.tail, many.tail);
  }
}

TEST_CASE("A model in float is ranked and measured as in double", "[recommend][evaluate]") {
  const Split split = random_split(56, 90, 35);
  RandomData random(57);
  // Small whole numbers, so that sums are exact in both and ties are the same.
  const ItemModel<double> in_double = coarse_model(random, 35);
  const ItemModel<float> in_float(in_double.weights().cast<float>());
  const auto top = lae::recommend(in_float, split.train, {50});
  const auto expected = lae::recommend(in_double, split.train, {50});
  CHECK(top.items == expected.items);
  CHECK(top.scores == expected.scores.cast<float>());
  CHECK(lae::evaluate(in_float, split.train, split.test).all.ndcg ==
        lae::evaluate(in_double, split.train, split.test).all.ndcg);
}

TEST_CASE("evaluate refuses what it cannot measure", "[evaluate][errors]") {
  RandomData random(55);
  const ItemModel<double> model = coarse_model(random, 6);
  const Csr<double> x(3, 6);
  CHECK_THROWS_WITH(lae::evaluate(model, x, Csr<double>(4, 6)),
                    ContainsSubstring("3 x 6") && ContainsSubstring("4 x 6"));
  CHECK_THROWS_WITH(lae::evaluate(model, Csr<double>(3, 5), Csr<double>(3, 5)),
                    ContainsSubstring("5 columns") && ContainsSubstring("6 items"));
  CHECK_THROWS_WITH(lae::evaluate(model, x, x, {{}}), ContainsSubstring("cutoffs"));
  CHECK_THROWS_WITH(lae::evaluate(model, x, x, {{10, 0}}), ContainsSubstring("got 0"));
  lae::EvaluateOptions options;
  options.head_fraction = 1.5;
  CHECK_THROWS_WITH(lae::evaluate(model, x, x, options), ContainsSubstring("head_fraction"));
}
