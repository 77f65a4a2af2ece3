#pragma once

/// \file
/// What a request to `serve` asks for, whether by a query or by a body of JSON.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "command_line.hpp"
#include "terminal.hpp"

namespace example {

/// What is answered with a status other than 200, and why.
class RequestError : public std::runtime_error {
 public:
  RequestError(int status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// Named values. A query's are texts that are read as what they are asked for; a body's have to be
/// of that type. All throw RequestError 400, naming the parameter.
class Parameters {
 public:
  using Query = std::multimap<std::string, std::string>;

  /// \param body of a POST; else none
  Parameters(const Query& query, const std::optional<std::string>& body)
      : values_(nlohmann::json::object()), are_texts_(!body) {
    if (body) {
      if (!query.empty()) throw RequestError(400, "the parameters of a POST stand in its body");
      values_ = nlohmann::json::parse(*body, nullptr, /*allow_exceptions=*/false);
      if (values_.is_discarded()) throw RequestError(400, "the body is not JSON");
      if (!values_.is_object()) throw RequestError(400, "the body is not a JSON object");
    } else {
      for (const auto& [name, value] : query) {
        if (values_.contains(name)) fail(name, "is there more than once");
        values_[name] = value;
      }
    }
  }

  /// Refuses all but these names, so that none is misspelt without notice.
  void allow(std::initializer_list<std::string_view> names) const {
    for (const auto& [name, value] : values_.items()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        throw RequestError(400, fmt::format("there is no parameter \"{}\" here, but {}",
                                            printable(name, 40), fmt::join(names, ", ")));
      }
    }
  }

  bool has(const char* name) const { return values_.contains(name) && !values_[name].is_null(); }

  std::string text(const char* name) const {
    if (!has(name)) return "";
    if (!values_[name].is_string()) fail(name, "is not a text");
    return values_[name].get<std::string>();
  }

  std::int64_t integer(const char* name, std::int64_t otherwise, std::int64_t low,
                       std::int64_t high) const {
    const double value = number(name, static_cast<double>(otherwise), static_cast<double>(low),
                                static_cast<double>(high));
    if (value != std::floor(value)) fail(name, "is not a whole number");
    return static_cast<std::int64_t>(value);
  }

  double number(const char* name, double otherwise, double low, double high) const {
    if (!has(name)) return otherwise;
    const nlohmann::json& value = values_[name];
    double result = 0;
    if (are_texts_) {
      const std::string digits = text(name);
      const char* const end = digits.data() + digits.size();
      const auto [stop, error] = std::from_chars(digits.data(), end, result);
      if (digits.empty() || error != std::errc() || stop != end) fail(name, "is not a number");
    } else {
      if (!value.is_number()) fail(name, "is not a number");
      result = value.get<double>();
    }
    if (!(low <= result && result <= high)) {
      fail(name, fmt::format("is not in {} ... {}", low, high));
    }
    return result;
  }

  bool flag(const char* name, bool otherwise) const {
    if (!has(name)) return otherwise;
    if (are_texts_) {
      const std::string value = text(name);
      if (value != "true" && value != "false") fail(name, "is neither true nor false");
      return value == "true";
    }
    if (!values_[name].is_boolean()) fail(name, "is neither true nor false");
    return values_[name].get<bool>();
  }

  /// A list of texts; in a query, separated by commas as on the command line (see split_ids).
  std::vector<std::string> texts(const char* name) const {
    if (!has(name)) return {};
    if (are_texts_) return split_ids(text(name));
    if (!values_[name].is_array()) fail(name, "is not a list of texts");
    std::vector<std::string> list;
    for (const auto& value : values_[name]) {
      if (!value.is_string()) fail(name, "is not a list of texts");
      list.push_back(value.get<std::string>());
    }
    return list;
  }

 private:
  [[noreturn]] static void fail(const std::string& name, const std::string& message) {
    throw RequestError(400, fmt::format("\"{}\" {}", printable(name, 40), message));
  }

  nlohmann::json values_;
  bool are_texts_;
};

}  // namespace example
