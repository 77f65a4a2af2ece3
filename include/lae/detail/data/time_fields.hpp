#pragma once

/// \file
/// Times as they stand in logs.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/data/rating_fields.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Days from the first of January 1970 to a date of the Gregorian calendar.
[[nodiscard]] constexpr std::int64_t days_since_1970(std::int64_t year, int month, int day) {
  // Years begin in March, so that what is odd about February comes last.
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t m = month <= 2 ? month + 9 : month - 3;
  const std::int64_t leap_days = y / 4 - y / 100 + y / 400;
  return 365 * y + leap_days + (153 * m + 2) / 5 + day - 1 - 719468;
}

/// Takes `count` digits off the beginning of a text. \return whether they are there
[[nodiscard]] inline bool take_digits(std::string_view& text, std::size_t count, int& number) {
  number = 0;
  if (text.size() < count) return false;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return false;
    number = 10 * number + (c - '0');
  }
  text.remove_prefix(count);
  return true;
}

[[nodiscard]] inline bool take_character(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == any_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

/// A date or a time by ISO 8601, in milliseconds since 1970: 2014-01-03, 2014-01-03T12:30,
/// 2014-01-03 12:30:45.123, with Z or +01:00 behind it; without, it is UTC. \return whether it is
/// one
[[nodiscard]] inline bool parse_iso_time(std::string_view text, std::int64_t& milliseconds) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take_digits(text, 4, year) || !take_character(text, "-") || !take_digits(text, 2, month) ||
      !take_character(text, "-") || !take_digits(text, 2, day)) {
    return false;
  }
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1 ||
      day > lengths[month - 1] + (month == 2 && is_leap ? 1 : 0)) {
    return false;
  }
  std::int64_t seconds = 86400 * days_since_1970(year, month, day);
  int thousandths = 0;
  if (take_character(text, "T t")) {
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!take_digits(text, 2, hour) || !take_character(text, ":") ||
        !take_digits(text, 2, minute)) {
      return false;
    }
    if (take_character(text, ":")) {
      if (!take_digits(text, 2, second)) return false;
      if (take_character(text, ".,")) {
        std::size_t digits = 0;
        for (int digit = 0; take_digits(text, 1, digit); ++digits) {
          if (digits < 3) thousandths = 10 * thousandths + digit;
        }
        if (digits == 0) return false;
        for (; digits < 3; ++digits) thousandths *= 10;
      }
    }
    if (hour > 24 || minute > 59 || second > 60) return false;  // a leap second is the next one
    seconds += 3600 * hour + 60 * minute + second;
    const bool is_ahead = !text.empty() && text[0] == '+';
    if (take_character(text, "+-")) {
      int offset_hour = 0;
      int offset_minute = 0;
      if (!take_digits(text, 2, offset_hour)) return false;
      static_cast<void>(take_character(text, ":"));
      if (!text.empty() && !take_digits(text, 2, offset_minute)) return false;
      seconds -= (is_ahead ? 1 : -1) * (3600 * offset_hour + 60 * offset_minute);
    } else {
      static_cast<void>(take_character(text, "Zz"));
    }
  }
  milliseconds = 1000 * seconds + thousandths;
  return text.empty();
}

/// Seconds since 1970, which may have decimals, in milliseconds. \return whether it is a number of
/// them that 64 bits hold
[[nodiscard]] inline bool parse_seconds(std::string_view text, std::int64_t& milliseconds) {
  std::int64_t whole = 0;
  if (parse_whole_number(text, whole)) {
    constexpr std::int64_t most = (std::numeric_limits<std::int64_t>::max)() / 1000;
    if (whole > most || whole < -most) return false;
    milliseconds = 1000 * whole;
    return true;
  }
  double seconds = 0;
  if (!parse_number(text, seconds) || !(std::abs(seconds) < 1e15)) return false;
  milliseconds = static_cast<std::int64_t>(std::llround(1000 * seconds));
  return true;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
