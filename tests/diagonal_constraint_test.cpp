#include <lae/algebra/regularized_inverse.hpp>
#include <lae/core/diagonal_constraint.hpp>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using lae::Matrix;
using lae::Vector;
using naive::Dense;
using naive::largest;

namespace {

/// The weights from a Gram matrix, as every model gets them.
template <class Ridge>
Matrix<double> closed_form(Matrix<double> gram, const Ridge& ridge) {
  Matrix<double> b = lae::regularized_inverse(std::move(gram), ridge);
  lae::constrain_diagonal(b);
  return b;
}
template <class Ridge>
Matrix<double> closed_form(Matrix<double> gram, const Ridge& ridge,
                           lae::SemanticPrior<double> prior, double kappa) {
  Matrix<double> b = lae::regularized_inverse(std::move(gram), ridge);
  lae::constrain_diagonal(b, std::move(prior), kappa);
  return b;
}

}  // namespace

TEST_CASE("The kernel equals the textbook for every ridge and prior", "[constraint]") {
  RandomData random(20);
  for (const Index n : {1, 2, 9, 60, 300}) {
    const Matrix<double> gram = random.positive_definite<double>(n);
    const Vector<double> ridge = random.dense(n, 1).cwiseAbs() * 3;
    const double kappa = 2.5;
    for (const Index d : {Index(1), n / 2 + 1, n, n + 3}) {
      INFO("n = " << n << ", d = " << d);
      const Matrix<double> f = random.dense(n, d);
      const Dense s = naive::ease(f * f.transpose(), 0.7);
      CHECK(largest(closed_form(gram, ridge) - naive::ease(gram, ridge)) < 1e-9);
      CHECK(largest(closed_form(gram, 1.5) - naive::ease(gram, 1.5)) < 1e-9);
      CHECK(largest(lae::semantic_weights(lae::semantic_prior(f, 0.7)) - s) < 1e-9);
      CHECK(largest(closed_form(gram, ridge, lae::semantic_prior(f, 0.7), kappa) -
                    naive::with_prior(gram, ridge, s, kappa)) < 1e-9);
      CHECK(largest(closed_form(gram, 1.5, lae::semantic_prior(f, 0.7), kappa) -
                    naive::with_prior(gram, naive::constant(n, 1.5), s, kappa)) < 1e-9);
    }
  }
}

TEST_CASE("The prior takes the form that its shape asks for", "[constraint]") {
  RandomData random(21);
  const auto is_low_rank = [](const lae::SemanticPrior<double>& prior) {
    return std::holds_alternative<lae::LowRankPrior<double>>(prior);
  };
  CHECK(is_low_rank(lae::semantic_prior<double>(random.dense(12, 8), 1.0)));
  CHECK_FALSE(is_low_rank(lae::semantic_prior<double>(random.dense(12, 9), 1.0)));
  CHECK(is_low_rank(lae::semantic_prior<double>(random.interactions(12, 8), 1.0)));
  CHECK_FALSE(is_low_rank(lae::semantic_prior<double>(random.interactions(12, 9), 1.0)));
}

TEST_CASE("Low-rank and dense semantic phases agree", "[constraint]") {
  RandomData random(22);
  const Index n = 150;
  const Matrix<double> f = random.dense(n, 40);
  // Columns of zeros change nothing but the shape, and with it the way it is computed.
  Matrix<double> padded = Matrix<double>::Zero(n, n);
  padded.leftCols(40) = f;
  const Matrix<double> gram = random.positive_definite<double>(n);
  CHECK(largest(closed_form(gram, 3.0, lae::semantic_prior(f, 0.5), 20.0) -
                closed_form(gram, 3.0, lae::semantic_prior(padded, 0.5), 20.0)) < 1e-10);
  CHECK(largest(lae::semantic_weights(lae::semantic_prior(f, 0.5)) -
                lae::semantic_weights(lae::semantic_prior(padded, 0.5))) < 1e-10);
}

TEST_CASE("A semantic ridge too small for the Scalar names the item", "[constraint][errors]") {
  // Item 3 alone spans a direction; what the ridge leaves of it is lost in rounding.
  Matrix<float> f = Matrix<float>::Zero(6, 2);
  f(3, 0) = 1000;
  f(1, 1) = f(2, 1) = f(4, 1) = 1;
  try {
    lae::semantic_prior<float>(f, 1e-4f);
    FAIL("no error");
  } catch (const lae::NotPositiveDefinite& error) {
    CHECK(error.item() == 3);
    CHECK_THAT(error.what(), ContainsSubstring("lambda_f") && ContainsSubstring("double"));
  }
  CHECK_NOTHROW(lae::semantic_prior<double>(f.cast<double>(), 1e-4));
}

TEST_CASE("A prior of other items is refused with both sizes", "[constraint][errors]") {
  RandomData random(23);
  const auto fails = [&](lae::SemanticPrior<double> prior) {
    CHECK_THROWS_WITH(closed_form(random.positive_definite<double>(5), 1.0, std::move(prior), 1.0),
                      ContainsSubstring("7 items") && ContainsSubstring("5"));
  };
  fails(lae::semantic_prior<double>(random.dense(7, 2), 1.0));
  fails(lae::semantic_prior<double>(random.dense(7, 9), 1.0));
}

TEST_CASE("Exceptions leave a parallel loop once, and every index is visited", "[parallel]") {
  std::vector<int> visits(1000, 0);
  lae::detail::parallel_for(1000, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
  CHECK(visits == std::vector<int>(1000, 1));
  CHECK_THROWS_WITH(lae::detail::parallel_for(1000,
                                              [](Index i) {
                                                if (i == 700) throw std::runtime_error("at 700");
                                              }),
                    "at 700");
  Index covered = 0;
  lae::detail::parallel_tiles(103, 1000, [&](Index first, Index length) {
    CHECK(first == 0);
    covered = length;
  });
  CHECK(covered == 103);
  lae::detail::parallel_for(0, [](Index) { FAIL("nothing to do"); });
}
