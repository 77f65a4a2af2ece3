// Model files: as they are, and with checksums made right, which no fuzzer would guess.

#include <cstdint>
#include <cstring>
#include <lae/blocks.hpp>
#include <lae/detail/io/model_format.hpp>
#include <lae/io/model_file.hpp>
#include <lae/spectral.hpp>
#include <string>

#include "fuzz.hpp"

namespace {

std::string with_checksums(std::string bytes) {
  lae::detail::ModelFileHeader header;
  lae::detail::ModelFileTable table;
  if (bytes.size() < sizeof(header) + sizeof(table)) return bytes;
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::memcpy(&table, bytes.data() + sizeof(header), sizeof(table));
  for (lae::detail::ModelPlace& place : table.places) {
    if (place.offset > bytes.size() || place.bytes > bytes.size() - place.offset) continue;
    const std::uint64_t padded = lae::detail::padded(place.bytes);
    if (padded > bytes.size() - place.offset) continue;
    lae::detail::Xxh64 checksum;
    checksum.add(bytes.data() + place.offset, static_cast<std::size_t>(padded));
    place.checksum = checksum.value();
  }
  table.checksum = lae::detail::checksum_of(header, table);
  std::memcpy(bytes.data() + sizeof(header), &table, sizeof(table));
  return bytes;
}

/// What is read of a model is used as it stands, so scores must not leave it.
template <class Model>
lae::Csr<float> history_of(const Model& model) {
  lae::Csr<float> history(1, model.items());
  history.insert(0, 0) = 1;
  if (model.items() > 1) history.insert(0, model.items() - 1) = 1;
  history.makeCompressed();
  return history;
}

template <class Model>
void score(const Model& model) {
  if (model.items() > 1000) return;
  static_cast<void>(lae::score(model, history_of(model)));
}

template <class Model>
void use(const Model& model) {
  if (model.items() > 1000 || model.rank() > 1000) return;
  score(model);
  static_cast<void>(lae::recommend_near(model, history_of(model), {3}));
  static_cast<void>(model.parts_of(0, model.items() - 1));
  static_cast<void>(model.weights());
}

void read(const std::string& bytes) {
  using Blocks = lae::SparseLowRankModel<float>;
  const auto path = fuzz::write_file("model.lae", bytes);
  fuzz::try_to([&] { lae::verify_model(path); });
  fuzz::try_to([&] { static_cast<void>(lae::load_model_info(path)); });
  fuzz::try_to([&] { static_cast<void>(lae::load_model<float>(path)); });
  fuzz::try_to([&] { static_cast<void>(lae::load_model<double>(path)); });
  fuzz::try_to([&] { score(lae::view_model<float>(path)); });
  fuzz::try_to([&] { use(lae::load_model<Blocks>(path)); });
  fuzz::try_to([&] { use(lae::view_model<Blocks>(path)); });
  fuzz::try_to([&] {
    const auto model = lae::load_model<lae::SpectralModel<float>>(path);
    if (model.parts().sharpening.steps < 10 && model.rank() <= 1000) score(model);
  });
  fuzz::try_to([&] {
    const auto model = lae::load_model<lae::SgfcfModel<float>>(path);
    if (model.rank() <= 1000) score(model);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(fuzz::view(data, size));
  read(bytes);
  read(with_checksums(bytes));
  return 0;
}
