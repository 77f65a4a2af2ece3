// A model goes to a file, and another program answers requests with it: for people it never saw,
// from what is in stock, without what must not be shown.

#include <filesystem>
#include <iostream>
#include <lae/lae.hpp>
#include <string>
#include <vector>

namespace {

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
    if (item != lae::no_item) std::cout << " [" << titles[static_cast<std::size_t>(item)] << "]";
  }
  std::cout << "\n";
}

}  // namespace

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

  options.exclude_seen = false;  // for what people buy again and again
  options.allow.reset();
  print("with what they have", lae::recommend(model, basket, options));
}
