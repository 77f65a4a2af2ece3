#include <lae/models/blocks.hpp>
#include <lae/models/ease.hpp>
#include <lae/tuning/grid_search.hpp>

auto search(const lae::Csr<double>& train, const lae::Csr<double>& valid) {
  using Ease = lae::Blocks<lae::Ease<double>>;
  return lae::grid_search<Ease>({Ease::Options()}, train, valid);
}
