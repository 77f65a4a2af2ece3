// Pruned models: which weights are kept, against sorting all of them.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <lae/blocks.hpp>
#include <lae/lae.hpp>
#include <lae/models/prune.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using lae::Index;
using lae::Matrix;
using lae::PruneOptions;

namespace {

/// By the definition: each group of weights is sorted, and the first ones of each are kept.
template <class Scalar>
Matrix<Scalar> pruned(const Matrix<Scalar>& b, const PruneOptions& options) {
  const Index n = b.rows();
  std::vector<std::vector<std::tuple<Scalar, Index, Index>>> groups(
      static_cast<std::size_t>(options.total > 0 ? 1 : n));
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      if (i == j || b(i, j) == 0) continue;
      const Index group = options.per_column > 0 ? j : options.per_row > 0 ? i : 0;
      groups[static_cast<std::size_t>(group)].emplace_back(-std::abs(b(i, j)), i, j);
    }
  }
  const auto count = static_cast<std::size_t>(options.per_column + options.per_row + options.total);
  Matrix<Scalar> kept = Matrix<Scalar>::Zero(n, n);
  for (auto& group : groups) {
    std::sort(group.begin(), group.end());
    if (group.size() > count) group.resize(count);
    for (const auto& [size, i, j] : group) {
      kept(i, j) = b(i, j);
      if (options.symmetric) kept(j, i) = b(j, i);
    }
  }
  kept.diagonal() = b.diagonal();
  return kept;
}

std::vector<PruneOptions> ways(Index n) {
  std::vector<PruneOptions> all;
  for (const bool symmetric : {false, true}) {
    for (const Index count : {Index(1), Index(3), n - 1, n + 7}) {
      if (count < 1) continue;
      all.push_back({count, 0, 0, symmetric});
      all.push_back({0, count, 0, symmetric});
      all.push_back({0, 0, count, symmetric});
      all.push_back({0, 0, count * n, symmetric});
    }
  }
  return all;
}

template <class Scalar>
Index entries_of(const lae::SparseLowRankModel<Scalar>& model) {
  return static_cast<Index>(model.sparse().items.size());
}

/// With values that are equal, zeros, and a diagonal where it is asked for.
template <class Scalar>
Matrix<Scalar> some_weights(Index n, bool has_diagonal) {
  RandomData random(700 + static_cast<std::uint64_t>(n));
  Matrix<Scalar> b = random.dense(n, n).cast<Scalar>();
  for (Index i = 0; i < b.size(); ++i) {
    Scalar& value = b.data()[i];
    if (i % 3 == 0) value = std::round(4 * value) / 4;
    if (i % 7 == 0) value *= Scalar(1e-30);
  }
  for (Index i = 0; i < n; ++i) b(i, i) = has_diagonal && i % 2 == 0 ? Scalar(0.25) : Scalar(0);
  return b;
}

}  // namespace

TEMPLATE_TEST_CASE("Pruning keeps the largest weights", "[prune]", LAE_SCALARS) {
  for (const Index n : {Index(1), Index(2), Index(40), Index(300)}) {
    for (const bool has_diagonal : {false, true}) {
      const Matrix<TestType> b = some_weights<TestType>(n, has_diagonal);
      const lae::ItemModel<TestType> model{Matrix<TestType>(b)};
      for (const PruneOptions& options : ways(n)) {
        INFO(n << " items, " << options.per_column << " a column, " << options.per_row << " a row, "
               << options.total << " in all" << (options.symmetric ? ", symmetric" : ""));
        const auto small = lae::prune(model, options);
        const Matrix<TestType> expected = pruned(b, options);
        CHECK(small.weights() == expected);
        CHECK(entries_of(small) == (expected.array() != 0).count());
        CHECK(small.rank() == 0);
      }
    }
  }
}

TEST_CASE("Pruned models score as their weights do, and are the same on any threads", "[prune]") {
  RandomData random(710);
  const lae::Csr<double> x = random.interactions(90, 60);
  const auto model = lae::Ease<double>({5}).fit(x);
  const PruneOptions options{8};
  const auto small = lae::prune(model, options);
  const lae::ItemModel<double> dense(small.weights());
  CHECK((lae::score(small, x) - lae::score(dense, x)).cwiseAbs().maxCoeff() < 1e-12);
  CHECK(lae::recommend(small, x, {10}).items == lae::recommend(dense, x, {10}).items);
  CHECK(lae::prune(model.view(), options).sparse().values == small.sparse().values);
  const auto largest = [&] { return lae::prune(model, {0, 0, 777}).weights(); };
  const Matrix<double> on_one = with_threads(1, largest);
  for (const int threads : thread_counts) CHECK(with_threads(threads, largest) == on_one);
  // All weights: the model itself.
  CHECK(lae::prune(model, {60}).weights() == model.weights());

  const TemporaryFolder folder;
  lae::save_model(folder / "small.lae", small);
  const auto loaded = lae::load_model<lae::SparseLowRankModel<double>>(folder / "small.lae");
  CHECK(loaded.sparse().items == small.sparse().items);
  CHECK(loaded.sparse().values == small.sparse().values);
}

TEST_CASE("Pruning a model by blocks leaves its thin factors alone", "[prune][blocks]") {
  RandomData random(711);
  const lae::Csr<double> x = random.interactions(90, 60);
  const auto fit = lae::fit_blocks(lae::L3ae<double>({-2, 1.5, 6}), x, random.dense(60, 5));
  const auto small = lae::prune(fit.model, {4});
  CHECK(small.left() == fit.model.left());
  CHECK(small.right() == fit.model.right());
  // E alone, with the entries that take away from the diagonal.
  const auto sparse_part = [](const lae::SparseLowRankModel<double>& model) {
    return lae::SparseLowRankModel<double>(model.sparse(), Matrix<double>(60, 0),
                                           Matrix<double>(60, 0))
        .weights();
  };
  Matrix<double> expected = pruned(sparse_part(fit.model), {4});
  CHECK(sparse_part(small) == expected);
  CHECK(small.weights().diagonal() == fit.model.weights().diagonal());
  CHECK(entries_of(small) < entries_of(fit.model));
}

TEST_CASE("Pruning refuses what it cannot do", "[prune]") {
  const lae::ItemModel<double> model{Matrix<double>(Matrix<double>::Zero(3, 3))};
  CHECK(entries_of(lae::prune(model, {2})) == 0);
  CHECK_THROWS_WITH(lae::prune(model, {}), "one of per_column, per_row and total must be positive");
  CHECK_THROWS_WITH(lae::prune(model, {1, 1}),
                    "one of per_column, per_row and total must be positive");
  CHECK_THROWS_WITH(lae::prune(model, {-1}), "per_column must not be negative, got -1");
}
