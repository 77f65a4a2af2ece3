// A model goes to a file, and another program answers requests with it: for people it never saw,
// from what is in stock, without what must not be shown, and says why.

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <lae/lae.hpp>
#include <string>
#include <vector>

const std::vector<std::string> titles = {"tea", "teapot", "coffee", "coffee mill", "milk", "rum"};

void train_and_save(const std::filesystem::path& file) {
  const Eigen::MatrixXf bought{{1, 1, 0, 0, 1, 0}, {1, 1, 0, 0, 0, 1}, {0, 0, 1, 1, 1, 0},
                               {0, 0, 1, 1, 0, 0}, {1, 0, 1, 0, 1, 1}, {0, 0, 1, 0, 1, 0}};
  const lae::Csr<float> train = bought.sparseView();
  // float takes half the memory and time of double.
  lae::save_model(file, lae::Ease<float>({/*lambda=*/0.5}).fit(train));
}

void print(const char* what, const lae::Recommendations<float>& lists) {
  std::cout << what << ":";
  for (const lae::Index item : lists.items.row(0)) {
    if (item != lae::no_item) std::cout << " [" << titles[std::size_t(item)] << "]";
  }
  std::cout << "\n";
}

int main() {
  const std::filesystem::path file = "example_05.lae";
  train_and_save(file);
  std::cout << "saved " << std::filesystem::file_size(file) << " bytes\n";

  // The Scalar must be the file's; a file that is no model or is not whole is refused.
  const lae::ItemModel<float> model = lae::load_model<float>(file);
  std::filesystem::remove(file);

  // One row for each request: here one person, with coffee in the basket.
  lae::Csr<float> basket(1, model.items());
  basket.insert(0, 2) = 1;

  lae::RecommendOptions options;
  options.k = 3;
  print("anything", lae::recommend(model, basket, options));

  options.deny = {5};
  print("no alcohol", lae::recommend(model, basket, options));

  options.allow = std::vector<lae::Index>{0, 1, 3, 5};  // in stock; `deny` outranks it
  print("no alcohol, in stock", lae::recommend(model, basket, options));

  // Any condition, also one that differs from user to user.
  const std::vector<double> prices = {4, 30, 9, 45, 1, 20};
  const auto is_cheap = [&](lae::Index, lae::Index i) { return prices[std::size_t(i)] < 25; };
  print("and cheap", lae::recommend(model, basket, options, is_cheap));

  const auto why = lae::explain(model, basket, /*item=*/0, /*k=*/1);
  std::cout << "tea, because of [" << titles[std::size_t(why.reasons[0].item)] << "]\n";
}
