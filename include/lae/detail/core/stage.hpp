#pragma once

/// \file
/// How computations report to a Progress callback.

#include <mutex>
#include <string_view>

#include "lae/core/errors.hpp"
#include "lae/core/progress.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
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
}  // namespace LAE_ABI
}  // namespace lae
