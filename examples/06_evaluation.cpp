// How good a model is: parts to learn from, to choose by and to test on; and what the numbers say.

#include <iomanip>
#include <iostream>
#include <lae/data/split.hpp>
#include <lae/lae.hpp>
#include <vector>

#include "made_up_shop.hpp"

int main() {
  const MadeUpShop shop = make_up_shop();
  // 8:1:1 of all interactions. The same log and seed give the same parts everywhere.
  const lae::Split split = lae::random_split(shop.log, /*seed=*/1);
  const auto matrix = [&](const lae::Interactions& part) {
    return lae::interaction_matrix<double>(part, shop.users, shop.items);
  };
  const lae::Csr<double> train = matrix(split.train);
  const lae::Csr<double> valid = matrix(split.valid);
  const lae::Csr<double> test = matrix(split.test);

  // Hyper-parameters are chosen on `valid`. Choosing on `test` would flatter the model.
  const auto points = lae::vary(std::vector<lae::EaseOptions>(1), "lambda", {1, 10, 100, 1000});
  const auto ease = lae::grid_search<lae::Ease<double>>(points, train, valid);
  std::cout << "lambda " << ease.trials[0].options.lambda << " did best on valid\n";
  const auto cosine = lae::Cosine<double>().fit(shop.embeddings);

  // Each user with held-out items counts once; all items but those of the training row are ranked.
  // recall@k: the share of a user's held-out items that are among the first k.
  // NDCG@k: the same with early places counting more; 1 if the list begins with all of them.
  // coverage@k: the share of all items that anybody gets recommended. README defines the others.
  // Head: the 20 % of items most popular in training. Models that only know what is popular are
  // good there and bad at the tail.
  lae::EvaluateOptions options;
  options.cutoffs = {5, 20};
  std::cout << std::fixed << std::setprecision(3)
            << "                 recall@5  recall@20  NDCG@20  users\n";
  const auto show = [&](const char* name, const lae::GroupMetrics& group) {
    std::cout << std::left << std::setw(17) << name << std::setw(10) << group.recall[0]
              << std::setw(11) << group.recall[1] << std::setw(9) << group.ndcg[1]
              << group.users.size() << "\n";
  };
  const auto of_ease = lae::evaluate(ease.model, train, test, options);
  show("EASE, all", of_ease.all);
  show("EASE, head", of_ease.head);
  show("EASE, tail", of_ease.tail);
  const auto of_cosine = lae::evaluate(cosine, train, test, options);
  show("cosine, all", of_cosine.all);
  show("cosine, tail", of_cosine.tail);

  // Metrics of single users tell whether a difference is more than luck.
  Eigen::Index better = 0;
  for (Eigen::Index user = 0; user < of_ease.all.user_ndcg.rows(); ++user) {
    better += of_ease.all.user_ndcg(user, 1) > of_cosine.all.user_ndcg(user, 1) ? 1 : 0;
  }
  std::cout << "of all items, EASE recommends " << of_ease.coverage[1] << ", cosine "
            << of_cosine.coverage[1] << "; EASE ranks better for " << better << " users of "
            << of_ease.all.users.size() << "\n";
}
