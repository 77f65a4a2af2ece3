#pragma once

/// \file
/// Comma-separated values as RFC 4180 describes them, or values separated otherwise, streamed.
///
///     lae::CsvReader csv(lae::open_text("ratings.csv"));
///     const std::size_t user = csv.column("user_id");
///     while (csv.next()) users.insert(csv[user]);
///
///     lae::CsvReader of_movielens(lae::open_text("ratings.dat"), {"::", /*has_header=*/false});
///     const std::size_t item = of_movielens.column("2");

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/file_kind.hpp"
#include "lae/io/text.hpp"

namespace lae {
inline namespace LAE_ABI {

/// How the fields of a file are told apart.
struct CsvFormat {
  std::string separator = ",";  ///< one character or more, none of them a quote or a line break
  bool has_header = true;       ///< whether the first line names the columns
};

/// Reads a file of separated values. Fields may be quoted, and then hold separators, line breaks
/// and doubled quotes.
class CsvReader {
 public:
  /// A quoted field that runs over more lines than these is taken to be a stray quote.
  static constexpr std::size_t longest_record = 10'000;

  /// \throws FileError if there is no line, or the file holds JSON; std::invalid_argument for a
  /// separator that cannot be one.
  explicit CsvReader(TextSourcePtr source, CsvFormat format = {})
      : lines_(std::move(source)), format_(std::move(format)) {
    const std::string& separator = format_.separator;
    detail::require(!separator.empty() && separator.find_first_of("\"\r\n") == separator.npos,
                    "a separator must not be empty, nor hold a quote or a line break");
    if (!next_record()) throw FileError(lines_.source().path(), "is empty: not even a header");
    if (format_.has_header) {
      header_.assign(fields_.begin(), fields_.end());
    } else {
      for (std::size_t i = 1; i <= fields_.size(); ++i) header_.push_back(std::to_string(i));
      is_first_waiting_ = true;
    }
  }

  [[nodiscard]] const TextSource& source() const { return lines_.source(); }

  /// Where a column is, or -1 if there is none of that name. Columns also have numbers, from 1 on,
  /// unless a column is called like one.
  [[nodiscard]] std::ptrdiff_t find_column(std::string_view name) const {
    const auto found = std::find(header_.begin(), header_.end(), name);
    if (found != header_.end()) return found - header_.begin();
    std::size_t number = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data(), end, number);
    const bool is_number = error == std::errc() && stop == end;
    return is_number && number >= 1 && number <= header_.size()
               ? static_cast<std::ptrdiff_t>(number) - 1
               : -1;
  }

  /// Where a column is; name as above.
  /// \throws FileError naming what the header holds, if there is none of that name.
  [[nodiscard]] std::size_t column(std::string_view name) const {
    const std::ptrdiff_t found = find_column(name);
    if (found >= 0) return static_cast<std::size_t>(found);
    std::string names;
    for (const std::string& known : header_) names += (names.empty() ? "" : ",") + known;
    constexpr std::size_t longest = 200;
    if (names.size() > longest) names = names.substr(0, longest) + "...";
    if (!format_.has_header) {
      throw FileError(lines_.source().path(), "line 1",
                      detail::concat("no column ", name, ": it has ", header_.size(),
                                     ", which have numbers for names"));
    }
    throw FileError(lines_.source().path(), "line 1",
                    detail::concat("no column ", name, " in the header \"", names, "\""));
  }

  /// Goes to the next record; false at the end. Empty lines are left out.
  /// \throws BadLine if it is no CSV or has other fields than the header.
  bool next() {
    if (is_first_waiting_) {
      is_first_waiting_ = false;
      return true;
    }
    if (!next_record()) return false;
    if (fields_.size() != header_.size()) {
      fail(detail::concat("expected ", header_.size(), " fields as in the ",
                          format_.has_header ? "header" : "first line", ", found ",
                          fields_.size()));
    }
    return true;
  }

  /// A field of the record, valid until the next call of `next`.
  [[nodiscard]] std::string_view operator[](std::size_t column) const { return fields_[column]; }

  /// \throws BadLine about the record.
  [[noreturn]] void fail(std::string_view message) const { lines_.fail(record_line_, message); }

 private:
  bool next_line(std::string_view& line) {
    if (again_.empty()) {
      line_number_ = lines_.line_number() + 1;
      return lines_.next(line);
    }
    line_number_ = again_.front().first;
    current_ = std::move(again_.front().second);
    again_.pop_front();
    line = current_;
    return true;
  }

  void refuse_json(std::string_view header) const {
    const bool is_array = detail::begins_json_array(header);
    if (!is_array && header.substr(0, 2) != "{\"") return;
    throw FileError(lines_.source().path(), detail::concat("line ", line_number_),
                    detail::concat("no separated values, but ",
                                   is_array ? detail::json_array_message : "JSON"));
  }

  bool next_record() {
    std::string_view line;
    do {
      if (!next_line(line)) return false;
    } while (line.empty());
    if (header_.empty()) refuse_json(line);
    record_line_ = line_number_;
    fields_.clear();
    if (std::memchr(line.data(), '"', line.size()) == nullptr) {
      const std::string& separator = format_.separator;
      const auto find = [&] {
        return separator.size() == 1 ? line.find(separator[0]) : line.find(separator);
      };
      for (std::size_t end; (end = find()) != line.npos;) {
        fields_.push_back(line.substr(0, end));
        line.remove_prefix(end + separator.size());
      }
      fields_.push_back(line);
    } else {
      read_quoted(line);
    }
    return true;
  }

  /// A record with quotes in it, which may go on in the next lines.
  void read_quoted(std::string_view line) {
    std::vector<std::pair<std::uint64_t, std::string>> more_lines;
    // After a stray quote, the lines that it seemed to run over are read again.
    const auto refuse = [&](std::string_view message) {
      again_.insert(again_.begin(), std::make_move_iterator(more_lines.begin()),
                    std::make_move_iterator(more_lines.end()));
      fail(message);
    };
    const auto quotes = [&] { return std::count(line.begin(), line.end(), '"'); };
    record_.assign(line);
    for (bool is_open = quotes() % 2 != 0; is_open;) {
      if (more_lines.size() == longest_record || !next_line(line)) refuse("a quote is not closed");
      more_lines.emplace_back(line_number_, line);
      record_ += '\n';
      record_ += line;
      is_open = quotes() % 2 == 0;
    }
    // Fields shrink as their quotes go, so they can be rewritten where they stand.
    char* to = record_.data();
    const char* from = record_.data();
    const char* const end = from + record_.size();
    const std::string& separator = format_.separator;
    const auto is_at_separator = [&] {
      return static_cast<std::size_t>(end - from) >= separator.size() &&
             std::equal(separator.begin(), separator.end(), from);
    };
    while (true) {
      const char* const field = to;
      if (from != end && *from == '"') {
        ++from;
        while (from != end && (*from != '"' || (from + 1 != end && from[1] == '"'))) {
          if (*from == '"') ++from;
          *to++ = *from++;
        }
        if (from == end) refuse("a quote is not closed");
        ++from;
        if (from != end && !is_at_separator()) refuse("text behind a closing quote");
      } else {
        for (; from != end && !is_at_separator(); *to++ = *from++) {
          if (*from == '"') refuse("a quote in a field that does not begin with one");
        }
      }
      fields_.emplace_back(field, static_cast<std::size_t>(to - field));
      if (from == end) return;
      from += separator.size();
      to += separator.size();
    }
  }

  LineReader lines_;
  CsvFormat format_;
  bool is_first_waiting_ = false;  ///< the first line is a record that `next` has not given yet
  std::vector<std::string> header_;
  std::vector<std::string_view> fields_;
  std::string record_;  ///< with quotes: what fields_ points into
  std::uint64_t line_number_ = 0;
  std::uint64_t record_line_ = 0;
  std::deque<std::pair<std::uint64_t, std::string>> again_;  ///< lines to be read a second time
  std::string current_;                                      ///< the one that is
};

}  // namespace LAE_ABI
}  // namespace lae
