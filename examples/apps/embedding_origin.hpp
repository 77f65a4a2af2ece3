#pragma once

/// \file
/// What made embeddings, as it is kept with them.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace example {

/// What a server was asked for embeddings, and what it said of itself.
struct EmbeddingOrigin {
  /// Of all that decides what embeddings are, as far as the asking side knows: model, further
  /// fields, and the texts as they were sent.
  std::string fingerprint;
  std::string url;           ///< without its query, which may hold a key
  std::string model;         ///< the name that was asked for
  std::string served_model;  ///< what the server calls it; empty if it does not say
  std::string instruction;   ///< before each text
  std::string fields;        ///< further ones of each request, as JSON; empty if there are none
  std::string max_bytes;     ///< where texts were cut; empty if they were not
};

inline nlohmann::ordered_json to_json(const EmbeddingOrigin& origin) {
  return {{"url", origin.url},
          {"model", origin.model},
          {"served_model", origin.served_model},
          {"instruction", origin.instruction},
          {"fields", origin.fields},
          {"max_bytes", origin.max_bytes}};
}

/// What is there of an origin; the rest is empty.
inline EmbeddingOrigin read_origin(const nlohmann::json& json, const std::string& fingerprint) {
  const auto text = [&](const char* name) {
    const bool is_there = json.is_object() && json.contains(name) && json[name].is_string();
    return is_there ? json[name].get<std::string>() : "";
  };
  return {fingerprint,         text("url"),    text("model"),    text("served_model"),
          text("instruction"), text("fields"), text("max_bytes")};
}

/// For messages: what sets embeddings that are there apart from those that are asked for, whose
/// fingerprint is another.
inline std::string difference(const EmbeddingOrigin& there, const EmbeddingOrigin& asked) {
  if (there.model.empty()) return "other texts, or another model";  // of an earlier version
  std::vector<std::string> differences;
  const auto compare = [&](const char* name, const std::string& a, const std::string& b) {
    const auto quoted = [](const std::string& text) {
      return text.empty() ? "none" : "\"" + text + "\"";
    };
    if (a != b) differences.push_back(fmt::format("{} {}, not {}", name, quoted(a), quoted(b)));
  };
  compare("--model", there.model, asked.model);
  compare("--instruction", there.instruction, asked.instruction);
  compare("--body", there.fields, asked.fields);
  compare("--max-bytes", there.max_bytes, asked.max_bytes);
  return differences.empty() ? "other texts" : fmt::format("{}", fmt::join(differences, "; "));
}

}  // namespace example
