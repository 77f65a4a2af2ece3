// Files of models: of the dense kind, and what all kinds have in common.

#include "lae/io/model_file.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "model_bytes.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using lae::ItemModel;
using lae::load_model;
using lae::Matrix;
using lae::ModelInfo;
using lae::save_model;
using model_bytes::patched;
using model_bytes::sealed;

namespace {

/// Weights that depend on their place; B is not symmetric.
template <class Scalar>
ItemModel<Scalar> example(Index items) {
  Matrix<Scalar> weights = Matrix<Scalar>::NullaryExpr(items, items, [&](Index i, Index j) {
    return i == j ? Scalar(0) : static_cast<Scalar>(i * items + j) / 3;
  });
  return ItemModel<Scalar>(std::move(weights));
}

const ModelInfo example_info{{"tea", "", std::string("milk\0\n\xff", 7)},
                             "ease",
                             {{"lambda", "200"}, {"form", ""}, {"lambda", "again"}}};

const std::vector<float> example_weights = {0, 1.F / 3, 2.F / 3, 1, 0, 5.F / 3, 2, 7.F / 3, 0};

std::string bytes_of_example(const ModelInfo& info = {}) {
  const TemporaryFolder folder;
  save_model(folder / "model", example<float>(3), info);
  return read_bytes(folder / "model");
}

/// What older libraries wrote.
std::string bytes_of_version_1() {
  return "\x93LAEITEM" + raw(std::vector<std::uint32_t>{0x01020304, 1, 4, 0}) +
         raw(std::vector<std::uint64_t>{3}) + raw(example_weights);
}

/// Of whatever reads files.
template <class Read>
std::string error_when(const std::string& bytes, Read&& read) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  write_bytes(path, bytes);
  return file_error(path, [&] { read(path); });
}

template <class Scalar = float>
std::string model_error(const std::string& bytes) {
  return error_when(bytes, [](const auto& path) { return load_model<Scalar>(path); });
}

void load_all(const std::filesystem::path& path) {
  static_cast<void>(load_model<float>(path));
  static_cast<void>(lae::load_model_info(path));
}

}  // namespace

TEMPLATE_TEST_CASE("a saved model survives", "[model_file]", LAE_SCALARS) {
  // The largest is read in several blocks.
  const Index items = GENERATE(1, 2, 300);
  const ItemModel<TestType> model = example<TestType>(items);
  const TemporaryFolder folder;
  save_model(folder / "model", model);
  CHECK(folder.file_count() == 1);
  CHECK(load_model<TestType>(folder / "model").weights() == model.weights());
  CHECK(lae::kind_of_model(folder / "model") == lae::ModelKind::dense);
  CHECK_NOTHROW(lae::verify_model(folder / "model"));
}

TEST_CASE("what is said of a model survives", "[model_file]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  const auto check = [&](const ModelInfo& info) {
    save_model(path, example<float>(3), info);
    const ModelInfo loaded = lae::load_model_info(path);
    CHECK(loaded.item_ids == info.item_ids);
    CHECK(loaded.model == info.model);
    CHECK(loaded.options == info.options);
    CHECK(load_model<float>(path).weights() == example<float>(3).weights());
  };
  check({});
  check(example_info);
  check({{}, "ease", {}});
  check({{}, "", {{"lambda", "1"}}});
  check({{"a", "b", std::string(1000000, 'c')}, "", {}});
  CHECK_THROWS_WITH(save_model(path, example<float>(3), ModelInfo{{"a", "b"}, "", {}}),
                    ContainsSubstring("item_ids has 2 ids, but the model has 3 items"));
  CHECK(lae::load_model_info(path).item_ids.size() == 3);
}

TEST_CASE("checksums are those of the standard", "[model_file]") {
  // By libxxhash 0.8.1, of the bytes 0 ... 95.
  std::string bytes;
  for (int byte = 0; byte < 96; ++byte) bytes += static_cast<char>(byte);
  CHECK(model_bytes::checksum(bytes) == 0x450baa11f6739216);
  for (const std::size_t step : {std::size_t(1), std::size_t(31), std::size_t(33)}) {
    lae::detail::Xxh64 in_pieces;
    for (std::size_t i = 0; i < bytes.size(); i += step) {
      in_pieces.add(bytes.data() + i, std::min(step, bytes.size() - i));
    }
    CHECK(in_pieces.value() == 0x450baa11f6739216);
  }
}

TEST_CASE("a model file has the documented bytes", "[model_file]") {
  const std::string weights = raw(example_weights) + std::string(28, '\0');
  const auto expected = [&](std::uint64_t checksum) {
    const std::string front =
        "\x93LAEITEM" + raw(std::vector<std::uint32_t>{0x01020304, 3, 4, 0}) +
        raw(std::vector<std::uint64_t>{3, 0, 0, 0, checksum}) +
        raw(std::vector<std::uint32_t>{1, 0}) +
        raw(std::vector<std::uint64_t>{1024, 36, model_bytes::checksum(weights)});
    return front + std::string(1024 - front.size(), '\0');
  };
  CHECK(bytes_of_example() == expected(model_bytes::checksum(expected(0))) + weights);

  const std::string with_info = bytes_of_example(example_info);
  const auto texts_at = [&](std::uint32_t number) {
    const auto [entry, same_number, offset, bytes] = model_bytes::section(with_info, number);
    return with_info.substr(offset, bytes);
  };
  CHECK(texts_at(16) == raw(std::vector<std::uint64_t>{7, 0, 4, 10, 13, 17, 17, 23, 28}) +
                            "easelambda200formlambdaagain");
  CHECK(texts_at(17) ==
        raw(std::vector<std::uint64_t>{3, 0, 3, 3, 10}) + "tea" + example_info.item_ids[2]);
}

TEST_CASE("sections are aligned, and one behind the other", "[model_file]") {
  const std::string bytes = bytes_of_example(example_info);
  std::size_t end = 1024;
  for (const model_bytes::Section& section : model_bytes::sections(bytes)) {
    CHECK(section.offset % 64 == 0);
    CHECK(section.offset == end);
    end = section.end();
  }
  CHECK(end == bytes.size());
  CHECK(sealed(bytes) == bytes);
}

TEST_CASE("models of version 1 are read", "[model_file]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  write_bytes(path, bytes_of_version_1());
  CHECK(load_model<float>(path).weights() == example<float>(3).weights());
  CHECK(lae::kind_of_model(path) == lae::ModelKind::dense);
  CHECK(lae::load_model_info(path).item_ids.empty());
  CHECK_NOTHROW(lae::verify_model(path));
  const std::string whole = bytes_of_version_1();
  const std::string shorter = model_error(whole.substr(0, whole.size() - 1));
  CHECK_THAT(shorter, ContainsSubstring("truncated"));
  CHECK_THAT(shorter, ContainsSubstring("3 x 3 values of 4 bytes"));
  CHECK_THAT(shorter, ContainsSubstring("expected to take 36 bytes, but 35 follow"));
  CHECK_THAT(model_error(whole + "!"), ContainsSubstring("something else behind it"));
  CHECK_THAT(error_when(whole + "!", [](const auto& file) { lae::verify_model(file); }),
             ContainsSubstring("something else behind it"));
  CHECK_THAT(model_error<double>(whole),
             ContainsSubstring("holds float weights, asked for double"));
  CHECK_THAT(model_error(patched<std::uint32_t>(whole, 16, 2)),
             ContainsSubstring("holds 2-byte weights, asked for float"));
  CHECK_THAT(model_error(patched<std::uint64_t>(whole, 24, 0)),
             ContainsSubstring("a model of no items"));
  // The square of the first overflows to 0, times 4 that of the second; the third just is large.
  CHECK_THAT(model_error(patched(whole, 24, std::uint64_t{1} << 32)),
             ContainsSubstring("larger than any file"));
  CHECK_THAT(model_error(patched(whole, 24, std::uint64_t{1} << 31)),
             ContainsSubstring("larger than any file"));
  CHECK_THAT(model_error(patched(whole, 24, std::uint64_t{1} << 30)),
             ContainsSubstring("expected to take 4611686018427387904 bytes, but 36 follow"));
  CHECK_THAT(model_error(patched(whole, 24, ~std::uint64_t{0})),
             ContainsSubstring("larger than any file"));
}

TEST_CASE("files that are not models are errors", "[model_file]") {
  CHECK_THAT(model_error(""), ContainsSubstring("is not a model file"));
  CHECK_THAT(model_error("\x93NUMPY" + std::string(100, ' ')),
             ContainsSubstring("is not a model file: it is a NumPy array"));
  CHECK_THAT(model_error(bytes_of_example().substr(0, 31)),
             ContainsSubstring("truncated: expected a header of 32 bytes, found 31"));
}

TEST_CASE("models of another kind, and of other times and machines, are errors", "[model_file]") {
  const std::string whole = bytes_of_example();
  CHECK_THAT(model_error<double>(whole),
             ContainsSubstring("holds float weights, asked for double"));
  CHECK_THAT(model_error(sealed(patched<std::uint32_t>(whole, 16, 8))),
             ContainsSubstring("holds double weights, asked for float"));
  CHECK_THAT(model_error(sealed(patched<std::uint32_t>(whole, 16, 2))),
             ContainsSubstring("holds 2-byte weights, asked for float"));
  CHECK_THAT(model_error(sealed(patched<std::uint32_t>(whole, 20, 3))),
             ContainsSubstring("another kind, for load_model<lae::SparseLowRankModel<float>>"));
  CHECK_THAT(model_error(sealed(patched<std::uint32_t>(whole, 20, 9))),
             ContainsSubstring("a model of unknown kind, 9"));
  CHECK_THAT(model_error(patched<std::uint32_t>(whole, 12, 4)),
             ContainsSubstring("has version 4 of the format, and this lae reads up to 3"));
  CHECK_THAT(model_error(patched<std::uint32_t>(whole, 12, 0)), ContainsSubstring("version 0"));
  CHECK_THAT(model_error(patched<std::uint32_t>(whole, 8, 0x04030201)),
             ContainsSubstring("other byte order"));
  CHECK_THAT(model_error(sealed(patched<std::uint64_t>(whole, 24, 0))),
             ContainsSubstring("a model of no items"));
}

TEST_CASE("a byte that is another one is noticed, wherever it stands", "[model_file]") {
  const std::string whole = bytes_of_example(example_info);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  int damaged = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    write_bytes(path, bytes);
    CHECK(file_error(path, [&] { lae::verify_model(path); }) ==
          file_error(path, [&] { load_all(path); }));
    const std::string error = file_error(path, [&] { lae::verify_model(path); });
    if (error.find("is damaged: its ") != error.npos) ++damaged;
  }
  // All but magic number, byte order and version, which tell something else.
  CHECK(damaged == static_cast<int>(whole.size()) - 16);

  const auto flipped_in = [&](std::uint32_t section) {
    std::string bytes = whole;
    bytes[model_bytes::section(whole, section).offset] ^= 1;
    return error_when(bytes, load_all);
  };
  CHECK_THAT(flipped_in(1), ContainsSubstring("its weights, 36 bytes, do not have their checksum"));
  CHECK_THAT(flipped_in(16), ContainsSubstring("its name and options"));
  CHECK_THAT(flipped_in(17), ContainsSubstring("its item ids"));
}

TEST_CASE("missing and additional bytes are noticed", "[model_file]") {
  const std::string whole = bytes_of_example(example_info);
  for (std::size_t size = 8; size < whole.size(); ++size) {
    const std::string error = model_error(whole.substr(0, size));
    if (error.find("truncated: expected ") == error.npos) FAIL(error << " of " << size);
  }
  CHECK_THAT(model_error(whole + "!"),
             ContainsSubstring("something else behind the model, 1 byte"));
}

TEST_CASE("impossible sizes are noticed without allocating memory", "[model_file]") {
  const std::string whole = bytes_of_example(example_info);
  for (const std::uint64_t number :
       {std::uint64_t{4}, std::uint64_t{1} << 30, std::uint64_t{1} << 31, std::uint64_t{1} << 32,
        std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    const std::string error = model_error(sealed(patched(whole, 24, number)));
    if (error.find("larger than any file") == error.npos) {
      CHECK_THAT(error, ContainsSubstring("bytes of weights, where its sizes say"));
    }
    for (const model_bytes::Section& section : model_bytes::sections(whole)) {
      for (const std::size_t field : {section.entry + 8, section.entry + 16}) {
        CHECK_FALSE(error_when(sealed(patched(whole, field, number)), load_all).empty());
      }
    }
  }
}

TEST_CASE("tables that make no sense are errors", "[model_file]") {
  const std::string whole = bytes_of_example(example_info);
  const std::size_t second = model_bytes::sections(whole)[1].entry;
  const auto check = [&](const std::string& bytes) {
    CHECK_THAT(model_error(sealed(bytes)), ContainsSubstring("its table makes no sense"));
  };
  check(patched<std::uint32_t>(whole, second, 1));         // a second of the kind
  check(patched<std::uint64_t>(whole, second + 8, 1024));  // where the first one is
  check(patched<std::uint64_t>(whole, 72, 1025));
  check(patched<std::uint64_t>(whole, 80, 0));
  // Sums that come to nothing, as numbers of 64 bits do: the second section ends where the file
  // ends.
  const std::string two = bytes_of_example({example_info.item_ids, "", {}});
  for (const std::uint64_t far :
       {std::uint64_t{1} << 60, std::uint64_t{1} << 62, std::uint64_t{1} << 63}) {
    check(patched(patched(patched(two, 80, far - 1024), second + 8, far), second + 16,
                  two.size() - far));
  }
  CHECK_THAT(model_error(sealed(patched<std::uint32_t>(whole, 64, 2))),
             ContainsSubstring("holds 0 bytes of weights, where its sizes say 36"));
}

TEST_CASE("sections that are not known are passed over", "[model_file]") {
  const std::string whole = bytes_of_example(example_info);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  write_bytes(path,
              sealed(patched<std::uint32_t>(whole, model_bytes::section(whole, 17).entry, 1234)));
  CHECK(load_model<float>(path).weights() == example<float>(3).weights());
  CHECK(lae::load_model_info(path).model == "ease");
  CHECK(lae::load_model_info(path).item_ids.empty());
  CHECK_NOTHROW(lae::verify_model(path));
}

TEST_CASE("texts that are none are errors", "[model_file]") {
  const std::string whole = bytes_of_example(example_info);
  const auto check = [&](std::uint32_t section, std::size_t word, std::uint64_t number) {
    const std::size_t offset = model_bytes::section(whole, section).offset;
    return error_when(sealed(patched(whole, offset + 8 * word, number)), load_all);
  };
  for (const std::uint64_t number : {std::uint64_t{4}, std::uint64_t{1} << 61, ~std::uint64_t{0}}) {
    for (const std::size_t word : std::vector<std::size_t>{0, 1, 2, 4}) {
      CHECK_THAT(check(17, word, number), ContainsSubstring("its item ids are no texts"));
    }
  }
  CHECK_THAT(check(17, 3, 2), ContainsSubstring("are no texts"));
  CHECK_THAT(check(16, 0, 5), ContainsSubstring("are no texts"));
  const auto with_bytes = [&](std::uint32_t section, const std::string& texts) {
    std::string bytes = whole;
    const auto found = model_bytes::section(whole, section);
    bytes.replace(found.offset, texts.size(), texts);
    return error_when(sealed(patched<std::uint64_t>(bytes, found.entry + 16, texts.size())),
                      load_all);
  };
  CHECK_THAT(with_bytes(17, raw(std::vector<std::uint64_t>{2, 0, 0, 0}) + std::string(8, '\0')),
             ContainsSubstring("are no texts"));
  CHECK_THAT(with_bytes(17, raw(std::vector<std::uint64_t>{2, 0, 1, 7}) + "1234567"),
             ContainsSubstring("has 2 ids of 3 items"));
  CHECK_THAT(with_bytes(16, raw(std::vector<std::uint64_t>{6, 0, 1, 2, 3, 4, 5, 27}) +
                                std::string(27, 'x')),
             ContainsSubstring("an option without a value"));
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
  for (const rlim_t bytes : std::vector<rlim_t>{10, 1000, 10000, 80000}) {
    const FileSizeLimit limit(bytes);
    CHECK_THAT(file_error(path, [&] { save_model(path, example<double>(100)); }),
               ContainsSubstring("cannot be written: File too large"));
  }
  CHECK(load_model<double>(path).weights() == example<double>(3).weights());
  CHECK(folder.file_count() == 1);
}
