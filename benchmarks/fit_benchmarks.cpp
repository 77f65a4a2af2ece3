// Whole fits of all models, on as many users as items and on ten times as many.

#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <string>

#include "measure.hpp"
#include "synthetic_data.hpp"

namespace {

using lae::Index;

template <class Scalar>
struct Shop {
  explicit Shop(Index users, Index items, Index dimensions)
      : x(synthetic::interactions(users, items, 10 * users).cast<Scalar>()),
        tags(synthetic::interactions(items, dimensions, 8 * items, 4).cast<Scalar>()),
        embeddings(synthetic::embeddings(items, dimensions).template cast<Scalar>()) {}

  lae::Csr<Scalar> x;
  lae::Csr<Scalar> tags;
  lae::Matrix<Scalar> embeddings;
};

/// fit(shop) returns a model, cost(shop) its estimate.
template <class Scalar, class Cost, class Fit>
void add(const std::string& name, Index users, Index items, Index dimensions, Cost cost, Fit fit) {
  measure::add<Scalar>(name,
                       "users:" + std::to_string(users) + "/items:" + std::to_string(items) +
                           "/d:" + std::to_string(dimensions),
                       [=](benchmark::State& state, int threads) {
                         const Shop<Scalar> shop(users, items, dimensions);
                         measure::repeat<Scalar>(
                             state, threads, {cost(shop).flops}, [] {},
                             [&] { benchmark::DoNotOptimize(fit(shop).weights().data()); });
                       });
}

template <class Scalar>
void add_models(Index users, Index items, Index dimensions) {
  using AShop = Shop<Scalar>;
  const auto add_model = [=](const std::string& name, auto cost, auto fit) {
    add<Scalar>(name, users, items, dimensions, cost, fit);
  };
  const auto with_tags = [](const AShop& shop) { return lae::problem_size(shop.x, shop.tags); };
  const auto with_embeddings = [](const AShop& shop) {
    return lae::problem_size(shop.x, shop.embeddings);
  };
  const lae::Ease<Scalar> ease;
  const lae::FeatureEase<Scalar> feature_ease;
  const lae::Cease<Scalar> cease;
  const lae::AddEase<Scalar> add_ease;
  const lae::L3ae<Scalar> l3ae;
  const lae::Cosine<Scalar> cosine;
  add_model(
      "ease", [=](const AShop& s) { return ease.estimate(lae::problem_size(s.x)); },
      [=](const AShop& s) { return ease.fit(s.x); });
  add_model(
      "semantic_ease",
      [=](const AShop& s) { return feature_ease.estimate(lae::feature_size(s.embeddings)); },
      [=](const AShop& s) { return feature_ease.fit(s.embeddings); });
  add_model(
      "cease", [=](const AShop& s) { return cease.estimate(with_tags(s)); },
      [=](const AShop& s) { return cease.fit(s.x, s.tags); });
  add_model(
      "llm_cease", [=](const AShop& s) { return cease.estimate(with_embeddings(s)); },
      [=](const AShop& s) { return cease.fit(s.x, s.embeddings); });
  add_model(
      "add_ease", [=](const AShop& s) { return add_ease.estimate(with_tags(s)); },
      [=](const AShop& s) { return add_ease.fit(s.x, s.tags); });
  add_model(
      "llm_add_ease", [=](const AShop& s) { return add_ease.estimate(with_embeddings(s)); },
      [=](const AShop& s) { return add_ease.fit(s.x, s.embeddings); });
  add_model(
      "l3ae", [=](const AShop& s) { return l3ae.estimate(with_embeddings(s)); },
      [=](const AShop& s) { return l3ae.fit(s.x, s.embeddings); });
  add_model(
      "cosine", [=](const AShop& s) { return cosine.estimate(lae::feature_size(s.embeddings)); },
      [=](const AShop& s) { return cosine.fit(s.embeddings); });
}

/// The two forms of the inverse, where there are fewer users than items.
template <class Scalar>
void add_forms(Index users, Index items) {
  for (const lae::FitForm form : {lae::FitForm::primal, lae::FitForm::dual}) {
    const lae::Ease<Scalar> ease({100, {}, form});
    add<Scalar>(
        form == lae::FitForm::dual ? "ease_dual" : "ease_primal", users, items, 1,
        [=](const Shop<Scalar>& s) { return ease.estimate(lae::problem_size(s.x)); },
        [=](const Shop<Scalar>& s) { return ease.fit(s.x); });
  }
}

/// Spectral fits, and the scores of a thousand users.
template <class Scalar, class Solver>
void add_spectral(const std::string& name, Index users, Index items) {
  const std::string sizes = "users:" + std::to_string(users) + "/items:" + std::to_string(items);
  const Solver solver;
  const auto make = [=] {
    return synthetic::interactions(users, items, 10 * users).cast<Scalar>().eval();
  };
  measure::add<Scalar>(name, sizes, [=](benchmark::State& state, int threads) {
    const lae::Csr<Scalar> x = make();
    const double flops = solver.estimate(lae::problem_size(x)).flops;
    measure::repeat<Scalar>(
        state, threads, {flops}, [] {}, [&] { benchmark::DoNotOptimize(solver.fit(x).items()); });
  });
  measure::add<Scalar>(name + "_ranking", sizes, [=](benchmark::State& state, int threads) {
    const lae::Csr<Scalar> x = make();
    const auto model = solver.fit(x);
    const lae::Csr<Scalar> some = x.topRows(1000);
    const double flops = 2000.0 * static_cast<double>(items) * static_cast<double>(model.rank());
    measure::repeat<Scalar>(
        state, threads, {flops}, [] {},
        [&] { benchmark::DoNotOptimize(lae::recommend(model, some, {20}).items.data()); });
  });
}

template <class Scalar>
void add_all() {
  add_spectral<Scalar, lae::GfCf<Scalar>>("gf_cf", 20000, 8000);
  add_spectral<Scalar, lae::Bspm<Scalar>>("bspm", 20000, 8000);
  add_spectral<Scalar, lae::Sgfcf<Scalar>>("sgfcf", 20000, 8000);
  add_models<Scalar>(10000, 1000, 256);
  add_models<Scalar>(40000, 4000, 512);
  for (const Index users : {400, 1000, 2000, 3000, 4000}) add_forms<Scalar>(users, 4000);
}

[[maybe_unused]] const bool added = (add_all<float>(), add_all<double>(), true);

}  // namespace
