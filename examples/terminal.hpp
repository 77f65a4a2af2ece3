#pragma once

/// \file
/// The person at the keyboard: a line on stderr that says what is going on, and Ctrl-C.

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "lae/core/progress.hpp"

namespace example {

/// From its construction on, the first Ctrl-C only leaves a note, and the second one kills.
class Interruption {
 public:
  Interruption() { std::signal(SIGINT, &note); }

  static bool is_noted() { return noted_; }

  /// \throws lae::Cancelled after Ctrl-C.
  static void check() {
    if (noted_) throw lae::Cancelled();
  }

 private:
  static void note(int) {
    noted_ = true;
    std::signal(SIGINT, SIG_DFL);
  }

  static inline std::atomic<bool> noted_{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler must not wait");
};

/// One line that is rewritten in place, if stderr is a terminal, and nothing otherwise.
class StatusLine {
 public:
  ~StatusLine() { clear(); }

  void show(std::string_view text) {
    if (!is_terminal_ || text == shown_) return;
    fmt::print(stderr, "\r\x1b[K{}", text);
    std::fflush(stderr);
    shown_ = text;
  }

  void clear() {
    if (shown_.empty()) return;
    show("");
  }

 private:
  bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  std::string shown_;
};

/// For a fit: shows how far `task` is, and cancels it after Ctrl-C.
inline lae::Progress watch(StatusLine& line, std::string task) {
  return [&line, task = std::move(task)](std::string_view stage, double fraction) {
    line.show(fmt::format("{}: {} {:.0f} %", task, stage, 100 * fraction));
    Interruption::check();
    return true;
  };
}

}  // namespace example
