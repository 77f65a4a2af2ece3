#include <lae/lae.hpp>

int items_of_other_unit() {
  return static_cast<int>(lae::ProblemSize().items);
}
