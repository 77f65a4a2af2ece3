// Two translation units have the same includes, so what is not inline would be defined twice.

#include <iostream>

#include "library.hpp"

int main() {
  lae::Csr<double> purchases = Eigen::Matrix3d{{1, 1, 0}, {0, 1, 1}, {1, 1, 1}}.sparseView();
#ifdef WITH_NPZ
  lae::save_npz("purchases.npz", purchases);
  purchases = lae::load_npz<double>("purchases.npz");
#endif
  const auto model = lae::Ease<double>({/*lambda=*/1}).fit(purchases);
#ifdef _OPENMP
  std::cout << "with OpenMP\n";
#else
  std::cout << "without OpenMP\n";
#endif
  std::cout << model.weights() << "\n";
  return model.items() == 3 && lae::thread_count() == thread_count_in_other_unit() ? 0 : 1;
}
