// From weights to lists and metrics. The cost is in reading rows of B, one an item of a history,
// and in passing over the scores.

#include <lae/evaluation/evaluate.hpp>
#include <lae/ranking/recommend.hpp>
#include <string>

#include "measure.hpp"
#include "synthetic_data.hpp"

namespace {

using lae::Index;

template <class Scalar>
lae::ItemModel<Scalar> any_model(Index items) {
  return lae::ItemModel<Scalar>(synthetic::embeddings(items, items).template cast<Scalar>());
}

template <class Scalar>
void add_ranking(Index users, Index items, Index history) {
  const std::string sizes = "users:" + std::to_string(users) + "/items:" + std::to_string(items) +
                            "/history:" + std::to_string(history);
  const auto work = [=](const lae::Csr<float>& x) {
    const auto reads = static_cast<double>(x.nonZeros()) * static_cast<double>(items);
    return measure::Work{reads, reads * sizeof(Scalar)};
  };
  measure::add<Scalar>("recommend", sizes, [=](benchmark::State& state, int threads) {
    const auto model = any_model<Scalar>(items);
    const lae::Csr<float> x = synthetic::interactions(users, items, users * history);
    measure::repeat<Scalar>(
        state, threads, work(x), [] {},
        [&] { benchmark::DoNotOptimize(lae::recommend(model, x, {20}).items.data()); });
  });
  measure::add<Scalar>("evaluate", sizes, [=](benchmark::State& state, int threads) {
    const auto model = any_model<Scalar>(items);
    const lae::Csr<float> train = synthetic::interactions(users, items, users * history);
    const lae::Csr<float> test = synthetic::interactions(users, items, 4 * users, 5);
    measure::repeat<Scalar>(
        state, threads, work(train), [] {},
        [&] {
          benchmark::DoNotOptimize(lae::evaluate(model, train, test, {{10, 20}}).all.users);
        });
  });
}

template <class Scalar>
void add_all() {
  add_ranking<Scalar>(20000, 1000, 10);
  add_ranking<Scalar>(5000, 4000, 10);
  add_ranking<Scalar>(2000, 4000, 100);
}

[[maybe_unused]] const bool added = (add_all<float>(), add_all<double>(), true);

}  // namespace
