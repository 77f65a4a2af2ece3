// Fits L3AE on a shop small enough to check by eye, and prints what it recommends.

#include <cstddef>
#include <iomanip>
#include <iostream>
#include <lae/lae.hpp>

int main() {
  const char* const titles[] = {"chess set",    "chess clock", "chess book",
                                "garden spade", "garden hose", "garden gloves"};
  // Rows are users, columns are items: 1 where a user bought an item. Nobody bought the gloves,
  // so only their title can tell for whom they are.
  const Eigen::MatrixXd bought{{1, 1, 0, 0, 0, 0},  //
                               {1, 0, 1, 0, 0, 0},  //
                               {0, 1, 1, 0, 0, 0},  //
                               {0, 0, 0, 1, 1, 0},  //
                               {0, 0, 0, 1, 0, 0},  //
                               {1, 0, 0, 0, 1, 0}};
  // What each user bought next, to see whether the model would have found it.
  const Eigen::MatrixXd bought_next{{0, 0, 1, 0, 0, 0},  //
                                    {0, 1, 0, 0, 0, 0},  //
                                    {1, 0, 0, 0, 0, 0},  //
                                    {0, 0, 0, 0, 0, 1},  //
                                    {0, 0, 0, 0, 0, 1},  //
                                    {0, 0, 0, 1, 0, 0}};
  // What a text encoder might make of the titles: rows are items, columns are chess and garden.
  const Eigen::MatrixXd embeddings{{1.0, 0.0}, {0.9, 0.1}, {0.8, 0.1},
                                   {0.1, 1.0}, {0.0, 0.9}, {0.1, 0.8}};
  const lae::Csr<double> train = bought.sparseView();
  const lae::Csr<double> test = bought_next.sparseView();

  const lae::L3ae<double> solver({/*lambda_x=*/-1, /*lambda_f=*/1, /*lambda_kd=*/3});
  const lae::ItemModel<double> model = solver.fit(train, embeddings);
  const auto top = lae::recommend(model, train, {/*k=*/2});
  const auto report = lae::evaluate(model, train, test, {{1, 2}});

  std::cout << std::fixed << std::setprecision(2);
  for (Eigen::Index user = 0; user < train.rows(); ++user) {
    std::cout << "user " << user << " has";
    for (Eigen::Index item = 0; item < train.cols(); ++item) {
      if (bought(user, item) > 0) std::cout << " [" << titles[item] << "]";
    }
    std::cout << ", recommended:";
    for (Eigen::Index rank = 0; rank < top.items.cols(); ++rank) {
      std::cout << " [" << titles[top.items(user, rank)] << " " << top.scores(user, rank) << "]";
    }
    std::cout << "\n";
  }
  for (std::size_t c = 0; c < report.cutoffs.size(); ++c) {
    std::cout << "recall@" << report.cutoffs[c] << " " << report.all.recall[c] << ", NDCG@"
              << report.cutoffs[c] << " " << report.all.ndcg[c] << "\n";
  }
}
