// Choosing hyper-parameters on a validation set, within a memory budget, and watching it.

#include <iostream>
#include <lae/data/split.hpp>
#include <lae/lae.hpp>
#include <string_view>
#include <vector>

#include "made_up_shop.hpp"

int main() {
  const MadeUpShop shop = make_up_shop();
  const lae::Split split = lae::random_split(shop.log, /*seed=*/1);
  const auto train = lae::interaction_matrix<double>(split.train, shop.users, shop.items);
  const auto valid = lae::interaction_matrix<double>(split.valid, shop.users, shop.items);

  // A grid is a list of options, and `vary` multiplies it by the values of one of them: 3 x 2 x 3
  // points. What they share is computed once.
  std::vector<lae::L3aeOptions> points(1);
  points = lae::vary(points, "lambda_x", {-10, 10, 50});
  points = lae::vary(points, &lae::L3aeOptions::lambda_kd, {20, 100});
  points = lae::vary(points, "dropout", {0, 0.2, 0.4});
  lae::GridSearchOptions judge;
  judge.cutoff = 10;  // by NDCG@10; measured at 10 and 20

  // Called from within the computation, here with how much of the grid is done. `return false`
  // would cancel it: it then throws lae::Cancelled.
  lae::FitControl control;
  double next = 0.25;
  control.progress = [&](std::string_view stage, double fraction) {
    if (stage == "grid" && fraction >= next) {
      std::cout << static_cast<int>(100 * fraction) << " % of the points\n";
      next += 0.25;
    }
    return true;
  };
  control.memory_budget = 100'000'000;  // bytes; the machine's, unless you say so
  const auto search =
      lae::grid_search<lae::L3ae<double>>(points, train, shop.embeddings, valid, judge, control);
  std::cout << "best of " << search.trials.size() << ":\n";
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& trial = search.trials[i];
    std::cout << "  NDCG@10 " << trial.score << " recall@20 " << trial.recall[1] << " with";
    for (const auto& field : lae::L3aeOptions::fields()) {
      if (field.is_extra && field.get(trial.options) == field.get({})) continue;
      std::cout << " " << field.name << "=" << field.text(trial.options);
    }
    std::cout << "\n";
  }
  // search.model is the first one's.

  control.memory_budget = 10'000;  // refused before anything is allocated
  try {
    (void)lae::grid_trials<lae::L3ae<double>>(points, train, shop.embeddings, valid, judge,
                                              control);
  } catch (const lae::MemoryBudgetExceeded& error) {
    std::cout << error.what() << "\n";
  }
}
