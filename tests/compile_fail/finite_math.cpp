#include <lae/lae.hpp>  // compiled with -ffast-math
