#pragma once

#include <functional>
#include <future>
#include <lae/core/threads.hpp>
#include <utility>
#include <vector>

/// Beside one, the numbers of threads from which results must be the same bits.
inline constexpr int thread_counts[] = {2, 3, 7};

/// What `compute` returns when it runs with that many threads.
template <class Compute>
auto with_threads([[maybe_unused]] int threads, Compute&& compute) {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  auto result = compute();
  omp_set_num_threads(before);
  return result;
#else
  return compute();
#endif
}

/// What these return when one program calls all of them at once, each on a thread of its own that
/// uses more of them.
template <class Result>
std::vector<Result> at_once(const std::vector<std::function<Result()>>& computations) {
  std::vector<std::future<Result>> running;
  for (const auto& compute : computations) {
    running.push_back(std::async(std::launch::async, [&] { return with_threads(2, compute); }));
  }
  std::vector<Result> results;
  for (auto& each : running) results.push_back(each.get());
  return results;
}
