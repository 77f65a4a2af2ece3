#pragma once

/// \file
/// Progress reports and cancellation of long computations.

#include <functional>
#include <mutex>
#include <string_view>

#include "lae/core/errors.hpp"

namespace lae {

/// Called with the stage's name and the fraction of that stage done, in [0, 1] and never falling
/// within a stage. Return false to cancel: the computation then throws `Cancelled`. Calls never
/// overlap, but may come from any of the computation's threads. An exception thrown here stops the
/// computation and reaches its caller.
using Progress = std::function<bool(std::string_view stage, double fraction)>;

namespace detail {

/// One stage of known total work, reported about once per percent from any thread.
class Stage {
 public:
  Stage(const Progress& progress, std::string_view name, double total_work)
      : progress_(progress), name_(name), total_(total_work > 0 ? total_work : 1) {
    report(0);
  }

  /// \throws Cancelled, or whatever the callback throws.
  void advance(double work) {
    if (!progress_) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ += work;
    const double fraction = done_ < total_ ? done_ / total_ : 1;
    if (fraction - reported_ >= 0.01) report(fraction);
  }

  void finish() {
    if (reported_ < 1) report(1);
  }

 private:
  void report(double fraction) {
    reported_ = fraction;
    if (progress_ && !progress_(name_, fraction)) throw Cancelled();
  }

  const Progress& progress_;
  std::string_view name_;
  double total_;
  double done_ = 0;
  double reported_ = 0;
  std::mutex mutex_;
};

}  // namespace detail
}  // namespace lae
