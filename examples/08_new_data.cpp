// New data without a new fit: users who did something, users and items that are new. An updatable
// model takes them in as if it had been fitted on all of them, in a fraction of the time.

#include <filesystem>
#include <iostream>
#include <lae/lae.hpp>
#include <lae/updatable.hpp>
#include <vector>

#include "made_up_shop.hpp"

/// One row of a matrix of histories.
lae::Csr<double> history(lae::Index items, const std::vector<lae::Index>& bought) {
  lae::Csr<double> row(1, items);
  for (const lae::Index item : bought) row.insert(0, item) = 1;
  row.makeCompressed();
  return row;
}

int main() {
  const MadeUpShop shop = make_up_shop();
  const auto train = lae::interaction_matrix<double>(shop.log, shop.users, shop.items);
  const lae::L3ae<double> solver;
  auto model = lae::make_updatable(solver, train, shop.embeddings);

  // User 17 has other things now, and the user after the last one is new.
  model.set_histories({17}, history(shop.items, {4, 12, 20}));
  const lae::Index newcomer = model.users();
  model.set_histories({newcomer}, history(shop.items, {1, 9, 17}));

  // An item that nobody has yet, known by its features: it is about topic 1.
  lae::Matrix<double> embedding = lae::Matrix<double>::Zero(1, MadeUpShop::topics);
  embedding(0, 1) = 1;
  model.add_items(embedding);
  const auto scores = model.score(model.interactions().middleRows(newcomer, 1));
  std::cout << "the new item's score for the new user: " << scores(0, shop.items) << "\n";

  // What it is worth, and how exact it is.
  const lae::UpdateCost cost = model.estimate_update({/*users=*/10, 0, /*entries=*/200});
  std::cout << "10 users: rank " << cost.rank << (cost.is_fit ? ", a fit" : ", no fit")
            << "; cheaper than a fit up to " << cost.most_users << " users\n"
            << "drift " << model.drift() << (model.should_refit() ? ", refit" : ", fine") << "\n";

  // It is kept with all that it takes to go on.
  lae::save_model("example_08.lae", model);
  model = lae::load_model<lae::UpdatableModel<double>>("example_08.lae");
  std::filesystem::remove("example_08.lae");

  // The same as a fit on what the data are now.
  lae::Matrix<double> embeddings(model.items(), MadeUpShop::topics);
  embeddings << shop.embeddings, embedding;
  const auto fitted = solver.fit(model.interactions(), embeddings);
  const double difference = (model.model().weights() - fitted.weights()).cwiseAbs().maxCoeff();
  std::cout << "weights differ from a fit's by less than 1e-12: " << (difference < 1e-12) << "\n";
}
