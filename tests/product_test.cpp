#include <lae/detail/algebra/product.hpp>

#include "catch.hpp"
#include "random_data.hpp"

using lae::Index;
using lae::Matrix;
using lae::detail::add_lower_product;
using lae::detail::add_product;
using lae::detail::plain;
using lae::detail::set_product;
using lae::detail::transposed;

namespace {

template <class Scalar>
class Random {
 public:
  Matrix<Scalar> matrix(Index rows, Index columns) {
    return data_.dense(rows, columns).template cast<Scalar>();
  }

 private:
  RandomData data_{70};
};

template <class Scalar>
double distance(const Matrix<Scalar>& a, const Matrix<Scalar>& b) {
  return static_cast<double>((a - b).cwiseAbs().maxCoeff());
}

}  // namespace

TEMPLATE_TEST_CASE("Products of all shapes equal Eigen's", "[product]", LAE_SCALARS) {
  using Scalar = TestType;
  const double tolerance = std::is_same_v<Scalar, float> ? 1e-3 : 1e-12;
  Random<Scalar> random;
  // Around the sides of the kernel's register tile, and past the sides of its cache blocks.
  for (const Index m : {1, 7, 8, 9, 130}) {
    for (const Index n : {1, 3, 23, 24, 25, 49, 400}) {
      for (const Index k : {1, 5, 383, 385, 800}) {
        INFO(m << " x " << k << " times " << k << " x " << n);
        const Matrix<Scalar> a = random.matrix(m, k);
        const Matrix<Scalar> b = random.matrix(k, n);
        const Matrix<Scalar> a_t = a.transpose();
        const Matrix<Scalar> b_t = b.transpose();
        const Matrix<Scalar> start = random.matrix(m, n);
        const Matrix<Scalar> expected = start + Scalar(0.5) * a * b;
        const auto added = [&](const auto& x, const auto& y) {
          Matrix<Scalar> c = start;
          add_product<Scalar>(c, Scalar(0.5), x, y);
          return c;
        };
        CHECK(distance<Scalar>(added(plain(a), plain(b)), expected) < tolerance);
        CHECK(distance<Scalar>(added(plain(a), transposed(b_t)), expected) < tolerance);
        CHECK(distance<Scalar>(added(transposed(a_t), plain(b)), expected) < tolerance);
        CHECK(distance<Scalar>(added(transposed(a_t), transposed(b_t)), expected) < tolerance);
      }
    }
  }
}

TEMPLATE_TEST_CASE("Products of the lower triangle leave the rest alone", "[product]",
                   LAE_SCALARS) {
  using Scalar = TestType;
  const double tolerance = std::is_same_v<Scalar, float> ? 1e-3 : 1e-12;
  Random<Scalar> random;
  for (const Index n : {1, 8, 9, 24, 50, 400}) {
    for (const Index k : {1, 10, 500}) {
      INFO("n = " << n << ", k = " << k);
      const Matrix<Scalar> a = random.matrix(n, k);
      const Matrix<Scalar> a_t = a.transpose();
      const Matrix<Scalar> start = random.matrix(n, n);
      Matrix<Scalar> expected = start;
      expected.template triangularView<Eigen::Lower>() -= a * a.transpose();
      Matrix<Scalar> c = start;
      add_lower_product<Scalar>(c, -1, plain(a), transposed(a));
      CHECK(distance<Scalar>(c, expected) < tolerance);
      CHECK((c - start).template triangularView<Eigen::StrictlyUpper>().toDenseMatrix().norm() ==
            0);
      c = start;
      add_lower_product<Scalar>(c, -1, transposed(a_t), plain(a_t));
      CHECK(distance<Scalar>(c, expected) < tolerance);
    }
  }
}

TEMPLATE_TEST_CASE("A product may take the place of its factor", "[product]", LAE_SCALARS) {
  using Scalar = TestType;
  Random<Scalar> random;
  for (const Index side : {1, 5, 48}) {
    for (const Index length : {1, 30, 700}) {
      INFO("side " << side << ", length " << length);
      const Matrix<Scalar> small = random.matrix(side, side);
      const Matrix<Scalar> tall = random.matrix(length, side);
      const Matrix<Scalar> wide = random.matrix(side, length);
      Matrix<Scalar> c = tall;
      set_product<Scalar>(c, plain(c), plain(small));
      CHECK(distance<Scalar>(c, tall * small) < 1e-4);
      c = tall;
      set_product<Scalar>(c, plain(c), transposed(small));
      CHECK(distance<Scalar>(c, tall * small.transpose()) < 1e-4);
      c = wide;
      set_product<Scalar>(c, plain(small), plain(c));
      CHECK(distance<Scalar>(c, small * wide) < 1e-4);
      c = wide;
      set_product<Scalar>(c, transposed(small), plain(c));
      CHECK(distance<Scalar>(c, small.transpose() * wide) < 1e-4);
    }
  }
}

TEMPLATE_TEST_CASE("Parts of a larger matrix are multiplied in place", "[product]", LAE_SCALARS) {
  using Scalar = TestType;
  Random<Scalar> random;
  Matrix<Scalar> whole = random.matrix(100, 100);
  Matrix<Scalar> expected = whole;
  expected.block(50, 50, 33, 27) +=
      2 * whole.block(0, 10, 33, 40) * whole.block(3, 60, 27, 40).transpose();
  add_product<Scalar>(whole.block(50, 50, 33, 27), 2, plain(whole.block(0, 10, 33, 40)),
                      transposed(whole.block(3, 60, 27, 40)));
  CHECK(distance<Scalar>(whole, expected) < 1e-4);
}
