#pragma once

/// \file
/// How every benchmark here is timed and reported.

#include <benchmark/benchmark.h>

#include <chrono>
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

/// OpenMP's number of threads, set back at the end of the scope.
class Threads {
 public:
  explicit Threads([[maybe_unused]] int count) {
#ifdef _OPENMP
    omp_set_num_threads(count);
#endif
  }
  ~Threads() {
#ifdef _OPENMP
    omp_set_num_threads(before_);
#endif
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_ = lae::thread_count();
};

/// One and all.
inline std::vector<int> thread_counts() {
  return lae::thread_count() > 1 ? std::vector<int>{1, lae::thread_count()} : std::vector<int>{1};
}

/// Times run(), with prepare() before each run outside of the clock, and reports flops and bytes a
/// second, the GEMM rate of the machine around these runs and the share of it that was reached.
template <class Scalar, class Prepare, class Run>
void repeat(benchmark::State& state, int threads, const Work& work, Prepare&& prepare, Run&& run) {
  const Threads use(threads);
  const double gemm_before = yardstick::gemm_rate<Scalar>();
  double seconds = 0;
  for ([[maybe_unused]] auto _ : state) {
    prepare();
    const auto start = std::chrono::steady_clock::now();
    run();
    const double elapsed = yardstick::seconds_since(start);
    state.SetIterationTime(elapsed);
    seconds += elapsed;
  }
  const double gemm = (gemm_before + yardstick::gemm_rate<Scalar>()) / 2;
  const double runs_a_second = static_cast<double>(state.iterations()) / seconds;
  if (work.bytes > 0) state.counters["GB/s"] = work.bytes * runs_a_second / 1e9;
  if (work.flops > 0) {
    state.counters["GFLOP/s"] = work.flops * runs_a_second / 1e9;
    state.counters["gemm"] = gemm / 1e9;
    state.counters["share"] = work.flops * runs_a_second / gemm;
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
