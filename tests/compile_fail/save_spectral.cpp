#include <lae/io/model_file.hpp>
#include <lae/models/gf_cf.hpp>

void save(const lae::SpectralModel<double>& model) {
  lae::save_model("model.lae", model);
}
