// A model goes to a file, with the names of its items, and another program answers requests with
// that file alone: for people it never saw, from what is in stock, without what must not be shown,
// and says why.

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <lae/lae.hpp>
#include <string>
#include <vector>

void train_and_save(const std::filesystem::path& file) {
  const Eigen::MatrixXf bought{{1, 1, 0, 0, 1, 0}, {1, 1, 0, 0, 0, 1}, {0, 0, 1, 1, 1, 0},
                               {0, 0, 1, 1, 0, 0}, {1, 0, 1, 0, 1, 1}, {0, 0, 1, 0, 1, 0}};
  const lae::Csr<float> train = bought.sparseView();
  // float takes half the memory and time of double.
  const lae::ItemModel<float> model = lae::Ease<float>({/*lambda=*/0.5}).fit(train);
  const lae::ModelInfo info{
      {"tea", "teapot", "coffee", "coffee mill", "milk", "rum"}, "ease", {{"lambda", "0.5"}}};
  lae::save_model(file, model, info);
}

int main() {
  const std::filesystem::path file = "example_05.lae";
  train_and_save(file);

  // A view is ready at once, whatever the file's size, and programs share its memory; verify_model
  // finds damage inside, as load_model does, which reads all of it.
  lae::verify_model(file);
  const lae::ItemModelView<float> model = lae::view_model<float>(file);
  const lae::ModelInfo info = lae::load_model_info(file);
  std::cout << info.model << ", " << info.options[0].first << " " << info.options[0].second << "\n";
  const auto print = [&](const char* what, const lae::Recommendations<float>& lists) {
    std::cout << what << ":";
    for (const lae::Index item : lists.items.row(0)) {
      if (item != lae::no_item) std::cout << " [" << info.item_ids[std::size_t(item)] << "]";
    }
    std::cout << "\n";
  };

  // One row for each request: here one person, with coffee in the basket.
  lae::Csr<float> basket(1, model.items());
  basket.insert(0, 2) = 1;
  lae::RecommendOptions options;
  options.k = 3;
  print("anything", lae::recommend(model, basket, options));
  options.deny = {5};
  options.allow = std::vector<lae::Index>{0, 1, 3, 5};  // in stock; `deny` outranks it
  print("no alcohol, in stock", lae::recommend(model, basket, options));

  // Any condition, also one that differs from user to user.
  const std::vector<double> prices = {4, 30, 9, 45, 1, 20};
  const auto is_cheap = [&](lae::Index, lae::Index i) { return prices[std::size_t(i)] < 25; };
  print("and cheap", lae::recommend(model, basket, options, is_cheap));

  const auto why = lae::explain(model, basket, /*item=*/0, /*k=*/1);
  std::cout << "tea, because of [" << info.item_ids[std::size_t(why.reasons[0].item)] << "]\n";
  std::filesystem::remove(file);
}
