// Prints the rates at which this machine multiplies matrices, as one JSON object:
// `gemm_rate float|double`. one_fit runs it: a process of its own, so that what OpenBLAS keeps in
// memory is not counted as a fit's.

#undef EIGEN_USE_BLAS  // Eigen's own product, whatever the library multiplies with

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "yardstick.hpp"

int main(int argc, char** argv) {
  const std::string scalar = argc == 2 ? argv[1] : "";
  if (scalar != "float" && scalar != "double") {
    std::cerr << "usage: gemm_rate float|double\n";
    return 2;
  }
  const yardstick::GemmRate rate =
      scalar == "float" ? yardstick::gemm_rate<float>() : yardstick::gemm_rate<double>();
  std::cout << nlohmann::json{{"threads", lae::thread_count()},
                              {"eigen", rate.eigen},
                              {"openblas", rate.openblas},
                              {"openblas_kernel", openblas::kernel()}}
                   .dump()
            << "\n";
}
