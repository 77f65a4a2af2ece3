#pragma once

/// \file
/// A client of OpenAI-compatible servers of text embeddings.

#include <fmt/format.h>
#include <httplib.h>
// A macro of <resolv.h>, which httplib.h includes. Eigen has variables of that name.
#undef _res

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <lae/core/types.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "command_line.hpp"

namespace example {

/// Where embeddings come from, and how patiently to ask for them.
struct EmbeddingServer {
  std::string url;  ///< of the server, its /v1, or its /v1/embeddings
  std::string model;
  std::string key;               ///< sent as a bearer token unless empty
  double timeout_seconds = 300;  ///< of one request
  int retries = 6;               ///< of one request that fails for now
  double backoff_seconds = 1;    ///< before the first retry, about; doubles with each
};

/// The server cannot or must not be asked again, or answers what it should not.
class ServerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The first bytes of a text, at most `longest`, without cutting a character in two.
inline std::string first_bytes(const std::string& text, std::size_t longest) {
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

/// One connection to a server, for one thread.
class EmbeddingClient {
 public:
  /// \throws UsageError if the URL is not one of HTTP.
  explicit EmbeddingClient(const EmbeddingServer& server)
      : server_(server), parts_(parse(server.url)), http_(parts_.origin) {
    // A connection that a server drops is an error to deal with, not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    const auto timeout = std::chrono::milliseconds(static_cast<int>(1000 * server.timeout_seconds));
    // Short, since `stop` waits for it.
    http_.set_connection_timeout(std::min<std::chrono::milliseconds>(timeout, longest_connecting));
    http_.set_read_timeout(timeout);
    http_.set_write_timeout(timeout);
    http_.set_keep_alive(true);
    // Else a request, whose head and body are sent apart, waits for an acknowledgement in between.
    http_.set_tcp_nodelay(true);
    if (!server.key.empty()) http_.set_bearer_token_auth(server.key.c_str());
  }

  /// From another thread: lets a request that is under way end, but sends none any more.
  void give_up() { has_given_up_ = true; }

  /// From another thread: ends even a request that is under way, but not one that begins just then.
  void stop() {
    give_up();
    http_.stop();
  }

  /// Requests sent so far, and how many of them were for the second time or more.
  int requests() const { return requests_; }
  int retries() const { return retries_; }

  /// One embedding for each text.
  /// \param ids of the texts, for messages
  /// \throws ServerError naming an id, unless the server answers with one vector of finite numbers
  /// for each text, in their order and all of one length; lae::Cancelled after give_up or stop.
  lae::Matrix<float> embed(const std::vector<std::string>& texts,
                           const std::vector<std::string>& ids) {
    const std::string body =
        nlohmann::json{{"model", server_.model}, {"input", texts}, {"encoding_format", "float"}}
            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return parse_answer(post(body, range_text(ids)), ids);
  }

 private:
  struct Parts {
    std::string origin;
    std::string path;
  };

  static Parts parse(const std::string& url) {
    const std::size_t scheme = url.find("://");
    const std::string name = url.substr(0, scheme);
    const std::size_t host = scheme + 3;
    const bool has_host = scheme != url.npos && host < url.size() && url[host] != '/';
    if ((name != "http" && name != "https") || !has_host || url.find_first_of(" @?#") != url.npos) {
      throw UsageError(
          fmt::format("--endpoint: \"{}\" is not a URL such as http://localhost:8080", url));
    }
    const std::size_t slash = url.find('/', host);
    Parts parts{url.substr(0, slash), slash == url.npos ? "" : url.substr(slash)};
    while (!parts.path.empty() && parts.path.back() == '/') parts.path.pop_back();
    const auto ends_with = [&](std::string_view end) {
      return parts.path.size() >= end.size() &&
             parts.path.compare(parts.path.size() - end.size(), end.size(), end) == 0;
    };
    if (!ends_with("/embeddings"))
      parts.path += ends_with("/v1") ? "/embeddings" : "/v1/embeddings";
    return parts;
  }

  static std::string range_text(const std::vector<std::string>& ids) {
    return ids.size() == 1 ? "item " + ids.front()
                           : fmt::format("items {} to {}", ids.front(), ids.back());
  }

  /// For messages: one line of what a server said, not too long and without the key.
  std::string shortened(std::string text) const {
    constexpr std::size_t longest = 300;
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
    }
    const std::string& key = server_.key;
    for (std::size_t at = 0; !key.empty() && (at = text.find(key, at)) != text.npos;) {
      text.replace(at, key.size(), "<key>");
    }
    return text.size() <= longest ? text : first_bytes(text, longest) + "...";
  }

  /// The body of the server's answer, after as many attempts as it takes.
  std::string post(const std::string& body, const std::string& what) {
    double wait = server_.backoff_seconds;
    for (int attempt = 0;; ++attempt) {
      check();
      ++requests_;
      if (attempt > 0) ++retries_;
      const httplib::Result result = http_.Post(parts_.path.c_str(), body, "application/json");
      if (result && result->status == 200) return result->body;
      const bool is_for_now = result ? result->status == 429 || result->status >= 500
                                     : result.error() != httplib::Error::SSLServerVerification;
      const std::string reason =
          result ? fmt::format("status {}: {}", result->status, shortened(result->body))
                 : fmt::format("no answer ({})", httplib::to_string(result.error()));
      if (!is_for_now || attempt == server_.retries) {
        throw ServerError(fmt::format("{}{}, {}: {}", parts_.origin, parts_.path, what, reason) +
                          (is_for_now ? fmt::format(" (tried {} times)", attempt + 1) : ""));
      }
      // Not all of a server's clients are to come back at the same time.
      const double jitter = std::uniform_real_distribution(0.75, 1.25)(random_);
      sleep(std::max(jitter * wait, result ? retry_after(*result) : 0.0));
      wait = std::min(2 * wait, longest_wait);
    }
  }

  /// The seconds that a server asks to wait; 0 if it does not, or not in seconds.
  static double retry_after(const httplib::Response& response) {
    const std::string value = response.get_header_value("Retry-After");
    char* end = nullptr;
    const double seconds = std::strtod(value.c_str(), &end);
    const bool is_number = !value.empty() && *end == '\0' && std::isfinite(seconds);
    return is_number ? std::clamp(seconds, 0.0, longest_asked_wait) : 0;
  }

  /// \throws lae::Cancelled
  void check() const {
    if (has_given_up_) throw lae::Cancelled();
  }

  void sleep(double seconds) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
      check();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  lae::Matrix<float> parse_answer(const std::string& body, const std::vector<std::string>& ids) {
    const auto refuse = [&](const std::string& what, std::string_view problem) {
      throw ServerError(fmt::format("{}{}, {}: {}", parts_.origin, parts_.path, what, problem));
    };
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
      refuse(begun > 0 && begun <= ids.size() ? "item " + ids[begun - 1] : range_text(ids),
             fmt::format("the answer is not JSON: {}", shortened(error.what())));
    }
    if (!answer.is_object() || !answer.contains("data") || !answer["data"].is_array()) {
      refuse(range_text(ids), "the answer has no array \"data\": " + shortened(body));
    }
    const auto& data = answer["data"];
    lae::Matrix<float> embeddings;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::string item = "item " + ids[i];
      if (i >= data.size())
        refuse(item, fmt::format("only {} vectors for {} texts", i, ids.size()));
      if (!data[i].is_object() || data[i].value("index", nlohmann::json()) != i) {
        refuse(item, fmt::format("the vector's index is {}, not {}",
                                 data[i].is_object() && data[i].contains("index")
                                     ? data[i]["index"].dump()
                                     : "missing",
                                 i));
      }
      const nlohmann::json vector = data[i].value("embedding", nlohmann::json());
      if (!vector.is_array() || vector.empty())
        refuse(item, "the embedding is missing or no array");
      if (i == 0) {
        embeddings.resize(static_cast<lae::Index>(ids.size()),
                          static_cast<lae::Index>(vector.size()));
      }
      if (static_cast<lae::Index>(vector.size()) != embeddings.cols()) {
        refuse(item, fmt::format("the vector has {} dimensions, others have {}", vector.size(),
                                 embeddings.cols()));
      }
      for (std::size_t d = 0; d < vector.size(); ++d) {
        const float value = vector[d].is_number() ? vector[d].get<float>() : NAN;
        if (!std::isfinite(value)) {
          refuse(item, fmt::format("the vector holds {}, not a finite number, in dimension {}",
                                   shortened(vector[d].dump()), d));
        }
        embeddings(static_cast<lae::Index>(i), static_cast<lae::Index>(d)) = value;
      }
    }
    if (data.size() > ids.size()) {
      refuse(range_text(ids), fmt::format("{} vectors for {} texts", data.size(), ids.size()));
    }
    return embeddings;
  }

  // Seconds.
  static constexpr double longest_wait = 60;
  static constexpr double longest_asked_wait = 3600;
  static constexpr std::chrono::seconds longest_connecting{10};

  EmbeddingServer server_;
  Parts parts_;
  httplib::Client http_;
  std::mt19937 random_{std::random_device{}()};
  std::atomic<bool> has_given_up_{false};
  std::atomic<int> requests_{0};
  std::atomic<int> retries_{0};
};

}  // namespace example
