// Linked with other.cpp, which is built with another alignment.

#include <lae/lae.hpp>

int items_of_other_unit();

int main() {
  return lae::Ease<double>().options().lambda > 0 ? items_of_other_unit() : 1;
}
