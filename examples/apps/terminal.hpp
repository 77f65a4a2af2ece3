#pragma once

/// \file
/// The person at the keyboard: text that cannot harm the terminal, a line on stderr that says what
/// is going on, and Ctrl-C.

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "lae/core/errors.hpp"
#include "lae/core/progress.hpp"

namespace example {
namespace detail {

struct Character {
  char32_t code;
  std::size_t bytes;
};

/// The character that a text begins with; what is not UTF-8 is a question mark of one byte.
inline Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  constexpr char32_t least_code[] = {0, 0, 0x80, 0x800, 0x10000};  // by the number of bytes
  const unsigned first = byte(0);
  if ((first >= 0x80 && first < 0xc0) || first >= 0xf8) return {'?', 1};
  const std::size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  char32_t code = bytes == 1 ? first : first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {'?', 1};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool is_valid = code >= least_code[bytes] && code <= 0x10ffff;
  return is_valid ? Character{code, bytes} : Character{'?', 1};
}

/// Whether a character, instead of being shown, moves what is shown: control characters, breaks of
/// lines, and those that reverse the direction of writing.
inline bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace detail

/// Text from a file, fit for one line of a terminal: spaces in place of control characters,
/// question marks in place of what is not UTF-8, and "..." at the end if there are more than
/// `longest` characters, of which there must be at least three.
inline std::string printable(std::string_view text, std::size_t longest = std::string_view::npos) {
  std::string line;
  std::size_t cut = 0;  // where "..." fits
  for (std::size_t characters = 1; !text.empty(); ++characters) {
    if (characters > longest) return line.substr(0, cut) + "...";
    const detail::Character next = detail::first_character(text);
    if (detail::is_control(next.code)) {
      line += ' ';
    } else if (next.code == '?') {
      line += '?';
    } else {
      line += text.substr(0, next.bytes);
    }
    if (longest >= 3 && characters == longest - 3) cut = line.size();
    text.remove_prefix(next.bytes);
  }
  return line;
}

/// From its construction on, the first Ctrl-C only leaves a note, and the second one kills. So does
/// SIGTERM, by which systems end what runs on them.
class Interruption {
 public:
  Interruption() {
    std::signal(SIGINT, &note);
    std::signal(SIGTERM, &note);
  }

  static bool is_noted() { return noted_; }

  /// \throws lae::Cancelled after Ctrl-C.
  static void check() {
    if (noted_) throw lae::Cancelled();
  }

 private:
  static void note(int signal) {
    noted_ = true;
    std::signal(signal, SIG_DFL);
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
    // Not by fmt::print, which throws if the terminal is gone.
    std::fputs(fmt::format("\r\x1b[K{}", text).c_str(), stderr);
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
