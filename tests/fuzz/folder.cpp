// A data-set folder of which one file is any bytes, which the first byte chooses.

#include <fstream>
#include <iterator>
#include <lae/data/dataset.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../../examples/apps/catalog.hpp"
#include "../../examples/apps/dataset.hpp"
#include "fuzz.hpp"

namespace {

const char* const names[] = {
    "train.npz",           "embeddings.npy",  "tags.npz",    "features/more.npy",
    "features/sparse.npz", "embeddings.json", "items.jsonl", "users.txt"};

/// Writes the folder, and gives what is in its files.
std::vector<std::string> write_folder() {
  lae::Csr<float> train(3, 2);
  train.insert(0, 1) = 1;
  train.makeCompressed();
  lae::Dataset<float> data{train, train, train};
  data.embeddings = lae::Matrix<float>(lae::Matrix<float>::Ones(2, 2));
  data.tags = lae::Csr<float>(2, 1);
  data.features.push_back({"more", lae::Matrix<float>(lae::Matrix<float>::Ones(2, 1))});
  data.features.push_back({"sparse", lae::Csr<float>(2, 1)});
  lae::save_dataset(fuzz::folder() / "set", data);
  fuzz::write_file("set/embeddings.json", "{}");
  fuzz::write_file("set/items.jsonl", "");
  fuzz::write_file("set/users.txt", "");
  std::vector<std::string> contents;
  for (const char* name : names) {
    std::ifstream file(fuzz::folder() / "set" / name, std::ios::binary);
    contents.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return contents;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const std::vector<std::string> contents = write_folder();
  static std::size_t damaged = 0;
  const std::size_t chosen = data[0] % contents.size();
  const auto write = [](std::size_t file, std::string_view bytes) {
    fuzz::write_file(std::string("set/") + names[file], bytes);
  };
  if (damaged != chosen) write(damaged, contents[damaged]);
  damaged = chosen;
  write(chosen, fuzz::view(data + 1, size - 1));
  const std::filesystem::path set = fuzz::folder() / "set";
  fuzz::try_to(
      [&] { static_cast<void>(example::read_dataset<float>(set, lae::dataset_parts(set))); });
  fuzz::try_to([&] { static_cast<void>(example::read_item_catalog(set / "items.jsonl")); });
  fuzz::try_to([&] { static_cast<void>(example::read_user_ids(set / "users.txt")); });
  return 0;
}
