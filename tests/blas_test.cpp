#include <algorithm>
#include <lae/core/threads.hpp>
#include <lae/detail/algebra/product.hpp>
#include <vector>

#include "catch.hpp"

#ifndef EIGEN_USE_BLAS
#error "these tests are about EIGEN_USE_BLAS"
#endif

TEST_CASE("A BLAS with threads of its own has one below ours, and all of them afterwards",
          "[blas][threads]") {
#ifdef _OPENMP
  if (!openblas_get_num_threads) {
    WARN("skipped: no OpenBLAS");
    return;
  }
  openblas_set_num_threads(2);
  std::vector<int> inside(8, 0);
  lae::detail::parallel_for(
      8, [&](lae::Index i) { inside[static_cast<std::size_t>(i)] = openblas_get_num_threads(); });
  CHECK(std::count(inside.begin(), inside.end(), 1) == 8);
  CHECK(openblas_get_num_threads() == 2);
#else
  WARN("skipped: no OpenMP");
#endif
}
