// Files of spectral models.

#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;

namespace {

template <class Scalar>
Csr<Scalar> interactions() {
  RandomData random(801);
  Csr<double> x = random.interactions(40, 25, 0.15);
  x.prune([](Index user, Index item, double) { return user != 3 && item != 7; });
  x.makeCompressed();
  return x.cast<Scalar>();
}

template <class Model>
Model through_file(const Model& model) {
  const TemporaryFolder folder;
  lae::save_model(folder / "model", model);
  CHECK(folder.file_count() == 1);
  return lae::load_model<Model>(folder / "model");
}

template <class Model>
std::string bytes_of(const Model& model) {
  const TemporaryFolder folder;
  lae::save_model(folder / "model", model);
  return read_bytes(folder / "model");
}

template <class What>
std::string error_of(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  write_bytes(path, bytes);
  return file_error(path, [&] { return lae::load_model<What>(path); });
}

template <class T>
std::string patched(std::string bytes, std::size_t offset, T number) {
  return bytes.replace(offset, sizeof(T), raw(std::vector<T>{number}));
}

using Linear = lae::SpectralModel<float>;
using Individual = lae::SgfcfModel<float>;

}  // namespace

TEMPLATE_TEST_CASE("Saved spectral models survive", "[spectral][model_file]", LAE_SCALARS) {
  const auto x = interactions<TestType>();
  const auto check = [&](const auto& model) {
    const auto loaded = through_file(model);
    CHECK(loaded.score(x) == model.score(x));
    CHECK(loaded.rank() == model.rank());
    CHECK(loaded.summary().largest_value == model.summary().largest_value);
    CHECK(loaded.summary().least_value == model.summary().least_value);
    CHECK(loaded.summary().residual == model.summary().residual);
    CHECK(loaded.summary().iterations == model.summary().iterations);
  };
  check(lae::GfCf<TestType>({0.3, 6}).fit(x));
  check(lae::Bspm<TestType>({0.5, 2, 2.2, 6}).fit(x));
  check(lae::Bspm<TestType>({0.5, 3, 2.2, 6, true, true, false}).fit(x));
  check(lae::Sgfcf<TestType>({6, 0.4, 0.5, 1.5, 1.6, 0.1}).fit(x));
}

TEST_CASE("Spectral model files have the documented bytes", "[spectral][model_file]") {
  Csr<float> x(2, 1);
  x.insert(0, 0) = 1;
  x.insert(1, 0) = 1;
  x.makeCompressed();
  const auto model = lae::GfCf<float>({0.5, 1}).fit(x);
  const auto& n = model.parts().interactions->users;
  const auto& summary = model.summary();
  CHECK(bytes_of(model) ==
        "\x93LAEITEM" + raw(std::vector<std::uint32_t>{0x01020304, 2, 4, 1}) +
            raw(std::vector<std::uint64_t>{1, 2, 2, 1,
                                           static_cast<std::uint64_t>(summary.iterations)}) +
            raw(std::vector<double>{summary.largest_value, summary.least_value, summary.residual, 0,
                                    0, 0, 0, 0}) +
            raw(std::vector<std::int64_t>{0, 1, 2, 0, 0}) +
            raw(std::vector<float>{n.valuePtr()[0], n.valuePtr()[1], model.parts().left(0, 0),
                                   model.parts().right(0, 0)}));
}

TEST_CASE("Model files of one kind are no others", "[spectral][model_file]") {
  const auto x = interactions<float>();
  const std::string linear = bytes_of(lae::GfCf<float>({0.3, 6}).fit(x));
  const std::string individual = bytes_of(lae::Sgfcf<float>({6}).fit(x));
  const std::string dense = bytes_of(lae::Ease<float>().fit(x));
  CHECK_THAT(error_of<float>(linear),
             ContainsSubstring("another kind, for load_model<lae::SpectralModel<float>>"));
  CHECK_THAT(error_of<double>(individual),
             ContainsSubstring("another kind, for load_model<lae::SgfcfModel<float>>"));
  CHECK_THAT(error_of<Individual>(linear), ContainsSubstring("load_model<lae::SpectralModel"));
  CHECK_THAT(error_of<Linear>(dense), ContainsSubstring("another kind, for load_model<float>"));
  CHECK_THAT(error_of<lae::SpectralModel<double>>(linear),
             ContainsSubstring("holds float weights, asked for double"));
  CHECK_THAT(error_of<Linear>(patched<std::uint32_t>(linear, 20, 7)),
             ContainsSubstring("a model of unknown kind, 7"));
  CHECK_THAT(error_of<Linear>(patched<std::uint32_t>(linear, 12, 3)),
             ContainsSubstring("has version 3 of the format, expected 1 or 2"));
}

TEST_CASE("Damaged spectral model files are errors", "[spectral][model_file]") {
  const auto x = interactions<float>();
  const std::string linear = bytes_of(lae::GfCf<float>({0.3, 6}).fit(x));
  const std::string individual = bytes_of(lae::Sgfcf<float>({6}).fit(x));
  for (const std::size_t size :
       {std::size_t(33), std::size_t(127), linear.size() / 2, linear.size() - 1}) {
    CHECK_THAT(error_of<Linear>(linear.substr(0, size)), ContainsSubstring("truncated"));
  }
  CHECK_THAT(error_of<Linear>(linear + "!"), ContainsSubstring("something else behind it"));
  CHECK_THAT(error_of<Individual>(individual + "!"), ContainsSubstring("something else behind it"));
  CHECK_THAT(error_of<Individual>(individual.substr(0, individual.size() - 1)),
             ContainsSubstring("truncated"));
  for (const std::size_t offset :
       std::vector<std::size_t>{24, 32, 40, 48}) {  // items, users, entries, rank
    CHECK_THAT(error_of<Linear>(patched<std::uint64_t>(linear, offset, ~std::uint64_t(0))),
               ContainsSubstring("larger than any file"));
    CHECK_THAT(error_of<Linear>(patched<std::uint64_t>(linear, offset, std::uint64_t(1) << 39)),
               ContainsSubstring("larger than any file") || ContainsSubstring("truncated"));
  }
  CHECK_THAT(error_of<Linear>(patched<std::uint64_t>(linear, 48, 0)),
             ContainsSubstring("no singular vectors"));
  CHECK_THAT(error_of<Linear>(patched<double>(linear, 88, -1)),
             ContainsSubstring("a sharpening of -1 steps"));
  const std::size_t columns = 128 + 41 * 8;
  const std::size_t last_row = columns - 8;
  const std::vector<std::string> broken = {
      patched<std::int64_t>(linear, last_row, std::int64_t(1) << 40),
      patched<std::int64_t>(linear, last_row, 1),
      patched<std::int64_t>(linear, 128, 1),
      patched<std::int64_t>(linear, 136, -1),
      patched<std::int64_t>(linear, 136, std::int64_t(1) << 40),
      patched<std::int64_t>(linear, columns, 25),
      patched<std::int64_t>(linear, columns, -1),
      patched<std::int64_t>(linear, columns, 24)};
  for (const std::string& bytes : broken) {
    CHECK_THAT(error_of<Linear>(bytes), ContainsSubstring("interactions that are no matrix"));
  }
}
