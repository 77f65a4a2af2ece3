// What each refinement of the loss means, and what refinements refuse. That all of them together
// equal a naive solve, with every model, is among the laws.

#include <cmath>
#include <lae/lae.hpp>
#include <limits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using lae::Refinements;
using naive::Dense;
using naive::largest;

namespace {

struct RefinedShop {
  Csr<double> x;
  Matrix<double> f;     // fewer dimensions than items
  Matrix<double> wide;  // more of them
  Csr<double> t;
};

RefinedShop make_refined_shop(std::uint64_t seed) {
  RandomData random(seed);
  RefinedShop shop{random.interactions(60, 25, 0.2), random.dense(25, 6), random.dense(25, 40),
                   random.interactions(25, 10, 0.2)};
  // An item and a user that are on their own.
  Dense x(shop.x);
  x.col(9).setZero();
  x.row(7).setZero();
  shop.x = x.sparseView();
  return shop;
}

/// Calls check(name, fit), where fit(refinements, x, user_weights) gives the weights of each model
/// in turn.
template <class Check>
void for_each_model(const RefinedShop& s, Check&& check) {
  using lae::Index;
  const auto dense = [](const auto& model) {
    return Dense(model.weights().template cast<double>());
  };
  using X = const Csr<double>&;
  using R = const Refinements&;
  using W = const std::vector<double>&;
  check("EASE", [&](R r, X x, W w) { return dense(lae::Ease<double>({3, r}).fit(x, w)); });
  check("CEASE", [&](R r, X x, W w) {
    return dense(lae::Cease<double>({3, 0.4, r}).fit(x, s.t, w));
  });
  check("LLM-CEASE", [&](R r, X x, W w) {
    return dense(lae::Cease<double>({3, 0.4, r}).fit(x, s.f, w));
  });
  check("Add-EASE", [&](R r, X x, W w) {
    return dense(lae::AddEase<double>({3, 2, 0.3, r}).fit(x, s.t, w));
  });
  check("Add-EASE, dense prior", [&](R r, X x, W w) {
    return dense(lae::AddEase<double>({3, 2, 0.3, r}).fit(x, s.wide, w));
  });
  check("L3AE", [&](R r, X x, W w) {
    return dense(lae::L3ae<double>({-2, 1.5, 6, r}).fit(x, s.f, w));
  });
  check("L3AE, dense prior", [&](R r, X x, W w) {
    return dense(lae::L3ae<double>({-2, 1.5, 6, r}).fit(x, s.wide, w));
  });
}

}  // namespace

TEST_CASE("Each refinement at its neutral value is the plain model", "[refinements]") {
  const RefinedShop shop = make_refined_shop(200);
  for_each_model(shop, [&](const char* name, const auto& fit) {
    INFO(name);
    const Dense plain = fit({}, shop.x, {});
    CHECK(fit({}, shop.x, std::vector<double>(60, 1.0)) == plain);
    // Zero is where dropout, exponents and bound begin.
    const double little = 1e-9;
    CHECK(largest(fit({little, 0, 0, 0}, shop.x, {}) - plain) < 1e-7);
    CHECK(largest(fit({0, little, 0, 0}, shop.x, {}) - plain) < 1e-7);
    CHECK(largest(fit({0, 0, little, 0}, shop.x, {}) - plain) < 1e-7);
    CHECK(largest(fit({0, 0, 0, little}, shop.x, {}) - plain) < 1e-7);
    // ... and away from it each of them does something.
    CHECK(largest(fit({0.3, 0, 0, 0}, shop.x, {}) - plain) > 1e-4);
    CHECK(largest(fit({0, 0.3, 0, 0}, shop.x, {}) - plain) > 1e-4);
    CHECK(largest(fit({0, 0, 0.3, 0}, shop.x, {}) - plain) > 1e-4);
    CHECK(largest(fit({0, 0, 0, 0.05}, shop.x, {}) - plain) > 1e-4);
  });
}

TEST_CASE("A weight of 3 is being there three times", "[refinements]") {
  const RefinedShop shop = make_refined_shop(201);
  const Dense x(shop.x);
  Dense thrice(x.rows() + 2, x.cols());
  thrice << x, x.row(4), x.row(4);
  std::vector<double> weights(60, 1.0);
  weights[4] = 3;
  for_each_model(shop, [&](const char* name, const auto& fit) {
    INFO(name);
    CHECK(largest(fit({}, shop.x, weights) - fit({}, Csr<double>(thrice.sparseView()), {})) <
          1e-12);
  });
}

TEST_CASE("A weight of 0 is not being there", "[refinements]") {
  const RefinedShop shop = make_refined_shop(202);
  Dense without(shop.x);
  without.row(3).setZero();
  std::vector<double> weights(60, 1.0);
  weights[3] = 0;
  for_each_model(shop, [&](const char* name, const auto& fit) {
    INFO(name);
    CHECK(largest(fit({}, shop.x, weights) - fit({}, Csr<double>(without.sparseView()), {})) <
          1e-12);
  });
}

TEST_CASE("The user exponent is a weight by the length of the history", "[refinements]") {
  const RefinedShop shop = make_refined_shop(203);
  Refinements by_exponent;
  by_exponent.user_exponent = 0.25;
  std::vector<double> by_weight;
  for (Index user = 0; user < 60; ++user) {
    const auto length = static_cast<double>(shop.x.row(user).nonZeros());
    by_weight.push_back(length > 0 ? 1 / std::sqrt(length) : 1);
  }
  for_each_model(shop, [&](const char* name, const auto& fit) {
    INFO(name);
    CHECK(largest(fit(by_exponent, shop.x, {}) - fit({}, shop.x, by_weight)) < 1e-12);
  });
}

TEST_CASE("Targets are scaled by popularity, cold ones not at all", "[refinements]") {
  const RefinedShop shop = make_refined_shop(204);
  Eigen::VectorXd scale(25);
  for (Index item = 0; item < 25; ++item) {
    const auto users = static_cast<double>((Dense(shop.x).col(item).array() != 0).count());
    scale[item] = users > 0 ? std::pow(users, -0.4) : 1;
  }
  REQUIRE(scale[9] == 1);
  for_each_model(shop, [&](const char* name, const auto& fit) {
    INFO(name);
    const Dense expected = fit({}, shop.x, {}) * Dense(scale.asDiagonal());
    CHECK(largest(fit({0, 0, 0.4, 0}, shop.x, {}) - expected) < 1e-12);
  });
}

TEST_CASE("An endless bound leaves ridge regression, dropout included", "[refinements]") {
  // DLAE: B = I - P Λ, which is P G.
  const RefinedShop shop = make_refined_shop(205);
  const Dense gram = Dense(shop.x).transpose() * Dense(shop.x);
  const Eigen::VectorXd ridge = 3 + 0.25 * gram.diagonal().array();
  const double no_bound = std::numeric_limits<double>::infinity();
  const auto model = lae::Ease<double>({3, {0.2, 0, 0, no_bound}}).fit(shop.x);
  CHECK(largest(Dense(model.weights()) - naive::inverse(gram, ridge) * gram) < 1e-12);
}

TEST_CASE("Primal and dual forms agree with refinements on", "[refinements][dual]") {
  using Form = lae::FitForm;
  RandomData random(206);
  const Csr<double> x = random.interactions(20, 60, 0.1);
  const Matrix<double> f = random.dense(60, 8);
  const Csr<double> t = random.interactions(60, 9, 0.1);
  const Refinements on{0.3, 0.2, 0.1, 0.2};
  const std::vector<double> weights(20, 0.7);
  const auto check = [&](const char* name, const auto& fit) {
    INFO(name);
    const Dense primal = fit(Form::primal).weights();
    CHECK(largest(Dense(fit(Form::dual).weights()) - primal) < 1e-12);
  };
  check("EASE", [&](Form form) { return lae::Ease<double>({3, on, form}).fit(x, weights); });
  check("CEASE", [&](Form form) {
    return lae::Cease<double>({3, 0.4, on, form}).fit(x, t, weights);
  });
  check("Add-EASE", [&](Form form) {
    return lae::AddEase<double>({3, 2, 0.3, on, form}).fit(x, t, weights);
  });
  check("L3AE", [&](Form form) {
    return lae::L3ae<double>({-2, 1.5, 6, on, 1, form}).fit(x, f, weights);
  });
}

TEST_CASE("Low-rank and dense priors agree with refinements on", "[refinements]") {
  const RefinedShop shop = make_refined_shop(207);
  Matrix<double> padded = Matrix<double>::Zero(25, 25);
  padded.leftCols(6) = shop.f;
  const Refinements on{0.3, 0.2, 0.1, 0.05};
  const lae::L3ae<double> l3ae({-2, 1.5, 6, on});
  CHECK(largest(l3ae.fit(shop.x, shop.f).weights() - l3ae.fit(shop.x, padded).weights()) < 1e-12);
  const lae::AddEase<double> add_ease({3, 2, 0.3, on});
  CHECK(largest(add_ease.fit(shop.x, shop.f).weights() - add_ease.fit(shop.x, padded).weights()) <
        1e-12);
}

TEST_CASE("Refinements out of range are refused by name", "[refinements][errors]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  const auto refused = [](const Refinements& bad, const char* name) {
    CHECK_THROWS_AS(lae::Ease<double>({1, bad}), std::invalid_argument);
    CHECK_THROWS_WITH(lae::Ease<double>({1, bad}), ContainsSubstring(name));
    CHECK_THROWS_WITH(lae::Cease<double>({1, 1, bad}), ContainsSubstring(name));
    CHECK_THROWS_WITH(lae::AddEase<double>({1, 1, 0.5, bad}), ContainsSubstring(name));
    CHECK_THROWS_WITH(lae::L3ae<double>({1, 1, 1, bad}), ContainsSubstring(name));
  };
  for (const double bad : {-0.1, 1.0, nan}) refused({bad, 0, 0, 0}, "dropout");
  for (const double bad : {infinite, nan}) {
    refused({0, bad, 0, 0}, "user_exponent");
    refused({0, 0, bad, 0}, "target_exponent");
  }
  for (const double bad : {-0.1, nan}) refused({0, 0, 0, bad}, "diagonal_bound");

  const RefinedShop shop = make_refined_shop(208);
  const auto weighted = [&](std::vector<double> weights) {
    return
        [&shop, weights = std::move(weights)] { (void)lae::Ease<double>().fit(shop.x, weights); };
  };
  CHECK_THROWS_WITH(weighted({1, 1, 1})(),
                    ContainsSubstring("3 values") && ContainsSubstring("60 users"));
  for (const double bad : {-1.0, infinite, nan}) {
    std::vector<double> weights(60, 1.0);
    weights[2] = bad;
    CHECK_THROWS_AS(weighted(weights)(), std::invalid_argument);
    CHECK_THROWS_WITH(weighted(weights)(),
                      ContainsSubstring("user_weights") && ContainsSubstring("user 2"));
  }
}
