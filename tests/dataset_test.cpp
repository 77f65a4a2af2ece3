// The data-set folder: what is saved is what is loaded, and what does not belong together is named.

#include <filesystem>
#include <lae/data/dataset.hpp>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;

namespace {

constexpr Index user_count = 12;
constexpr Index item_count = 7;

/// Sources of features in no order.
template <class Scalar>
lae::Dataset<Scalar> some_dataset() {
  RandomData random(77);
  const auto sparse = [&](Index rows, Index columns) {
    return Csr<Scalar>(random.interactions(rows, columns, 0.3).template cast<Scalar>());
  };
  const auto dense = [&](Index columns) {
    return Matrix<Scalar>(random.dense(item_count, columns).template cast<Scalar>());
  };
  lae::Dataset<Scalar> data{sparse(user_count, item_count), sparse(user_count, item_count),
                            sparse(user_count, item_count)};
  data.embeddings = dense(3);
  data.tags = sparse(item_count, 5);
  data.features.push_back({"words", sparse(item_count, 9)});
  data.features.push_back({"images.v2", dense(4)});
  return data;
}

template <class Scalar>
bool equal(const Csr<Scalar>& a, const Csr<Scalar>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && Matrix<Scalar>(a) == Matrix<Scalar>(b);
}

std::string argument_error(const lae::Dataset<float>& data) {
  try {
    lae::require_matching_shapes(data);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEMPLATE_TEST_CASE("A data-set folder holds what was saved there", "", LAE_SCALARS) {
  using Scalar = TestType;
  const TemporaryFolder parent;
  const std::filesystem::path folder = parent / "new" / "set";
  const lae::Dataset<Scalar> data = some_dataset<Scalar>();
  lae::save_dataset(folder, data);
  const auto dense = [](const lae::NamedFeatures<Scalar>& source) {
    return std::get<Matrix<Scalar>>(source.values);
  };
  const auto sparse = [](const lae::NamedFeatures<Scalar>& source) {
    return std::get<Csr<Scalar>>(source.values);
  };

  const lae::Dataset<Scalar> all = lae::load_dataset<Scalar>(folder);
  CHECK(equal(all.train, data.train));
  CHECK(equal(all.valid, data.valid));
  CHECK(equal(all.test, data.test));
  CHECK(all.embeddings.value() == data.embeddings.value());
  CHECK(equal(all.tags.value(), data.tags.value()));
  REQUIRE(all.features.size() == 2);
  CHECK(all.features[0].name == "images.v2");
  CHECK(dense(all.features[0]) == dense(data.features[1]));
  CHECK(all.features[1].name == "words");
  CHECK(equal(sparse(all.features[1]), sparse(data.features[0])));

  const lae::DatasetParts parts = lae::dataset_parts(folder);
  CHECK(parts.embeddings);
  CHECK(parts.tags);
  CHECK(parts.features == std::vector<std::string>{"images.v2", "words"});

  const lae::Dataset<Scalar> bare = lae::load_dataset<Scalar>(folder, lae::DatasetParts{});
  CHECK(equal(bare.test, data.test));
  CHECK_FALSE(bare.embeddings);
  CHECK_FALSE(bare.tags);
  CHECK(bare.features.empty());

  const lae::Dataset<Scalar> some =
      lae::load_dataset<Scalar>(folder, {false, true, {"words", "words"}});
  CHECK_FALSE(some.embeddings);
  CHECK(some.tags);
  REQUIRE(some.features.size() == 1);
  CHECK(some.features[0].name == "words");
}

TEST_CASE("A data-set folder needs nothing but interactions") {
  const TemporaryFolder parent;
  lae::Dataset<float> data = some_dataset<float>();
  data.embeddings.reset();
  data.tags.reset();
  data.features.clear();
  lae::save_dataset(parent / "bare", data);
  const lae::Dataset<float> same = lae::load_dataset<float>(parent / "bare");
  CHECK(equal(same.train, data.train));
  CHECK_FALSE(same.embeddings);
  CHECK_FALSE(same.tags);
  CHECK(same.features.empty());

  std::filesystem::remove(parent / "bare" / "valid.npz");
  CHECK_THAT(file_error(parent / "bare" / "valid.npz",
                        [&] { return lae::load_dataset<float>(parent / "bare"); }),
             ContainsSubstring("cannot be opened"));
}

TEST_CASE("Features that change from dense to sparse leave no second file") {
  const TemporaryFolder folder;
  lae::Dataset<float> data = some_dataset<float>();
  lae::save_dataset(folder / "set", data);
  std::swap(data.features[0].values, data.features[1].values);
  lae::save_dataset(folder / "set", data);
  const lae::Dataset<float> same = lae::load_dataset<float>(folder / "set");
  REQUIRE(same.features.size() == 2);
  CHECK(std::get<Csr<float>>(same.features[0].values).cols() == 9);
  CHECK(std::get<Matrix<float>>(same.features[1].values).cols() == 4);
}

TEST_CASE("Parts of a data set that do not belong together are named with both sizes") {
  lae::Dataset<float> data = some_dataset<float>();
  CHECK(argument_error(data).empty());
  SECTION("valid") {
    data.valid = Csr<float>(user_count, item_count + 1);
    CHECK(argument_error(data) == "valid.npz is 12 x 8, but train.npz is 12 x 7 (users x items)");
  }
  SECTION("test") {
    data.test = Csr<float>(user_count - 1, item_count);
    CHECK(argument_error(data) == "test.npz is 11 x 7, but train.npz is 12 x 7 (users x items)");
  }
  SECTION("embeddings") {
    data.embeddings = Matrix<float>::Zero(5, 3);
    CHECK(argument_error(data) == "embeddings.npy has 5 rows, but train.npz has 7 items (columns)");
  }
  SECTION("tags") {
    data.tags = Csr<float>(6, 3);
    CHECK(argument_error(data) == "tags.npz has 6 rows, but train.npz has 7 items (columns)");
  }
  SECTION("features") {
    data.features[1].values = Matrix<float>(Matrix<float>::Zero(5, 3));
    CHECK(argument_error(data) ==
          "features/images.v2.npy has 5 rows, but train.npz has 7 items (columns)");
    data.features[1].values = Csr<float>(4, 3);
    CHECK(argument_error(data) ==
          "features/images.v2.npz has 4 rows, but train.npz has 7 items (columns)");
  }
  const TemporaryFolder folder;
  CHECK_THROWS_AS(lae::save_dataset(folder / "set", data), std::invalid_argument);
  CHECK(folder.file_count() == 0);
}

TEST_CASE("Files of a data set that cannot be used are named") {
  const TemporaryFolder parent;
  const std::filesystem::path folder = parent / "set";
  lae::save_dataset(folder, some_dataset<float>());
  const auto load = [&] { return lae::load_dataset<float>(folder); };
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  SECTION("no such features") {
    const lae::DatasetParts unknown{false, false, {"words", "sounds"}};
    CHECK_THAT(
        file_error(folder / "features", [&] { return lae::load_dataset<float>(folder, unknown); }),
        ContainsSubstring("\"sounds\" (sounds.npy or sounds.npz)") &&
            ContainsSubstring("there are: images.v2, words"));
    // A name is one of those in the folder, not a way to others.
    const lae::DatasetParts elsewhere{false, false, {"../tags"}};
    CHECK_THAT(file_error(folder / "features",
                          [&] { return lae::load_dataset<float>(folder, elsewhere); }),
               ContainsSubstring("holds no features"));
    std::filesystem::remove_all(folder / "features");
    CHECK_THAT(
        file_error(folder / "features", [&] { return lae::load_dataset<float>(folder, unknown); }),
        ContainsSubstring("\"words\""));
  }
  SECTION("no embeddings") {
    std::filesystem::remove(folder / "embeddings.npy");
    const lae::DatasetParts parts{true, false, {}};
    CHECK_THAT(file_error(folder / "embeddings.npy",
                          [&] { return lae::load_dataset<float>(folder, parts); }),
               ContainsSubstring("cannot be read"));
    CHECK_FALSE(lae::dataset_parts(folder).embeddings);
  }
  SECTION("two files of one name") {
    lae::save_npy(folder / "features" / "words.npy",
                  Matrix<float>(Matrix<float>::Zero(item_count, 1)));
    CHECK_THAT(file_error(folder / "features", load),
               ContainsSubstring("both words.npy and words.npz"));
  }
  SECTION("values that are not finite") {
    Matrix<float> images = Matrix<float>::Zero(item_count, 2);
    images(4, 1) = -std::numeric_limits<float>::infinity();
    lae::save_npy(folder / "features" / "images.v2.npy", images);
    CHECK_THAT(file_error(folder / "features" / "images.v2.npy", load),
               ContainsSubstring("holds a value that is not finite (-inf) in row 4, column 1"));
    Csr<float> train(user_count, item_count);
    train.insert(3, 2) = nan;
    lae::save_npz(folder / "train.npz", train);
    CHECK_THAT(file_error(folder / "train.npz", load),
               ContainsSubstring("holds a value that is not finite (nan) in row 3, column 2"));
  }
  SECTION("features of other items") {
    lae::save_npz(folder / "features" / "words.npz", Csr<float>(item_count + 2, 4));
    CHECK_THROWS_WITH(load(), "features/words.npz has 9 rows, but train.npz has 7 items (columns)");
  }
  SECTION("features that are a file") {
    std::filesystem::remove_all(folder / "features");
    write_bytes(folder / "features", "");
    CHECK_THAT(file_error(folder / "features", load), ContainsSubstring("cannot be read"));
  }
  SECTION("other files are left alone") {
    write_bytes(folder / "features" / "README.md", "?");
    write_bytes(folder / "features" / ".hidden.npy", "?");
    write_bytes(folder / "features" / "words.npz.partial-0", "?");
    CHECK(load().features.size() == 2);
  }
}

TEST_CASE("Names of features that are no file names are refused before anything is written") {
  const TemporaryFolder folder;
  for (const char* name : {"", "a/b", "a\\b", "..", ".a"}) {
    lae::Dataset<float> data = some_dataset<float>();
    data.features[0].name = name;
    CHECK_THROWS_AS(lae::save_dataset(folder / "set", data), std::invalid_argument);
  }
  lae::Dataset<float> data = some_dataset<float>();
  data.features[0].name = data.features[1].name;
  CHECK_THROWS_WITH(lae::save_dataset(folder / "set", data),
                    "two sources of features are called \"images.v2\"");
  CHECK(folder.file_count() == 0);
}
