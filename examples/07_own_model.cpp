// A model of your own: its options, and what they mean in the closed form that all models share.
// Whatever the library does with its own models it then does with yours.

#include <filesystem>
#include <iostream>
#include <lae/data/split.hpp>
#include <lae/lae.hpp>
#include <vector>

#include "made_up_shop.hpp"

/// L3AE told another way: of one ridge, a share pulls towards what the features say.
struct Guided {
  double ridge = 50;       ///< λ_X + λ_KD
  double share = 0.5;      ///< λ_KD / ridge; 0 is EASE
  double restraint = 0.1;  ///< scores of an item that n users have are divided by n^restraint

  static constexpr lae::Inputs inputs = lae::Inputs::interactions_and_features;

  static lae::OptionFields<Guided> fields() {
    lae::OptionFields<Guided> list;
    list.add("ridge", &Guided::ridge, lae::Range::positive(), "how much to trust priors over data");
    list.add("share", &Guided::share, lae::Range::from_to(0, 1), "how much features guide");
    list.add("restraint", &Guided::restraint, lae::Range::finite(), "holds popular items back");
    return list;
  }

  lae::Recipe recipe() const {
    lae::Recipe recipe;
    recipe.ridge = ridge;
    recipe.ridge_name = "ridge";
    recipe.semantic_use = lae::SemanticUse::prior;
    recipe.semantic_weight = share * ridge;
    recipe.refinements.target_exponent = restraint;
    return recipe;
  }
};

int main() {
  const MadeUpShop shop = make_up_shop();
  const lae::Split split = lae::random_split(shop.log, /*seed=*/1);
  const auto train = lae::interaction_matrix<double>(split.train, shop.users, shop.items);
  const auto valid = lae::interaction_matrix<double>(split.valid, shop.users, shop.items);
  const auto test = lae::interaction_matrix<double>(split.test, shop.users, shop.items);
  using Solver = lae::Solver<Guided>;
  std::cout << "a fit takes " << Solver().estimate(lae::problem_size(train, shop.embeddings)).bytes
            << " bytes\n";

  auto points = lae::vary(std::vector<Guided>(1), "ridge", {10, 50});
  points = lae::vary(points, "share", {0, 0.5, 1});
  const auto search = lae::grid_search<Solver>(points, train, shop.embeddings, valid);
  const Guided& best = search.trials[0].options;
  std::cout << "best: ridge " << best.ridge << ", share " << best.share << "\n";

  const auto model = Solver(best).fit(train, shop.embeddings);  // equals search.model
  std::cout << "recall@20 " << lae::evaluate(model, train, test).all.recall[1] << " on test\n";
  lae::save_model("example_07.lae", model);
  std::filesystem::remove("example_07.lae");
}
