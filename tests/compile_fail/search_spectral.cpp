#include <lae/models/gf_cf.hpp>
#include <lae/tuning/grid_search.hpp>

auto search(const lae::Csr<double>& train, const lae::Csr<double>& valid) {
  return lae::grid_search<lae::GfCf<double>>({lae::GfCfOptions()}, train, valid);
}
