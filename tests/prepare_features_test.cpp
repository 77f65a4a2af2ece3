// Preparation of item features, and tags from texts, against plain recomputation.

#include <Eigen/Dense>
#include <cmath>
#include <lae/data/item_tags.hpp>
#include <lae/data/prepare_features.hpp>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;

TEMPLATE_TEST_CASE("Centred columns have mean 0, and differences of rows stay", "", LAE_SCALARS) {
  using Scalar = TestType;
  const double accuracy = 20 * std::numeric_limits<Scalar>::epsilon();
  RandomData random(11);
  Matrix<Scalar> f = random.dense(53, 131).cast<Scalar>();
  f.array() += Scalar(3);
  const Matrix<Scalar> c = lae::centered(f);
  REQUIRE(c.rows() == 53);
  REQUIRE(c.cols() == 131);
  CHECK(c.template cast<double>().colwise().mean().cwiseAbs().maxCoeff() < accuracy);
  const auto differences = [](const Matrix<Scalar>& m) {
    return Eigen::MatrixXd((m.bottomRows(52) - m.topRows(52)).template cast<double>());
  };
  CHECK((differences(c) - differences(f)).cwiseAbs().maxCoeff() < accuracy);
  const auto compute = [&] { return lae::centered(f); };
  for (const int threads : thread_counts) {
    CHECK(with_threads(1, compute) == with_threads(threads, compute));
  }
  CHECK(lae::centered(2 * f.topRows(1)).isZero(0));
  CHECK(lae::centered(Matrix<Scalar>(0, 4)).rows() == 0);
  CHECK(lae::centered(Matrix<Scalar>(4, 0)).cols() == 0);
}

TEMPLATE_TEST_CASE("Rows get length 1 and keep their direction", "", LAE_SCALARS) {
  using Scalar = TestType;
  const double accuracy = 4 * std::numeric_limits<Scalar>::epsilon();
  RandomData random(12);
  Matrix<Scalar> f = random.dense(9, 6).cast<Scalar>();
  f.row(2).setZero();
  // Squares of these are beyond Scalar.
  f.row(3) *= std::sqrt(std::numeric_limits<Scalar>::max());
  f.row(4) *= std::numeric_limits<Scalar>::min();
  const Matrix<Scalar> u = lae::unit_length(f);
  Csr<Scalar> sparse = f.sparseView();
  const Csr<Scalar> v = lae::unit_length(sparse);
  CHECK(v.nonZeros() == 8 * 6);
  CHECK(Matrix<Scalar>(v) == u);
  for (Index row = 0; row < 9; ++row) {
    const Eigen::VectorXd unit = u.row(row).template cast<double>();
    if (row == 2) {
      CHECK(unit.isZero(0));
      continue;
    }
    CHECK(std::abs(unit.norm() - 1) < accuracy);
    const Eigen::VectorXd before = f.row(row).template cast<double>();
    CHECK((before.stableNormalized() - unit).cwiseAbs().maxCoeff() < 1e3 * accuracy);
  }
  CHECK(lae::unit_length(Matrix<Scalar>(0, 3)).rows() == 0);
  CHECK(lae::unit_length(Csr<Scalar>(2, 0)).rows() == 2);
}

TEST_CASE("Features that are not finite are refused by their place") {
  Matrix<float> f = Matrix<float>::Zero(3, 2);
  f(1, 1) = std::numeric_limits<float>::infinity();
  const auto names_place = ContainsSubstring("row 1, column 1");
  CHECK_THROWS_WITH(lae::centered(f), names_place);
  CHECK_THROWS_WITH(lae::unit_length(f), names_place);
  CHECK_THROWS_WITH(lae::unit_length(Csr<float>(f.sparseView())), names_place);
  CHECK_THROWS_WITH(lae::tf_idf(Csr<float>(f.sparseView())), names_place);
}

TEST_CASE("tf-idf of tags makes rare ones count more, and refuses what is no count") {
  Matrix<double> tags(4, 3);
  tags << 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1;
  Csr<double> sparse = tags.sparseView();
  const Matrix<double> weights = Matrix<double>(lae::tf_idf(sparse));
  const double common = 1 + std::log(5.0 / 4);
  const double rare = 1 + std::log(5.0 / 2);
  CHECK(weights(0, 0) == Approx(common / std::hypot(common, rare)));
  CHECK(weights(0, 1) == Approx(rare / std::hypot(common, rare)));
  CHECK(weights(1, 0) == Approx(1));
  CHECK(weights.row(2).isZero(0));

  // An explicit zero is no tag.
  sparse.coeffRef(2, 1) = 0;
  CHECK(Matrix<double>(lae::tf_idf(sparse)) == weights);
  sparse.coeffRef(2, 1) = 0.5;
  CHECK_THROWS_WITH(lae::tf_idf(sparse),
                    "tf_idf takes counts of 0, 1 and above, got 0.5 in row 2, "
                    "column 1");
  sparse.coeffRef(2, 1) = -1;
  CHECK_THROWS_AS(lae::tf_idf(sparse), std::invalid_argument);
}

TEST_CASE("Tags of items are words of titles, and category and brand as a whole") {
  std::vector<lae::ItemText> texts(6);
  for (std::size_t i = 0; i < 6; ++i) texts[i].id = std::to_string(i);
  texts[0] = {"0", "Red Chess red", "Board Games", "Acme", "chess"};
  texts[1] = {"1", "chess clock", "Board  Games", "", ""};
  texts[2] = {"2", "Red ball", "Toys", "acme", ""};
  texts[3].description = "red chess";
  const lae::ItemTags tags = lae::item_tags(texts, 2);
  REQUIRE(tags.names == std::vector<std::string>{"acme", "board", "category: Board Games", "chess",
                                                 "games", "red"});
  Matrix<float> expected = Matrix<float>::Zero(6, 6);
  expected.row(0).setOnes();
  expected.row(1) << 0, 1, 1, 1, 1, 0;
  expected.row(2) << 1, 0, 0, 0, 0, 1;
  CHECK(Matrix<float>(tags.matrix) == expected);

  // What more than half of the items have tells little.
  for (lae::ItemText& text : texts) text.brand = "Acme";
  for (const std::string& name : lae::item_tags(texts, 2).names) {
    CHECK(name != "acme");
    CHECK(name != "brand: Acme");
  }
  CHECK(lae::item_tags(texts).names.empty());
  CHECK(lae::item_tags({}).matrix.rows() == 0);
}
