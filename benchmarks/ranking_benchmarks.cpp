// From weights to lists and metrics. The cost is in reading rows of B, one an item of a history,
// and in passing over the scores.

#include <lae/evaluation/evaluate.hpp>
#include <lae/models/item_model.hpp>
#include <lae/models/prune.hpp>
#include <lae/ranking/recommend.hpp>
#include <string>
#include <vector>

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

/// All filters of a call together, which lists of each user and a predicate cost most.
template <class Scalar>
void add_filters(Index users, Index items, Index history, Index dims) {
  const std::string sizes = "users:" + std::to_string(users) + "/items:" + std::to_string(items) +
                            "/history:" + std::to_string(history);
  const auto add = [&](const std::string& name, auto change) {
    measure::add<Scalar>(name, sizes, [=](benchmark::State& state, int threads) {
      const auto model = any_model<Scalar>(items);
      const lae::Csr<float> x = synthetic::interactions(users, items, users * history);
      const lae::ItemVectors vectors(synthetic::embeddings(items, dims));
      lae::RecommendOptions options{20};
      change(options, vectors);
      measure::repeat<Scalar>(
          state, threads, {}, [] {},
          [&] { benchmark::DoNotOptimize(lae::recommend(model, x, options).items.data()); });
    });
  };
  add("recommend_boost", [=](lae::RecommendOptions& options, const lae::ItemVectors&) {
    options.boost = Eigen::VectorXd::LinSpaced(items, 0, 1);
    options.minimum_score = 0;
  });
  add("recommend_lists", [=](lae::RecommendOptions& options, const lae::ItemVectors&) {
    for (Index item = 0; item < items; item += 3) options.deny.push_back(item);
    options.user_deny.resize(static_cast<std::size_t>(users), options.deny);
  });
  add("recommend_diverse", [=](lae::RecommendOptions& options, const lae::ItemVectors& vectors) {
    options.diversity = {&vectors, 0.3};
  });
}

/// One new user, as a server is asked for.
template <class Scalar>
void add_one_user(Index items, Index history, Index per_row) {
  const std::string sizes =
      "items:" + std::to_string(items) + "/history:" + std::to_string(history);
  const auto add = [&](const std::string& name, auto model_of) {
    measure::add<Scalar>(name, sizes, [=](benchmark::State& state, int threads) {
      const auto model = model_of();
      lae::Csr<Scalar> x(1, items);
      for (Index i = 0; i < history; ++i) x.insert(0, (i + 1) * items / (history + 1)) = 1;
      x.makeCompressed();
      measure::repeat<Scalar>(
          state, threads, {}, [] {},
          [&] { benchmark::DoNotOptimize(lae::recommend(model, x, {20}).items.data()); });
    });
  };
  add("recommend_one", [=] { return any_model<Scalar>(items); });
  add("recommend_one_pruned", [=] {
    lae::PruneOptions options;
    options.per_row = per_row;
    return lae::prune(any_model<Scalar>(items), options);
  });
}

template <class Scalar>
void add_all() {
  add_ranking<Scalar>(20000, 1000, 10);
  add_ranking<Scalar>(5000, 4000, 10);
  add_ranking<Scalar>(2000, 4000, 100);
  add_filters<Scalar>(5000, 4000, 10, 512);
  add_one_user<Scalar>(8330, 10, 64);
  add_one_user<Scalar>(8330, 100, 64);
}

[[maybe_unused]] const bool added = (add_all<float>(), add_all<double>(), true);

}  // namespace
