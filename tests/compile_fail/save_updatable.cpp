#include <lae/io/model_file.hpp>
#include <lae/models/updatable.hpp>

void save(const lae::UpdatableModel<double>& model) {
  lae::save_model("model.lae", model);
}
