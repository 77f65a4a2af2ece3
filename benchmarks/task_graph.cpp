// How the inversion would scale to more cores than a machine has:
//
//     task_graph [--scalar float|double] [--sizes N ...] [--workers W ...]
//
// Times each kind of task of detail/algebra/spd_tiles.hpp alone on one core, builds the graph of
// all tasks with the same dependences, in the same order, and lets imagined workers take the first
// task that is ready. What it leaves out is memory that cores share, and the runtime's own work: it
// is a bound from above.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <lae/core/threads.hpp>
#include <lae/detail/algebra/spd_tiles.hpp>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "yardstick.hpp"

namespace {

using lae::Index;

enum Kind { invert_diagonal, scale_row, product, half_product, square_diagonal, kinds };
using Seconds = std::array<double, kinds>;

/// Each kind on tiles of one size, the median of several.
template <class Scalar>
Seconds time_kinds(Index side) {
  using lae::Matrix;
  namespace d = lae::detail;
  Matrix<Scalar> lower = Matrix<Scalar>::Random(side, side) / Scalar(side);
  lower.diagonal().setOnes();
  const Matrix<Scalar> spd = lower * lower.transpose() + Matrix<Scalar>::Identity(side, side);
  Matrix<Scalar> a = lower;
  Matrix<Scalar> c = spd;
  const auto median = [&](const std::function<void()>& task) {
    std::vector<double> seconds;
    for (int i = 0; i < 9; ++i) {
      a = lower;
      c = spd;
      const auto start = std::chrono::steady_clock::now();
      task();
      seconds.push_back(yardstick::seconds_since(start));
    }
    std::nth_element(seconds.begin(), seconds.begin() + 4, seconds.end());
    return seconds[4];
  };
  Seconds seconds{};
  seconds[invert_diagonal] = median([&] { d::invert_cholesky_factor<Scalar>(c); });
  seconds[scale_row] = median([&] { d::multiply_on_right_by_transposed<Scalar>(c, lower); });
  seconds[product] =
      median([&] { d::add_product<Scalar>(c, -1, d::plain(a), d::transposed(lower)); });
  seconds[half_product] =
      median([&] { d::add_lower_product<Scalar>(c, -1, d::plain(a), d::transposed(a)); });
  seconds[square_diagonal] = median([&] { d::multiply_by_own_transpose<Scalar>(a); });
  return seconds;
}

struct Task {
  double seconds;
  std::vector<std::uint32_t> next{};
  std::uint32_t waits_for = 0;
};

/// The tasks of all passes, as SpdTiles creates them.
class Graph {
 public:
  Graph(Index tiles, const Seconds& seconds)
      : tiles_(tiles), seconds_(seconds), state_(static_cast<std::size_t>(tiles * tiles)) {
    factor();
    invert();
    multiply();
  }

  const std::vector<Task>& tasks() const { return tasks_; }

  double work() const {
    double sum = 0;
    for (const Task& task : tasks_) sum += task.seconds;
    return sum;
  }

  /// The longest chain of tasks that wait for one another.
  double critical_path() const {
    std::vector<double> start(tasks_.size(), 0);
    double longest = 0;
    for (std::size_t t = 0; t < tasks_.size(); ++t) {  // what waits was created later
      const double end = start[t] + tasks_[t].seconds;
      longest = (std::max)(longest, end);
      for (const std::uint32_t other : tasks_[t].next) {
        start[other] = (std::max)(start[other], end);
      }
    }
    return longest;
  }

  /// When the last of so many workers is done.
  double seconds_on(int workers) const {
    using Event = std::pair<double, std::uint32_t>;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> running;
    std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
    std::vector<std::uint32_t> waits_for;
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      waits_for.push_back(tasks_[t].waits_for);
      if (waits_for.back() == 0) ready.push(static_cast<std::uint32_t>(t));
    }
    double now = 0;
    int idle = workers;
    while (!ready.empty() || !running.empty()) {
      for (; idle > 0 && !ready.empty(); --idle) {
        running.push({now + tasks_[ready.top()].seconds, ready.top()});
        ready.pop();
      }
      const auto [end, done] = running.top();
      running.pop();
      now = end;
      ++idle;
      for (const std::uint32_t other : tasks_[done].next) {
        if (--waits_for[other] == 0) ready.push(other);
      }
    }
    return now;
  }

 private:
  using Tile = std::pair<Index, Index>;
  struct State {
    std::int64_t writer = -1;
    std::vector<std::uint32_t> readers{};
  };

  State& state(Tile tile) {
    return state_[static_cast<std::size_t>(tile.first * tiles_ + tile.second)];
  }

  void add(Kind kind, std::initializer_list<Tile> reads, Tile writes) {
    const auto task = static_cast<std::uint32_t>(tasks_.size());
    tasks_.push_back({seconds_[kind]});
    const auto wait_for = [&](std::int64_t other) {
      if (other < 0) return;
      tasks_[static_cast<std::size_t>(other)].next.push_back(task);
      ++tasks_.back().waits_for;
    };
    for (const Tile& tile : reads) {
      wait_for(state(tile).writer);
      state(tile).readers.push_back(task);
    }
    State& written = state(writes);
    wait_for(written.writer);
    for (const std::uint32_t reader : written.readers) wait_for(reader);
    written = {task, {}};
  }

  void factor() {
    for (Index k = 0; k < tiles_; ++k) {
      add(invert_diagonal, {}, {k, k});
      for (Index i = k + 1; i < tiles_; ++i) add(scale_row, {{k, k}}, {i, k});
      for (Index i = k + 1; i < tiles_; ++i) {
        for (Index j = k + 1; j < i; ++j) add(product, {{i, k}, {j, k}}, {i, j});
        add(half_product, {{i, k}}, {i, i});
      }
    }
  }
  void invert() {
    for (Index k = 0; k < tiles_; ++k) {
      for (Index i = k + 1; i < tiles_; ++i) {
        add(scale_row, {{k, k}}, {i, k});
        for (Index j = 0; j < k; ++j) add(product, {{i, k}, {k, j}}, {i, j});
      }
      for (Index j = 0; j < k; ++j) add(scale_row, {{k, k}}, {k, j});
    }
  }
  void multiply() {
    for (Index k = 0; k < tiles_; ++k) {
      for (Index j = 0; j < k; ++j) {
        for (Index i = j + 1; i < k; ++i) add(product, {{k, i}, {k, j}}, {i, j});
        add(half_product, {{k, j}}, {j, j});
      }
      for (Index j = 0; j < k; ++j) add(scale_row, {{k, k}}, {k, j});
      add(square_diagonal, {}, {k, k});
    }
  }

  Index tiles_;
  Seconds seconds_;
  std::vector<State> state_;
  std::vector<Task> tasks_;
};

template <class Scalar>
void print_table(const std::vector<Index>& sizes, const std::vector<int>& workers) {
  std::printf("| n | tile | tasks | 1 core s | critical path s |");
  for (const int count : workers) std::printf(" %d: times faster (idle) |", count);
  std::printf("\n| ---: | ---: | ---: | ---: | ---: |");
  for (std::size_t i = 0; i < workers.size(); ++i) std::printf(" ---: |");
  std::printf("\n");
  for (const Index n : sizes) {
    const Index tile = lae::detail::spd_tile(n);
    const Graph graph((n + tile - 1) / tile, time_kinds<Scalar>(tile));
    const double work = graph.work();
    std::printf("| %td | %td | %zu | %.2f | %.3f |", n, tile, graph.tasks().size(), work,
                graph.critical_path());
    for (const int count : workers) {
      const double seconds = graph.seconds_on(count);
      std::printf(" %.1f (%.0f %%) |", work / seconds, 100 * (1 - work / seconds / count));
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates the inversion's tasks on more cores than there are.");
  std::string scalar = "float";
  std::vector<Index> sizes{1000, 2000, 4000, 8000, 16000, 32000};
  std::vector<int> workers{2, 8, 32, 64};
  app.add_option("--scalar", scalar)->check(CLI::IsMember({"float", "double"}));
  app.add_option("--sizes", sizes)->check(CLI::PositiveNumber);
  app.add_option("--workers", workers)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  scalar == "float" ? print_table<float>(sizes, workers) : print_table<double>(sizes, workers);
}
