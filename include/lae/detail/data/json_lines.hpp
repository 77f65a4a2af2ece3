#pragma once

/// \file
/// Files of one JSON object a line. Needs simdjson.

#include <simdjson.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/meta_value.hpp"
#include "lae/detail/data/rating_fields.hpp"
#include "lae/detail/data/unicode.hpp"
#include "lae/detail/io/file_kind.hpp"
#include "lae/io/text.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

using JsonValue = simdjson::ondemand::value;

/// The objects of a file of JSON lines, one at a time.
class JsonLines {
 public:
  explicit JsonLines(TextSourcePtr source) : lines_(std::move(source)) {}

  /// Calls read(key, value) for each field of the object in the next line that is not empty; false
  /// at the end. Values are read by the functions below.
  /// \throws FileError if the file begins with an array; BadLine if there is no object, or a field
  /// does not hold what is asked of it, naming its key.
  template <class Read>
  bool next(Read&& read) {
    std::string_view line;
    do {
      if (!lines_.next(line)) return false;
    } while (line.empty());
    if (!has_begun_ && begins_json_array(line)) {
      throw FileError(lines_.source().path(), concat("line ", lines_.line_number()),
                      concat("invalid JSON lines: ", json_array_message));
    }
    has_begun_ = true;
    key_ = {};
    is_repaired_ = false;
    try {
      simdjson::ondemand::document document = parse(line);
      for (auto field : document.get_object()) {
        const simdjson::error_code error = field.unescaped_key().get(key_);
        // No key that is asked for has half a surrogate pair in it.
        if (error == simdjson::STRING_ERROR) {
          key_ = {};
          continue;
        }
        if (error != simdjson::SUCCESS) throw simdjson::simdjson_error(error);
        read(key_, field.value().value());
      }
      const bool is_at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
      if (!is_at_end) fail("invalid JSON: something follows the object");
    } catch (const simdjson::simdjson_error& error) {
      fail_json(line, error.what());
    } catch (const BadValue& error) {
      fail_json(line, error.what());
    }
    return true;
  }

  /// A text that tells users or items apart: so it must be whole, not repaired.
  [[nodiscard]] std::string_view id(JsonValue value) const {
    std::string_view text;
    const simdjson::error_code error = value.get_string().get(text);
    if (error == simdjson::STRING_ERROR)
      throw BadValue("an id with an escape that is no character");
    if (error != simdjson::SUCCESS) throw BadValue("not a text, but " + excerpt(value));
    if (is_repaired_ && text.find(replacement_character) != text.npos) {
      throw BadValue("an id that is no UTF-8");
    }
    return text;
  }

  [[nodiscard]] double number(JsonValue value) const {
    double number = 0;
    if (value.get_double().get(number) != simdjson::SUCCESS) {
      throw BadValue("not a number, but " + excerpt(value));
    }
    return number;
  }

  [[nodiscard]] std::int64_t whole_number(JsonValue value) const {
    std::int64_t number = 0;
    if (value.get_int64().get(number) == simdjson::SUCCESS) return number;
    const std::string_view token = trimmed(value.raw_json_token());
    const bool is_number = value.get_double().error() == simdjson::SUCCESS;
    if (!is_number || !parse_whole_number(token, number)) {
      throw BadValue("not a whole number, but " + excerpt(token));
    }
    return number;
  }

  /// Any value; U+FFFD stands in texts for what is no character. Of dictionaries, only the Brand is
  /// read: the many other details take as long as all the rest.
  [[nodiscard]] MetaValue meta_value(JsonValue value, int depth = 0) const {
    using simdjson::ondemand::json_type;
    if (depth > deepest_meta_value) throw BadValue("too many lists in one another");
    MetaValue read;
    switch (value.type()) {
      case json_type::array:
        read.kind = MetaValue::Kind::list;
        for (auto element : value.get_array()) {
          read.values.push_back(meta_value(element.value(), depth + 1));
        }
        return read;
      case json_type::object:
        read.kind = MetaValue::Kind::map;
        for (auto field : value.get_object()) {
          std::string_view key;
          const simdjson::error_code error = field.unescaped_key().get(key);
          if (error == simdjson::STRING_ERROR) continue;
          if (error != simdjson::SUCCESS) throw simdjson::simdjson_error(error);
          if (key != brand_name) continue;
          read.values.push_back({MetaValue::Kind::text, std::string(key)});
          read.values.push_back(meta_value(field.value().value(), depth + 1));
        }
        return read;
      case json_type::string:
        return {MetaValue::Kind::text, text(value)};
      case json_type::number: {
        const std::string_view token = trimmed(value.raw_json_token());
        static_cast<void>(value.get_double().value());
        return {MetaValue::Kind::number, std::string(token)};
      }
      default:
        return read;
    }
  }

  /// \throws BadLine about the line read last.
  [[noreturn]] void fail(std::string_view message) const { lines_.fail(message); }

 private:
  /// What is wrong with the value of a field.
  struct BadValue : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  [[nodiscard]] simdjson::ondemand::document parse(std::string_view line) {
    static_assert(LineReader::padding >= simdjson::SIMDJSON_PADDING);
    auto document = parser_.iterate(line.data(), line.size(), line.size() + LineReader::padding);
    if (document.error() != simdjson::UTF8_ERROR) return std::move(document).value();
    repaired_ = repaired_utf8(std::string(line));
    is_repaired_ = true;
    const std::size_t size = repaired_.size();
    repaired_.append(simdjson::SIMDJSON_PADDING, ' ');
    return parser_.iterate(repaired_.data(), size, repaired_.size()).value();
  }

  /// A text in which half a surrogate pair may stand, which simdjson refuses.
  [[nodiscard]] static std::string text(JsonValue value) {
    const std::string_view token = value.raw_json_token();
    std::string_view plain;
    const simdjson::error_code error = value.get_string().get(plain);
    if (error == simdjson::SUCCESS) return std::string(plain);
    MetaValue read;
    const bool has_surrogate = token.find("\\u") != token.npos;
    if (error != simdjson::STRING_ERROR || !has_surrogate ||
        !MetaParser(trimmed(token)).parse(read)) {
      throw simdjson::simdjson_error(error);
    }
    return std::move(read.text);
  }

  [[nodiscard]] static std::string_view trimmed(std::string_view token) {
    return token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
  }

  /// What of a value fits into a message.
  [[nodiscard]] static std::string excerpt(std::string_view token) {
    constexpr std::size_t longest = 40;
    return token.size() <= longest ? std::string(token) : concat(token.substr(0, longest), "...");
  }
  [[nodiscard]] static std::string excerpt(JsonValue value) {
    return excerpt(trimmed(value.raw_json_token()));
  }

  [[noreturn]] void fail_json(std::string_view line, std::string_view problem) const {
    if (trimmed(line) == "{") {
      fail(
          "invalid JSON lines: the object does not end in its line; jq -c . FILE writes each in "
          "one");
    }
    const std::string key(key_);
    fail(key.empty() ? concat("invalid JSON: ", problem)
                     : concat("invalid JSON: key \"", key, "\": ", problem));
  }

  LineReader lines_;
  simdjson::ondemand::parser parser_;
  std::string repaired_;
  bool is_repaired_ = false;
  bool has_begun_ = false;
  std::string_view key_;  ///< of the field being read
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
