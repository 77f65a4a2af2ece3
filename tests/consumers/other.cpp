#include "library.hpp"

int thread_count_in_other_unit() {
  return lae::thread_count();
}
