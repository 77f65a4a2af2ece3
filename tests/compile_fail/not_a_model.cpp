#include <lae/models/solver.hpp>

// Has no `inputs`.
struct Incomplete {
  double ridge = 1;

  static lae::OptionFields<Incomplete> fields() { return {}; }
  lae::Recipe recipe() const { return {}; }
};

lae::Solver<Incomplete> solver;
