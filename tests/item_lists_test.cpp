// Lists of the largest weights of each item, of any linear model, and files of them.

#include <lae/blocks.hpp>
#include <lae/data/item_list_file.hpp>
#include <lae/lae.hpp>
#include <lae/models/item_lists.hpp>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::ItemModel;
using lae::Matrix;

namespace {

/// What pruning keeps of rows, without the diagonal.
template <class Scalar>
Matrix<Scalar> largest_of_each_row(const Matrix<Scalar>& weights, Index count) {
  lae::PruneOptions options;
  options.per_row = count;
  Matrix<Scalar> kept = lae::prune(ItemModel<Scalar>(weights), options).weights();
  kept.diagonal().setZero();
  return kept;
}

}  // namespace

TEMPLATE_TEST_CASE("Item lists are what pruning keeps of rows, of any model", "[item_lists]",
                   LAE_SCALARS) {
  using Scalar = TestType;
  RandomData random(820);
  // Whole numbers, many of them equal or zero; more items than a batch, and than a range of scores.
  for (const Index n : {Index(1), Index(70), Index(1050)}) {
    const Matrix<Scalar> weights = (3 * random.dense(n, n)).array().round().template cast<Scalar>();
    const ItemModel<Scalar> model(weights);
    Matrix<Scalar> left = (2 * random.dense(n, 2)).array().round().template cast<Scalar>();
    Matrix<Scalar> right = (2 * random.dense(n, 2)).array().round().template cast<Scalar>();
    lae::WeightRows<Scalar> none;
    none.start.assign(static_cast<std::size_t>(n) + 1, 0);
    const Matrix<Scalar> product = left * right.transpose();
    const lae::SparseLowRankModel<Scalar> thin(none, left, right);
    for (const Index count : {Index(1), Index(5), n, n + 3}) {
      const Matrix<Scalar> expected = largest_of_each_row(weights, count);
      const auto lists = [&] { return lae::item_lists(model, count); };
      const Csr<Scalar> one = with_threads(1, lists);
      CHECK(one.isCompressed());
      CHECK(Matrix<Scalar>(one) == expected);
      CHECK(Matrix<Scalar>(with_threads(3, lists)) == expected);
      CHECK(Matrix<Scalar>(lae::item_lists(model.view(), count)) == expected);
      CHECK(Matrix<Scalar>(lae::item_lists(thin, count)) == largest_of_each_row(product, count));
      if (n > 100) break;
    }
  }
  CHECK_THROWS_WITH(lae::item_lists(ItemModel<Scalar>(Matrix<Scalar>::Zero(2, 2)), 0),
                    ContainsSubstring("per_item must be positive, got 0"));
}

TEST_CASE("With all weights, item lists are the model", "[item_lists]") {
  RandomData random(821);
  const Csr<double> train = random.interactions(60, 30);
  const auto model = lae::Ease<double>({20}).fit(train);
  const Csr<double> lists = lae::item_lists(model, 30);
  CHECK(Matrix<double>(lists) == model.weights());
  CHECK((Matrix<double>(train * lists) - model.score(train)).cwiseAbs().maxCoeff() < 1e-12);
}

TEST_CASE("Item lists are written as text", "[item_lists][io]") {
  const TemporaryFolder folder;
  Matrix<float> weights = Matrix<float>::Zero(3, 3);
  weights(0, 1) = -0.1f;
  weights(0, 2) = 0.25f;
  weights(2, 0) = 1;
  weights(2, 1) = 1;
  const Csr<float> lists = weights.sparseView();
  const std::vector<std::string> ids = {"a,\"b\"", "\\\n\xff", "\xc3\xa9"};
  lae::save_item_lists(folder / "a.csv", lists, ids);
  CHECK(read_bytes(folder / "a.csv") ==
        "item_id,rank,other_id,weight\n"
        "\"a,\"\"b\"\"\",1,\xc3\xa9,0.25\n"
        "\"a,\"\"b\"\"\",2,\"\\\n\xff\",-0.1\n"
        "\xc3\xa9,1,\"a,\"\"b\"\"\",1\n"
        "\xc3\xa9,2,\"\\\n\xff\",1\n");
  lae::save_item_lists(folder / "a.jsonl", lists, ids);
  CHECK(read_bytes(folder / "a.jsonl") ==
        "{\"item_id\":\"a,\\\"b\\\"\",\"items\":[{\"item_id\":\"\xc3\xa9\",\"weight\":0.25},"
        "{\"item_id\":\"\\\\\\u000a\xef\xbf\xbd\",\"weight\":-0.1}]}\n"
        "{\"item_id\":\"\\\\\\u000a\xef\xbf\xbd\",\"items\":[]}\n"
        "{\"item_id\":\"\xc3\xa9\",\"items\":[{\"item_id\":\"a,\\\"b\\\"\",\"weight\":1},"
        "{\"item_id\":\"\\\\\\u000a\xef\xbf\xbd\",\"weight\":1}]}\n");
  lae::save_item_lists(folder / "a.csv", lists);
  CHECK_THAT(read_bytes(folder / "a.csv"), ContainsSubstring("\n0,2,1,-0.1\n"));

  const std::string before = read_bytes(folder / "a.csv");
  CHECK_THROWS_WITH(lae::save_item_lists(folder / "a.txt", lists), ContainsSubstring("\"a.txt\""));
  CHECK_THROWS_WITH(lae::save_item_lists(folder / "a.csv", lists, {"a"}),
                    ContainsSubstring("1 ids") && ContainsSubstring("3 items"));
  CHECK_THROWS_WITH(lae::save_item_lists(folder / "a.csv", Csr<float>(2, 3)),
                    ContainsSubstring("2 x 3"));
  weights(1, 0) = std::numeric_limits<float>::infinity();
  const Csr<float> endless = weights.sparseView();
  CHECK_THROWS_WITH(lae::save_item_lists(folder / "a.csv", endless),
                    ContainsSubstring("row 1, column 0"));
  {
    const FileSizeLimit limit(20);
    CHECK_THROWS_AS(lae::save_item_lists(folder / "a.csv", lists), lae::FileError);
  }
  CHECK(read_bytes(folder / "a.csv") == before);
  CHECK(folder.file_count() == 2);
}
