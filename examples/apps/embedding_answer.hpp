#pragma once

/// \file
/// What OpenAI-compatible servers of text embeddings answer.

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <lae/core/types.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.hpp"

namespace example {

/// What a server answers.
struct EmbeddingAnswer {
  lae::Matrix<float> embeddings;  ///< a row for each text
  std::string model;              ///< what the server calls it; empty if it does not say
};

/// What is wrong with an answer. For the message: whoever shows it shortens what the server said.
struct BadAnswer {
  std::string about;  ///< which items it is about
  std::string problem;
  std::string said{};     ///< what of the answer shows it; stands behind the problem
  std::string more{};     ///< stands behind that
  bool may_pass = false;  ///< whether the same request may succeed later
};

namespace detail {

inline std::string range_text(const std::vector<std::string>& ids) {
  return ids.size() == 1 ? "item " + ids.front()
                         : fmt::format("items {} to {}", ids.front(), ids.back());
}

inline bool has_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.find(word) != text.npos; });
}

/// For messages. What holds others may hold them so deep that printing it has no end.
inline std::string value_text(const nlohmann::json& value) {
  return value.is_structured() ? std::string("an ") + value.type_name() : value.dump();
}

/// Which entry of an answer is about each text: the one with its index. Where no entry has one,
/// they come in the order of the texts; where one lacks it (some leave out a zero), it is about
/// the text that remains; where more do, the others must be in their places.
inline std::vector<std::size_t> order_of(const nlohmann::json& data,
                                         const std::vector<std::string>& ids) {
  const std::size_t count = ids.size();
  std::vector<std::size_t> order(count, count);
  std::vector<std::size_t> without_index;
  for (std::size_t entry = 0; entry < count; ++entry) {
    const auto index = data[entry].find("index");
    if (index == data[entry].end() || index->is_null()) {
      without_index.push_back(entry);
      continue;
    }
    const double number = index->is_number() ? index->get<double>() : -1;
    const bool is_index =
        number >= 0 && number < static_cast<double>(count) && number == std::floor(number);
    const std::size_t text = is_index ? static_cast<std::size_t>(number) : 0;
    if (!is_index || order[text] != count) {
      throw BadAnswer{"item " + ids[entry], "the vector's index is ", value_text(*index),
                      is_index ? ", as that of another" : ", not one of the texts'"};
    }
    order[text] = entry;
  }
  if (without_index.size() == 1) {
    *std::find(order.begin(), order.end(), count) = without_index[0];
    return order;
  }
  for (const std::size_t entry : without_index) {
    if (order[entry] != count) {
      throw BadAnswer{"item " + ids[entry],
                      "the vector's index is missing, and others are out of order"};
    }
    order[entry] = entry;
  }
  return order;
}

/// Numbers as OpenAI's encoding_format "base64" has them: little-endian, of 32 bits. None if it
/// is not that.
inline std::vector<float> from_base64(const std::string& text) {
  std::vector<unsigned char> bytes(text.size() / 4 * 3);
  const int size =
      text.size() % 4 != 0 || text.empty()
          ? -1
          : EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                            static_cast<int>(text.size()));
  if (size != static_cast<int>(bytes.size())) return {};
  // The padding counts as bytes.
  const auto padding = std::count(text.end() - 2, text.end(), '=');
  bytes.resize(bytes.size() - static_cast<std::size_t>(padding));
  if (bytes.size() % sizeof(float) != 0) return {};
  std::vector<float> values(bytes.size() / sizeof(float));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t bits = 0;
    for (std::size_t b = 0; b < sizeof(bits); ++b) {
      bits |= static_cast<std::uint32_t>(bytes[sizeof(bits) * i + b]) << (8 * b);
    }
    std::memcpy(&values[i], &bits, sizeof(bits));
  }
  return values;
}

/// The finite numbers of an entry of an answer.
/// \throws BadAnswer
inline std::vector<float> parse_vector(const nlohmann::json& entry, const std::string& item) {
  static const nlohmann::json nothing;
  const auto found = entry.find("embedding");
  const nlohmann::json* vector = found != entry.end() ? &*found : &nothing;
  if (vector->is_array() && !vector->empty() && vector->front().is_array()) {
    if (vector->size() > 1) {
      throw BadAnswer{item,
                      "the embedding is a vector for each token; the server has to pool them "
                      "(llama.cpp: --pooling mean)"};
    }
    vector = &vector->front();
  }
  std::vector<float> values;
  if (vector->is_string()) {
    values = from_base64(vector->get_ref<const std::string&>());
    if (values.empty()) {
      throw BadAnswer{item, "the embedding is a text, but not the base64 of 32-bit numbers: ",
                      vector->get<std::string>()};
    }
  } else if (!vector->is_array() || vector->empty()) {
    throw BadAnswer{item, "the embedding is missing or no array"};
  }
  for (const nlohmann::json& value : vector->is_array() ? *vector : nothing) {
    values.push_back(value.is_number() ? value.get<float>() : NAN);
  }
  for (std::size_t d = 0; d < values.size(); ++d) {
    if (!std::isfinite(values[d])) {
      throw BadAnswer{item, "the vector holds ",
                      vector->is_array() ? value_text((*vector)[d]) : fmt::to_string(values[d]),
                      fmt::format(", not a finite number, in dimension {}", d)};
    }
  }
  return values;
}

}  // namespace detail

/// The embeddings in an answer to a request for those of texts, of which these are the ids.
/// \throws BadAnswer unless there is one vector of finite numbers for each text, all of one length.
inline EmbeddingAnswer parse_embeddings(const std::string& body,
                                        const std::vector<std::string>& ids) {
  nlohmann::json answer;
  std::size_t begun = 0;
  const auto count_embeddings = [&](int, nlohmann::json::parse_event_t event,
                                    const nlohmann::json& value) {
    if (event == nlohmann::json::parse_event_t::key && value == "embedding") ++begun;
    return true;
  };
  try {
    answer = nlohmann::json::parse(body, count_embeddings);
  } catch (const nlohmann::json::exception& error) {
    // NaN is no JSON, for instance. How many embeddings have begun tells whose this one is.
    throw BadAnswer{
        begun > 0 && begun <= ids.size() ? "item " + ids[begun - 1] : detail::range_text(ids),
        "the answer is not JSON: ", error.what()};
  }
  // Some servers answer with the array alone.
  const bool is_array = answer.is_array() && !answer.empty() && answer[0].is_object();
  if (!is_array && !(answer.is_object() && answer.contains("data") && answer["data"].is_array())) {
    // Some servers say "OK" and then what is not.
    const bool may_pass =
        detail::has_any(detail::lower_case(body), {"overloaded", "rate limit", "too many requests",
                                                   "try again", "temporarily", "unavailable"});
    throw BadAnswer{detail::range_text(ids), "the answer has no array \"data\": ", body, "",
                    may_pass};
  }
  const nlohmann::json& data = is_array ? answer : answer["data"];
  if (data.size() < ids.size()) {
    throw BadAnswer{"item " + ids[data.size()],
                    fmt::format("only {} vectors for {} texts", data.size(), ids.size())};
  }
  if (data.size() > ids.size()) {
    throw BadAnswer{detail::range_text(ids),
                    fmt::format("{} vectors for {} texts", data.size(), ids.size())};
  }
  const std::vector<std::size_t> order = detail::order_of(data, ids);
  EmbeddingAnswer read;
  if (answer.is_object() && answer.contains("model") && answer["model"].is_string()) {
    read.model = answer["model"].get<std::string>();
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string item = "item " + ids[i];
    const std::vector<float> vector = detail::parse_vector(data[order[i]], item);
    if (i == 0) {
      read.embeddings.resize(static_cast<lae::Index>(ids.size()),
                             static_cast<lae::Index>(vector.size()));
    }
    if (static_cast<lae::Index>(vector.size()) != read.embeddings.cols()) {
      throw BadAnswer{item, fmt::format("the vector has {} dimensions, others have {}",
                                        vector.size(), read.embeddings.cols())};
    }
    std::copy(vector.begin(), vector.end(), read.embeddings.row(static_cast<lae::Index>(i)).data());
  }
  return read;
}

}  // namespace example
