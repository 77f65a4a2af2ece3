// Models in mapped files, and files of sparse models with two thin factors.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <lae/blocks.hpp>
#include <lae/lae.hpp>
#include <lae/spectral.hpp>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "model_bytes.hpp"
#include "random_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::Matrix;
using model_bytes::patched;
using model_bytes::sealed;

namespace {

template <class Scalar>
using Blocks = lae::SparseLowRankModel<Scalar>;

/// Some entries in most rows; the diagonal is there unless `rank` is 0.
template <class Scalar>
Blocks<Scalar> some_blocks(Index items, Index rank) {
  RandomData random(811);
  lae::WeightRows<Scalar> rows;
  for (Index i = 0; i < items; ++i) {
    for (Index j = 0; j < items; ++j) {
      if (random.uniform() > 0.2) continue;
      rows.items.push_back(static_cast<std::uint32_t>(j));
      rows.values.push_back(static_cast<Scalar>(random.uniform()));
    }
    rows.start.push_back(static_cast<Index>(rows.items.size()));
  }
  lae::Vector<Scalar> diagonal;
  if (rank > 0) diagonal = random.dense(items, 1).template cast<Scalar>();
  return Blocks<Scalar>(std::move(rows), random.dense(items, rank).template cast<Scalar>(),
                        random.dense(items, rank).template cast<Scalar>(), std::move(diagonal));
}

template <class Scalar>
lae::ItemModel<Scalar> some_weights(Index items) {
  RandomData random(812);
  return lae::ItemModel<Scalar>(random.dense(items, items).template cast<Scalar>());
}

template <class Scalar>
Csr<Scalar> some_histories(Index items) {
  RandomData random(813);
  return random.interactions(70, items, 0.1).cast<Scalar>();
}

/// All that can be asked of a scorer is the same, bit for bit.
template <class Model, class Other>
void require_equal(const Model& model, const Other& other) {
  using Scalar = lae::ScalarOf<Model>;
  REQUIRE(other.items() == model.items());
  const auto histories = some_histories<Scalar>(model.items());
  CHECK(lae::score(other, histories) == lae::score(model, histories));
  const auto lists = lae::recommend(model, histories, {5});
  const auto other_lists = lae::recommend(other, histories, {5});
  CHECK(other_lists.items == lists.items);
  CHECK(other_lists.scores == lists.scores);
  CHECK(other.weights() == model.weights());
  const auto why = lae::explain(model, histories.row(3), 2, 4);
  const auto other_why = lae::explain(other, histories.row(3), 2, 4);
  CHECK(other_why.total == why.total);
  CHECK(other_why.rest == why.rest);
}

template <class What>
std::string view_error(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  write_bytes(path, bytes);
  return file_error(path, [&] { return lae::view_model<What>(path); });
}

template <class Model>
std::string saved_bytes(const Model& model, const lae::ModelInfo& info = {}) {
  const TemporaryFolder folder;
  lae::save_model(folder / "model", model, info);
  return read_bytes(folder / "model");
}

/// Whether what `action` says is true in a process of its own.
template <class Action>
bool holds_in_another_process(Action&& action) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(action() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEMPLATE_TEST_CASE("a view of a dense model is that model", "[model_file][view]", LAE_SCALARS) {
  const auto model = some_weights<TestType>(61);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  lae::save_model(path, model);
  const lae::ItemModelView<TestType> view = lae::view_model<TestType>(path);
  CHECK(lae::is_scorer_v<lae::ItemModelView<TestType>>);
  CHECK(reinterpret_cast<std::uintptr_t>(view.weights().data()) % 64 == 0);
  require_equal(model, view);
  require_equal(model, model.view());
  CHECK(view.score({3, 60}) == model.score({3, 60}));
  CHECK_THROWS_WITH(view.score({61}), ContainsSubstring("item 61"));
  // A view is saved as what it is.
  lae::save_model(folder / "again", view);
  CHECK(read_bytes(folder / "again") == read_bytes(path));

  // Of version 1, whose weights begin at byte 32.
  const std::string bytes = read_bytes(path);
  write_bytes(folder / "older", patched<std::uint32_t>(bytes.substr(0, 32), 12, 1) +
                                    bytes.substr(1024, 61 * 61 * sizeof(TestType)));
  require_equal(model, lae::view_model<TestType>(folder / "older"));
}

TEMPLATE_TEST_CASE("sparse models with thin factors survive, and are viewed", "[model_file][view]",
                   LAE_SCALARS) {
  for (const Index rank : {0, 1, 7}) {
    for (const Index items : {1, 61}) {
      if (items == 1 && rank == 7) continue;
      INFO(items << " items, rank " << rank);
      const auto model = some_blocks<TestType>(items, rank);
      const TemporaryFolder folder;
      const std::filesystem::path path = folder / "model";
      lae::save_model(path, model, {{}, "l3ae", {{"lambda_x", "-50"}}});
      CHECK(folder.file_count() == 1);
      CHECK(lae::kind_of_model(path) == lae::ModelKind::sparse_low_rank);
      CHECK(lae::load_model_info(path).model == "l3ae");
      CHECK_NOTHROW(lae::verify_model(path));

      const auto loaded = lae::load_model<Blocks<TestType>>(path);
      CHECK(loaded.sparse().start == model.sparse().start);
      CHECK(loaded.sparse().items == model.sparse().items);
      CHECK(loaded.sparse().values == model.sparse().values);
      CHECK(loaded.left() == model.left());
      CHECK(loaded.right() == model.right());
      CHECK(loaded.diagonal() == model.diagonal());

      const lae::SparseLowRankView<TestType> view = lae::view_model<Blocks<TestType>>(path);
      CHECK(lae::is_batch_scorer_v<lae::SparseLowRankView<TestType>>);
      CHECK(view.rank() == rank);
      if (items > 2) {
        require_equal(model, view);
        require_equal(model, loaded);
        const auto histories = some_histories<TestType>(items);
        const auto near = lae::recommend_near(model, histories, {5}, {60});
        const auto near_by_view = lae::recommend_near(view, histories, {5}, {60});
        CHECK(near_by_view.items == near.items);
        CHECK(near_by_view.scores == near.scores);
        CHECK(view.parts_of(3, 4).from_features == model.parts_of(3, 4).from_features);
      }
      lae::save_model(folder / "again", view, {{}, "l3ae", {{"lambda_x", "-50"}}});
      CHECK(read_bytes(folder / "again") == read_bytes(path));
    }
  }
}

TEST_CASE("what fit_blocks returns is saved", "[model_file][blocks]") {
  const auto x = some_histories<float>(40);
  const auto fit = lae::fit_blocks(lae::Ease<float>({5}), x, lae::BlockOptions{10});
  const TemporaryFolder folder;
  lae::save_model(folder / "model", fit.model);
  CHECK(lae::load_model<Blocks<float>>(folder / "model").weights() == fit.model.weights());
}

TEST_CASE("files of sparse models have the documented sections", "[model_file]") {
  const Blocks<float> model({{0, 2, 2, 3}, {1, 2, 0}, {1, 2, 3}}, Matrix<float>::Constant(3, 2, 4),
                            Matrix<float>::Constant(3, 2, 5), lae::Vector<float>::Constant(3, 6));
  const std::string bytes = saved_bytes(model);
  CHECK(bytes.substr(8, 48) == raw(std::vector<std::uint32_t>{0x01020304, 3, 4, 3}) +
                                   raw(std::vector<std::uint64_t>{3, 0, 3, 2}));
  std::vector<std::uint32_t> numbers;
  std::string content;
  for (const auto& section : model_bytes::sections(bytes)) {
    CHECK(section.offset % 64 == 0);
    numbers.push_back(section.number);
    content += bytes.substr(section.offset, section.bytes);
  }
  CHECK(numbers == std::vector<std::uint32_t>{2, 3, 4, 5, 6, 7});
  CHECK(content == raw(std::vector<std::int64_t>{0, 2, 2, 3}) +
                       raw(std::vector<std::uint32_t>{1, 2, 0}) + raw(std::vector<float>{1, 2, 3}) +
                       raw(std::vector<float>{4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 6, 6, 6}));
}

TEST_CASE("views outlive what made them, and what they are of may be replaced", "[view]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  const auto model = some_blocks<float>(61, 3);
  lae::save_model(path, model);
  auto first = lae::view_model<Blocks<float>>(path);
  const auto second = lae::view_model<Blocks<float>>(path);
  const auto copy = first;
  const auto batch_model = std::move(first);
  lae::save_model(path, some_blocks<float>(30, 2));
  require_equal(model, second);
  std::filesystem::remove(path);
  require_equal(model, copy);
  require_equal(model, batch_model);
}

TEST_CASE("processes view one file at once", "[view]") {
  const TemporaryFolder folder;
  const auto dense = some_weights<double>(40);
  const auto blocks = some_blocks<float>(40, 3);
  lae::save_model(folder / "dense", dense);
  lae::save_model(folder / "blocks", blocks);
  const auto dense_view = lae::view_model<double>(folder / "dense");
  CHECK(holds_in_another_process([&] {
    const auto own = lae::view_model<double>(folder / "dense");
    return own.score({1, 5}) == dense.score({1, 5}) &&
           dense_view.score({1, 5}) == dense.score({1, 5});
  }));
  CHECK(holds_in_another_process([&] {
    return lae::view_model<Blocks<float>>(folder / "blocks").weights() == blocks.weights();
  }));
  CHECK(dense_view.score({2}) == dense.score({2}));
}

TEST_CASE("views of what cannot be viewed are errors", "[view]") {
  const auto dense = saved_bytes(some_weights<float>(5));
  const auto blocks = saved_bytes(some_blocks<float>(5, 2));
  CHECK_THAT(view_error<float>(""), ContainsSubstring("is not a model file"));
  CHECK_THAT(view_error<float>("\x93NUMPY" + std::string(100, ' ')),
             ContainsSubstring("is not a model file: it is a NumPy array"));
  CHECK_THAT(view_error<double>(dense), ContainsSubstring("holds float weights"));
  CHECK_THAT(view_error<float>(blocks),
             ContainsSubstring("another kind, for load_model<lae::SparseLowRankModel<float>>"));
  CHECK_THAT(view_error<Blocks<float>>(dense), ContainsSubstring("for load_model<float>"));
  for (std::size_t size = 8; size < dense.size(); size += 7) {
    CHECK_THAT(view_error<float>(dense.substr(0, size)), ContainsSubstring("truncated"));
  }
  CHECK_THAT(view_error<float>(dense + "!"), ContainsSubstring("something else behind"));
  CHECK_THAT(view_error<float>(patched<std::uint32_t>(dense, 12, 4)),
             ContainsSubstring("version 4 of the format"));
  CHECK_THAT(view_error<float>(patched<std::uint64_t>(dense, 24, 6)),
             ContainsSubstring("its first 1024 bytes do not have their checksum"));
  CHECK_THAT(view_error<float>(sealed(patched<std::uint64_t>(dense, 24, 6))),
             ContainsSubstring("where its sizes say 144"));
  const TemporaryFolder folder;
  const std::filesystem::path missing = folder / "missing";
  CHECK_THAT(file_error(missing, [&] { return lae::view_model<float>(missing); }),
             ContainsSubstring("cannot be read: No such file"));
  const std::filesystem::path here = folder / "";
  CHECK_THAT(file_error(here, [&] { return lae::view_model<float>(here); }),
             ContainsSubstring("Is a directory"));
}

TEST_CASE("damaged files of sparse models are errors", "[model_file][view]") {
  const auto model = some_blocks<float>(12, 3);
  const std::string whole = saved_bytes(model, {std::vector<std::string>(12, "id"), "l3ae", {}});
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  const auto load_error = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    return file_error(path, [&] {
      static_cast<void>(lae::load_model<Blocks<float>>(path));
      static_cast<void>(lae::load_model_info(path));
    });
  };
  for (std::size_t i = 16; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    const std::string error = load_error(bytes);
    if (error.find("is damaged: its ") == error.npos) FAIL(error << " at byte " << i);
  }
  for (const auto& section : model_bytes::sections(whole)) {
    for (const std::size_t size : {section.offset, section.offset + 1, section.end() - 1}) {
      CHECK_THAT(load_error(whole.substr(0, size)), ContainsSubstring("truncated"));
    }
  }
  for (const std::size_t offset : std::vector<std::size_t>{24, 40, 48}) {  // items, entries, rank
    for (const std::uint64_t number :
         {std::uint64_t(0), std::uint64_t(1), std::uint64_t(1) << 32, std::uint64_t(1) << 40,
          std::uint64_t(1) << 62, ~std::uint64_t(0)}) {
      const std::string bytes = sealed(patched(whole, offset, number));
      CHECK_THAT(load_error(bytes), ContainsSubstring("larger than any file") ||
                                        ContainsSubstring("no items") ||
                                        ContainsSubstring("where its sizes say"));
      CHECK_FALSE(view_error<Blocks<float>>(bytes).empty());
    }
  }
  const auto at = [&](std::uint32_t section) {
    return model_bytes::section(whole, section).offset;
  };
  CHECK_THAT(load_error(sealed(patched<std::int64_t>(whole, at(2) + 8, -1))),
             ContainsSubstring("row 0 of sparse ends before it begins"));
  CHECK_THAT(load_error(sealed(patched<std::uint32_t>(whole, at(3), 12))),
             ContainsSubstring("holds no such model: row 0 of sparse has item 12"));
}

TEST_CASE("views of damaged sparse models are harmless", "[view]") {
  // Sanitizers see what would be read or written beside the arrays.
  constexpr Index items = 30;
  const std::string whole = saved_bytes(some_blocks<float>(items, 3));
  const auto histories = some_histories<float>(items);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  RandomData random(814);
  for (const std::uint32_t section : {2U, 3U}) {
    const auto place = model_bytes::section(whole, section);
    for (int run = 0; run < 40; ++run) {
      std::string bytes = whole;
      for (int change = 0; change < 5; ++change) {
        const std::size_t offset =
            place.offset + static_cast<std::size_t>(random.below(static_cast<Index>(place.bytes)));
        bytes[offset] = static_cast<char>(random.below(256));
      }
      write_bytes(path, bytes);
      const auto view = lae::view_model<Blocks<float>>(path);
      CHECK_NOTHROW(lae::recommend(view, histories, {5}));
      CHECK_NOTHROW(lae::recommend_near(view, histories, {5}));
      CHECK_NOTHROW(view.weights());
      CHECK_NOTHROW(view.parts_of(1, 2));
      Eigen::RowVectorXf scores = Eigen::RowVectorXf::Zero(11);
      view.add_scores(lae::History<float>(histories, 1), 10, scores);
      if (bytes != whole) {
        CHECK_THAT(file_error(path, [&] { lae::verify_model(path); }),
                   ContainsSubstring("is damaged"));
      }
    }
  }
}

TEST_CASE("a write of a sparse model that fails half-way leaves the old one", "[model_file]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "model";
  const auto model = some_blocks<float>(20, 2);
  lae::save_model(path, model);
  {
    const FileSizeLimit limit(10000);
    CHECK_THAT(file_error(path, [&] { lae::save_model(path, some_blocks<float>(200, 5)); }),
               ContainsSubstring("cannot be written: File too large"));
  }
  CHECK(lae::load_model<Blocks<float>>(path).weights() == model.weights());
  CHECK(folder.file_count() == 1);
}
