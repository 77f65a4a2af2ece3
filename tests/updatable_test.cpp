// Updates of fitted models: against fits of the same data, and against the textbook.

#include <algorithm>
#include <cmath>
#include <functional>
#include <lae/detail/algebra/inverse_change.hpp>
#include <lae/updatable.hpp>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "model_bytes.hpp"
#include "naive.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Changes;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using lae::Sources;
using lae::UpdatableModel;
using naive::Dense;
using naive::largest;

namespace {

/// What is known of items.
struct Items {
  Matrix<double> f;  // items x dims
  Dense t;           // items x tags
};

using Side = std::function<Sources<double>(const Items&)>;

/// A shop that changes at random, and what its data are after all changes: kept by other means
/// than those of the library.
class Shop {
 public:
  Shop(std::uint64_t seed, Index users, Index items, Index dims, Index tags)
      : random_(seed), x_(random_.interactions(users, items, 8.0 / static_cast<double>(items))) {
    x_(0, 0) = 1;
    weights_.assign(static_cast<std::size_t>(users), 1);
    items_ = known_of(items, dims, tags);
  }

  Csr<double> x() const { return x_.sparseView(); }
  const Dense& dense_x() const { return x_; }
  const std::vector<double>& weights() const { return weights_; }
  const Items& items() const { return items_; }
  const Matrix<double>& f() const { return items_.f; }

  /// Some users do something, go and come; some items come, too.
  /// \param sources of the model, as many as `side` makes
  Changes<double> change(Index users, Index new_users, Index new_items, const Side& side = {}) {
    Changes<double> changes;
    const Index known = x_.rows();
    for (Index user = 0; user < users; ++user) {
      const Index one = random_.below(known);
      if (std::find(changes.users.begin(), changes.users.end(), one) == changes.users.end()) {
        changes.users.push_back(one);
      }
    }
    for (Index user = 0; user < new_users; ++user) changes.users.push_back(known + user);
    changes.new_items = new_items;
    const Index n = x_.cols() + new_items;
    const auto count = static_cast<Index>(changes.users.size());
    x_.conservativeResize(known + new_users, n);
    x_.rightCols(new_items).setZero();
    x_.bottomRows(new_users).setZero();
    weights_.resize(static_cast<std::size_t>(known + new_users), 1);
    for (Index row = 0; row < count; ++row) {
      const Index user = changes.users[static_cast<std::size_t>(row)];
      const double kind = random_.uniform();
      if (kind < 0.2) {
        x_.row(user).setZero();
      } else if (kind < 0.5) {
        x_(user, random_.below(n)) = 1 + random_.uniform();
      } else {
        for (Index j = 0; j < n; ++j) x_(user, j) = random_.uniform() < 0.05 ? 1 : 0;
      }
      weights_[static_cast<std::size_t>(user)] = 0.5 + random_.uniform();
      changes.user_weights.push_back(weights_[static_cast<std::size_t>(user)]);
    }
    changes.histories.resize(count, n);
    if (count > 0) {
      Dense rows(count, n);
      for (Index row = 0; row < count; ++row) {
        rows.row(row) = x_.row(changes.users[static_cast<std::size_t>(row)]);
      }
      changes.histories = rows.sparseView();
    }
    if (new_items > 0) {
      Items added = known_of(new_items, items_.f.cols(), items_.t.cols());
      added.f *= 2;
      if (side) changes.features = side(added);
      Items all{Matrix<double>(n, added.f.cols()), Dense(n, added.t.cols())};
      all.f << items_.f, added.f;
      all.t << items_.t, added.t;
      items_ = all;
    }
    return changes;
  }

 private:
  Items known_of(Index items, Index dims, Index tags) {
    return {random_.dense(items, dims), Dense(random_.interactions(items, tags, 0.2))};
  }

  RandomData random_;
  Dense x_;
  std::vector<double> weights_;
  Items items_;
};

lae::Refinements all_refinements() {
  lae::Refinements refinements;
  refinements.dropout = 0.3;
  refinements.user_exponent = 0.2;
  refinements.target_exponent = 0.15;
  refinements.diagonal_bound = 0.1;
  return refinements;
}

Csr<double> sparse_tags(const Items& items) {
  return items.t.sparseView();
}
Sources<double> embeddings(const Items& items) {
  Sources<double> side;
  side.add(items.f);
  return side;
}
Sources<double> tags(const Items& items) {
  Sources<double> side;
  side.add(sparse_tags(items));
  return side;
}
Sources<double> both_roles(const Items& items) {
  Sources<double> side;
  side.add(items.f, 0.5).add(sparse_tags(items), 2);
  side.add(sparse_tags(items), 0.3, lae::SourceRole::gram);
  side.add(items.f, 0.7, lae::SourceRole::gram);
  return side;
}
/// Of a model without a semantic phase.
Sources<double> both_in_gram(const Items& items) {
  Sources<double> side;
  side.add(items.f, 0.5).add(sparse_tags(items), 2);
  return side;
}

/// A model of a user's own.
struct Guided {
  double ridge = 5;
  double share = 0.5;

  static constexpr lae::Inputs inputs = lae::Inputs::interactions_and_features;
  static lae::OptionFields<Guided> fields() { return {}; }
  lae::Recipe recipe() const {
    lae::Recipe recipe;
    recipe.ridge = ridge;
    recipe.semantic_use = lae::SemanticUse::prior;
    recipe.semantic_weight = share * ridge;
    recipe.refinements.target_exponent = 0.2;
    return recipe;
  }
};

/// An updatable model of a shop, and its weights by a fit.
template <class Scalar>
struct Case {
  std::string name;
  Side side;
  std::function<UpdatableModel<Scalar>(const Shop&)> make;
  std::function<Dense(const Shop&)> fit;
};

template <class Solver, class Scalar = typename Solver::Scalar>
Case<Scalar> with_side(const std::string& name, const Solver& solver, const Side& side) {
  return {name, side,
          [=](const Shop& shop) {
            return lae::make_updatable(solver, shop.x(), side(shop.items()), shop.weights());
          },
          [=](const Shop& shop) {
            return Dense(solver.fit(shop.x(), side(shop.items()), shop.weights())
                             .weights()
                             .template cast<double>());
          }};
}
template <class Solver, class Scalar = typename Solver::Scalar>
Case<Scalar> without_side(const std::string& name, const Solver& solver) {
  return {name,
          {},
          [=](const Shop& shop) { return lae::make_updatable(solver, shop.x(), shop.weights()); },
          [=](const Shop& shop) {
            return Dense(solver.fit(shop.x(), shop.weights()).weights().template cast<double>());
          }};
}

template <class Scalar>
std::vector<Case<Scalar>> cases() {
  using namespace lae;
  L3aeOptions refined_l3ae{-2, 1.5, 8};
  refined_l3ae.gram_weight = 0.4;
  refined_l3ae.refinements = all_refinements();
  refined_l3ae.refinements.dropout = 0;
  L3aeOptions dropped_l3ae{2, 1.5, 8};
  dropped_l3ae.refinements.dropout = 0.3;
  return {
      without_side("EASE", Ease<Scalar>({5})),
      without_side("EASE, refined", Ease<Scalar>({5, all_refinements()})),
      with_side("CEASE on tags", Cease<Scalar>({5, 0.4}), tags),
      with_side("CEASE on both, α relative to q", Cease<Scalar>(), both_in_gram),
      with_side("Add-EASE", AddEase<Scalar>({5, 2, 0.3}), embeddings),
      with_side("Add-EASE on tags, refined", AddEase<Scalar>({5, 2, 0.3, all_refinements()}), tags),
      with_side("L3AE", L3ae<Scalar>(), embeddings),
      with_side("L3AE with both roles, refined", L3ae<Scalar>(refined_l3ae), both_roles),
      with_side("L3AE with dropout", L3ae<Scalar>(dropped_l3ae), tags),
      with_side("a model of one's own", Solver<Guided, Scalar>(), embeddings),
  };
}

template <class Scalar>
Dense weights(const UpdatableModel<Scalar>& model) {
  return Dense(model.model().weights().template cast<double>());
}

/// Scores of single items: the weights, by way of the scorer.
template <class Scalar>
Dense scored(const UpdatableModel<Scalar>& model) {
  Csr<Scalar> one(model.items(), model.items());
  one.setIdentity();
  return Dense(model.score(one).template cast<double>());
}

template <class Scalar>
bool same_bits(const UpdatableModel<Scalar>& a, const UpdatableModel<Scalar>& b) {
  return a.items() == b.items() && a.users() == b.users() && a.inverse() == b.inverse() &&
         a.inverse_features() == b.inverse_features() && a.ridge() == b.ridge() &&
         a.peaks() == b.peaks() && a.user_weights() == b.user_weights() &&
         Dense(a.interactions().template cast<double>()) ==
             Dense(b.interactions().template cast<double>()) &&
         scored(a) == scored(b);
}

lae::L3ae<double> small_l3ae() {
  return lae::L3ae<double>({-2, 1.5, 8});
}

/// A model that has been updated.
UpdatableModel<double> updated(Shop& shop) {
  auto model = lae::make_updatable(small_l3ae(), shop.x(), shop.f(), shop.weights());
  CHECK_FALSE(model.update(shop.change(2, 1, 1, embeddings)).is_fit);
  return model;
}

}  // namespace

TEST_CASE("The inverse of a matrix that changes follows it", "[updates]") {
  using lae::detail::InverseChange;
  const Index before = GENERATE(1, 4, 270);
  const Index added = before == 270 ? 30 : 3;
  RandomData random(900);
  const Index n = before + added;
  const Matrix<double> whole = random.positive_definite<double>(n) + Matrix<double>::Identity(n, n);
  Dense a = whole;
  Matrix<double> p = Matrix<double>::Zero(n, n);
  p.topLeftCorner(before, before) = Dense(a.topLeftCorner(before, before)).inverse();
  const Matrix<double> v = random.dense(n, 3);

  InverseChange<double> change(p, lae::Vector<double>::Ones(n));
  Matrix<double> z = p * v;
  change.add_items(whole.bottomLeftCorner(added, before), whole.bottomRightCorner(added, added),
                   {});
  const Csr<double> more = random.interactions(5, n, 0.2);
  const Matrix<double> less = 0.3 * random.dense(2, n) / std::sqrt(static_cast<double>(n));
  change.add(1, more, {});
  change.add(-1, less, {});
  change.add(1, Csr<double>(0, n), {});
  a += Dense(more).transpose() * Dense(more) - less.transpose() * less;
  const Dense expected = a.inverse();
  change.change_product(v, z, {});
  const lae::Vector<double> diagonal = change.diagonal();
  change.apply(diagonal, p);
  CHECK(largest(p - expected) < 1e-10);
  CHECK(largest(z - expected * v) < 1e-10);
  CHECK(p == p.transpose());
  CHECK(p.diagonal() == diagonal);
  CHECK(change.least_pivot() > 0);
  CHECK(change.least_pivot() <= 1);
}

TEST_CASE("Models that take in changes are those that fits return", "[updates]") {
  for (const Case<double>& one : cases<double>()) {
    INFO(one.name);
    Shop shop(910, 90, 110, 6, 8);
    UpdatableModel<double> model = one.make(shop);
    CHECK(largest(weights(model) - one.fit(shop)) < 1e-12);
    int folded = 0;
    for (int step = 0; step < 6; ++step) {
      INFO("step " << step);
      const auto changes =
          shop.change(step == 3 ? 0 : 2, step % 2, step % 3 == 2 ? 2 : 0, one.side);
      const lae::UpdateCost cost = model.estimate_update(model.size_of(changes));
      const lae::UpdateReport report = model.update(changes);
      CHECK(report.is_fit == cost.is_fit);
      CHECK(report.rank <= cost.rank);
      folded += report.is_fit ? 0 : 1;
      const Dense expected = one.fit(shop);
      CHECK(largest(weights(model) - expected) < 1e-8 * (1 + largest(expected)));
      CHECK(largest(scored(model) - expected) < 1e-8 * (1 + largest(expected)));
      CHECK(report.least_pivot > 0);
    }
    CHECK(folded >= (one.name == "EASE, refined" ? 3 : 4));
    CHECK(model.drift() < 1e-10);
    CHECK_FALSE(model.should_refit());
    CHECK(model.users() == shop.dense_x().rows());
    CHECK(Dense(model.interactions()) == shop.dense_x());
    CHECK(model.user_weights() == shop.weights());
  }
}

TEST_CASE("Items known by their features alone are recommended at once", "[updates]") {
  Shop shop(924, 60, 90, 5, 3);
  auto model = lae::make_updatable(small_l3ae(), shop.x(), shop.f());
  const Index users = model.users();
  const Matrix<double> added = RandomData(925).dense(2, 5);
  CHECK_FALSE(model.add_items(added).is_fit);
  CHECK(model.users() == users);
  CHECK(model.items() == 92);
  Matrix<double> f(92, 5);
  f << shop.f(), added;
  Csr<double> x = shop.x();
  x.conservativeResize(x.rows(), 92);
  const Dense b = weights(model);
  CHECK(largest(b - Dense(small_l3ae().fit(x, f).weights())) < 1e-10);
  CHECK(largest(b - naive::l3ae(Dense(x), f, -2, 1.5, 8)) < 1e-10);
  CHECK(largest(b.rightCols(2)) > 1e-3);
  CHECK(largest(b.bottomRows(2)) > 1e-3);

  auto ease = lae::make_updatable(lae::Ease<double>({5}), shop.x());
  CHECK_FALSE(ease.add_items(2).is_fit);
  CHECK(largest(weights(ease) - Dense(lae::Ease<double>({5}).fit(x).weights())) < 1e-12);
  CHECK_THROWS_WITH(ease.add_items(added), ContainsSubstring("features has 1 sources"));
}

TEST_CASE("Features may be as many as items, and more", "[updates]") {
  Shop shop(923, 60, 90, 100, 3);
  auto model = lae::make_updatable(small_l3ae(), shop.x(), shop.f(), shop.weights());
  const auto fit = [&] {
    return Dense(small_l3ae().fit(shop.x(), shop.f(), shop.weights()).weights());
  };
  CHECK(largest(weights(model) - fit()) < 1e-10);
  model.update(shop.change(1, 0, 2, embeddings));
  CHECK(largest(weights(model) - fit()) < 1e-10);
}

TEST_CASE("Updates are what the textbook says of the new data", "[updates]") {
  Shop shop(911, 40, 90, 5, 3);
  lae::L3aeOptions options{-2, 1.5, 8};
  options.refinements = all_refinements();
  auto model = lae::make_updatable(lae::L3ae<double>(options), shop.x(), shop.f(), shop.weights());
  int folded = 0;
  for (int step = 0; step < 3; ++step) {
    folded += model.update(shop.change(1, 0, step, embeddings)).is_fit ? 0 : 1;
    const Dense x = naive::user_weighted(shop.dense_x(), shop.weights(), options.refinements);
    const Dense s = naive::ease(naive::gram(shop.f().transpose()), 1.5);
    const Dense b = naive::refined(shop.dense_x(), naive::gram(x), 6, s, 8, options.refinements);
    CHECK(largest(weights(model) - b) < 1e-8);
  }
  CHECK(folded > 0);
}

TEST_CASE("Updates in float are near those in double", "[updates]") {
  for (std::size_t i : {std::size_t(1), std::size_t(7)}) {
    const Case<float> single = cases<float>()[i];
    INFO(single.name);
    Shop shop(912, 60, 110, 6, 8);
    UpdatableModel<float> model = single.make(shop);
    for (int step = 0; step < 3; ++step) {
      model.update({});
      Changes<double> changes = shop.change(2, 1, step, single.side);
      Changes<float> same;
      same.users = changes.users;
      same.histories = changes.histories.cast<float>();
      same.user_weights = changes.user_weights;
      same.new_items = changes.new_items;
      for (const auto& source : changes.features) {
        std::visit([&](const auto& f) { same.features.add(f, source.weight, source.role); },
                   source.features);
      }
      model.update(same);
    }
    CHECK(largest(weights(model) - cases<double>()[i].fit(shop)) < 2e-4);
    CHECK(largest(scored(model) - weights(model)) < 2e-4);
    CHECK(model.drift() < 1e-4);
  }
}

TEST_CASE("Updates are the same bits for any number of threads", "[updates][threads]") {
  const auto run = [] {
    Shop shop(913, 300, 600, 40, 30);
    auto model = lae::make_updatable(small_l3ae(), shop.x(), shop.f(), shop.weights());
    model.update(shop.change(20, 2, 3, embeddings));
    return model;
  };
  const auto alone = with_threads(1, run);
  const auto together = with_threads(3, run);
  CHECK(alone.inverse() == together.inverse());
  CHECK(alone.inverse_features() == together.inverse_features());
  const Csr<double> some = alone.interactions().topRows(70);
  CHECK(alone.score(some) == together.score(some));
  CHECK(with_threads(3, [&] { return alone.drift(); }) == alone.drift());
}

TEST_CASE("Thousands of updates stay near the fit", "[updates]") {
  Shop shop(914, 40, 70, 4, 3);
  auto model = lae::make_updatable(small_l3ae(), shop.x(), shop.f(), shop.weights());
  int folded = 0;
  for (int step = 0; step < 1000; ++step) {
    folded += model.update(shop.change(1, 0, 0)).is_fit ? 0 : 1;
  }
  CHECK(folded == 1000);
  const Dense expected = Dense(small_l3ae().fit(shop.x(), shop.f(), shop.weights()).weights());
  CHECK(largest(weights(model) - expected) < 1e-8);
  CHECK(model.drift() > 0);
  CHECK(model.drift() < 1e-9);
  CHECK_FALSE(model.should_refit());
  CHECK(model.should_refit(0) == (model.drift() > 10 * model.drift_of_fit()));
  const auto fitted = lae::make_updatable(small_l3ae(), shop.x(), shop.f(), shop.weights());
  model.refit();
  CHECK(same_bits(model, fitted));
  CHECK(model.drift() == fitted.drift_of_fit());
  CHECK_FALSE(model.should_refit(0));
}

TEST_CASE("The smallest shops, and those that empty, can be updated", "[updates]") {
  Csr<double> x(1, 1);
  x.insert(0, 0) = 2;
  x.makeCompressed();
  const Matrix<double> f = Matrix<double>::Constant(1, 1, 0.5);
  auto model = lae::make_updatable(small_l3ae(), x, f);
  CHECK(weights(model) == Dense::Zero(1, 1));
  model.set_histories({0, 1}, Csr<double>(2, 1));  // nobody has anything
  CHECK(model.users() == 2);
  CHECK(model.inverse()(0, 0) == Approx(1.0 / 6));
  CHECK(scored(model)(0, 0) == 0);
  model.add_items(f);
  x.resize(2, 2);
  x.insert(0, 0) = 1;
  x.insert(1, 1) = 3;
  x.makeCompressed();
  model.set_histories({0, 1}, x);
  const Matrix<double> two = Matrix<double>::Constant(2, 1, 0.5);
  CHECK(largest(weights(model) - Dense(small_l3ae().fit(x, two).weights())) < 1e-12);

  // An item that nobody has any more is one that nobody had.
  Shop shop(915, 50, 90, 3, 3);
  auto ease = lae::make_updatable(lae::Ease<double>({5}), shop.x());
  Csr<double> without = shop.x();
  without.prune([](Index, Index item, double) { return item != 0; });
  std::vector<Index> users;
  for (Index user = 0; user < without.rows(); ++user) {
    if (shop.dense_x()(user, 0) != 0) users.push_back(user);
  }
  Csr<double> rows(static_cast<Index>(users.size()), without.cols());
  for (std::size_t i = 0; i < users.size(); ++i) {
    rows.row(static_cast<Index>(i)) = without.row(users[i]);
  }
  ease.set_histories(users, rows);
  CHECK(largest(weights(ease) - Dense(lae::Ease<double>({5}).fit(without).weights())) < 1e-12);
  CHECK(largest(weights(ease).row(0)) < 1e-14);
}

TEST_CASE("An update that rounding would spoil is a fit", "[updates]") {
  Shop shop(916, 50, 90, 3, 3);
  auto model = lae::make_updatable(lae::Ease<double>({1e-3}), shop.x());
  const Dense before = weights(model);
  // Whoever counts so much leaves nothing of others in P, whatever the last bits of it say.
  for (const double much : {1e2, 1e4, 1e6, 1e8}) {
    Csr<double> loud(1, 90);
    loud.insert(0, 3) = much;
    loud.insert(0, 5) = much;
    loud.makeCompressed();
    CHECK_FALSE(model.set_histories({50}, loud).is_fit);
    CHECK(model.set_histories({50}, Csr<double>(1, 90)).is_fit);
    CHECK(largest(weights(model) - before) < 1e-10);
  }
  // This is no trouble.
  Csr<double> one(1, 90);
  one.insert(0, 3) = 1;
  one.makeCompressed();
  model.set_histories({50}, one);
  CHECK_FALSE(model.set_histories({50}, Csr<double>(1, 90)).is_fit);
  CHECK(largest(weights(model) - before) < 1e-8);
}

TEST_CASE("Lists, reasons and batches are those of the weights", "[updates][ranking]") {
  Shop shop(917, 70, 90, 5, 3);
  const UpdatableModel<double> model = updated(shop);
  const auto dense = model.model();
  const Csr<double> x = shop.x();
  CHECK(largest(model.score(x) - dense.score(x)) < 1e-12);
  const auto lists = lae::recommend(model, x, {5});
  CHECK(lists.items == lae::recommend(dense, x, {5}).items);
  const auto reason = lae::explain(model, x.row(0), 7, 3);
  CHECK(reason.total == Approx(lae::explain(dense, x.row(0), 7, 3).total));
  const UpdatableModel<double> copy = model.clone();
  CHECK(same_bits(copy, model));
}

TEST_CASE("Changes that make no sense are refused and change nothing", "[updates]") {
  Shop shop(918, 50, 90, 4, 3);
  UpdatableModel<double> model = updated(shop);
  const auto before = model.clone();
  const Index users = model.users();
  const Index items = model.items();
  const auto error_of = [&](const Changes<double>& changes) {
    std::string message;
    try {
      model.update(changes);
    } catch (const std::invalid_argument& error) {
      message = error.what();
    }
    CHECK_THROWS_AS(model.size_of(changes), std::invalid_argument);
    CHECK(same_bits(model, before));
    return message;
  };
  const Csr<double> row(1, items);
  CHECK_THAT(error_of({{-1}, row}), ContainsSubstring("users holds user -1"));
  CHECK_THAT(error_of({{users + 1}, row}), ContainsSubstring("without a gap"));
  CHECK_THAT(error_of({{3, 3}, Csr<double>(2, items)}), ContainsSubstring("user 3 twice"));
  CHECK_THAT(error_of({{3, 4}, row}), ContainsSubstring("1 rows, but there are 2 users"));
  CHECK_THAT(error_of({{3}, Csr<double>(1, items + 1)}),
             ContainsSubstring("columns, but the model will have " + std::to_string(items)));
  CHECK_THAT(error_of({{3}, row, {1, 2}}), ContainsSubstring("user_weights has 2"));
  CHECK_THAT(error_of({{3}, row, {-1}}), ContainsSubstring("holds -1 for user 3"));
  CHECK_THAT(error_of({{}, {}, {}, -1}), ContainsSubstring("new_items"));
  CHECK_THAT(error_of({{}, {}, {}, 1}), ContainsSubstring("features has 0 sources"));
  Changes<double> wrong;
  wrong.new_items = 1;
  wrong.features.add(Matrix<double>::Ones(1, 5));
  CHECK_THAT(error_of(wrong), ContainsSubstring("dense of 5 columns"));
  wrong.features = {};
  wrong.features.add(Matrix<double>::Ones(2, 4));
  CHECK_THAT(error_of(wrong), ContainsSubstring("2 rows, but there are 1 new items"));
  Csr<double> bad = row;
  bad.insert(0, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THAT(error_of({{3}, bad}), ContainsSubstring("not finite"));
  bad.coeffRef(0, 0) = 1e200;
  CHECK_THROWS_WITH(model.set_histories({3}, bad), ContainsSubstring("overflows"));
  CHECK(same_bits(model, before));
  CHECK_THROWS_WITH(lae::make_updatable(lae::Ease<double>(), Csr<double>(2, 2)),
                    ContainsSubstring("empty"));
}

TEST_CASE("An update that is cancelled or has no memory changes nothing", "[updates]") {
  Shop shop(919, 50, 100, 4, 8);
  lae::L3aeOptions options{-2, 1.5, 8};
  options.gram_weight = 0.4;
  const lae::L3ae<double> solver(options);
  auto model = lae::make_updatable(solver, shop.x(), both_roles(shop.items()), shop.weights());
  const auto before = model.clone();
  const auto changes = shop.change(2, 1, 1, both_roles);
  lae::FitControl control;
  int calls = 0;
  int last = 0;
  control.progress = [&](std::string_view, double) { return ++calls != last; };
  for (last = 1;; ++last) {
    calls = 0;
    try {
      const bool is_fit = model.update(changes, control).is_fit;
      CHECK_FALSE(is_fit);
      break;
    } catch (const lae::Cancelled&) {
      REQUIRE(same_bits(model, before));
    }
  }
  CHECK(last > 5);
  CHECK_FALSE(same_bits(model, before));

  control = {};
  const auto cost = before.estimate_update(before.size_of(changes));
  control.memory_budget = cost.bytes - 1;
  auto again = before.clone();
  CHECK_THROWS_AS(again.update(changes, control), lae::MemoryBudgetExceeded);
  CHECK_THROWS_AS(again.refit(lae::FitControl{{}, 1000}), lae::MemoryBudgetExceeded);
  CHECK_THROWS_AS(again.model(lae::FitControl{{}, 1000}), lae::MemoryBudgetExceeded);
  CHECK_THROWS_AS(
      lae::make_updatable(solver, shop.x(), both_roles(shop.items()), lae::FitControl{{}, 1000}),
      lae::MemoryBudgetExceeded);
  CHECK(same_bits(again, before));
  control.memory_budget = cost.bytes;
  again.update(changes, control);
  CHECK(same_bits(again, model));
}

TEST_CASE("Updates tell what they cost, and when a fit is cheaper", "[updates]") {
  Shop shop(920, 2000, 300, 10, 3);
  const auto model = lae::make_updatable(small_l3ae(), shop.x(), shop.f());
  const auto few = model.estimate_update({5, 1, 60, 0});
  CHECK(few.rank == 11);
  CHECK_FALSE(few.is_fit);
  CHECK(few.most_users > 5);
  CHECK(few.most_users < 300);
  CHECK_FALSE(model.estimate_update({few.most_users, 0, 10 * few.most_users, 0}).is_fit);
  CHECK(model.estimate_update({few.most_users + 1, 0, 10 * few.most_users + 10, 0}).is_fit);
  CHECK(model.estimate_update({10, 0, 100, 0}).flops > few.flops);
  CHECK(model.estimate_update({10, 0, 100, 0}).bytes > few.bytes);
  CHECK(model.estimate_update({5, 1, 60, 10}).bytes > few.bytes);
  CHECK(model.estimate_update({}).most_users > 0);
  CHECK(model.estimate_update({2000, 0, 32000, 0}).is_fit);

  auto many = model.clone();
  CHECK(many.update(shop.change(400, 0, 0)).is_fit);
  CHECK(same_bits(many, lae::make_updatable(small_l3ae(), shop.x(), shop.f(), shop.weights())));

  lae::EaseOptions dropout{5};
  dropout.refinements.dropout = 0.2;
  const auto dropped = lae::make_updatable(lae::Ease<double>(dropout), shop.x());
  CHECK(dropped.estimate_update({5, 0, 60, 0}).rank == 70);
  CHECK_THROWS_WITH(dropped.estimate_update({-5}), ContainsSubstring("negative, got -5"));
  CHECK(dropped.estimate_update({5, 0, 60, 0, 7}).rank == 17);
  const Csr<double> row = shop.x().topRows(1);
  Changes<double> change{{0}, row};
  CHECK(dropped.size_of(change).touched_items == 0);
  change.histories.coeffRef(0, 299) += 1;
  change.histories.makeCompressed();
  CHECK(dropped.size_of(change).touched_items == 1);
  CHECK(dropped.size_of(change).entries == row.nonZeros() + change.histories.nonZeros());
  change.user_weights = {0.5};
  CHECK(dropped.size_of(change).touched_items == change.histories.nonZeros());
}

TEST_CASE("Updatable models go on from their files", "[updates][model_file]") {
  const TemporaryFolder folder;
  for (const std::size_t i : {std::size_t(1), std::size_t(3), std::size_t(5), std::size_t(7)}) {
    const Case<double> one = cases<double>()[i];
    INFO(one.name);
    Shop shop(921, 60, 110, 6, 8);
    UpdatableModel<double> model = one.make(shop);
    model.update(shop.change(2, 1, 0, one.side));
    lae::save_model(folder / "model", model, {{}, "mine"});
    auto loaded = lae::load_model<UpdatableModel<double>>(folder / "model");
    lae::verify_model(folder / "model");
    CHECK(lae::kind_of_model(folder / "model") == lae::ModelKind::updatable);
    CHECK(lae::load_model_info(folder / "model").model == "mine");
    CHECK(same_bits(loaded, model));
    CHECK(loaded.drift_of_fit() == model.drift_of_fit());
    CHECK(std::string(loaded.recipe().ridge_name) == model.recipe().ridge_name);
    for (int step = 0; step < 2; ++step) {
      const auto changes = shop.change(2, 1, step, one.side);
      model.update(changes);
      loaded.update(changes);
      CHECK(same_bits(loaded, model));
    }
    model.refit();
    loaded.refit();
    CHECK(same_bits(loaded, model));
  }
  CHECK(folder.file_count() == 1);
}

TEST_CASE("Damaged files of updatable models are refused", "[updates][model_file]") {
  using Model = UpdatableModel<double>;
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  Shop shop(922, 20, 30, 3, 4);
  const auto model =
      lae::make_updatable(lae::L3ae<double>(), shop.x(), both_roles(shop.items()), shop.weights());
  lae::save_model(path, model);
  const std::string bytes = read_bytes(path);
  const auto error_of = [&](const std::string& other) {
    write_bytes(path, other);
    return file_error(path, [&] { return lae::load_model<Model>(path); });
  };
  std::vector<std::uint32_t> numbers;
  for (const auto& section : model_bytes::sections(bytes)) {
    numbers.push_back(section.number);
    std::string damaged = bytes;
    damaged[section.offset] = static_cast<char>(damaged[section.offset] ^ 1);
    CHECK_THAT(error_of(damaged), ContainsSubstring("is damaged"));
  }
  CHECK(numbers ==
        std::vector<std::uint32_t>{22, 23, 8, 9, 10, 21, 24, 25, 26, 27, 28, 20, 29, 18, 19});
  CHECK_THAT(error_of(bytes.substr(0, bytes.size() - 64)), ContainsSubstring("truncated"));

  // Right checksums, and no such model.
  const auto with = [&](std::uint32_t section, std::size_t place, auto number) {
    const auto where = model_bytes::section(bytes, section);
    return model_bytes::sealed(model_bytes::patched(bytes, where.offset + place, number));
  };
  CHECK_THAT(error_of(with(22, 0, -1.0)), ContainsSubstring("nothing to update"));
  CHECK_THAT(error_of(with(22, 24, 3.0)), ContainsSubstring("no semantic use 3"));
  CHECK_THAT(error_of(with(22, 56, 1.0)), ContainsSubstring("dropout"));
  CHECK_THAT(error_of(with(8, 8, Index(1) << 40)), ContainsSubstring("no matrix"));
  CHECK_THAT(error_of(with(9, 0, Index(-1))), ContainsSubstring("interactions that are no matrix"));
  CHECK_THAT(error_of(with(27, 0, Index(400))), ContainsSubstring("tags that are no matrix"));
  CHECK_THAT(error_of(with(10, 0, 0.0)), ContainsSubstring("holds no such model"));
  CHECK_THAT(error_of(with(21, 0, -2.0)), ContainsSubstring("user_weights"));
  CHECK_THAT(error_of(with(24, 8, std::uint64_t(7))), ContainsSubstring("list of sources"));
  CHECK_THAT(error_of(with(24, 16, std::uint64_t(4))), ContainsSubstring("dense features"));
  CHECK_THAT(error_of(with(25, 0, std::numeric_limits<double>::infinity())),
             ContainsSubstring("not finite"));
  CHECK_THAT(error_of(with(20, 0, 0.0)), ContainsSubstring("must be positive"));
  CHECK_THAT(error_of(with(18, 0, -1.0)), ContainsSubstring("must be positive"));
  write_bytes(path, bytes);
  CHECK_THAT(file_error(path, [&] { return lae::load_model<UpdatableModel<float>>(path); }),
             ContainsSubstring("holds double weights, asked for float"));
  CHECK_THAT(file_error(path, [&] { return lae::load_model<double>(path); }),
             ContainsSubstring("load_model<lae::UpdatableModel<double>>"));
  CHECK(same_bits(lae::load_model<Model>(path), model));
}
