// From a log of ids, as a shop has it, to the matrix that models are fitted on, and back to ids.
//
// Matrices know rows and columns alone. An IdIndex numbers ids in the order in which they come, and
// says which id a number stands for.

#include <iostream>
#include <lae/lae.hpp>
#include <sstream>
#include <string>
#include <vector>

int main() {
  // One purchase a line; a std::ifstream is read in the same way, and lae/io/csv.hpp reads CSV with
  // a header and quotes.
  std::istringstream log(
      "ann,tent\nann,sleeping bag\nann,stove\nbob,tent\nbob,sleeping bag\nbob,tent\n"
      "cleo,stove\ncleo,gas\ndai,tent\ndai,stove\ndai,gas\neve,guitar\neve,strings\n"
      "fay,guitar\nfay,strings\nfay,tent\ngil,guitar\n");

  lae::IdIndex users;
  lae::IdIndex items;
  std::vector<Eigen::Triplet<double, lae::Index>> entries;
  std::string user;
  std::string item;
  while (std::getline(log, user, ',') && std::getline(log, item)) {
    entries.emplace_back(users.insert(user), items.insert(item), 1);
  }
  // Users x items. Eigen would add up what stands twice; Bob's second tent is to change nothing.
  lae::Csr<double> train(users.size(), items.size());
  train.setFromTriplets(entries.begin(), entries.end(), [](double, double) { return 1; });
  std::cout << train.rows() << " users, " << train.cols() << " items, " << train.nonZeros()
            << " interactions\n";

  const auto model = lae::Ease<double>({/*lambda=*/1}).fit(train);
  const auto top = lae::recommend(model, train, {/*k=*/2});
  for (lae::Index u = 0; u < train.rows(); ++u) {
    std::cout << users[u] << ":";
    for (const lae::Index i : top.items.row(u)) {
      // A list ends early, with no_item, where nothing is left to recommend.
      if (i != lae::no_item) std::cout << " [" << items[i] << "]";
    }
    std::cout << "\n";
  }

  // Someone who is not in the log needs no row of a matrix, just item numbers. `find` gives -1 for
  // an id it does not know.
  const lae::Vector<double> scores = model.score({items.find("gas")});
  lae::Index best = 0;
  scores.maxCoeff(&best);
  std::cout << "whoever has gas may like a " << items[best] << "\n";
}
