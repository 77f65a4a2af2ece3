// The `main` of every test program.

#define CATCH_CONFIG_RUNNER  // Catch2 v2: its implementation goes here
#include "catch.hpp"

// Read by LeakSanitizer: what the OpenMP library keeps of its threads.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libomp";
}

int main(int argc, char* argv[]) {
  return Catch::Session().run(argc, argv);
}
