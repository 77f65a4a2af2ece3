#pragma once

/// \file
/// What is written about items, in whatever notation a download left it: lists and dictionaries of
/// JSON, or as Python and NumPy print them, also as text in a CSV cell or a JSON string.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lae/data/item_text.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/data/unicode.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A value of metadata, whatever its notation was.
struct MetaValue {
  enum class Kind { nothing, number, text, list, map };

  Kind kind = Kind::nothing;
  std::string text{};               ///< of a text; a number as it was written
  std::vector<MetaValue> values{};  ///< of a list; keys and values of a map, in turn
};

/// Deeper than these, nothing is read: no metadata are.
inline constexpr int deepest_meta_value = 32;

/// Reads a list or dictionary in the notation of JSON, of Python (str() of a list), or of NumPy
/// (str() of an array, which has spaces for commas).
class MetaParser {
 public:
  explicit MetaParser(std::string_view text) : text_(text) {}

  /// \return whether all of the text is one value. Otherwise, a dictionary holds what of it could
  /// be read.
  [[nodiscard]] bool parse(MetaValue& value) {
    return parse_value(value, 0) && peek() == '\0' && next_ == text_.size();
  }

 private:
  /// The next character that is no white space, or '\0' at the end.
  char peek() {
    while (next_ < text_.size() && is_space(text_[next_])) ++next_;
    return here();
  }
  [[nodiscard]] char here() const { return next_ < text_.size() ? text_[next_] : '\0'; }

  static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.';
  }

  bool parse_value(MetaValue& value, int depth) {
    if (depth > deepest_meta_value) return false;
    switch (peek()) {
      case '[':
        return parse_list(value, ']', depth);
      case '(':
        return parse_list(value, ')', depth);
      case '{':
        return parse_map(value, depth);
      case '\'':
      case '"':
        return parse_text(value, "");
      case '<':
        return accept("<NA>");
      default:
        break;
    }
    if (is_digit(here()) || here() == '-' || here() == '+') return parse_number(value);
    return parse_word(value, depth);
  }

  bool accept(std::string_view word) {
    if (text_.substr(next_, word.size()) != word) return false;
    next_ += word.size();
    return true;
  }

  /// Commas or spaces part the elements. NumPy leaves the middle of long arrays out: "...".
  bool parse_list(MetaValue& value, char closing, int depth) {
    value.kind = MetaValue::Kind::list;
    ++next_;
    while (true) {
      const char c = peek();
      if (c == closing) {
        ++next_;
        return true;
      }
      if (c == ',') {
        ++next_;
      } else if (!accept("...")) {
        if (!parse_value(value.values.emplace_back(), depth + 1)) return false;
      }
    }
  }

  bool parse_map(MetaValue& value, int depth) {
    value.kind = MetaValue::Kind::map;
    ++next_;
    while (true) {
      const char c = peek();
      if (c == '}') {
        ++next_;
        return true;
      }
      if (c == ',') {
        ++next_;
        continue;
      }
      MetaValue key;
      MetaValue of_key;
      if (!parse_value(key, depth + 1) || peek() != ':') return false;
      ++next_;
      if (!parse_value(of_key, depth + 1)) return false;
      value.values.push_back(std::move(key));
      value.values.push_back(std::move(of_key));
    }
  }

  bool parse_number(MetaValue& value) {
    const std::size_t begin = next_;
    if (here() == '+') ++next_;
    double ignored = 0;
    const char* const first = text_.data() + next_;
    const auto [stop, error] = std::from_chars(first, text_.data() + text_.size(), ignored);
    if (error == std::errc::invalid_argument) return false;
    next_ += static_cast<std::size_t>(stop - first);
    value.kind = MetaValue::Kind::number;
    value.text = std::string(text_.substr(begin, next_ - begin));
    return !is_word(here());
  }

  /// A word without quotes: that of a missing value, or a call such as "array([...], dtype=object)"
  /// or "list([...])", whose value is its first argument. Also what may stand before a quote.
  bool parse_word(MetaValue& value, int depth) {
    const std::size_t begin = next_;
    while (is_word(here())) ++next_;
    const std::string_view word = text_.substr(begin, next_ - begin);
    if (word.empty()) return false;
    if (here() == '\'' || here() == '"') return word.size() <= 2 && parse_text(value, word);
    if (here() == '(') return parse_call(value, depth);
    constexpr std::array<std::string_view, 11> known = {
        "None", "null", "True", "False", "true", "false", "nan", "NaN", "NaT", "inf", "Infinity"};
    return std::find(known.begin(), known.end(), word) != known.end();
  }

  bool parse_call(MetaValue& value, int depth) {
    ++next_;
    bool has_value = false;
    while (true) {
      const char c = peek();
      if (c == ')') {
        ++next_;
        return true;
      }
      if (c == ',') {
        ++next_;
        continue;
      }
      std::size_t name_end = next_;
      while (name_end < text_.size() && is_word(text_[name_end])) ++name_end;
      if (name_end > next_ && name_end < text_.size() && text_[name_end] == '=') {
        // dtype=object, dtype='<U5': says nothing about the value
        next_ = (std::min)(text_.find_first_of(",)", name_end), text_.size());
        continue;
      }
      MetaValue other;
      if (!parse_value(has_value ? other : value, depth + 1)) return false;
      has_value = true;
    }
  }

  /// `prefix` is what stands before the quote: b for bytes, r for no escapes, u for nothing.
  bool parse_text(MetaValue& value, std::string_view prefix) {
    const auto has = [&](char lower, char upper) {
      return prefix.find(lower) != prefix.npos || prefix.find(upper) != prefix.npos;
    };
    const bool is_raw = has('r', 'R');
    const bool is_bytes = has('b', 'B');
    value.kind = MetaValue::Kind::text;
    const char quote = here();
    ++next_;
    while (next_ < text_.size()) {
      const char c = text_[next_++];
      if (c == quote) return true;
      if (c != '\\' || is_raw) {
        value.text += c;
      } else if (!parse_escape(value.text, is_bytes)) {
        return false;
      }
    }
    return false;
  }

  /// What follows a backslash: the escapes of JSON and of Python, which agree where both have one.
  bool parse_escape(std::string& text, bool is_bytes) {
    if (next_ == text_.size()) return false;
    const char c = text_[next_++];
    constexpr std::string_view letters = "abfnrtv";
    constexpr std::string_view characters = "\a\b\f\n\r\t\v";
    const std::size_t place = letters.find(c);
    if (place != letters.npos) {
      text += characters[place];
      return true;
    }
    if (c == '\\' || c == '\'' || c == '"' || c == '/') {
      text += c;
      return true;
    }
    if (c == '\n') return true;
    if (c == 'u') {
      const std::size_t length = append_utf16_escape(text_.substr(next_), text);
      next_ += length;
      return length > 0;
    }
    std::uint32_t code = 0;
    if (c == 'x' || c == 'U') {
      const std::size_t digits = c == 'x' ? 2 : 8;
      if (!parse_hex(text_.substr(next_), digits, code)) return false;
      next_ += digits;
    } else if (c >= '0' && c < '8') {
      --next_;
      for (int i = 0; i < 3 && here() >= '0' && here() < '8'; ++i) {
        code = 8 * code + static_cast<std::uint32_t>(text_[next_++] - '0');
      }
    } else {
      text += '\\';
      text += c;
      return true;
    }
    if (is_bytes && code < 0x100) {
      text += static_cast<char>(code);
    } else {
      append_utf8(code, text);
    }
    return true;
  }

  std::string_view text_;
  std::size_t next_ = 0;
};

/// A text, unless it is what programs write for a missing one.
[[nodiscard]] inline MetaValue text_value(std::string_view text) {
  constexpr std::array<std::string_view, 6> missing = {"None", "null", "nan", "NaN", "NaT", "<NA>"};
  if (std::find(missing.begin(), missing.end(), text) != missing.end()) return {};
  return {MetaValue::Kind::text, std::string(text)};
}

[[nodiscard]] inline bool holds(const MetaValue& value, MetaValue::Kind kind) {
  return value.kind == kind || std::any_of(value.values.begin(), value.values.end(),
                                           [=](const MetaValue& v) { return holds(v, kind); });
}

/// The list or dictionary that a text is, in any of the notations; otherwise, it is a text.
[[nodiscard]] inline MetaValue structured_value(std::string_view text) {
  constexpr std::string_view white_space = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(white_space);
  if (begin == text.npos) return {};
  const std::string_view trimmed =
      text.substr(begin, text.find_last_not_of(white_space) + 1 - begin);
  // "array(" begins with a word; in other texts, a space follows the first one.
  const std::size_t opening = trimmed.find_first_of("[({ \n");
  if (opening != trimmed.npos && trimmed[opening] > ' ') {
    MetaValue value;
    const bool is_whole = MetaParser(trimmed).parse(value);
    // "(2)" is a text.
    const bool is_text = holds(value, MetaValue::Kind::number) &&
                         !holds(value, MetaValue::Kind::text) && value.kind != MetaValue::Kind::map;
    if (is_whole && !is_text) return value;
    if (value.kind == MetaValue::Kind::map && !value.values.empty()) return value;
  }
  return text_value(trimmed);
}

/// Whether a text has nothing to show: one_line would make it empty.
[[nodiscard]] inline bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return code <= ' ' || code == 0x7f;
  });
}

/// Appends the texts of lists of any depth; what is no text is left out.
inline void join_texts(const MetaValue& value, std::string_view separator, std::string& joined) {
  if (value.kind == MetaValue::Kind::list) {
    for (const MetaValue& element : value.values) join_texts(element, separator, joined);
  } else if (value.kind == MetaValue::Kind::text && !is_blank(value.text)) {
    if (!joined.empty()) joined += separator;
    joined += value.text;
  }
}

/// A value as text, in which separators part the elements of a list.
[[nodiscard]] inline std::string joined_texts(const MetaValue& value, std::string_view separator) {
  if (value.kind == MetaValue::Kind::number) return value.text;
  std::string joined;
  join_texts(value, separator, joined);
  return joined;
}

/// What a dictionary holds for a key, also one in pairs [[key, value], ...].
[[nodiscard]] inline MetaValue value_of_key(const MetaValue& dictionary, std::string_view key) {
  const auto is_key = [&](const MetaValue& value) {
    return value.kind == MetaValue::Kind::text && value.text == key;
  };
  const std::vector<MetaValue>& values = dictionary.values;
  MetaValue found;
  if (dictionary.kind == MetaValue::Kind::map) {
    for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
      if (is_key(values[i])) found = values[i + 1];
    }
  } else if (dictionary.kind == MetaValue::Kind::list) {
    for (const MetaValue& pair : values) {
      if (pair.values.size() == 2 && is_key(pair.values[0])) found = pair.values[1];
    }
  }
  return found;
}

/// The metadata that the text about an item is made of.
struct ItemFields {
  std::string id{};
  MetaValue title{};
  MetaValue categories{};
  MetaValue main_category{};
  MetaValue store{};
  MetaValue details{};
  MetaValue description{};
  MetaValue features{};
};

inline constexpr std::string_view item_id_name = "parent_asin";

/// The one of the details that is read.
inline constexpr std::string_view brand_name = "Brand";

/// What a field is called in files, and whether a text in it may be a list or dictionary.
struct ItemFieldName {
  std::string_view name;
  MetaValue ItemFields::*field;
  bool is_structured;

  /// What a text in the field stands for.
  [[nodiscard]] MetaValue value_of(std::string_view text) const {
    return is_structured ? structured_value(text) : text_value(text);
  }
};
inline constexpr ItemFieldName item_field_names[] = {
    {"title", &ItemFields::title, false},
    {"categories", &ItemFields::categories, true},
    {"main_category", &ItemFields::main_category, false},
    {"store", &ItemFields::store, false},
    {"details", &ItemFields::details, true},
    {"description", &ItemFields::description, true},
    {"features", &ItemFields::features, true},
};

/// The text about an item, which is the same whatever notation its fields had.
[[nodiscard]] inline ItemText item_text(ItemFields fields) {
  const auto first_of = [](std::string text, const MetaValue& other, std::string_view separator) {
    return is_blank(text) ? joined_texts(other, separator) : text;
  };
  ItemText text;
  text.id = std::move(fields.id);
  text.title = joined_texts(fields.title, " ");
  text.category = first_of(joined_texts(fields.categories, ", "), fields.main_category, ", ");
  text.brand =
      first_of(joined_texts(value_of_key(fields.details, brand_name), " "), fields.store, " ");
  text.description = first_of(joined_texts(fields.description, " "), fields.features, " ");
  for (std::string* part : {&text.title, &text.category, &text.brand, &text.description}) {
    *part = repaired_utf8(std::move(*part));
  }
  return text;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
