// The algebra that all models share, on any P and any features.

#include <lae/algebra/regularized_inverse.hpp>
#include <lae/detail/recipe/weights.hpp>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::FeatureScale;
using lae::Index;
using lae::Matrix;
using lae::Recipe;
using lae::SemanticUse;
using lae::Vector;
using lae::detail::Borrowed;
using lae::detail::FeatureSet;
using lae::detail::SemanticPhase;
using naive::Dense;
using naive::largest;

namespace {

template <class Scalar, class Features>
FeatureSet<Scalar> set_of(const Features& features, double weight = 1) {
  FeatureSet<Scalar> set;
  set.add(Borrowed<Features>(features), weight);
  return set;
}

Recipe semantic_recipe(SemanticUse use, double lambda_f, double kappa) {
  Recipe recipe;
  recipe.semantic_use = use;
  recipe.semantic_ridge = lambda_f;
  recipe.semantic_weight = kappa;
  return recipe;
}

/// The weights from a Gram matrix, as every model gets them.
template <class Ridge>
Matrix<double> closed_form(Matrix<double> gram, const Ridge& ridge, const Recipe& recipe = {},
                           FeatureSet<double> features = {}, bool keeps_f = false) {
  Matrix<double> p = lae::regularized_inverse(std::move(gram), ridge);
  if (features.empty()) {
    const Vector<double> diagonal = p.diagonal();
    const auto factors = lae::detail::column_factors<double>(recipe, {}, diagonal, nullptr);
    return lae::detail::weights_of<double>(p, nullptr, factors, {});
  }
  SemanticPhase<double> phase(std::move(features), recipe, FeatureScale(), 1, keeps_f, {});
  auto solution = phase.solve(recipe, {});
  phase.set_inverse(p, {});
  auto term = phase.term(std::move(solution), p, {});
  const Vector<double> diagonal = p.diagonal();
  const auto factors = lae::detail::column_factors<double>(recipe, {}, diagonal, &term.factors);
  return lae::detail::weights_of(p, &term, factors, {});
}

/// S itself.
Matrix<double> semantic_weights(FeatureSet<double> features, double lambda_f) {
  const Recipe recipe = semantic_recipe(SemanticUse::summand, lambda_f, 1);
  SemanticPhase<double> phase(std::move(features), recipe, FeatureScale(), 1, false, {});
  Matrix<double> none;
  auto term = phase.term(phase.solve(recipe, {}), none, {});
  const auto factors = lae::detail::column_factors<double>(recipe, {}, {}, &term.factors);
  return lae::detail::weights_of(none, &term, factors, {});
}

}  // namespace

TEST_CASE("The kernel equals the textbook for every ridge and prior", "[recipe]") {
  RandomData random(20);
  const double kappa = 2.5;
  const Recipe prior = semantic_recipe(SemanticUse::prior, 0.7, kappa);
  const Recipe sum = semantic_recipe(SemanticUse::summand, 0.7, 0.4);
  for (const Index n : {1, 2, 9, 60, 300}) {
    const Matrix<double> gram = random.positive_definite<double>(n);
    const Vector<double> ridge = random.dense(n, 1).cwiseAbs() * 3;
    CHECK(largest(closed_form(gram, ridge) - naive::ease(gram, ridge)) < 1e-9);
    CHECK(largest(closed_form(gram, 1.5) - naive::ease(gram, 1.5)) < 1e-9);
    for (const Index d : {Index(1), n / 2 + 1, n, n + 3}) {
      for (const bool keeps_f : {false, true}) {
        INFO("n = " << n << ", d = " << d << ", F kept: " << keeps_f);
        const Matrix<double> f = random.dense(n, d);
        const Dense s = naive::ease(f * f.transpose(), 0.7);
        CHECK(largest(semantic_weights(set_of<double>(f), 0.7) - s) < 1e-9);
        CHECK(largest(closed_form(gram, ridge, prior, set_of<double>(f), keeps_f) -
                      naive::with_prior(gram, ridge, s, kappa)) < 1e-9);
        CHECK(largest(closed_form(gram, ridge, sum, set_of<double>(f), keeps_f) -
                      (0.6 * naive::ease(gram, ridge) + 0.4 * s)) < 1e-9);
      }
    }
  }
}

TEST_CASE("The semantic phase is low-rank up to two thirds of the items", "[recipe]") {
  RandomData random(21);
  const auto is_low_rank = [](FeatureSet<double> features) {
    const Recipe recipe = semantic_recipe(SemanticUse::prior, 1, 1);
    SemanticPhase<double> phase(std::move(features), recipe, FeatureScale(), 1, false, {});
    return phase.solve(recipe, {}).whole.size() == 0;
  };
  CHECK(is_low_rank(set_of<double>(random.dense(12, 8))));
  CHECK_FALSE(is_low_rank(set_of<double>(random.dense(12, 9))));
  CHECK(is_low_rank(set_of<double>(random.interactions(12, 8))));
  CHECK_FALSE(is_low_rank(set_of<double>(random.interactions(12, 9))));
  FeatureSet<double> both = set_of<double>(random.dense(12, 5));
  both.add(Borrowed<Csr<double>>(random.interactions(12, 3)), 1);
  CHECK(is_low_rank(std::move(both)));
}

TEST_CASE("Low-rank and dense semantic phases agree", "[recipe]") {
  RandomData random(22);
  const Index n = 150;
  const Matrix<double> f = random.dense(n, 40);
  // Columns of zeros change nothing but the shape, and with it the way it is computed.
  Matrix<double> padded = Matrix<double>::Zero(n, n);
  padded.leftCols(40) = f;
  const Matrix<double> gram = random.positive_definite<double>(n);
  const Recipe prior = semantic_recipe(SemanticUse::prior, 0.5, 20);
  CHECK(largest(closed_form(gram, 3.0, prior, set_of<double>(f)) -
                closed_form(gram, 3.0, prior, set_of<double>(padded))) < 1e-10);
  CHECK(largest(semantic_weights(set_of<double>(f), 0.5) -
                semantic_weights(set_of<double>(padded), 0.5)) < 1e-10);
}

TEST_CASE("Sources of all kinds add their Gram matrices", "[recipe][sources]") {
  RandomData random(23);
  const Index n = 70;
  const Matrix<double> f = random.dense(n, 9);
  const Matrix<double> g = random.dense(n, 4);
  const Csr<double> t = random.interactions(n, 11, 0.2);
  const Csr<double> u = random.interactions(n, 6, 0.3);
  FeatureSet<double> set;
  set.add(Borrowed<Csr<double>>::of(t), 0.5);
  set.add(Borrowed<Matrix<double>>::of(f), 1);
  set.add(Borrowed<Csr<double>>::of(u), 2);
  set.add(Borrowed<Matrix<double>>::of(g), 0.25);
  const Dense sum = f * f.transpose() + 0.25 * g * g.transpose() +
                    0.5 * Dense(t) * Dense(t).transpose() + 2 * Dense(u) * Dense(u).transpose();
  CHECK(set.columns() == 30);
  CHECK(largest(Dense(set.row_squares()) - Dense(sum.diagonal())) < 1e-12);
  CHECK(set.mean_square() == Approx(sum.trace() / 70));

  Matrix<double> gram = Matrix<double>::Zero(n, n);
  set.add_gram_of_rows(3, gram, {});
  CHECK(largest(Dense(gram.triangularView<Eigen::Lower>()) -
                Dense((3 * sum).triangularView<Eigen::Lower>())) < 1e-12);
  const Borrowed<Matrix<double>> side_by_side = set.lend_side_by_side();
  CHECK(largest(*side_by_side * side_by_side->transpose() - sum) < 1e-12);
  const Matrix<double> of_columns = set.gram_of_columns(*side_by_side, {});
  const Dense expected = side_by_side->transpose() * *side_by_side;
  CHECK(largest(Dense(of_columns.triangularView<Eigen::Lower>()) -
                Dense(expected.triangularView<Eigen::Lower>())) < 1e-12);
  CHECK(largest(semantic_weights(set, 0.7) - naive::ease(sum, 0.7)) < 1e-9);

  FeatureSet<double> tags;
  tags.add(Borrowed<Csr<double>>::of(t), 0.5);
  tags.add(Borrowed<Csr<double>>::of(u), 2);
  const Dense rows = tags.tag_rows(1.5);
  CHECK(largest(rows.transpose() * rows - 1.5 * (0.5 * Dense(t) * Dense(t).transpose() +
                                                 2 * Dense(u) * Dense(u).transpose())) < 1e-12);
}

TEST_CASE("A semantic ridge too small for the Scalar names item or dimension", "[recipe][errors]") {
  const auto solve = [](const Matrix<float>& f, double lambda_f) {
    const Recipe recipe = semantic_recipe(SemanticUse::prior, lambda_f, 1);
    SemanticPhase<float> phase(set_of<float>(f), recipe, FeatureScale(), 1, false, {});
    (void)phase.solve(recipe, {});
  };
  // Item 3 alone spans a direction; what the ridge leaves of it is lost in rounding.
  Matrix<float> f = Matrix<float>::Zero(6, 2);
  f(3, 0) = 1000;
  f(1, 1) = f(2, 1) = f(4, 1) = 1;
  try {
    solve(f, 1e-4);
    FAIL("no error");
  } catch (const lae::NotPositiveDefinite& error) {
    CHECK(error.pivot() == lae::Pivot::item);
    CHECK(error.item() == 3);
    CHECK_THAT(error.what(), ContainsSubstring("lambda_f") && ContainsSubstring("double"));
  }
  CHECK_NOTHROW(solve(f, 1));

  // Two equal columns: the second one has no pivot left.
  Matrix<float> twice = Matrix<float>::Constant(60, 2, 15);
  for (Index i = 0; i < 60; ++i) twice.row(i) *= std::sin(static_cast<float>(i));
  try {
    solve(twice, 1e-7);
    FAIL("no error");
  } catch (const lae::NotPositiveDefinite& error) {
    CHECK(error.pivot() == lae::Pivot::dimension);
    CHECK(error.index() == 1);
    CHECK(error.item() == -1);
    CHECK_THAT(error.what(), ContainsSubstring("lambda_f") && ContainsSubstring("dimension 1") &&
                                 ContainsSubstring("of 2"));
  }
}
