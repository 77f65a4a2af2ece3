#include "lae/io/model_file.hpp"

#include <utility>

#include "catch.hpp"
#include "files.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using lae::ItemModel;
using lae::load_model;
using lae::Matrix;
using lae::save_model;

namespace {

/// Weights that depend on their place; B is not symmetric.
template <class Scalar>
ItemModel<Scalar> example(Index items) {
  Matrix<Scalar> weights = Matrix<Scalar>::NullaryExpr(items, items, [&](Index i, Index j) {
    return i == j ? Scalar(0) : static_cast<Scalar>(i * items + j) / 3;
  });
  return ItemModel<Scalar>(std::move(weights));
}

std::string bytes_of_example() {
  const TemporaryFolder folder;
  save_model(folder / "model", example<float>(3));
  return read_bytes(folder / "model");
}

template <class Scalar = float>
std::string model_error(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  write_bytes(path, bytes);
  return file_error(path, [&] { return load_model<Scalar>(path); });
}

template <class T>
std::string patched(std::size_t offset, T number) {
  return bytes_of_example().replace(offset, sizeof(T), raw(std::vector<T>{number}));
}

}  // namespace

TEMPLATE_TEST_CASE("a saved model survives", "[model_file]", LAE_SCALARS) {
  const Index items = GENERATE(1, 2, 300);
  const ItemModel<TestType> model = example<TestType>(items);
  const TemporaryFolder folder;
  save_model(folder / "model", model);
  CHECK(folder.file_count() == 1);
  CHECK(load_model<TestType>(folder / "model").weights() == model.weights());
}

TEST_CASE("a model file has the documented bytes", "[model_file]") {
  CHECK(bytes_of_example() ==
        "\x93LAEITEM" + raw(std::vector<std::uint32_t>{0x01020304, 1, 4, 0}) +
            raw(std::vector<std::uint64_t>{3}) +
            raw(std::vector<float>{0, 1.F / 3, 2.F / 3, 1, 0, 5.F / 3, 2, 7.F / 3, 0}));
}

TEST_CASE("files that are not models are errors", "[model_file]") {
  CHECK_THAT(model_error(""), ContainsSubstring("is not a model file"));
  CHECK_THAT(model_error("\x93NUMPY" + std::string(100, ' ')),
             ContainsSubstring("is not a model file"));
  CHECK_THAT(model_error(bytes_of_example().substr(0, 31)),
             ContainsSubstring("truncated: expected a header of 32 bytes, found 31"));
}

TEST_CASE("models of another kind are errors", "[model_file]") {
  CHECK_THAT(model_error<double>(bytes_of_example()),
             ContainsSubstring("holds float weights, asked for double"));
  CHECK_THAT(model_error(patched<std::uint32_t>(16, 8)),
             ContainsSubstring("holds double weights, asked for float"));
  CHECK_THAT(model_error(patched<std::uint32_t>(16, 2)),
             ContainsSubstring("holds 2-byte weights, asked for float"));
  CHECK_THAT(model_error(patched<std::uint32_t>(12, 3)),
             ContainsSubstring("has version 3 of the format, expected 1 or 2"));
  CHECK_THAT(model_error(patched<std::uint32_t>(8, 0x04030201)),
             ContainsSubstring("other byte order"));
  CHECK_THAT(model_error(patched<std::uint64_t>(24, 0)), ContainsSubstring("a model of no items"));
}

TEST_CASE("load_model notices missing and additional bytes", "[model_file]") {
  const std::string whole = bytes_of_example();
  const std::string shorter = model_error(whole.substr(0, whole.size() - 1));
  CHECK_THAT(shorter, ContainsSubstring("truncated"));
  CHECK_THAT(shorter, ContainsSubstring("3 x 3 values of 4 bytes"));
  CHECK_THAT(shorter, ContainsSubstring("expected to take 36 bytes, but 35 follow"));
  CHECK_THAT(model_error(whole + "!"), ContainsSubstring("something else behind it"));
}

TEST_CASE("impossible numbers of items are noticed without allocating memory", "[model_file]") {
  // The square of the first overflows to 0, times 4 that of the second; the third just is large.
  CHECK_THAT(model_error(patched<std::uint64_t>(24, std::uint64_t{1} << 32)),
             ContainsSubstring("larger than any file"));
  CHECK_THAT(model_error(patched<std::uint64_t>(24, std::uint64_t{1} << 31)),
             ContainsSubstring("larger than any file"));
  CHECK_THAT(model_error(patched<std::uint64_t>(24, std::uint64_t{1} << 30)),
             ContainsSubstring("expected to take 4611686018427387904 bytes, but 36 follow"));
  CHECK_THAT(model_error(patched<std::uint64_t>(24, ~std::uint64_t{0})),
             ContainsSubstring("larger than any file"));
}

TEST_CASE("model files that cannot be opened or written are errors", "[model_file]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "missing/model";
  CHECK_THAT(file_error(path, [&] { return load_model<float>(path); }),
             ContainsSubstring("cannot be read: No such file"));
  CHECK_THAT(file_error(path, [&] { save_model(path, example<float>(3)); }),
             ContainsSubstring("cannot be written: No such file"));
}

TEST_CASE("a write that fails half-way leaves the old model", "[model_file]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  save_model(path, example<double>(3));
  {
    const FileSizeLimit limit(10000);
    CHECK_THAT(file_error(path, [&] { save_model(path, example<double>(100)); }),
               ContainsSubstring("cannot be written: File too large"));
  }
  CHECK(load_model<double>(path).weights() == example<double>(3).weights());
  CHECK(folder.file_count() == 1);
}
