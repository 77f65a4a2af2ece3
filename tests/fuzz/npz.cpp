// Sparse matrices, as archives of any bytes.

#include <lae/io/npz.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::write_file("matrix.npz", fuzz::view(data, size));
  fuzz::try_to([&] { static_cast<void>(lae::load_npz<float>(path)); });
  return 0;
}
