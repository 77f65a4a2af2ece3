// The library in C++20, whose callers name the fields of options.

#include <lae/lae.hpp>

#include "catch.hpp"
#include "random_data.hpp"

static_assert(__cplusplus >= 202002L);

TEMPLATE_TEST_CASE("In C++20 options are named", "[cxx20]", float, double) {
  using Scalar = TestType;
  RandomData random(95);
  const lae::Csr<double> x = random.interactions(40, 20);
  const lae::Csr<double> t = random.interactions(20, 7);
  const lae::Matrix<double> f = random.dense(20, 5);
  const auto same = [](const lae::ItemModel<Scalar>& a, const lae::ItemModel<Scalar>& b) {
    return a.weights() == b.weights();
  };
  CHECK(same(lae::Ease<Scalar>({.lambda = 3}).fit(x), lae::Ease<Scalar>({3}).fit(x)));
  CHECK(same(lae::Cease<Scalar>({.lambda = 3, .alpha = 2}).fit(x, t),
             lae::Cease<Scalar>({3, 2}).fit(x, t)));
  CHECK(same(lae::AddEase<Scalar>({.lambda_x = 3, .lambda_t = 2, .alpha = 0.3}).fit(x, f),
             lae::AddEase<Scalar>({3, 2, 0.3}).fit(x, f)));
  const lae::ItemModel<Scalar> model =
      lae::L3ae<Scalar>({.lambda_x = -2, .lambda_f = 1, .lambda_kd = 6}).fit(x, f);
  CHECK(same(model, lae::L3ae<Scalar>({-2, 1, 6}).fit(x, f)));
  CHECK(same(lae::Cosine<Scalar>({.normalize = true}).fit(f), lae::Cosine<Scalar>({true}).fit(f)));

  const auto top = lae::recommend(model, x, {.k = 3, .exclude_seen = false, .deny = {4}});
  CHECK((top.items.array() >= 0).all());
  CHECK((top.items.array() != 4).all());
  const auto report = lae::evaluate(model, x, x, {.cutoffs = {5}, .head_fraction = 0.5});
  CHECK(report.all.recall == std::vector<double>{0});  // what is seen is not recommended
}
