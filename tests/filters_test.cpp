// What a call of `recommend` leaves of the items, and in what order, against naive recomputation.

#include <lae/lae.hpp>
#include <lae/models/recommend_near.hpp>
#include <lae/models/sparse_low_rank_model.hpp>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::ItemModel;
using lae::Matrix;
using naive::Dense;

namespace {

/// Sparse weights and thin factors, all small whole numbers, so that sums are exact in any order
/// and many are equal.
lae::SparseLowRankModel<double> whole_numbers(RandomData& random, Index items, Index rank) {
  const auto factor = [&] {
    return Matrix<double>((1.4 * random.dense(items, rank)).array().round());
  };
  Matrix<double> left = factor();
  Matrix<double> right = factor();
  lae::WeightRows<double> rows;
  for (Index i = 0; i < items; ++i) {
    for (Index j = 0; j < items; ++j) {
      if (i != j && random.uniform() > 0.1) continue;
      rows.items.push_back(static_cast<std::uint32_t>(j));
      rows.values.push_back(i == j ? -left.row(i).dot(right.row(i))
                                   : static_cast<double>(random.below(7) - 3));
    }
    rows.start.push_back(static_cast<Index>(rows.items.size()));
  }
  return {std::move(rows), std::move(left), std::move(right)};
}

/// What is allowed to whom, and what it is worth, said as a table.
struct Table {
  Dense scores;                              // users x items, with boosts
  std::vector<std::set<Index>> is_left_out;  // of each user
};

Table table_of(const Dense& weights, const Csr<double>& histories,
               const lae::RecommendOptions& options) {
  Table table{Dense(histories) * weights, {}};
  const Index items = weights.rows();
  const auto has = [](const std::vector<Index>& list, Index item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  for (Index user = 0; user < histories.rows(); ++user) {
    if (options.boost.size() > 0) table.scores.row(user) += options.boost.transpose();
    table.is_left_out.emplace_back();
    const auto row = static_cast<std::size_t>(user);
    for (Index item = 0; item < items; ++item) {
      bool out = options.exclude_seen && histories.coeff(user, item) != 0;
      out |= options.allow && !has(*options.allow, item);
      out |= has(options.deny, item);
      out |= !options.user_allow.empty() && options.user_allow[row] &&
             !has(*options.user_allow[row], item);
      out |= !options.user_deny.empty() && has(options.user_deny[row], item);
      out |= table.scores(user, item) < options.minimum_score;
      if (out) table.is_left_out.back().insert(item);
    }
  }
  return table;
}

/// MMR as its definition says: every value from all that is chosen, anew for each place.
std::vector<Index> most_different(const std::vector<Index>& candidates,
                                  const Eigen::VectorXd& scores, const lae::ItemVectors& vectors,
                                  double weight, Index k) {
  double highest = -std::numeric_limits<double>::infinity();
  double lowest = -highest;
  for (const Index item : candidates) {
    highest = std::max(highest, scores[item]);
    lowest = std::min(lowest, scores[item]);
  }
  std::vector<Index> chosen;
  std::set<Index> open(candidates.begin(), candidates.end());
  while (static_cast<Index>(chosen.size()) < k && !open.empty()) {
    Index best = -1;
    double best_value = 0;
    for (const Index item : open) {
      double similarity = chosen.empty() ? 0 : -1;
      for (const Index other : chosen) {
        similarity = std::max(similarity, double(vectors.similarity(item, other)));
      }
      const double relevance = highest > lowest ? (scores[item] - lowest) / (highest - lowest) : 0;
      const double value = (1 - weight) * relevance - weight * similarity;
      if (best < 0 || value > best_value + 1e-12) {
        best = item;
        best_value = value;
      }
    }
    chosen.push_back(best);
    open.erase(best);
  }
  return chosen;
}

/// Every filter alone and all together.
std::vector<lae::RecommendOptions> filters(RandomData& random, Index users, Index items) {
  const auto some = [&](Index count) {
    std::vector<Index> list;
    for (Index i = 0; i < count; ++i) list.push_back(random.below(items));  // unsorted, some twice
    return list;
  };
  lae::RecommendOptions none;
  none.k = 8;
  none.batch_users = 5;
  lae::RecommendOptions all = none;
  std::vector<lae::RecommendOptions> cases{none};
  const auto vary = [&](auto&& change) {
    cases.push_back(none);
    change(cases.back());
    change(all);
  };
  vary([&](auto& options) { options.exclude_seen = false; });
  vary([&](auto& options) { options.allow = some(items); });
  vary([&](auto& options) { options.deny = some(items / 4); });
  vary([&](auto& options) {
    for (Index user = 0; user < users; ++user) {
      options.user_allow.emplace_back();
      if (user % 3 > 0) options.user_allow.back() = some(user % 3 == 1 ? items / 2 : 0);
    }
  });
  vary([&](auto& options) {
    for (Index user = 0; user < users; ++user) options.user_deny.push_back(some(user % 9));
  });
  vary([&](auto& options) { options.boost = (3 * random.dense(items, 1)).array().round(); });
  vary([&](auto& options) { options.minimum_score = 2; });
  cases.push_back(all);
  return cases;
}

}  // namespace

TEST_CASE("Filters leave what their definitions leave, of any model", "[recommend][filters]") {
  RandomData random(800);
  const Index users = 23;
  // More items than one range of scores, too.
  for (const Index items : {Index(40), Index(1030)}) {
    const auto sparse = whole_numbers(random, items, 2);
    const ItemModel<double> dense(sparse.weights());
    Csr<double> histories = random.interactions(users, items, 6.0 / double(items));
    for (Index user = 0; user < users; ++user) histories.coeffRef(user, user) = 1;
    histories.makeCompressed();
    for (const lae::RecommendOptions& options : filters(random, users, items)) {
      const Table table = table_of(dense.weights(), histories, options);
      const auto lists = lae::recommend(dense, histories, options);
      for (Index user = 0; user < users; ++user) {
        auto expected = naive::ranking(table.scores.row(user),
                                       table.is_left_out[static_cast<std::size_t>(user)]);
        expected.resize(8, -1);
        CHECK(naive::row_of(lists.items, user) == expected);
        for (Index place = 0; place < 8; ++place) {
          const Index item = lists.items(user, place);
          CHECK(lists.scores(user, place) ==
                (item < 0 ? -std::numeric_limits<double>::infinity() : table.scores(user, item)));
        }
      }
      const auto check_same = [&](const lae::Recommendations<double>& others) {
        CHECK(others.items == lists.items);
        CHECK(others.scores == lists.scores);
      };
      check_same(lae::recommend(dense.view(), histories, options));
      check_same(lae::recommend(sparse, histories, options));
      check_same(lae::recommend(sparse.view(), histories, options));
      check_same(lae::recommend(lae::OrPopular(sparse, lae::Popularity<double>(histories)),
                                histories, options));
      std::vector<Index> every(static_cast<std::size_t>(items));
      for (Index item = 0; item < items; ++item) every[static_cast<std::size_t>(item)] = item;
      check_same(lae::recommend_near(sparse, histories, options, every));
    }
  }
}

TEST_CASE("A predicate and the same as lists of users leave the same", "[recommend][filters]") {
  RandomData random(801);
  const ItemModel<double> model(random.dense(60, 60));
  const Csr<double> histories = random.interactions(30, 60, 0.1);
  lae::RecommendOptions options{20};
  const auto asked = lae::recommend(model, histories, options,
                                    [](Index user, Index item) { return (user + item) % 3 == 1; });
  options.user_deny.resize(30);
  options.user_allow.resize(30);
  for (Index user = 0; user < 30; ++user) {
    auto& allowed = options.user_allow[static_cast<std::size_t>(user)];
    for (Index item = 59; item >= 0; --item) {
      if ((user + item) % 3 == 0) {
        options.user_deny[static_cast<std::size_t>(user)].push_back(item);
      }
      if (user % 4 == 0 && (user + item) % 3 == 1) {
        if (!allowed) allowed.emplace();
        allowed->push_back(item);
      }
      if (user % 4 != 0 && (user + item) % 3 == 2) {
        options.user_deny[static_cast<std::size_t>(user)].push_back(item);
      }
    }
  }
  CHECK(lae::recommend(model, histories, options).items == asked.items);
}

TEST_CASE("Diverse lists are those of the definition", "[recommend][filters][diversity]") {
  RandomData random(802);
  for (const auto& [items, k] : {std::pair<Index, Index>{70, 10}, {70, 30}, {12, 20}}) {
    const ItemModel<double> model(random.dense(items, items));
    const Csr<double> histories = random.interactions(15, items, 0.1);
    Dense vectors = random.dense(items, 5);
    vectors.row(3).setZero();
    vectors.row(8) = 7 * vectors.row(5);
    const lae::ItemVectors unit(vectors);
    CHECK(unit.items() == items);
    CHECK(unit.dims() == 5);
    for (Index a = 0; a < items; ++a) {
      for (Index b = 0; b < items; ++b) {
        const double norms = vectors.row(a).norm() * vectors.row(b).norm();
        const double expected = norms > 0 ? vectors.row(a).dot(vectors.row(b)) / norms : 0;
        CHECK(std::abs(double(unit.similarity(a, b)) - expected) < 1e-6);
      }
    }
    for (const double weight : {0.0, 0.2, 0.7, 1.0}) {
      for (const Index candidates : {Index(1), Index(15), Index(200)}) {
        lae::RecommendOptions options{k};
        options.deny = {2};
        options.diversity = {&unit, weight, candidates};
        const auto lists = lae::recommend(model, histories, options);
        const Table table = table_of(model.weights(), histories, options);
        for (Index user = 0; user < 15; ++user) {
          auto expected = naive::ranking(table.scores.row(user),
                                         table.is_left_out[static_cast<std::size_t>(user)]);
          expected.resize(std::min(expected.size(), std::size_t(std::max(k, candidates))));
          if (weight > 0) {
            expected = most_different(expected, table.scores.row(user), unit, weight, k);
          }
          expected.resize(static_cast<std::size_t>(k), -1);
          CHECK(naive::row_of(lists.items, user) == expected);
          for (Index place = 0; place < k; ++place) {
            const Index item = lists.items(user, place);
            if (item >= 0) CHECK(lists.scores(user, place) == Approx(table.scores(user, item)));
          }
        }
      }
    }
  }
}

TEST_CASE("A weight of diversity means the same whatever scores are", "[recommend][diversity]") {
  RandomData random(803);
  const Index items = 300;
  const Matrix<double> weights = random.dense(items, items);
  const Csr<double> histories = random.interactions(10, items, 0.03);
  const lae::ItemVectors vectors(random.dense(items, 8));
  lae::RecommendOptions options{15};
  options.diversity = {&vectors, 0.4};
  const auto lists = lae::recommend(ItemModel<double>(weights), histories, options);
  // A power of two times as large, and shifted by a boost of all: not one choice changes.
  options.boost = Eigen::VectorXd::Constant(items, -512);
  const auto larger = lae::recommend(ItemModel<double>(1024 * weights), histories, options);
  CHECK(larger.items == lists.items);
  const auto many = with_threads(3, [&] {
    options.batch_users = 2;
    return lae::recommend(ItemModel<double>(1024 * weights), histories, options);
  });
  CHECK(many.items == larger.items);
  CHECK(many.scores == larger.scores);
}

TEST_CASE("Diversity with nothing to tell items apart by", "[recommend][diversity]") {
  const Index items = 6;
  const Matrix<float> equal = Matrix<float>::Ones(items, items);
  const Csr<float> history = naive::sparse(Dense::Identity(1, items)).cast<float>();
  const lae::ItemVectors alike(Dense::Ones(items, 2));
  lae::RecommendOptions options{4};
  options.diversity = {&alike, 0.5};
  const auto lists = lae::recommend(ItemModel<float>(equal), history, options);
  CHECK(naive::row_of(lists.items, 0) == std::vector<Index>{1, 2, 3, 4});  // ties: the lower
  // Scores without end, and none but them.
  Matrix<float> endless = equal;
  endless(0, 2) = std::numeric_limits<float>::infinity();
  endless(0, 3) = -std::numeric_limits<float>::infinity();
  endless(0, 4) = std::numeric_limits<float>::quiet_NaN();
  options.k = 6;
  const auto best_first = lae::recommend(ItemModel<float>(endless), history, options);
  const auto row = naive::row_of(best_first.items, 0);
  CHECK(std::set<Index>(row.begin(), row.end()) == std::set<Index>{-1, 1, 2, 3, 5});
}

TEST_CASE("Filters that leave nothing, and those that cannot be", "[recommend][filters][errors]") {
  RandomData random(804);
  const ItemModel<double> model(random.dense(6, 6));
  const Csr<double> histories = random.interactions(3, 6, 0.4);
  const auto lists = [&](auto&& change) {
    lae::RecommendOptions options{4};
    change(options);
    return lae::recommend(model, histories, options);
  };
  const auto is_empty = [&](auto&& change) {
    const auto made = lists(change);
    return (made.items.array() == -1).all() &&
           (made.scores.array() == -std::numeric_limits<double>::infinity()).all();
  };
  const lae::ItemVectors vectors(random.dense(6, 3));
  CHECK(is_empty([](auto& options) { options.minimum_score = 1e9; }));
  CHECK(is_empty([](auto& options) { options.user_allow.assign(3, std::vector<Index>()); }));
  CHECK(is_empty([](auto& options) { options.user_deny.assign(3, {0, 1, 2, 3, 4, 5}); }));
  CHECK(is_empty([&](auto& options) {
    options.minimum_score = 1e9;
    options.diversity = {&vectors, 0.5};
  }));

  const auto message = [&](auto&& change, const char* a, const char* b) {
    CHECK_THROWS_WITH(lists(change), ContainsSubstring(a) && ContainsSubstring(b));
    CHECK_THROWS_AS(lists(change), std::invalid_argument);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  message([](auto& o) { o.user_allow.resize(2); }, "user_allow has 2 lists", "3 users");
  message([](auto& o) { o.user_deny.resize(4); }, "user_deny has 4 lists", "3 users");
  message([](auto& o) { o.user_allow = {{{1}}, {{6}}, {}}; }, "user_allow holds item 6", "6 items");
  message([](auto& o) { o.user_deny = {{}, {}, {-1}}; }, "user_deny holds item -1", "6 items");
  message([](auto& o) { o.boost = Eigen::VectorXd::Zero(5); }, "boost has 5", "6 items");
  message([&](auto& o) { o.boost = Eigen::VectorXd::Constant(6, nan); }, "boost of item 0", "nan");
  message([&](auto& o) { o.minimum_score = nan; }, "minimum_score", "NaN");
  message([&](auto& o) { o.diversity = {&vectors, 1.5}; }, "weight of diversity", "1.5");
  message([&](auto& o) { o.diversity = {&vectors, nan}; }, "weight of diversity", "nan");
  message([&](auto& o) { o.diversity = {&vectors, 0.5, 0}; }, "candidates", "0");
  message([](auto& o) { o.diversity = {nullptr, 0.5}; }, "diversity", "vectors");
  const lae::ItemVectors few(random.dense(5, 3));
  message([&](auto& o) { o.diversity = {&few, 0.5}; }, "5 rows", "6 items");
  CHECK_THROWS_WITH(lae::ItemVectors(Dense(0, 3)), ContainsSubstring("0 x 3"));
  CHECK_THROWS_WITH(lae::ItemVectors(Dense::Constant(2, 2, nan)), ContainsSubstring("row 0"));
}
