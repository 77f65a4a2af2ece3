// Compiled once for all suites, and optimised in every build, since some inputs are large.

#include "random_data.hpp"

lae::Csr<double> RandomData::interactions(lae::Index users, lae::Index items, double density) {
  lae::Csr<double> x(users, items);
  for (lae::Index user = 0; user < users; ++user) {
    for (lae::Index item = 0; item < items; ++item) {
      const double popularity =
          2 * density * static_cast<double>(items - item) / static_cast<double>(items);
      if (uniform() < popularity) x.insert(user, item) = 1;
    }
  }
  x.makeCompressed();
  return x;
}

lae::Matrix<double> RandomData::dense(lae::Index rows, lae::Index columns) {
  lae::Matrix<double> values(rows, columns);
  for (lae::Index i = 0; i < rows; ++i) {
    for (lae::Index j = 0; j < columns; ++j) values(i, j) = 2 * uniform() - 1;
  }
  return values;
}
