// Fits by blocks: against the exact models where nothing is left out, else against what they are
// defined to be, computed naively.

#include <algorithm>
#include <cmath>
#include <functional>
#include <lae/evaluation/evaluate.hpp>
#include <lae/lae.hpp>
#include <lae/models/blocks.hpp>
#include <lae/models/recommend_near.hpp>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::BlockOptions;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using naive::Dense;
using naive::largest;

namespace {

struct Shop {
  std::uint64_t seed;
  Csr<double> x;     // users x items, values between 0.5 and 1.5
  Matrix<double> f;  // items x dims
  Csr<double> t;     // items x tags

  Index items() const { return x.cols(); }
};

Shop make_shop(std::uint64_t seed, Index users, Index items, Index dims, Index tags) {
  RandomData random(seed);
  Shop shop{seed, random.interactions(users, items), random.dense(items, dims),
            random.interactions(items, tags, 0.2)};
  shop.x.coeffRef(0, 0) = 1;  // never empty
  shop.x.makeCompressed();
  for (Index entry = 0; entry < shop.x.nonZeros(); ++entry) {
    shop.x.valuePtr()[entry] = 0.5 + random.uniform();
  }
  return shop;
}

/// Empty users and items are among them; d < n, d > n, m < n, and one of everything.
std::vector<Shop> shops() {
  return {make_shop(1, 80, 30, 6, 12), make_shop(2, 20, 30, 40, 5), make_shop(3, 3, 9, 2, 1),
          make_shop(4, 1, 1, 1, 1), make_shop(5, 60, 75, 33, 80)};
}

lae::Refinements all_refinements() {
  lae::Refinements refinements;
  refinements.dropout = 0.3;
  refinements.user_exponent = 0.2;
  refinements.target_exponent = 0.15;
  refinements.diagonal_bound = 0.1;
  return refinements;
}

/// A model of a user's own: features are a prior whose strength grows with the ridge.
struct Leaning {
  double stiffness = 3;

  static constexpr lae::Inputs inputs = lae::Inputs::interactions_and_features;

  static lae::OptionFields<Leaning> fields() {
    lae::OptionFields<Leaning> list;
    list.add("stiffness", &Leaning::stiffness, lae::Range::positive(), "ridge");
    return list;
  }

  lae::Recipe recipe() const {
    lae::Recipe recipe;
    recipe.ridge = stiffness;
    recipe.semantic_use = lae::SemanticUse::prior;
    recipe.semantic_weight = 0.4 * stiffness;
    recipe.refinements.dropout = 0.2;
    return recipe;
  }
};

template <class Model>
Dense weights_of(const Model& model) {
  return model.weights().template cast<double>();
}

/// A model on the data of a shop, exact and by blocks.
template <class Scalar>
struct Case {
  std::string name;
  std::function<Dense()> exact;
  std::function<lae::BlockFit<Scalar>(const BlockOptions&)> blocks;
};

/// Every kind of model. \param shop must outlive them
template <class Scalar>
std::vector<Case<Scalar>> cases(const Shop& shop) {
  std::vector<Case<Scalar>> list;
  const auto add = [&](const char* name, const auto& solver, const auto&... data) {
    const auto inputs = std::make_tuple(data...);
    list.push_back({name,
                    [=] {
                      return std::apply(
                          [&](const auto&... x) { return weights_of(solver.fit(x...)); }, inputs);
                    },
                    [=](const BlockOptions& options) {
                      return std::apply(
                          [&](const auto&... x) { return lae::fit_blocks(solver, x..., options); },
                          inputs);
                    }});
  };
  const lae::Refinements on = all_refinements();
  lae::Sources<Scalar> side;
  side.add(shop.f).add(shop.t, 0.5);
  lae::Sources<Scalar> both_roles;
  both_roles.add(shop.f)
      .add(shop.t, 0.5, lae::SourceRole::gram)
      .add(Matrix<double>(shop.f.leftCols(1)), 2, lae::SourceRole::gram);
  add("EASE", lae::Ease<Scalar>({3}), shop.x);
  add("CEASE on tags", lae::Cease<Scalar>({3, 0.4}), shop.x, shop.t);
  add("CEASE on embeddings", lae::Cease<Scalar>({3, 0.4}), shop.x, shop.f);
  add("CEASE on both", lae::Cease<Scalar>({3, 0.4}), shop.x, side);
  add("CEASE without weight", lae::Cease<Scalar>({3, 0}), shop.x, side);
  add("Add-EASE on tags", lae::AddEase<Scalar>({3, 2, 0.3}), shop.x, shop.t);
  add("Add-EASE on embeddings", lae::AddEase<Scalar>({3, 2, 0.3}), shop.x, shop.f);
  add("L3AE", lae::L3ae<Scalar>({-2, 1.5, 6}), shop.x, shop.f);
  add("L3AE on tags", lae::L3ae<Scalar>({-2, 1.5, 6}), shop.x, shop.t);
  add("L3AE on both", lae::L3ae<Scalar>({-2, 1.5, 6}), shop.x, side);
  add("L3AE, sources in the Gram matrix", lae::L3ae<Scalar>({-2, 1.5, 6, {}, 0.7}), shop.x,
      both_roles);
  add("semantic EASE", lae::FeatureEase<Scalar>({2}), shop.f);
  add("semantic EASE on tags", lae::FeatureEase<Scalar>({2}), shop.t);
  add("semantic EASE on both", lae::FeatureEase<Scalar>({2}), side);
  add("similarity", lae::Cosine<Scalar>(), shop.f);
  add("cosine", lae::Cosine<Scalar>({true}), side);
  add("a model of one's own", lae::Solver<Leaning, Scalar>(), shop.x, shop.f);
  add("refined EASE", lae::Ease<Scalar>({3, on}), shop.x);
  add("refined CEASE", lae::Cease<Scalar>({3, 0.4, on}), shop.x, side);
  add("refined Add-EASE", lae::AddEase<Scalar>({3, 2, 0.3, on}), shop.x, shop.f);
  add("refined L3AE", lae::L3ae<Scalar>({-2, 1.5, 6, on}), shop.x, shop.f);
  add("refined L3AE, sources in the Gram matrix", lae::L3ae<Scalar>({-2, 1.5, 6, on, 0.7}), shop.x,
      both_roles);
  return list;
}

template <class Scalar>
BlockOptions exact_options() {
  BlockOptions options;
  options.neighbours = 1000;
  options.tolerance = std::is_same_v<Scalar, float> ? 1e-7 : 1e-15;
  return options;
}

/// N_j by its definition.
std::vector<Index> neighbours(const Dense& gram, const Eigen::VectorXd& diagonal, Index j,
                              Index k) {
  std::vector<Index> found;
  for (Index i = 0; i < gram.rows(); ++i) {
    if (i != j && gram(i, j) != 0) found.push_back(i);
  }
  std::stable_sort(found.begin(), found.end(), [&](Index a, Index b) {
    return gram(a, j) / std::sqrt(diagonal[a]) > gram(b, j) / std::sqrt(diagonal[b]);
  });
  found.resize(std::min(found.size(), static_cast<std::size_t>(k)));
  return found;
}

/// P by blocks, each column from its own regression.
Dense block_inverse(const Dense& gram, const Eigen::VectorXd& ridge, Index k) {
  const Index n = gram.rows();
  const Dense a = gram + Dense(ridge.asDiagonal());
  Dense p = Dense::Zero(n, n);
  for (Index j = 0; j < n; ++j) {
    const std::vector<Index> others = neighbours(gram, a.diagonal(), j, k);
    double rest = a(j, j);
    if (!others.empty()) {
      const Eigen::VectorXd g = a(others, j);
      const Eigen::VectorXd e = Dense(a(others, others)).ldlt().solve(g);
      rest -= g.dot(e);
      p(others, j) = -e / rest;
    }
    p(j, j) = 1 / rest;
  }
  return p;
}

/// B from P and Z = A⁻¹ V, off the diagonal, by the formula of L3AE.
Dense l3ae_of(const Dense& p, const Dense& a, const Dense& f, double lambda_f, double kappa) {
  const Index n = p.rows();
  const Dense s_gram = f * f.transpose();
  const Dense s = naive::ease(s_gram, lambda_f);
  const Dense p_f = naive::inverse(s_gram, naive::constant(n, lambda_f));
  // (P S)_ij = P_ij own_j + z_i·v_j scale_j, and only P of the first part is by blocks.
  const Dense vv = Dense::Identity(n, n) - lambda_f * p_f;
  const Dense zv = a.ldlt().solve(vv);
  Dense b(n, n);
  for (Index j = 0; j < n; ++j) {
    const double scale = 1 / (1 - vv(j, j));
    const double c = 1 + kappa * zv(j, j) * scale;
    b.col(j) = -c / p(j, j) * p.col(j) + kappa * scale * zv.col(j);
  }
  b.diagonal().setZero();
  return b;
}

lae::FitControl with_budget(std::uint64_t bytes) {
  lae::FitControl control;
  control.memory_budget = bytes;
  return control;
}

Csr<double> renamed(const Csr<double>& rows, const std::vector<Index>& name) {
  Csr<double> result(rows.rows(), rows.cols());
  std::vector<Eigen::Triplet<double, Index>> entries;
  for (Index row = 0; row < rows.rows(); ++row) {
    for (Csr<double>::InnerIterator entry(rows, row); entry; ++entry) {
      entries.emplace_back(row, name[static_cast<std::size_t>(entry.col())], entry.value());
    }
  }
  result.setFromTriplets(entries.begin(), entries.end());
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE("With all items as neighbours, blocks are the exact model", "[blocks]",
                   LAE_SCALARS) {
  for (const Shop& shop : shops()) {
    for (const Case<TestType>& model : cases<TestType>(shop)) {
      INFO(model.name << ", shop of seed " << shop.seed);
      const auto fit = model.blocks(exact_options<TestType>());
      const Dense exact = model.exact();
      const Dense blocks = weights_of(fit.model);
      CHECK(largest(blocks - exact) < (std::is_same_v<TestType, float> ? 5e-4 : 1e-9));
      CHECK(Dense(blocks.diagonal()).minCoeff() >= 0);
      CHECK(fit.report.converged);
      if (model.name.find("refined") == std::string::npos) {
        CHECK(Dense(blocks.diagonal()) == Dense::Zero(shop.items(), 1));
      }
    }
  }
}

TEST_CASE("Blocks take weights of users", "[blocks]") {
  const Shop shop = make_shop(11, 40, 20, 5, 4);
  RandomData random(12);
  std::vector<double> weights;
  for (Index user = 0; user < shop.x.rows(); ++user) weights.push_back(random.uniform());
  BlockOptions options = exact_options<double>();
  options.user_weights = weights;
  const lae::L3ae<double> solver({-2, 1.5, 6, all_refinements()});
  const auto fit = lae::fit_blocks(solver, shop.x, shop.f, options);
  CHECK(largest(weights_of(fit.model) - weights_of(solver.fit(shop.x, shop.f, weights))) < 1e-9);
  options.user_weights.pop_back();
  CHECK_THROWS_WITH(lae::fit_blocks(solver, shop.x, shop.f, options),
                    ContainsSubstring("user_weights has 39 values"));
}

TEMPLATE_TEST_CASE("Each column is a ridge regression on its neighbours", "[blocks]", LAE_SCALARS) {
  const double tolerance = std::is_same_v<TestType, float> ? 1e-4 : 1e-10;
  for (const Shop& shop : {make_shop(21, 90, 40, 7, 9), make_shop(22, 25, 50, 3, 4)}) {
    for (const Index k : {1, 2, 7, 15}) {
      INFO("shop of seed " << shop.seed << ", k = " << k);
      BlockOptions options = exact_options<TestType>();
      options.neighbours = k;
      const Dense x = shop.x;
      const Index n = shop.items();
      const auto check = [&](const Dense& gram, const auto& fit) {
        const Dense p = block_inverse(gram, naive::constant(n, 4), k);
        Dense expected = -p * p.diagonal().cwiseInverse().asDiagonal();
        expected.diagonal().setZero();
        CHECK(largest(weights_of(fit.model) - expected) < tolerance);
        CHECK(fit.report.neighbours == k);
        CHECK(fit.report.entries == fit.report.kept_entries);
      };
      check(x.transpose() * x, lae::fit_blocks(lae::Ease<TestType>({4}), shop.x, options));
      const Dense t = shop.t;
      check(x.transpose() * x + 0.6 * t * t.transpose(),
            lae::fit_blocks(lae::Cease<TestType>({4, 0.6}), shop.x, shop.t, options));

      const Dense gram = x.transpose() * x;
      const Dense a = gram + 4 * Dense::Identity(n, n);
      const Dense expected =
          l3ae_of(block_inverse(gram, naive::constant(n, 4), k), a, shop.f, 1.5, 6);
      const auto l3ae = lae::fit_blocks(lae::L3ae<TestType>({-2, 1.5, 6}), shop.x, shop.f, options);
      CHECK(largest(weights_of(l3ae.model) - expected) < tolerance);
    }
  }
}

TEST_CASE("Among equal neighbours the lower items are taken", "[blocks]") {
  // Item 4 occurs with all others alike, which occur with nothing else.
  Csr<double> x(4, 5);
  for (Index user = 0; user < 4; ++user) {
    x.insert(user, user) = 1;
    x.insert(user, 4) = 1;
  }
  x.makeCompressed();
  BlockOptions options;
  options.neighbours = 2;
  const Dense b = weights_of(lae::fit_blocks(lae::Ease<double>({1}), x, options).model);
  CHECK(b(0, 4) > 0);
  CHECK(b(1, 4) > 0);
  CHECK(b(2, 4) == 0);
  CHECK(b(3, 4) == 0);
}

TEMPLATE_TEST_CASE("Pairs that are kept are those that interactions have", "[blocks]",
                   LAE_SCALARS) {
  for (const Shop& shop : shops()) {
    const lae::Recipe recipe = lae::Cease<TestType>({3, 0.4, all_refinements()}).recipe();
    BlockOptions options;
    options.neighbours = 6;
    const auto fit = [&](std::uint64_t bytes_for_pairs) {
      lae::detail::FitData<TestType> data{lae::detail::borrow_interactions<TestType>(shop.x)};
      lae::detail::add_features(shop.t, recipe, data);
      const lae::Progress progress;
      lae::detail::BlockFitter<TestType> fitter(recipe, options, progress);
      auto model = fitter.fit(std::move(data), bytes_for_pairs);
      return lae::BlockFit<TestType>{std::move(model), fitter.report};
    };
    const auto kept = fit(1u << 20);
    const auto counted = fit(0);
    CHECK(counted.report.pairs == 0);
    CHECK((kept.report.pairs > 0) == (shop.items() > 1));
    CHECK(counted.report.entries == kept.report.entries);
    CHECK(counted.model.sparse().items == kept.model.sparse().items);
    CHECK(counted.model.sparse().values == kept.model.sparse().values);
  }
}

TEMPLATE_TEST_CASE("Conjugate gradients solve for the inverse", "[blocks]", LAE_SCALARS) {
  RandomData random(41);
  const Csr<TestType> x = random.interactions(50, 40, 0.2).cast<TestType>();
  const lae::detail::RankedRows<TestType> rows(x, Csr<TestType>(0, 40));
  lae::Vector<TestType> ridge(40), diagonal(40);
  Dense a = Dense(x.template cast<double>()).transpose() * Dense(x.template cast<double>());
  for (Index rank = 0; rank < 40; ++rank) {
    const auto item = static_cast<Index>(rows.item_at[static_cast<std::size_t>(rank)]);
    ridge[rank] = static_cast<TestType>(0.5 + random.uniform());
    a(item, item) += static_cast<double>(ridge[rank]);
    diagonal[rank] = static_cast<TestType>(a(item, item));
  }
  // Not a multiple of a chunk, with a column of zeros.
  Matrix<TestType> v = random.dense(40, 37).template cast<TestType>();
  v.col(5).setZero();
  const lae::detail::GramSolver<TestType> solver(rows, ridge, diagonal);
  for (const double tolerance : {1e-1, 1e-4, std::is_same_v<TestType, float> ? 1e-6 : 1e-14}) {
    lae::detail::SolveReport report;
    const Matrix<TestType> z = solver.solve(v, tolerance, 500, report, {});
    const Dense rest = a * z.template cast<double>() - v.template cast<double>();
    double worst = 0;
    for (Index column = 0; column < 37; ++column) {
      const double norm = v.col(column).template cast<double>().norm();
      if (norm > 0) worst = std::max(worst, rest.col(column).norm() / norm);
    }
    const double rounding = std::numeric_limits<TestType>::epsilon();
    CHECK(worst < 1.1 * tolerance + 20 * rounding);
    CHECK(report.worst_residual == Approx(worst).epsilon(0.3));
    CHECK(z.col(5).isZero(0));
    if (tolerance < 1e-4) {
      CHECK(largest(Dense(z.template cast<double>()) -
                    a.ldlt().solve(Dense(v.template cast<double>()))) < 1e3 * rounding);
    }
  }
  lae::detail::SolveReport report;
  static_cast<void>(solver.solve(v, 1e-4, 2, report, {}));
  CHECK(report.most_iterations == 2);
  CHECK(report.worst_residual > 1e-4);
}

TEST_CASE("Too few iterations are reported", "[blocks]") {
  const Shop shop = make_shop(42, 80, 30, 6, 12);
  BlockOptions options;
  options.tolerance = 1e-8;
  options.max_iterations = 1;
  const lae::L3ae<double> solver({-5.9, 1, 6});
  const lae::BlockReport report = lae::fit_blocks(solver, shop.x, shop.f, options).report;
  CHECK_FALSE(report.converged);
  CHECK(report.iterations == 1);
  CHECK(report.worst_residual > 1e-8);
  options.max_iterations = 200;
  CHECK(lae::fit_blocks(solver, shop.x, shop.f, options).report.converged);
}

TEST_CASE("Renaming the items renames the weights of blocks", "[blocks]") {
  const Shop shop = make_shop(51, 120, 40, 7, 9);
  RandomData random(52);
  const auto n = static_cast<std::size_t>(shop.items());
  std::vector<Index> name(n);
  std::iota(name.begin(), name.end(), Index(0));
  for (std::size_t i = n - 1; i > 0; --i) {
    std::swap(name[i], name[static_cast<std::size_t>(random.below(static_cast<Index>(i) + 1))]);
  }
  Matrix<double> f(shop.items(), 7);
  for (std::size_t i = 0; i < n; ++i) f.row(name[i]) = shop.f.row(static_cast<Index>(i));
  BlockOptions options;
  options.neighbours = 8;
  options.tolerance = 1e-14;
  options.mean_entries = 6;
  options.symmetrise = true;
  const lae::L3ae<double> solver({-2, 1.5, 6, all_refinements()});
  const Dense plain = weights_of(lae::fit_blocks(solver, shop.x, shop.f, options).model);
  const Dense other = weights_of(lae::fit_blocks(solver, renamed(shop.x, name), f, options).model);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      REQUIRE(other(name[i], name[j]) ==
              Approx(plain(static_cast<Index>(i), static_cast<Index>(j))).margin(1e-10));
    }
  }
}

TEMPLATE_TEST_CASE("Blocks have the same bits from any number of threads", "[blocks][threads]",
                   LAE_SCALARS) {
  const Shop shop = make_shop(61, 400, 700, 70, 50);
  BlockOptions options;
  options.neighbours = 30;
  options.mean_entries = 20;
  options.most_entries = 25;
  options.symmetrise = true;
  options.spectrum = 0.9;
  lae::Sources<TestType> side;
  side.add(shop.f).add(shop.t, 0.5, lae::SourceRole::gram).add(shop.f, 1, lae::SourceRole::gram);
  const lae::L3ae<TestType> solver({-2, 1.5, 6, all_refinements(), 0.1});
  const auto fit = [&] { return lae::fit_blocks(solver, shop.x, side, options); };
  const auto one = with_threads(1, fit);
  const auto cost = lae::estimate_blocks(solver, lae::problem_size(shop.x, side), options);
  CHECK(one.report.pairs > 0);
  for (const int threads : {2, 3, 7}) {
    INFO(threads << " threads");
    const auto many = with_threads(threads, fit);
    CHECK(many.model.sparse().start == one.model.sparse().start);
    CHECK(many.model.sparse().items == one.model.sparse().items);
    CHECK(many.model.sparse().values == one.model.sparse().values);
    CHECK(many.model.left() == one.model.left());
    CHECK(many.model.right() == one.model.right());
    CHECK(many.report.worst_residual == one.report.worst_residual);
  }
  CHECK(cost.flops > 0);
}

TEST_CASE("Items that nobody has are scored as by the exact model", "[blocks]") {
  Shop shop = make_shop(71, 60, 50, 6, 12);
  const std::vector<Index> cold{3, 20, 49};
  for (const Index item : cold) {
    for (Index user = 0; user < shop.x.rows(); ++user) shop.x.coeffRef(user, item) = 0;
  }
  shop.x.prune(0.0);
  BlockOptions options;
  options.neighbours = 4;
  options.tolerance = 1e-14;
  const lae::L3ae<double> solver({-2, 1.5, 6});
  const Dense exact = weights_of(solver.fit(shop.x, shop.f));
  const Dense blocks = weights_of(lae::fit_blocks(solver, shop.x, shop.f, options).model);
  CHECK(largest(blocks - exact) > 1e-3);
  for (const Index item : cold) {
    CHECK(largest(blocks.col(item) - exact.col(item)) < 1e-10);
    CHECK(largest(exact.col(item)) > 1e-3);
  }
}

TEMPLATE_TEST_CASE("Scores are those of the weights", "[blocks][scorer]", LAE_SCALARS) {
  using Model = lae::SparseLowRankModel<TestType>;
  CHECK(lae::is_scorer_v<Model>);
  CHECK(lae::is_batch_scorer_v<Model>);
  const double tolerance = std::is_same_v<TestType, float> ? 2e-5 : 1e-12;
  for (const Shop& shop : shops()) {
    for (const Case<TestType>& fitted : cases<TestType>(shop)) {
      INFO(fitted.name << ", shop of seed " << shop.seed);
      BlockOptions options;
      options.neighbours = 5;
      const Model model = fitted.blocks(options).model;
      const Csr<TestType> histories = shop.x.template cast<TestType>();
      const Dense expected = Dense(shop.x) * weights_of(model);
      CHECK(largest(lae::score(model, histories).template cast<double>() - expected) <
            tolerance * (1 + largest(expected)));
      for (const Index begin : {Index(0), shop.items() / 3}) {
        const Index length = (shop.items() - begin + 1) / 2;
        Eigen::Matrix<TestType, 1, Eigen::Dynamic> scores =
            Eigen::Matrix<TestType, 1, Eigen::Dynamic>::Constant(length, 7);
        model.add_scores(lae::History<TestType>(histories, 0), begin, scores);
        const Dense part = expected.row(0).segment(begin, length).array() + 7;
        CHECK(largest(Dense(scores.template cast<double>()) - part) <
              tolerance * (8 + largest(expected)));
      }
    }
  }
}

TEST_CASE("Parts of a weight add up to it", "[blocks][scorer]") {
  const Shop shop = make_shop(81, 60, 30, 6, 12);
  BlockOptions options;
  options.neighbours = 5;
  for (const double bound : {0.0, 0.2}) {
    lae::L3aeOptions l3ae{-2, 1.5, 6};
    l3ae.refinements.diagonal_bound = bound;
    const auto model = lae::fit_blocks(lae::L3ae<double>(l3ae), shop.x, shop.f, options).model;
    const Matrix<double> b = model.weights();
    for (Index i = 0; i < 30; ++i) {
      for (Index j = 0; j < 30; ++j) {
        const auto [from_interactions, from_features] = model.parts_of(i, j);
        REQUIRE(from_interactions + from_features == Approx(b(i, j)).margin(1e-14));
        if (i != j) {
          REQUIRE(from_features ==
                  Approx(model.left().row(i).dot(model.right().row(j))).margin(1e-14));
        }
      }
    }
    const auto why = lae::explain(model, shop.x.row(0), 7, 3);
    CHECK(why.total == Approx((Dense(shop.x).row(0) * b)(7)));
    CHECK_THROWS_WITH(model.parts_of(0, 30), ContainsSubstring("30"));
    CHECK_THROWS_AS(model.parts_of(-1, 0), std::invalid_argument);
  }
}

TEST_CASE("Candidates are ranked as among all items", "[blocks][scorer]") {
  const Shop shop = make_shop(91, 60, 90, 6, 12);
  BlockOptions options;
  options.neighbours = 4;
  const auto model =
      lae::fit_blocks(lae::L3ae<double>({-2, 1.5, 6}), shop.x, shop.f, options).model;
  const Matrix<double> scores = lae::score(model, shop.x);
  for (Index user = 0; user < shop.x.rows(); ++user) {
    const lae::History<double> history(shop.x, user);
    const std::vector<Index> candidates = model.candidates(history);
    CHECK(std::is_sorted(candidates.begin(), candidates.end()));
    const lae::Vector<double> of_candidates = model.scores_of(history, candidates);
    for (std::size_t place = 0; place < candidates.size(); ++place) {
      REQUIRE(of_candidates[static_cast<Index>(place)] ==
              Approx(scores(user, candidates[place])).margin(1e-13));
    }
    // Whoever is not among them, nor in the history, has no weight from interactions.
    std::size_t others = 0;
    for (Index item = 0; item < shop.items(); ++item) {
      double sparse = 0;
      for (const auto& [from, value] : history) {
        sparse += std::abs(model.parts_of(from, item).from_interactions);
      }
      const bool is_seen = shop.x.coeff(user, item) != 0;
      const bool is_candidate = std::binary_search(candidates.begin(), candidates.end(), item);
      REQUIRE(is_candidate == (sparse != 0 && !is_seen));
      others += is_candidate || is_seen ? 0 : 1;
    }
    if (!history.empty()) CHECK(others > 0);
  }
}

TEST_CASE("Small weights are cut as asked for", "[blocks]") {
  const Shop shop = make_shop(101, 100, 40, 5, 9);
  BlockOptions options;
  options.neighbours = 10;
  const lae::Ease<double> solver({3});
  const auto whole = lae::fit_blocks(solver, shop.x, options);
  const Dense b = weights_of(whole.model);
  REQUIRE(whole.report.kept_entries > 6 * 40);

  options.mean_entries = 6;
  const auto by_threshold = lae::fit_blocks(solver, shop.x, options);
  CHECK(by_threshold.report.kept_entries == 6 * 40);
  CHECK(by_threshold.report.entries == whole.report.entries);
  std::vector<double> magnitudes(b.data(), b.data() + b.size());
  for (double& value : magnitudes) value = std::abs(value);
  std::sort(magnitudes.begin(), magnitudes.end(), std::greater<double>());
  const double least = magnitudes[6 * 40 - 1];
  CHECK(weights_of(by_threshold.model) == Dense((b.array().abs() >= least).select(b, 0.0)));

  options.mean_entries = 0;
  options.most_entries = 4;
  const Dense by_column = weights_of(lae::fit_blocks(solver, shop.x, options).model);
  for (Index j = 0; j < 40; ++j) {
    std::vector<double> column(b.col(j).data(), b.col(j).data() + 40);
    for (double& value : column) value = std::abs(value);
    std::sort(column.begin(), column.end(), std::greater<double>());
    const Eigen::VectorXd kept =
        (b.col(j).array().abs() >= std::max(column[3], 1e-300)).select(b.col(j), 0.0);
    CHECK(Eigen::VectorXd(by_column.col(j)) == kept);
  }

  options.most_entries = 0;
  options.sparse_bytes = 40 * 12 * 3;
  CHECK(lae::fit_blocks(solver, shop.x, options).report.neighbours == 3);
  options.sparse_bytes = 40;
  CHECK_THROWS_WITH(lae::fit_blocks(solver, shop.x, options), ContainsSubstring("sparse_bytes"));
}

TEST_CASE("Symmetrised blocks have the mean of both estimates", "[blocks]") {
  const Shop shop = make_shop(111, 100, 40, 5, 9);
  BlockOptions options;
  options.neighbours = 7;
  options.symmetrise = true;
  const Dense x = shop.x;
  const Dense p = block_inverse(x.transpose() * x, naive::constant(40, 3), 7);
  Dense expected = p;
  int twins = 0;
  for (Index i = 0; i < 40; ++i) {
    for (Index j = 0; j < 40; ++j) {
      if (i == j || p(i, j) == 0 || p(j, i) == 0) continue;
      expected(i, j) = (p(i, j) + p(j, i)) / 2;
      ++twins;
    }
  }
  REQUIRE(twins > 0);
  expected = Dense(-expected * p.diagonal().cwiseInverse().asDiagonal());
  expected.diagonal().setZero();
  const auto fit = lae::fit_blocks(lae::Ease<double>({3}), shop.x, options);
  CHECK(largest(weights_of(fit.model) - expected) < 1e-12);
}

TEST_CASE("Features are reduced to what is asked for", "[blocks]") {
  const Shop shop = make_shop(121, 60, 50, 8, 30);
  const Dense f = shop.f;
  const naive::Svd svd = naive::svd(f);
  const Eigen::VectorXd squares = svd.s.array().square();
  const auto leading = [](const naive::Svd& of, Index rank) {
    return Matrix<double>(of.u.leftCols(rank) * of.s.head(rank).asDiagonal());
  };
  BlockOptions options = exact_options<double>();
  const lae::L3ae<double> solver({-2, 1.5, 6});

  options.rank = 3;
  const auto by_rank = lae::fit_blocks(solver, shop.x, shop.f, options);
  CHECK(by_rank.report.rank == 3);
  CHECK(by_rank.report.kept_spectrum == Approx(squares.head(3).sum() / squares.sum()));
  CHECK(largest(weights_of(by_rank.model) - weights_of(solver.fit(shop.x, leading(svd, 3)))) <
        1e-9);

  options.rank = 0;
  options.spectrum = squares.head(5).sum() / squares.sum() - 1e-9;
  const auto by_share = lae::fit_blocks(solver, shop.x, shop.f, options);
  CHECK(by_share.report.rank == 5);
  CHECK(by_share.report.kept_spectrum >= options.spectrum);

  // Tags by a truncated SVD; beside embeddings, the leading dimensions of both together.
  options.spectrum = 1;
  options.rank = 6;
  const naive::Svd of_tags = naive::svd(Dense(shop.t));
  const auto on_tags = lae::fit_blocks(solver, shop.x, shop.t, options);
  CHECK(on_tags.report.rank == 6);
  CHECK(largest(weights_of(on_tags.model) - weights_of(solver.fit(shop.x, leading(of_tags, 6)))) <
        1e-3);
  lae::Sources<double> side;
  side.add(shop.f).add(shop.t, 0.5);
  CHECK(lae::fit_blocks(solver, shop.x, side, options).report.rank == 6);
  CHECK(lae::fit_blocks(lae::Cease<double>({3, 0.4}), shop.x, shop.f, options).report.rank == 6);
}

TEST_CASE("Too many tags are refused unless they are reduced", "[blocks]") {
  const Shop shop = make_shop(131, 20, 12, 2, 3);
  Csr<double> tags(12, 20000);
  for (Index item = 0; item < 12; ++item) tags.insert(item, 100 * item) = 1;
  tags.makeCompressed();
  CHECK_THROWS_WITH(lae::fit_blocks(lae::L3ae<double>(), shop.x, tags),
                    ContainsSubstring("20000 tags") && ContainsSubstring("BlockOptions::rank"));
  // In the Gram matrix there may be any number.
  const lae::Cease<double> cease({3, 0.4});
  CHECK(largest(weights_of(lae::fit_blocks(cease, shop.x, tags).model) -
                weights_of(cease.fit(shop.x, tags))) < 1e-12);
  BlockOptions options;
  options.rank = 12;
  CHECK(lae::fit_blocks(lae::L3ae<double>(), shop.x, tags, options).report.rank == 12);
}

TEST_CASE("Options out of range are named", "[blocks]") {
  const Shop shop = make_shop(141, 20, 12, 2, 3);
  const auto check = [&](const char* name, const auto& change) {
    BlockOptions options;
    change(options);
    CHECK_THROWS_WITH(lae::fit_blocks(lae::Ease<double>(), shop.x, options),
                      ContainsSubstring(name));
    CHECK_THROWS_AS(lae::estimate_blocks(lae::Ease<double>(), lae::problem_size(shop.x), options),
                    std::invalid_argument);
  };
  check("neighbours", [](BlockOptions& o) { o.neighbours = 0; });
  check("mean_entries", [](BlockOptions& o) { o.mean_entries = -1; });
  check("most_entries", [](BlockOptions& o) { o.most_entries = -1; });
  check("tolerance", [](BlockOptions& o) { o.tolerance = 0; });
  check("tolerance", [](BlockOptions& o) { o.tolerance = 1; });
  check("tolerance", [](BlockOptions& o) { o.tolerance = std::nan(""); });
  check("max_iterations", [](BlockOptions& o) { o.max_iterations = 0; });
  check("rank", [](BlockOptions& o) { o.rank = -1; });
  check("spectrum", [](BlockOptions& o) { o.spectrum = 0; });
  check("spectrum", [](BlockOptions& o) { o.spectrum = 1.1; });
  CHECK_THROWS_WITH(lae::fit_blocks(lae::Ease<double>(), Csr<double>(3, 4)),
                    ContainsSubstring("is empty"));
  CHECK_THROWS_WITH(lae::fit_blocks(lae::L3ae<double>(), shop.x, Matrix<double>::Ones(11, 2)),
                    ContainsSubstring("11"));
  CHECK_THROWS_AS(lae::SparseLowRankModel<double>({}, Matrix<double>(), Matrix<double>()),
                  std::invalid_argument);
  CHECK_THROWS_WITH(lae::SparseLowRankModel<double>({{0, 2, 2}, {1, 0}, {1, 1}},
                                                    Matrix<double>(2, 0), Matrix<double>(2, 0)),
                    ContainsSubstring("item 0 after item 1"));
  CHECK_THROWS_WITH(lae::SparseLowRankModel<double>({{0, 1, 1}, {2}, {1}}, Matrix<double>(2, 0),
                                                    Matrix<double>(2, 0)),
                    ContainsSubstring("item 2"));
}

TEST_CASE("A singular block names its item", "[blocks]") {
  // Powers of 4: nothing is rounded but the ridge, to nothing.
  Csr<float> x(4, 3);
  for (Index user = 0; user < 4; ++user) {
    for (Index item = 0; item < 3; ++item) x.insert(user, item) = 0x1p18f;
  }
  x.makeCompressed();
  try {
    static_cast<void>(lae::fit_blocks(lae::Ease<float>({1e-6}), x));
    FAIL("it was not singular");
  } catch (const lae::NotPositiveDefinite& error) {
    CHECK(error.item() >= 0);
    CHECK_THAT(error.what(), ContainsSubstring("raise the ridge (lambda)"));
  }
}

TEST_CASE("Fits by blocks report, stop when told to, and keep to their budget", "[blocks]") {
  const Shop shop = make_shop(151, 200, 300, 70, 12);
  const lae::L3ae<double> solver({-2, 1.5, 6});
  std::vector<std::string> stages;
  std::size_t reports = 0;
  lae::FitControl control;
  double before = 0;
  control.progress = [&](std::string_view stage, double fraction) {
    if (stages.empty() || stages.back() != stage) {
      stages.emplace_back(stage);
      before = 0;
    }
    CHECK(fraction >= before);
    CHECK(fraction <= 1);
    before = fraction;
    ++reports;
    return true;
  };
  static_cast<void>(lae::fit_blocks(solver, shop.x, shop.f, {20}, control));
  for (const char* stage : {"neighbours", "blocks", "semantics", "semantic products"}) {
    CHECK(std::count(stages.begin(), stages.end(), stage) == 1);
  }
  for (std::size_t at = 0; at < reports; at += 7) {
    std::size_t count = 0;
    control.progress = [&](std::string_view, double) { return count++ < at; };
    CHECK_THROWS_AS(lae::fit_blocks(solver, shop.x, shop.f, {20}, control), lae::Cancelled);
  }
  const auto bytes = lae::estimate_blocks(solver, lae::problem_size(shop.x, shop.f), {20}).bytes;
  CHECK_THROWS_AS(lae::fit_blocks(solver, shop.x, shop.f, {20}, with_budget(bytes - 1)),
                  lae::MemoryBudgetExceeded);
  CHECK_NOTHROW(lae::fit_blocks(solver, shop.x, shop.f, {20}, with_budget(bytes)));
}

TEST_CASE("Lists of near items are those of the full ranking, restricted", "[blocks][scorer]") {
  const Shop shop = make_shop(95, 60, 90, 6, 12);
  BlockOptions options;
  options.neighbours = 2;
  const auto model =
      lae::fit_blocks(lae::L3ae<double>({-2, 1.5, 6}), shop.x, shop.f, options).model;
  const std::vector<Index> also{80, 3, 80, 41};
  for (const bool exclude_seen : {true, false}) {
    lae::RecommendOptions wanted{40};
    wanted.exclude_seen = exclude_seen;
    wanted.deny = {5, 41};
    const auto near = lae::recommend_near(model, shop.x, wanted, also);
    const auto restricted = lae::recommend(model, shop.x, wanted, [&](Index user, Index item) {
      const lae::History<double> history(shop.x, user);
      const std::vector<Index> candidates = model.candidates(history);
      return std::binary_search(candidates.begin(), candidates.end(), item) ||
             std::find(also.begin(), also.end(), item) != also.end() ||
             shop.x.coeff(user, item) != 0;
    });
    CHECK(near.items == restricted.items);
    CHECK((near.items.array() < 0).any() == (restricted.scores.array() < -1e300).any());
    const auto full = lae::recommend(model, shop.x, wanted);
    const double recall = lae::recall_of(near, full);
    CHECK(recall > 0.2);
    CHECK(recall < 1);
    CHECK(lae::recall_of(full, full) == 1);
  }
  CHECK_THROWS_WITH(lae::recommend_near(model, shop.x, {10}, {90}), ContainsSubstring("also"));
}
