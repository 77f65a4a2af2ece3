// Whatever is a scorer is ranked, evaluated, explained and saved alike: one suite for ItemModel and
// for forms that a user of the library might write, against naive recomputation from their matrix.

#include <lae/evaluation/evaluate.hpp>
#include <lae/io/model_file.hpp>
#include <lae/ranking/explain.hpp>
#include <lae/ranking/recommend.hpp>
#include <limits>
#include <set>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "naive.hpp"
#include "naive_metrics.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::ItemModel;
using lae::Matrix;
using lae::Metric;
using naive::Dense;

namespace {

/// B = left * rightᵀ, never formed, one user at a time.
template <class Scalar_>
struct UserByUser {
  using Scalar = Scalar_;
  using Row = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;
  Matrix<Scalar> left, right;  // items x rank

  Index items() const { return left.rows(); }

  void add_scores(const lae::History<Scalar>& history, Index begin,
                  lae::ScoreRow<Scalar> scores) const {
    Row x = Row::Zero(left.cols());
    for (const auto& [item, value] : history) x += value * left.row(item);
    scores.noalias() += x * right.middleRows(begin, scores.size()).transpose();
  }
};

/// The same, with what the users of a batch share.
template <class Scalar_>
struct LowRank : UserByUser<Scalar_> {
  using Scalar = Scalar_;

  struct Batch {
    const Matrix<Scalar>& right;
    Matrix<Scalar> x;  // users x rank

    void add_scores(Index begin, lae::ScoreTile<Scalar> scores) const {
      scores.noalias() += x * right.middleRows(begin, scores.cols()).transpose();
    }
  };

  Batch batch(const lae::HistoryBatch<Scalar>& histories) const {
    Matrix<Scalar> x = Matrix<Scalar>::Zero(histories.size(), this->left.cols());
    for (Index user = 0; user < histories.size(); ++user) {
      for (const auto& [item, value] : histories[user]) x.row(user) += value * this->left.row(item);
    }
    return {this->right, std::move(x)};
  }
};

/// The factors of a model. Small whole numbers: sums are exact in any order, and there are ties.
struct Factors {
  Matrix<double> left, right;

  Factors(RandomData& random, Index items)
      : left((2 * random.dense(items, 3)).array().round()),
        right((2 * random.dense(items, 3)).array().round()) {}

  Dense matrix() const { return left * right.transpose(); }

  template <class Model>
  Model make() const {
    using Scalar = typename Model::Scalar;
    if constexpr (std::is_same_v<Model, ItemModel<Scalar>>) {
      return Model(Matrix<Scalar>(matrix().cast<Scalar>()));
    } else {
      Model model;
      model.left = left.cast<Scalar>();
      model.right = right.cast<Scalar>();
      return model;
    }
  }
};

/// Some users have no test items, some no history; histories count differently.
struct WeightedSplit {
  Dense train;
  Dense test;

  WeightedSplit(RandomData& random, Index users, Index items)
      : train(random.interactions(users, items, 0.1)),
        test(random.interactions(users, items, 0.06)) {
    for (Index user = 0; user < users; ++user) {
      if (user % 5 == 0) train.row(user).setZero();
      if (user % 7 == 0) test.row(user).setZero();
      if (user % 3 == 0) train.row(user) *= 2;
    }
    test = (train.array() != 0).select(0, test);
  }
};

#ifdef LAE_TEST_ONE_SCALAR
#define SCORERS ItemModel<float>, UserByUser<float>, LowRank<float>
#else
#define SCORERS                                                                               \
  ItemModel<float>, ItemModel<double>, UserByUser<float>, UserByUser<double>, LowRank<float>, \
      LowRank<double>
#endif

}  // namespace

TEST_CASE("What is a scorer, and what is not", "[scorer]") {
  struct NoScalar {
    Index items() const;
    void add_scores(const lae::History<double>&, Index, lae::ScoreRow<double>) const;
  };
  struct Integers {
    using Scalar = int;
    Index items() const;
    void add_scores(const lae::History<int>&, Index, lae::ScoreRow<int>) const;
  };
  struct NotConst {
    using Scalar = double;
    Index items() const;
    void add_scores(const lae::History<double>&, Index, lae::ScoreRow<double>);
  };
  CHECK(lae::is_scorer_v<ItemModel<float>>);
  CHECK(lae::is_scorer_v<UserByUser<double>>);
  CHECK(lae::is_scorer_v<LowRank<double>>);
  CHECK_FALSE(lae::is_scorer_v<NoScalar>);
  CHECK_FALSE(lae::is_scorer_v<Integers>);
  CHECK_FALSE(lae::is_scorer_v<NotConst>);
  CHECK_FALSE(lae::is_scorer_v<int>);
  CHECK_FALSE(lae::is_batch_scorer_v<ItemModel<float>>);
  CHECK_FALSE(lae::is_batch_scorer_v<UserByUser<double>>);
  CHECK(lae::is_batch_scorer_v<LowRank<double>>);
}

TEMPLATE_TEST_CASE("Scorers: dense scores", "[scorer]", SCORERS) {
  using Scalar = typename TestType::Scalar;
  RandomData random(600);
  for (const auto& [users, items] : {std::pair<Index, Index>{150, 40}, {3, 1}, {0, 7}}) {
    const Factors factors(random, items);
    const auto model = factors.make<TestType>();
    const Csr<double> histories = random.interactions(users, items, 0.3) * 3.0;
    const Matrix<Scalar> scores = lae::score(model, histories);
    CHECK(Dense(scores.template cast<double>()) == Dense(histories) * factors.matrix());
    CHECK_THROWS_WITH(lae::score(model, Csr<double>(2, items + 1)),
                      ContainsSubstring("columns") && ContainsSubstring("items"));
  }
}

TEMPLATE_TEST_CASE("Scorers: ranked lists, also with a predicate", "[scorer]", SCORERS) {
  RandomData random(601);
  // More items than one range of columns, and fewer users than one batch, and the reverse.
  for (const auto& [users, items] : {std::pair<Index, Index>{20, 1100}, {200, 40}, {3, 1}}) {
    const Factors factors(random, items);
    const auto model = factors.make<TestType>();
    const Dense histories(random.interactions(users, items, 0.1));
    const Dense scores = histories * factors.matrix();
    const auto allowed = [](Index user, Index item) { return (user + item) % 3 != 0; };
    for (const Index batch : {1, 7, 1000}) {
      for (const bool has_predicate : {false, true}) {
        lae::RecommendOptions options;
        options.k = 25;
        options.batch_users = batch;
        options.deny = {0};
        const auto top = has_predicate
                             ? lae::recommend(model, naive::sparse(histories), options, allowed)
                             : lae::recommend(model, naive::sparse(histories), options);
        for (Index user = 0; user < users; ++user) {
          std::set<Index> excluded = naive::items_of(histories, user);
          excluded.insert(0);
          for (Index item = 0; has_predicate && item < items; ++item) {
            if (!allowed(user, item)) excluded.insert(item);
          }
          std::vector<Index> expected = naive::ranking(scores.row(user), excluded);
          expected.resize(25, -1);
          REQUIRE(naive::row_of(top.items, user) == expected);
          for (Index place = 0; place < 25 && expected[static_cast<std::size_t>(place)] >= 0;
               ++place) {
            REQUIRE(static_cast<double>(top.scores(user, place)) ==
                    scores(user, expected[static_cast<std::size_t>(place)]));
          }
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("Scorers: all metrics", "[scorer][evaluate]", SCORERS) {
  RandomData random(602);
  for (const auto& size : {std::pair<Index, Index>{600, 30}, {40, 1100}}) {
    const Index users = size.first;  // C++17 lambdas capture no structured bindings
    const Index items = size.second;
    const Factors factors(random, items);
    const auto model = factors.make<TestType>();
    const WeightedSplit split(random, users, items);
    const Dense scores = split.train * factors.matrix();
    std::vector<std::pair<double, Index>> popularity;
    for (Index item = 0; item < items; ++item) {
      popularity.push_back({-(split.train.col(item).array() != 0).cast<double>().sum(), item});
    }
    std::sort(popularity.begin(), popularity.end());
    std::set<Index> head;
    for (Index place = 0; place < items / 5; ++place) {
      head.insert(popularity[static_cast<std::size_t>(place)].second);
    }
    lae::EvaluateOptions options;
    options.cutoffs = {20, 1, 5, 2000};  // in any order, also above the number of items
    const bool capped = GENERATE(false, true);
    options.recall_denominator =
        capped ? lae::RecallDenominator::capped : lae::RecallDenominator::relevant;
    options.all_user_values = true;
    const auto report =
        lae::evaluate(model, naive::sparse(split.train), naive::sparse(split.test), options);
    CHECK(report.cutoffs == options.cutoffs);

    std::vector<std::vector<Index>> lists;
    for (Index user = 0; user < users; ++user) {
      if (naive::items_of(split.test, user).empty()) continue;
      lists.push_back(naive::ranking(scores.row(user), naive::items_of(split.train, user)));
    }
    const auto check = [&](const lae::GroupMetrics& group, auto&& counts) {
      std::vector<Index> counted;
      std::vector<std::set<Index>> relevant;
      std::vector<std::vector<Index>> ranked;
      std::size_t list = 0;
      for (Index user = 0; user < users; ++user) {
        const std::set<Index> all = naive::items_of(split.test, user);
        if (all.empty()) continue;
        const std::vector<Index>& of_user = lists[list++];
        std::set<Index> some;
        for (const Index item : all) {
          if (counts(item)) some.insert(item);
        }
        if (some.empty()) continue;
        counted.push_back(user);
        relevant.push_back(some);
        ranked.push_back(of_user);
      }
      REQUIRE(group.users == counted);
      for (const Metric metric : lae::all_metrics) {
        for (std::size_t c = 0; c < options.cutoffs.size(); ++c) {
          INFO(lae::metric_name(metric) << "@" << options.cutoffs[c]);
          Eigen::VectorXd values(static_cast<Index>(counted.size()));
          for (std::size_t u = 0; u < counted.size(); ++u) {
            values[static_cast<Index>(u)] =
                naive::metric(metric, ranked[u], relevant[u], options.cutoffs[c], capped);
          }
          CHECK(naive::largest(group.of_users(metric).col(static_cast<Index>(c)) - values) < 1e-14);
          CHECK(group.mean(metric)[c] == Approx(values.mean()).margin(1e-14));
        }
      }
    };
    check(report.all, [](Index) { return true; });
    check(report.head, [&](Index item) { return head.count(item) != 0; });
    check(report.tail, [&](Index item) { return head.count(item) == 0; });
    for (std::size_t c = 0; c < options.cutoffs.size(); ++c) {
      const Index k = options.cutoffs[c];
      CHECK(report.coverage[c] == Approx(naive::coverage(lists, k, items)));
      CHECK(report.novelty[c] == Approx(naive::novelty(lists, k, split.train)));
      CHECK(report.gini[c] == Approx(naive::gini(lists, k, items)));
    }
  }
}

TEMPLATE_TEST_CASE("Scorers: the same bits from any number of threads", "[scorer][threads]",
                   SCORERS) {
  RandomData random(603);
  const Factors factors(random, 70);
  auto model = factors.make<TestType>();
  if constexpr (!std::is_same_v<TestType, ItemModel<typename TestType::Scalar>>) {
    model.left *= typename TestType::Scalar(1) / 3;  // sums that are not exact
  }
  const WeightedSplit split(random, 700, 70);
  const auto evaluation = [&] {
    return lae::evaluate(model, naive::sparse(split.train), naive::sparse(split.test));
  };
  const auto one = with_threads(1, evaluation);
  const auto scores = [&] { return lae::score(model, naive::sparse(split.train)); };
  for (const int threads : thread_counts) {
    const auto many = with_threads(threads, evaluation);
    for (const Metric metric : lae::all_metrics) {
      CHECK(one.all.mean(metric) == many.all.mean(metric));
      CHECK(one.all.of_users(metric) == many.all.of_users(metric));
      CHECK(one.tail.mean(metric) == many.tail.mean(metric));
    }
    CHECK(one.coverage == many.coverage);
    CHECK(one.novelty == many.novelty);
    CHECK(one.gini == many.gini);
    CHECK(with_threads(1, scores) == with_threads(threads, scores));
  }

  // What is kept of users changes no mean.
  lae::EvaluateOptions options;
  options.all_user_values = true;
  const auto more =
      lae::evaluate(model, naive::sparse(split.train), naive::sparse(split.test), options);
  for (const Metric metric : lae::all_metrics) CHECK(more.all.mean(metric) == one.all.mean(metric));
  CHECK(one.all.user_map.size() == 0);
  CHECK(more.all.user_map.rows() == static_cast<Index>(more.all.users.size()));
}

TEMPLATE_TEST_CASE("Scorers: reasons add up to the score", "[scorer][explain]", SCORERS) {
  using Scalar = typename TestType::Scalar;
  RandomData random(604);
  const Index items = 30;
  const Factors factors(random, items);
  const auto model = factors.make<TestType>();
  const Dense matrix = factors.matrix();
  const Csr<double> histories = random.interactions(12, items, 0.2) * 2.0;
  for (Index user = 0; user < histories.rows(); ++user) {
    const Eigen::RowVectorXd history = Dense(histories).row(user);
    const std::set<Index> seen = naive::items_of(Dense(histories), user);
    for (const Index item : {0, 7, 29}) {
      // Every part from the matrix, in the order of the definition.
      std::vector<std::pair<double, Index>> parts;
      for (const Index i : seen) parts.push_back({-std::abs(history[i] * matrix(i, item)), i});
      std::sort(parts.begin(), parts.end());
      for (const Index k : {0, 1, 3, 100}) {
        const lae::Explanation<Scalar> why = lae::explain(model, histories.row(user), item, k);
        REQUIRE(static_cast<Index>(why.reasons.size()) ==
                std::min(k, static_cast<Index>(seen.size())));
        CHECK(why.others == static_cast<Index>(seen.size() - why.reasons.size()));
        double sum = why.rest;
        for (std::size_t i = 0; i < why.reasons.size(); ++i) {
          const Index reason = why.reasons[i].item;
          CHECK(reason == parts[i].second);
          CHECK(why.reasons[i].value == history[reason] * matrix(reason, item));
          sum += why.reasons[i].value;
        }
        CHECK(sum == why.total);
        CHECK(why.total == history.dot(matrix.col(item)));
      }
    }
  }
  const auto one = histories.row(1);
  CHECK_THROWS_WITH(lae::explain(model, histories, 0, 3), ContainsSubstring("one row, but has 12"));
  CHECK_THROWS_WITH(lae::explain(model, one, 30, 3), ContainsSubstring("item is 30"));
  CHECK_THROWS_WITH(lae::explain(model, one, -1, 3), ContainsSubstring("item is -1"));
  CHECK_THROWS_WITH(lae::explain(model, one, 0, -1), ContainsSubstring("k must not be negative"));
  CHECK_THROWS_WITH(lae::explain(model, Csr<double>(1, 29), 0, 1), ContainsSubstring("29 columns"));
}

TEST_CASE("Reasons of a score in float are those of the score up to rounding", "[explain]") {
  RandomData random(605);
  const ItemModel<float> model(random.dense(300, 300).cast<float>());
  const Csr<double> history = random.interactions(1, 300, 0.3);
  const auto scores = model.score(history);
  for (Index item = 0; item < 300; ++item) {
    const auto why = lae::explain(model, history, item, 5);
    float sum = why.rest;
    for (const auto& reason : why.reasons) sum += reason.value;
    CHECK(sum == Approx(why.total).margin(1e-4));
    CHECK(why.total == Approx(scores(0, item)).margin(1e-5));
    for (std::size_t i = 1; i < why.reasons.size(); ++i) {
      CHECK(std::abs(why.reasons[i - 1].value) >= std::abs(why.reasons[i].value));
    }
  }
}

TEST_CASE("A reason that is not a number comes first", "[explain]") {
  Matrix<double> weights = Matrix<double>::Ones(4, 4);
  weights(2, 3) = std::numeric_limits<double>::quiet_NaN();
  const auto why = lae::explain(ItemModel<double>(weights), naive::sparse(Dense::Ones(1, 4)), 3, 2);
  CHECK(why.reasons[0].item == 2);
  CHECK(why.reasons[1].item == 0);
  CHECK(std::isnan(why.total));
  CHECK(why.rest == 2);
}

TEMPLATE_TEST_CASE("Scorers: saved as the matrix that they stand for", "[scorer][model_file]",
                   SCORERS) {
  using Scalar = typename TestType::Scalar;
  RandomData random(606);
  const TemporaryFolder folder;
  for (const Index items : {1, 40, 130}) {
    const Factors factors(random, items);
    const auto model = factors.make<TestType>();
    lae::save_model(folder / "model", model);
    const auto loaded = lae::load_model<Scalar>(folder / "model");
    CHECK(Dense(loaded.weights().template cast<double>()) == factors.matrix());
    // Byte by byte the file of the dense model.
    lae::save_model(folder / "dense", factors.make<ItemModel<Scalar>>());
    CHECK(read_bytes(folder / "model") == read_bytes(folder / "dense"));
  }
}

TEST_CASE("Scorers are saved some rows at a time", "[scorer][model_file]") {
  // 3,000 items take 72 MB, more than the rows that exist at a time.
  RandomData random(607);
  const Factors factors(random, 3000);
  const TemporaryFolder folder;
  lae::save_model(folder / "model", factors.make<LowRank<double>>());
  CHECK(lae::load_model<double>(folder / "model").weights() == factors.matrix());
  CHECK_THROWS_WITH(lae::save_model(folder / "none", UserByUser<double>()),
                    ContainsSubstring("no items"));
}

namespace {

/// Refuses to score users alone.
struct BatchAlone : LowRank<double> {
  void add_scores(const lae::History<double>&, Index, lae::ScoreRow<double>) const {
    throw std::logic_error("one user alone");
  }
};

}  // namespace

TEST_CASE("Users are scored together by scorers that can", "[scorer]") {
  RandomData random(608);
  BatchAlone model;
  model.left = random.dense(20, 2);
  model.right = random.dense(20, 2);
  const Csr<double> x = random.interactions(9, 20);
  CHECK(lae::recommend(model, x, {3}).items.rows() == 9);
  CHECK(lae::score(model, x).rows() == 9);
  CHECK(lae::evaluate(model, x, x).all.users.size() > 0);
}

TEST_CASE("Predicates: what they are asked, and what they throw", "[recommend]") {
  RandomData random(609);
  const ItemModel<double> model(random.dense(30, 30));
  const Csr<double> x = random.interactions(50, 30, 0.2);
  lae::RecommendOptions options;
  options.k = 30;
  options.deny = {3, 4};
  // Never about items that are out for another reason.
  const auto in_order = [&](Index user, Index item) {
    if (item == 3 || item == 4 || x.coeff(user, item) != 0) throw std::logic_error("asked in vain");
    return true;
  };
  CHECK(lae::recommend(model, x, options, in_order).items ==
        lae::recommend(model, x, options).items);
  const auto nothing = [](Index, Index) { return false; };
  CHECK((lae::recommend(model, x, options, nothing).items.array() == -1).all());
  const auto throws = [](Index user, Index) -> bool {
    if (user == 17) throw std::runtime_error("user 17");
    return true;
  };
  CHECK_THROWS_WITH(lae::recommend(model, x, options, throws), ContainsSubstring("user 17"));
}

TEST_CASE("Item models are moved, and copied when asked to", "[item_model]") {
  CHECK_FALSE(std::is_copy_constructible_v<ItemModel<float>>);
  CHECK_FALSE(std::is_copy_assignable_v<ItemModel<float>>);
  CHECK(std::is_nothrow_move_constructible_v<ItemModel<float>>);
  CHECK(std::is_nothrow_move_assignable_v<ItemModel<float>>);
  RandomData random(610);
  ItemModel<double> model(random.dense(5, 5));
  const double* const place = model.weights().data();
  const ItemModel<double> copy = model.clone();
  CHECK(copy.weights() == model.weights());
  CHECK(copy.weights().data() != place);
  const ItemModel<double> moved = std::move(model);
  CHECK(moved.weights().data() == place);
}

TEMPLATE_TEST_CASE("Users without a history get popular items, of those allowed", "",
                   LowRank<float>, UserByUser<double>) {
  using Scalar = typename TestType::Scalar;
  const Index items = 30;
  RandomData random(71);
  Dense of_users = random.interactions(40, items, 0.2);
  for (Index user = 0; user < 40; ++user) {
    if (user % 4 == 0) {
      of_users.row(user).setZero();
    } else {
      of_users(user, user % items) = 1;
    }
  }
  const lae::Csr<Scalar> train = naive::sparse(of_users).cast<Scalar>();
  const auto model = Factors(random, items).make<TestType>();
  const lae::Popularity<Scalar> popularity(train);
  for (Index item = 0; item < items; ++item) {
    Index users = 0;
    for (Index user = 0; user < train.rows(); ++user) users += train.coeff(user, item) != 0;
    CHECK(popularity.users()[item] == static_cast<Scalar>(users));
  }
  const lae::OrPopular<TestType> best(model, popularity);
  lae::RecommendOptions options;
  options.k = 9;
  options.deny = {3, 4};
  const auto allowed = [](Index user, Index item) { return (user + item) % 3 != 0; };
  const auto lists = lae::recommend(best, train, options, allowed);
  const auto by_model = lae::recommend(model, train, options, allowed);
  const auto by_popularity = lae::recommend(popularity, train, options, allowed);
  Index personal = 0;
  for (Index user = 0; user < train.rows(); ++user) {
    const bool is_personal = best.is_personal(train, user);
    CHECK(is_personal == (user % 4 != 0));
    personal += is_personal ? 1 : 0;
    const auto& expected = is_personal ? by_model : by_popularity;
    CHECK(lists.items.row(user) == expected.items.row(user));
    CHECK(lists.scores.row(user) == expected.scores.row(user));
  }
  CHECK(personal == 30);
  const auto other = Factors(random, items + 1).make<TestType>();
  CHECK_THROWS_AS(lae::OrPopular<TestType>(other, popularity), std::invalid_argument);
}
