#include <algorithm>
#include <future>
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

  // Of two loops at once, the one that begins second ends last.
  std::promise<void> first_began;
  std::promise<void> second_began;
  auto first = std::async(std::launch::async, [&] {
    lae::detail::parallel_for(1, [&](lae::Index) {
      first_began.set_value();
      second_began.get_future().wait();
    });
  });
  first_began.get_future().wait();
  lae::detail::parallel_for(1, [&](lae::Index) {
    second_began.set_value();
    first.wait();
    CHECK(openblas_get_num_threads() == 1);
  });
  CHECK(openblas_get_num_threads() == 2);
#else
  WARN("skipped: no OpenMP");
#endif
}
