#pragma once

/// \file
/// How every benchmark here is timed and reported.

#include <benchmark/benchmark.h>

#include <chrono>
#include <ctime>
#include <lae/core/threads.hpp>
#include <string>
#include <vector>

#include "yardstick.hpp"

namespace measure {

/// What one run of the timed code has to do; zero where it means nothing.
struct Work {
  double flops = 0;
  double bytes = 0;  ///< read and written at least
};

/// The number of threads of OpenMP and of OpenBLAS, which has its own and which whoever ran before
/// may have left at one; set back at the end of the scope.
class Threads {
 public:
  explicit Threads(int count) { set(count, count); }
  ~Threads() { set(openblas_before_, before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  static void set(int of_openblas, [[maybe_unused]] int of_openmp) {
    openblas::set_threads(of_openblas);
#ifdef _OPENMP
    omp_set_num_threads(of_openmp);
#endif
  }

  int openblas_before_ = openblas::threads();
  int before_ = lae::thread_count();
};

/// Seconds that all threads of this process have been running.
inline double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// One and all.
inline std::vector<int> thread_counts() {
  return lae::thread_count() > 1 ? std::vector<int>{1, lae::thread_count()} : std::vector<int>{1};
}

/// Times run(), with prepare() before each run outside of the clock, and reports flops and bytes a
/// second, the GEMM rate of the machine around these runs (and whose product that was), the share
/// of it that was reached, and how many processors were busy (some threads are even when they
/// wait).
template <class Scalar, class Prepare, class Run>
void repeat(benchmark::State& state, int threads, const Work& work, Prepare&& prepare, Run&& run) {
  const Threads use(threads);
  const yardstick::GemmRate gemm_before = yardstick::gemm_rate<Scalar>();
  double seconds = 0;
  double busy = 0;
  for ([[maybe_unused]] auto _ : state) {
    prepare();
    const double busy_before = processor_seconds();
    const auto start = std::chrono::steady_clock::now();
    run();
    const double elapsed = yardstick::seconds_since(start);
    state.SetIterationTime(elapsed);
    seconds += elapsed;
    busy += processor_seconds() - busy_before;
  }
  const yardstick::GemmRate gemm = mean(gemm_before, yardstick::gemm_rate<Scalar>());
  state.counters["busy"] = busy / seconds;
  const double runs_a_second = static_cast<double>(state.iterations()) / seconds;
  if (work.bytes > 0) state.counters["GB/s"] = work.bytes * runs_a_second / 1e9;
  if (work.flops > 0) {
    state.counters["GFLOP/s"] = work.flops * runs_a_second / 1e9;
    state.counters["gemm"] = gemm.fastest() / 1e9;
    state.counters["share"] = work.flops * runs_a_second / gemm.fastest();
    state.SetLabel(std::string("gemm_by:") + gemm.fastest_by());
  }
}

template <class Scalar>
std::string scalar_name() {
  return sizeof(Scalar) == sizeof(float) ? "float" : "double";
}

/// Registers body(state, threads) as "name<Scalar>/sizes/threads:N" for one and for all threads.
template <class Scalar, class Body>
void add(const std::string& name, const std::string& sizes, Body body) {
  for (const int threads : thread_counts()) {
    const std::string full =
        name + "<" + scalar_name<Scalar>() + ">/" + sizes + "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(full.c_str(),
                                 [body, threads](benchmark::State& state) { body(state, threads); })
        ->UseManualTime()
        ->MinTime(0.2)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace measure
