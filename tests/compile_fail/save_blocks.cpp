#include <lae/io/model_file.hpp>
#include <lae/models/blocks.hpp>

void save(const lae::SparseLowRankModel<double>& model) {
  lae::save_model("model.lae", model);
}
