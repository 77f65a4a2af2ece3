#pragma once

/// \file
/// Files of one JSON object a line. Needs simdjson.

#include <simdjson.h>

#include <string>
#include <string_view>
#include <utility>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/io/text.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The objects of a file of JSON lines, one at a time.
class JsonLines {
 public:
  explicit JsonLines(TextSourcePtr source) : lines_(std::move(source)) {}

  /// Calls read(object) with the object of the next line that is not empty; false at the end.
  /// \throws BadLine if it is not an object, or read gets something from it that it does not hold.
  template <class Read>
  bool next(Read&& read) {
    std::string_view line;
    do {
      if (!lines_.next(line)) return false;
    } while (line.empty());
    try {
      static_assert(LineReader::padding >= simdjson::SIMDJSON_PADDING);
      simdjson::ondemand::document document =
          parser_.iterate(line.data(), line.size(), line.size() + LineReader::padding);
      read(document.get_object().value());
      const bool is_at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
      if (!is_at_end) fail("invalid JSON: something follows the object");
    } catch (const simdjson::simdjson_error& error) {
      fail(concat("invalid JSON: ", error.what()));
    }
    return true;
  }

  /// \throws BadLine about the line read last.
  [[noreturn]] void fail(std::string_view message) const { lines_.fail(message); }

 private:
  LineReader lines_;
  simdjson::ondemand::parser parser_;
};

using JsonValue = simdjson::ondemand::value;

/// Texts joined by a separator, in arrays of any depth. What is no text is left out.
inline void join_texts(JsonValue value, std::string_view separator, std::string& joined) {
  switch (value.type()) {
    case simdjson::ondemand::json_type::array:
      for (auto element : value.get_array()) join_texts(element.value(), separator, joined);
      return;
    case simdjson::ondemand::json_type::string: {
      const std::string_view text = value.get_string();
      if (text.empty()) return;
      if (!joined.empty()) joined += separator;
      joined += text;
      return;
    }
    default:
      return;
  }
}
[[nodiscard]] inline std::string joined_texts(JsonValue value, std::string_view separator) {
  std::string joined;
  join_texts(value, separator, joined);
  return joined;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
