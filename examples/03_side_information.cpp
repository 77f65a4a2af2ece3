// What is known of the items besides who has them: one matrix, several with weights, and sources
// that do different things in one model.

#include <iomanip>
#include <iostream>
#include <lae/lae.hpp>

int main() {
  // Items: chess set, chess clock, chess book, garden spade, garden book. Nobody has the last one.
  const Eigen::MatrixXd bought{{1, 1, 0, 0, 0}, {1, 0, 1, 0, 0}, {0, 1, 1, 0, 0},
                               {0, 0, 1, 1, 0}, {1, 1, 1, 0, 0}, {0, 0, 0, 1, 0}};
  const lae::Csr<double> train = bought.sparseView();
  // Items x dimensions, dense: what a text encoder makes of titles.
  const lae::Matrix<double> embeddings{{1, 0}, {0.9, 0.1}, {0.8, 0.2}, {0, 1}, {0.1, 0.9}};
  // Items x tags, sparse: "chess", "garden", "book".
  const Eigen::MatrixXd tag_table{{1, 0, 0}, {1, 0, 0}, {1, 0, 1}, {0, 1, 0}, {0, 1, 1}};
  const lae::Csr<double> tags = tag_table.sparseView();

  std::cout << std::fixed << std::setprecision(3);
  const auto show = [](const char* what, const lae::ItemModel<double>& model) {
    std::cout << std::setw(28) << std::left << what;
    for (const lae::Index item : {0, 2, 3}) std::cout << "  " << model.weights()(item, 4);
    std::cout << "\n";
  };
  std::cout << "what these add to the score of the garden book:\n"
            << std::string(28, ' ') << "  set    book   spade\n";

  show("EASE", lae::Ease<double>({/*lambda=*/1}).fit(train));

  // One matrix is passed as it is, dense or sparse.
  lae::L3aeOptions options;
  options.lambda_x = -1;
  options.lambda_kd = 3;
  const lae::L3ae<double> l3ae(options);
  show("L3AE on embeddings", l3ae.fit(train, embeddings));
  show("L3AE on tags", l3ae.fit(train, tags));

  // Several go into a list, as if they stood side by side, each times the root of its weight.
  lae::Sources<double> both;
  both.add(embeddings).add(tags, /*weight=*/0.5);
  show("L3AE on both", l3ae.fit(train, both));

  // A source may also stand beside the interactions, as in CEASE, while another is what the model
  // is pulled towards. `gram_weight` is that of the first; 10/q by default, q being its mean
  // squared length.
  lae::Sources<double> apart;
  apart.add(embeddings).add(tags, /*weight=*/1, lae::SourceRole::gram);
  options.gram_weight = lae::FeatureWeight::over_q(1);
  show("L3AE with tags beside X", lae::L3ae<double>(options).fit(train, apart));
}
