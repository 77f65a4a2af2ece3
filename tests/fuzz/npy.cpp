// Dense matrices.

#include <lae/io/npy.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::write_file("matrix.npy", fuzz::view(data, size));
  fuzz::try_to([&] {
    const lae::Matrix<float> matrix = lae::load_npy<float>(path);
    fuzz::require(matrix.size() <= static_cast<lae::Index>(size));
  });
  fuzz::try_to([&] { static_cast<void>(lae::load_npy<double>(path)); });
  return 0;
}
