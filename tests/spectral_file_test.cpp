// Files of spectral models.

#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "model_bytes.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using model_bytes::patched;
using model_bytes::sealed;

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

TEST_CASE("Spectral model files have the documented sections", "[spectral][model_file]") {
  Csr<float> x(2, 1);
  x.insert(0, 0) = 1;
  x.insert(1, 0) = 1;
  x.makeCompressed();
  const auto model = lae::GfCf<float>({0.5, 1}).fit(x);
  const auto& n = model.parts().interactions->users;
  const auto& summary = model.summary();
  const std::string bytes = bytes_of(model);
  const auto sections = model_bytes::sections(bytes);
  std::vector<std::uint32_t> numbers;
  std::string content;
  for (const auto& section : sections) {
    CHECK(section.offset % 64 == 0);
    numbers.push_back(section.number);
    content += bytes.substr(section.offset, section.bytes);
  }
  CHECK(bytes.substr(8, 48) == raw(std::vector<std::uint32_t>{0x01020304, 3, 4, 1}) +
                                   raw(std::vector<std::uint64_t>{1, 2, 2, 1}));
  CHECK(numbers == std::vector<std::uint32_t>{11, 8, 9, 10, 5, 6});
  CHECK(content ==
        raw(std::vector<std::uint64_t>{static_cast<std::uint64_t>(summary.iterations)}) +
            raw(std::vector<double>{summary.largest_value, summary.least_value, summary.residual, 0,
                                    0, 0, 0, 0}) +
            raw(std::vector<std::int64_t>{0, 1, 2, 0, 0}) +
            raw(std::vector<float>{n.valuePtr()[0], n.valuePtr()[1], model.parts().left(0, 0),
                                   model.parts().right(0, 0)}));
  const std::string individual = bytes_of(lae::Sgfcf<float>({1}).fit(x));
  numbers.clear();
  for (const auto& section : model_bytes::sections(individual)) numbers.push_back(section.number);
  CHECK(numbers == std::vector<std::uint32_t>{11, 8, 9, 10, 5, 6, 12, 13, 14, 15});
}

namespace {

/// What older libraries wrote: the same arrays, one behind the other.
std::string version_2(const std::string& bytes) {
  const auto sizes = [&](std::size_t offset) {
    return model_bytes::number_at<std::uint64_t>(bytes, offset);
  };
  std::string older = patched<std::uint32_t>(bytes.substr(0, 32), 12, 2) +
                      raw(std::vector<std::uint64_t>{sizes(32), sizes(40), sizes(48)});
  for (const auto& section : model_bytes::sections(bytes)) {
    older += bytes.substr(section.offset, section.bytes);
  }
  return older;
}

}  // namespace

TEST_CASE("Spectral models of version 2 are read", "[spectral][model_file]") {
  const auto x = interactions<float>();
  const auto check = [&](const auto& model, lae::ModelKind kind) {
    using Model = std::decay_t<decltype(model)>;
    const TemporaryFolder folder;
    const std::filesystem::path path = folder / "model";
    write_bytes(path, version_2(bytes_of(model)));
    const auto loaded = lae::load_model<Model>(path);
    CHECK(loaded.score(x) == model.score(x));
    CHECK(loaded.summary().residual == model.summary().residual);
    CHECK(loaded.summary().iterations == model.summary().iterations);
    CHECK(lae::kind_of_model(path) == kind);
    CHECK(lae::load_model_info(path).item_ids.empty());
    CHECK_NOTHROW(lae::verify_model(path));
  };
  check(lae::Bspm<float>({0.5, 2, 2.2, 6}).fit(x), lae::ModelKind::spectral);
  check(lae::Sgfcf<float>({6, 0.4, 0.5, 1.5, 1.6, 0.1}).fit(x), lae::ModelKind::sgfcf);
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
  CHECK_THAT(error_of<Linear>(patched<std::uint32_t>(version_2(linear), 20, 7)),
             ContainsSubstring("a model of unknown kind, 7"));
}

TEST_CASE("Damaged spectral models of version 2 are errors", "[spectral][model_file]") {
  const auto x = interactions<float>();
  const std::string linear = version_2(bytes_of(lae::GfCf<float>({0.3, 6}).fit(x)));
  const std::string individual = version_2(bytes_of(lae::Sgfcf<float>({6}).fit(x)));
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
}

TEST_CASE("Damaged spectral model files are errors", "[spectral][model_file]") {
  const auto x = interactions<float>();
  const std::string linear = bytes_of(lae::GfCf<float>({0.3, 6}).fit(x));
  const std::string individual = bytes_of(lae::Sgfcf<float>({6}).fit(x));
  for (const std::string& whole : {linear, individual}) {
    const auto error = [&](const std::string& bytes) {
      return whole == linear ? error_of<Linear>(bytes) : error_of<Individual>(bytes);
    };
    for (const auto& section : model_bytes::sections(whole)) {
      for (const std::size_t place : {section.offset, section.end() - 1}) {
        std::string bytes = whole;
        bytes[place] ^= 1;
        CHECK_THAT(error(bytes), ContainsSubstring("is damaged"));
      }
      for (const std::size_t size : {section.offset, section.offset + 1, section.end() - 1}) {
        CHECK_THAT(error(whole.substr(0, size)), ContainsSubstring("truncated"));
      }
    }
    CHECK_THAT(error(whole + "!"), ContainsSubstring("something else behind the model"));
    for (const std::size_t offset :
         std::vector<std::size_t>{24, 32, 40, 48}) {  // items, users, entries, rank
      for (const std::uint64_t number :
           {~std::uint64_t(0), std::uint64_t(1) << 39, std::uint64_t(1) << 61, std::uint64_t(7)}) {
        CHECK_THAT(
            error(sealed(patched(whole, offset, number))),
            ContainsSubstring("larger than any file") || ContainsSubstring("where its sizes say"));
      }
    }
    CHECK_THAT(error(sealed(patched<std::uint64_t>(whole, 48, 0))),
               ContainsSubstring("no singular vectors"));
  }
  // What no checksum tells, as whoever made it took them anew.
  const auto at = [&](std::uint32_t section) {
    return model_bytes::section(linear, section).offset;
  };
  CHECK_THAT(error_of<Linear>(sealed(patched<double>(linear, at(11) + 32, -1))),
             ContainsSubstring("a sharpening of -1 steps"));
  const std::size_t last_row = at(8) + 40 * 8;
  const std::vector<std::string> broken = {
      patched<std::int64_t>(linear, last_row, std::int64_t(1) << 40),
      patched<std::int64_t>(linear, last_row, 1),
      patched<std::int64_t>(linear, at(8), 1),
      patched<std::int64_t>(linear, at(8) + 8, -1),
      patched<std::int64_t>(linear, at(8) + 8, std::int64_t(1) << 40),
      patched<std::int64_t>(linear, at(9), 25),
      patched<std::int64_t>(linear, at(9), -1),
      patched<std::int64_t>(linear, at(9), 24)};
  for (const std::string& bytes : broken) {
    CHECK_THAT(error_of<Linear>(sealed(bytes)),
               ContainsSubstring("interactions that are no matrix"));
  }
}
