#pragma once

/// \file
/// Logs of ratings in text files with one interaction a line, whatever their columns are called and
/// separated by: exports of databases, MovieLens, ...
///
///     lae::RatingLogFormat movielens_1m;
///     movielens_1m.csv = {"::", /*has_header=*/false};
///     movielens_1m.user = "1", movielens_1m.item = "2";
///     movielens_1m.rating = "3", movielens_1m.timestamp = "4";
///     movielens_1m.time_unit = lae::TimeUnit::seconds;
///     lae::Catalog catalog;
///     lae::InteractionLog log(catalog);
///     lae::read_rating_log(lae::open_text("ratings.dat"), movielens_1m,
///                          [&](const lae::RatingLine& line) { log.add(line); });

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "lae/data/interactions.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/rating_fields.hpp"
#include "lae/detail/data/time_fields.hpp"
#include "lae/detail/io/read_each.hpp"
#include "lae/io/csv.hpp"
#include "lae/io/text.hpp"

namespace lae {
inline namespace LAE_ABI {

/// How times are written.
enum class TimeUnit {
  milliseconds,  ///< since 1970, whole
  seconds,       ///< since 1970, perhaps with decimals
  iso_8601,      ///< "2014-01-03", "2014-01-03T12:30:45.123+01:00"; UTC unless they say otherwise
};

/// Where a log says what. Columns have a name or a number, from 1 on.
struct RatingLogFormat {
  CsvFormat csv{};
  std::string user = "user_id";
  std::string item = "parent_asin";
  std::string rating = "rating";        ///< empty: none, every rating is 1 (implicit feedback)
  std::string timestamp = "timestamp";  ///< empty: none, every time is 0
  TimeUnit time_unit = TimeUnit::milliseconds;
  bool has_stars = true;  ///< whether ratings lie in 0 ... 5; else any finite number is one
};

/// Calls take(const RatingLine&) for each line of a log; what it is given lasts until it returns.
/// Columns may stand in any order, and others beside them, of which `history` is read, too.
/// \param skipped counts lines that cannot be read; without it, the first one is an error.
/// \throws BadLine, FileError (also for columns that are not there); whatever take throws.
template <class Take>
void read_rating_log(TextSourcePtr source, const RatingLogFormat& format, Take&& take,
                     SkippedLines* skipped = nullptr) {
  CsvReader csv(std::move(source), format.csv);
  const auto place_of = [&](const std::string& name) {
    return name.empty() ? std::ptrdiff_t(-1) : static_cast<std::ptrdiff_t>(csv.column(name));
  };
  const std::size_t user = csv.column(format.user);
  const std::size_t item = csv.column(format.item);
  const std::ptrdiff_t rating = place_of(format.rating);
  const std::ptrdiff_t timestamp = place_of(format.timestamp);
  const std::ptrdiff_t history = csv.find_column("history");
  const auto field = [&](std::ptrdiff_t column) { return csv[static_cast<std::size_t>(column)]; };
  const auto set_time = [&](std::string_view text, std::int64_t& time) {
    switch (format.time_unit) {
      case TimeUnit::milliseconds:
        return detail::parse_whole_number(text, time);
      case TimeUnit::seconds:
        return detail::parse_seconds(text, time);
      case TimeUnit::iso_8601:
        return detail::parse_iso_time(text, time);
    }
    return false;
  };
  const char* const what_times_are = format.time_unit == TimeUnit::milliseconds ? "a whole number"
                                     : format.time_unit == TimeUnit::seconds ? "a number of seconds"
                                                                             : "a time by ISO 8601";
  const auto next = [&](RatingLine& line) {
    if (!csv.next()) return false;
    line.user = csv[user];
    line.item = csv[item];
    line.rating = 1;
    if (rating >= 0 && !detail::parse_number(field(rating), line.rating)) {
      csv.fail(detail::concat("the rating is not a number: \"", field(rating), "\""));
    }
    if (timestamp >= 0 && !set_time(field(timestamp), line.timestamp)) {
      csv.fail(
          detail::concat("the timestamp is not ", what_times_are, ": \"", field(timestamp), "\""));
    }
    if (history >= 0) line.history = field(history);
    const std::string problem = detail::problem_of(line, format.has_stars);
    if (!problem.empty()) csv.fail(problem);
    return true;
  };
  detail::read_each<RatingLine>(next, take, skipped);
}

}  // namespace LAE_ABI
}  // namespace lae
