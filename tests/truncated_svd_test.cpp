// The truncated SVD against Eigen's full one, its residuals against plain recomputation.

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <lae/algebra/truncated_svd.hpp>
#include <lae/core/errors.hpp>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using lae::Csr;
using lae::Index;
using lae::Matrix;

namespace {

using Dense = Eigen::MatrixXd;

/// The matrix with these singular values and random vectors.
Dense with_spectrum(RandomData& random, Index rows, Index columns, const Eigen::VectorXd& values) {
  const auto orthonormal = [&](Index size) {
    return naive::orthonormal(random.dense(size, values.size()));
  };
  const Dense u = orthonormal(rows);
  return u * values.asDiagonal() * orthonormal(columns).transpose();
}

template <class Scalar>
double accuracy() {
  return std::is_same_v<Scalar, float> ? 1e-5 : 1e-9;
}

/// All that holds of a truncated SVD of `a`, whatever came before.
template <class Scalar>
void check(const lae::TruncatedSvd<Scalar>& svd, const Dense& a, Index rank) {
  const double eps = accuracy<Scalar>();
  const Eigen::VectorXd expected = naive::singular_values(a);
  const double largest = expected.size() > 0 ? expected[0] : 0;
  const double zero = 1000 * std::numeric_limits<Scalar>::epsilon() * largest;
  const Index k = (std::min)(rank, Index((expected.array() > zero).count()));
  REQUIRE(svd.values.size() == k);
  REQUIRE(svd.u.rows() == a.rows());
  REQUIRE(svd.u.cols() == k);
  REQUIRE(svd.v.rows() == a.cols());
  REQUIRE(svd.v.cols() == k);
  if (k == 0) return;
  CHECK((svd.values - expected.head(k)).cwiseAbs().maxCoeff() <= eps * largest);
  CHECK(std::is_sorted(svd.values.data(), svd.values.data() + k, std::greater<>()));
  const Dense u = svd.u.template cast<double>();
  const Dense v = svd.v.template cast<double>();
  const Dense one = Dense::Identity(k, k);
  CHECK((u.transpose() * u - one).cwiseAbs().maxCoeff() < eps);
  CHECK((v.transpose() * v - one).cwiseAbs().maxCoeff() < eps);
  const auto residual = [&](const Dense& image, const Dense& y) {
    return (image - y * svd.values.asDiagonal()).colwise().norm().maxCoeff() / largest;
  };
  const double rounding = 100 * std::numeric_limits<Scalar>::epsilon();
  CHECK(svd.right_residual == Approx(residual(a * v, u)).margin(rounding));
  CHECK(svd.left_residual == Approx(residual(a.transpose() * u, v)).margin(rounding));
  CHECK(svd.right_residual < 2 * eps);
  CHECK(svd.left_residual < 2 * eps);
  for (Index i = 0; i < k; ++i) CHECK(u.col(i).maxCoeff() == u.col(i).cwiseAbs().maxCoeff());
}

template <class Scalar>
void check_both(const Dense& a, Index rank) {
  lae::TruncatedSvdOptions options;
  options.rank = rank;
  options.tolerance = accuracy<Scalar>();
  const Matrix<Scalar> dense = a.cast<Scalar>();
  const Dense exact = dense.template cast<double>();
  check(lae::truncated_svd(dense, options), exact, rank);
  check(lae::truncated_svd(Csr<Scalar>(dense.sparseView()), options), exact, rank);
}

}  // namespace

TEMPLATE_TEST_CASE("The truncated SVD equals the full one", "", LAE_SCALARS) {
  using Scalar = TestType;
  RandomData random(501);
  for (const auto& [rows, columns] : {std::pair<Index, Index>{1, 1},
                                      {1, 7},
                                      {7, 1},
                                      {2, 2},
                                      {150, 40},
                                      {40, 150},
                                      {61, 61},
                                      {400, 330}}) {
    const Dense a =
        random.interactions(rows, columns, 0.2).toDense() + 0.1 * Dense::Ones(rows, columns);
    for (const Index rank : {Index(1), Index(5), Index(39), Index(1000)}) {
      if (rank > rows && rank < 1000) continue;
      CAPTURE(rows, columns, rank);
      check_both<Scalar>(a, rank);
    }
  }
}

TEMPLATE_TEST_CASE("Matrices of lower rank have fewer singular vectors", "", LAE_SCALARS) {
  using Scalar = TestType;
  RandomData random(502);
  for (const auto& [rows, columns] : {std::pair<Index, Index>{90, 60}, {60, 90}, {300, 280}}) {
    Eigen::VectorXd values(5);
    values << 3, 2, 2, 1, 0.01;
    check_both<Scalar>(with_spectrum(random, rows, columns, values), 20);
    // Rows and columns without anything in them, more than the others.
    Dense a = Dense::Zero(rows, columns);
    a.topLeftCorner(4, 5) = random.dense(4, 5);
    check_both<Scalar>(a, 3);
    check_both<Scalar>(a, 20);
    a.setZero();
    check_both<Scalar>(a, 4);
    a(rows - 1, 3) = -2;
    check_both<Scalar>(a, 4);
  }
  lae::TruncatedSvdOptions options;
  options.rank = 3;
  for (const auto& [rows, columns] : {std::pair<Index, Index>{0, 0}, {0, 4}, {4, 0}}) {
    const auto svd = lae::truncated_svd(Csr<Scalar>(rows, columns), options);
    CHECK(svd.values.size() == 0);
    CHECK(svd.u.rows() == rows);
    CHECK(svd.v.rows() == columns);
  }
}

TEMPLATE_TEST_CASE("Equal and nearly equal singular values are all found", "", LAE_SCALARS) {
  using Scalar = TestType;
  RandomData random(503);
  // More equal ones than a block of vectors has.
  check_both<Scalar>(Dense::Identity(260, 250), 60);
  Eigen::VectorXd values(200);
  for (Index i = 0; i < 200; ++i) values[i] = i < 70 ? 1 : 0.5 - 1e-3 * double(i);
  check_both<Scalar>(with_spectrum(random, 330, 300, values), 80);
  // A flat spectrum: neighbours are apart by 3e-4 of the largest.
  Eigen::VectorXd flat(420);
  flat[0] = 1;
  for (Index i = 1; i < 420; ++i) flat[i] = 0.5 - 3e-4 * double(i);
  check_both<Scalar>(with_spectrum(random, 450, 420, flat), 60);
}

TEST_CASE("Residuals tell of an SVD that was stopped early") {
  RandomData random(504);
  Eigen::VectorXd flat(500);
  for (Index i = 0; i < 500; ++i) flat[i] = 1 - 1e-3 * double(i);
  const Dense a = with_spectrum(random, 600, 500, flat);
  lae::TruncatedSvdOptions options;
  options.rank = 40;
  options.max_iterations = 1;
  const auto svd = lae::truncated_svd(Matrix<double>(a), options);
  REQUIRE(svd.values.size() == 40);
  CHECK(svd.left_residual > options.tolerance);
  const Dense image = a.transpose() * svd.u - svd.v * svd.values.asDiagonal();
  CHECK(svd.left_residual == Approx(image.colwise().norm().maxCoeff() / svd.values[0]));
  options.max_iterations = 1000;
  const auto whole = lae::truncated_svd(Matrix<double>(a), options);
  CHECK(whole.left_residual < options.tolerance);
  CHECK(whole.iterations > svd.iterations);
}

TEMPLATE_TEST_CASE("The truncated SVD has the same bits for any number of threads", "",
                   LAE_SCALARS) {
  using Scalar = TestType;
  RandomData random(505);
  const Csr<Scalar> sparse = random.interactions(1300, 700, 0.03).template cast<Scalar>();
  const Matrix<Scalar> dense = random.dense(1100, 500).template cast<Scalar>();
  lae::TruncatedSvdOptions options;
  options.rank = 50;
  const auto check_threads = [&](const auto& matrix) {
    const auto compute = [&] { return lae::truncated_svd(matrix, options); };
    const auto alone = with_threads(1, compute);
    for (const int threads : thread_counts) {
      const auto many = with_threads(threads, compute);
      CHECK(many.values == alone.values);
      CHECK(many.u == alone.u);
      CHECK(many.v == alone.v);
      CHECK(many.iterations == alone.iterations);
    }
  };
  check_threads(sparse);
  check_threads(dense);
}

TEST_CASE("The truncated SVD refuses arguments that make no sense") {
  Matrix<double> a = Matrix<double>::Identity(5, 4);
  lae::TruncatedSvdOptions options;
  options.rank = 0;
  CHECK_THROWS_WITH(lae::truncated_svd(a, options), "rank must be positive, got 0");
  options.rank = 2;
  options.tolerance = 0;
  CHECK_THROWS_AS(lae::truncated_svd(a, options), std::invalid_argument);
  options.tolerance = 1e-6;
  options.max_iterations = 0;
  CHECK_THROWS_AS(lae::truncated_svd(a, options), std::invalid_argument);
  options.max_iterations = 10;
  a(2, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(lae::truncated_svd(a, options),
                    Catch::Matchers::ContainsSubstring("row 2, column 1"));
  CHECK_THROWS_WITH(lae::truncated_svd(Csr<double>(a.sparseView()), options),
                    Catch::Matchers::ContainsSubstring("row 2, column 1"));
}

TEST_CASE("The truncated SVD reports progress and can be cancelled") {
  RandomData random(506);
  const Matrix<double> a = random.dense(400, 300);
  lae::TruncatedSvdOptions options;
  options.rank = 30;
  std::vector<double> fractions;
  const auto note = [&](std::string_view, double fraction) {
    fractions.push_back(fraction);
    return true;
  };
  CHECK(lae::truncated_svd(a, options, note).values.size() == 30);
  REQUIRE(fractions.size() > 4);
  CHECK(fractions.front() == 0);
  CHECK(fractions.back() == 1);
  CHECK(std::is_sorted(fractions.begin(), fractions.end()));
  const auto stop = [](std::string_view, double fraction) { return fraction < 0.3; };
  CHECK_THROWS_AS(lae::truncated_svd(a, options, stop), lae::Cancelled);
}

namespace {

/// Sparse enough, and of so few wanted values, that it is filtered.
Csr<double> sparse_matrix(RandomData& random, Index rows, Index columns) {
  return random.interactions(rows, columns, 0.03);
}

template <class Scalar>
void check_filtered(const Csr<double>& a, Index rank) {
  CAPTURE(a.rows(), a.cols(), rank);
  REQUIRE(lae::detail::filtering_pays(rank, a.rows(), a.cols(), a.nonZeros()));
  lae::TruncatedSvdOptions options;
  options.rank = rank;
  options.tolerance = accuracy<Scalar>();
  const Csr<Scalar> matrix = a.cast<Scalar>();
  check(lae::truncated_svd(matrix, options), Dense(matrix.template cast<double>()), rank);
}

}  // namespace

TEMPLATE_TEST_CASE("Sparse matrices are filtered, to the same end", "", LAE_SCALARS) {
  RandomData random(510);
  const Csr<double> tall = sparse_matrix(random, 500, 300);
  for (const Index rank : {Index(1), Index(2), Index(30), Index(90)}) {
    check_filtered<TestType>(tall, rank);
    check_filtered<TestType>(tall.transpose(), rank);
  }
  // The same matrix as blocks: each singular value three times.
  const Csr<double> block = sparse_matrix(random, 120, 100);
  Csr<double> thrice(360, 300);
  for (Index copy = 0; copy < 3; ++copy) {
    for (Index row = 0; row < block.rows(); ++row) {
      for (Csr<double>::InnerIterator entry(block, row); entry; ++entry) {
        thrice.insert(copy * 120 + row, copy * 100 + entry.col()) = entry.value();
      }
    }
  }
  thrice.makeCompressed();
  check_filtered<TestType>(thrice, 6);
  check_filtered<TestType>(thrice, 31);  // one of three
  // All alike: nothing stands out, which subspaces of any kind find hard.
  Csr<double> identity(200, 200);
  identity.setIdentity();
  check_filtered<TestType>(identity, 10);
  // Of rank 4, with rows and columns without entries; small and large numbers.
  Csr<double> few(200, 180);
  for (Index i = 0; i < 4; ++i) few.insert(3 * i, 7 * i) = 1 + static_cast<double>(i);
  few.makeCompressed();
  check_filtered<TestType>(few, 3);
  check_filtered<TestType>(few, 20);
  check_filtered<TestType>(Csr<double>(tall * 1e-12), 5);
  check_filtered<TestType>(Csr<double>(tall * 1e12), 5);
  // Values over many orders of magnitude.
  Csr<double> graded(200, 180);
  for (Index i = 0; i < 180; ++i) graded.insert(i, i) = std::pow(0.7, static_cast<double>(i));
  graded.makeCompressed();
  check_filtered<TestType>(graded, 25);
}

TEMPLATE_TEST_CASE("Filtered singular vectors have the same bits on any threads", "", LAE_SCALARS) {
  RandomData random(511);
  const Csr<TestType> a = sparse_matrix(random, 700, 500).cast<TestType>();
  const auto run = [&] { return lae::truncated_svd(a, {/*rank=*/40}); };
  const auto expected = with_threads(1, run);
  for (const int threads : {2, 3, 7}) {
    const auto svd = with_threads(threads, run);
    CHECK(svd.values == expected.values);
    CHECK(svd.u == expected.u);
    CHECK(svd.v == expected.v);
  }
}

TEST_CASE("A filtered decomposition ends after its most iterations, and when it is cancelled") {
  RandomData random(512);
  const Csr<double> a = sparse_matrix(random, 700, 500);
  lae::TruncatedSvdOptions options;
  options.rank = 40;
  options.max_iterations = 5;
  const auto svd = lae::truncated_svd(a, options);
  CHECK(svd.iterations <= 6);
  CHECK(svd.values.size() == 40);
  CHECK(svd.left_residual > options.tolerance);
  int calls = 0;
  const auto cancel = [&](std::string_view, double) { return ++calls < 3; };
  CHECK_THROWS_AS(lae::truncated_svd(a, {40}, cancel), lae::Cancelled);
}
