// Model files.

#include <lae/io/model_file.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::write_file("model.lae", fuzz::view(data, size));
  fuzz::try_to([&] { static_cast<void>(lae::load_model<float>(path)); });
  fuzz::try_to([&] { static_cast<void>(lae::load_model<double>(path)); });
  return 0;
}
