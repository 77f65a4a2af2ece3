// Model files.

#include <lae/io/model_file.hpp>
#include <lae/spectral.hpp>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::write_file("model.lae", fuzz::view(data, size));
  fuzz::try_to([&] { static_cast<void>(lae::load_model<float>(path)); });
  fuzz::try_to([&] { static_cast<void>(lae::load_model<double>(path)); });
  // What is read of the others is used as it stands, so scores must not leave it.
  const auto score = [&](const auto& model) {
    lae::Csr<float> history(1, model.items());
    history.insert(0, model.items() - 1) = 1;
    history.makeCompressed();
    if (model.items() <= 1000 && model.rank() <= 1000) static_cast<void>(model.score(history));
  };
  fuzz::try_to([&] {
    const auto model = lae::load_model<lae::SpectralModel<float>>(path);
    if (model.parts().sharpening.steps < 10) score(model);
  });
  fuzz::try_to([&] { score(lae::load_model<lae::SgfcfModel<float>>(path)); });
  return 0;
}
