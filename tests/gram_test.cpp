#include <lae/algebra/gram.hpp>
#include <lae/detail/core/inputs.hpp>
#include <limits>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using lae::Vector;
using naive::Dense;

namespace {

template <class Scalar>
Dense lower(const Matrix<Scalar>& matrix) {
  return Dense(matrix.template cast<double>()).triangularView<Eigen::Lower>();
}

}  // namespace

TEMPLATE_TEST_CASE("Gram matrices equal dense products", "[gram]", LAE_SCALARS) {
  using Scalar = TestType;
  RandomData random(1);
  const double tolerance = std::is_same_v<Scalar, float> ? 1e-4 : 1e-12;
  for (const Index n : {1, 2, 17, 300}) {
    for (const Index m : {1, 5, 400}) {
      INFO("users or features " << m << ", items " << n);
      const Dense x(random.interactions(m, n));
      const Matrix<double> weighted = x.cwiseProduct(Dense(random.dense(m, n)));
      const Csr<Scalar> rows = weighted.sparseView().cast<Scalar>();
      const Matrix<Scalar> f = random.dense(n, m).cast<Scalar>();
      const Dense fd = f.template cast<double>();

      CHECK((lower(lae::interaction_gram(rows)) - lower<double>(weighted.transpose() * weighted))
                .cwiseAbs()
                .maxCoeff() <= tolerance * static_cast<double>(m));

      Matrix<Scalar> sum = lae::zero_lower_triangle<Scalar>(n);
      lae::add_gram_of_columns(rows, Scalar(2), sum);
      lae::add_gram_of_rows(f, Scalar(0.5), sum);
      lae::add_gram_of_rows(Csr<Scalar>(rows.transpose()), Scalar(1), sum);
      const Matrix<double> expected =
          3 * weighted.transpose() * weighted + 0.5 * fd * fd.transpose();
      CHECK((lower(sum) - lower(expected)).cwiseAbs().maxCoeff() <=
            tolerance * static_cast<double>(m));

      const Matrix<double> of_columns = fd.transpose() * fd;
      CHECK((lower(lae::gram_of_columns(f)) - lower(of_columns)).cwiseAbs().maxCoeff() <=
            tolerance * static_cast<double>(n));
    }
  }
}

TEST_CASE("The Gram step gives the same bits from any number of threads", "[gram][threads]") {
  RandomData random(2);
  const Csr<double> x(random.interactions(200, 350) * 0.3);
  const Matrix<double> f = random.dense(600, 300);
  const auto compute = [&] {
    return std::make_pair(lower(lae::interaction_gram(x)), lower(lae::gram_of_columns(f)));
  };
  const auto one = with_threads(1, compute);
  for (const int threads : thread_counts) {
    const auto many = with_threads(threads, compute);
    CHECK(one.first == many.first);
    CHECK(one.second == many.second);
  }
}

TEST_CASE("A ridge is one value or one for each item", "[gram]") {
  const Matrix<double> gram = Matrix<double>::Ones(3, 3);
  Matrix<double> with_scalar = gram;
  lae::add_ridge(with_scalar, 2.0);
  CHECK(with_scalar.diagonal() == Eigen::Vector3d(3, 3, 3));
  Matrix<double> with_vector = gram;
  lae::add_ridge(with_vector, Vector<double>{{0, 1, 2}});
  CHECK(with_vector.diagonal() == Eigen::Vector3d(1, 2, 3));
  CHECK(with_vector(1, 0) == 1);

  Matrix<double> spare = gram;
  CHECK_THROWS_WITH(lae::add_ridge(spare, 0.0), ContainsSubstring("positive"));
  CHECK_THROWS_WITH(lae::add_ridge(spare, Vector<double>{{1, 1}}),
                    ContainsSubstring("2 values") && ContainsSubstring("3 items"));
  CHECK_THROWS_WITH(lae::add_ridge(spare, Vector<double>{{1, -1, 1}}),
                    ContainsSubstring("item 1") && ContainsSubstring("-1"));
  CHECK(spare == gram);
}

TEST_CASE("Sparse inputs of every kind become the same canonical rows", "[inputs]") {
  RandomData random(3);
  const Csr<double> x = random.interactions(20, 15);
  const Dense dense(x);
  const auto canonical = [](const auto& matrix) {
    const Csr<double> rows = lae::detail::canonical_sparse<double>(matrix, "x");
    REQUIRE(rows.isCompressed());
    for (Index row = 0; row < rows.rows(); ++row) {
      Index previous = -1;
      for (Csr<double>::InnerIterator entry(rows, row); entry; ++entry) {
        REQUIRE(entry.col() > previous);
        REQUIRE(entry.value() != 0);
        previous = entry.col();
      }
    }
    return Dense(rows);
  };
  CHECK(canonical(Eigen::SparseMatrix<float, Eigen::ColMajor, int>(x.cast<float>())) == dense);
  CHECK(canonical(Eigen::SparseMatrix<int, Eigen::RowMajor, int>(x.cast<int>())) == dense);
  CHECK(canonical(x * 2.0) == 2 * dense);

  Csr<double> uncompressed(x);
  uncompressed.uncompress();
  uncompressed.coeffRef(0, 14) = 0;  // an explicit zero is no interaction
  CHECK(canonical(uncompressed) == Dense(uncompressed));

  // What other tools hand over may be unsorted and repeat an entry, which then counts twice.
  std::vector<Index> starts = {0, 3, 4};
  std::vector<Index> columns = {2, 0, 2, 1};
  std::vector<double> values = {1, 5, 2, 7};
  const Eigen::Map<const Csr<double>> foreign(2, 3, 4, starts.data(), columns.data(),
                                              values.data());
  Dense expected(2, 3);
  expected << 5, 0, 3, 0, 7, 0;
  CHECK(canonical(foreign) == expected);
}

TEST_CASE("Values that are not finite are refused with their place", "[inputs]") {
  Csr<double> x(4, 6);
  x.insert(2, 5) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(lae::detail::canonical_sparse<double>(x, "interactions"),
                    ContainsSubstring("interactions") && ContainsSubstring("row 2, column 5"));
  Matrix<double> f = Matrix<double>::Zero(4, 6);
  f(3, 1) = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(lae::detail::canonical_features<double>(f),
                    ContainsSubstring("features") && ContainsSubstring("row 3, column 1"));
  f(3, 1) = 1e300;  // finite in double, not in float
  CHECK_NOTHROW(lae::detail::canonical_features<double>(f));
  CHECK_THROWS_AS(lae::detail::canonical_features<float>(f), std::invalid_argument);
}
