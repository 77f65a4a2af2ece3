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
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "embedding_answer.hpp"
#include "http_proxy.hpp"

namespace example {

/// Where embeddings come from, and how patiently to ask for them.
struct EmbeddingServer {
  std::string url;  ///< of the server, its /v1, or its /v1/embeddings; perhaps with a query
  std::string model;
  std::string key;  ///< sent as a bearer token unless empty
  std::vector<std::pair<std::string, std::string>> headers;  ///< further ones, not to be shown
  nlohmann::json fields = nlohmann::json::value_t::object;   ///< further ones of each request
  double timeout_seconds = 300;                              ///< of one request
  int retries = 6;                                           ///< of one request that fails for now
  double backoff_seconds = 1;  ///< before the first retry, about; doubles with each
};

/// The server cannot or must not be asked again, or answers what it should not.
class ServerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The server refuses a request for its size: it may take fewer texts, or shorter ones.
class RequestTooLarge : public ServerError {
 public:
  using ServerError::ServerError;
};

/// The first bytes of a text, at most `longest`, without cutting a character in two.
inline std::string first_bytes(const std::string& text, std::size_t longest) {
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

/// Whether a text holds nothing that a model could make something of.
inline bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

/// One connection to a server, for one thread.
class EmbeddingClient {
 public:
  /// \throws UsageError if the URL is not one of HTTP.
  explicit EmbeddingClient(const EmbeddingServer& server)
      : server_(server), parts_(parse(server.url)), http_(parts_.origin()) {
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
    http_.set_default_headers({server.headers.begin(), server.headers.end()});
    if (!server.key.empty()) http_.set_bearer_token_auth(server.key.c_str());
    if (const auto proxy = find_proxy(parts_.scheme, parts_.authority)) {
      http_.set_proxy(proxy->host, proxy->port);
      if (!proxy->user.empty()) http_.set_proxy_basic_auth(proxy->user, proxy->password);
      way_ = fmt::format(" (by the proxy {}:{})", proxy->host, proxy->port);
    }
  }

  /// The whole URL that is asked, without its query, which may hold a key.
  static std::string address(const EmbeddingServer& server) {
    const Parts parts = parse(server.url);
    return parts.origin() + parts.path;
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
  /// \param retries_of_zeros how often to ask again while all vectors are zeros
  /// \throws RequestTooLarge, in which case another try with fewer texts is worth it; ServerError
  /// naming an id, unless the server answers with one vector of finite numbers for each text, all
  /// of one length; lae::Cancelled after give_up or stop.
  EmbeddingAnswer embed(const std::vector<std::string>& texts, const std::vector<std::string>& ids,
                        int retries_of_zeros = 0) {
    nlohmann::json request = server_.fields;
    request["model"] = server_.model;
    request["input"] = texts;
    const std::string body = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    double wait = server_.backoff_seconds;
    for (int attempt = 0;; ++attempt) {
      check();
      ++requests_;
      if (attempt > 0) ++retries_;
      const httplib::Result result =
          http_.Post((parts_.path + parts_.query).c_str(), body, "application/json");
      try {
        EmbeddingAnswer answer = read(result, ids);
        if (attempt >= std::min(retries_of_zeros, server_.retries) ||
            !answer.embeddings.isZero(0)) {
          return answer;
        }
      } catch (const ForNow& failure) {
        if (attempt >= server_.retries) {
          throw ServerError(fmt::format("{} (tried {} times)", failure.message, attempt + 1));
        }
      }
      // Not all of a server's clients are to come back at the same time.
      const double jitter = std::uniform_real_distribution(0.75, 1.25)(random_);
      sleep(std::max(jitter * wait, result ? retry_after(*result) : 0.0));
      wait = std::min(2 * wait, longest_wait);
    }
  }

  /// For messages: one line of what a server said, not too long and without keys.
  std::string shortened(std::string text) const {
    constexpr std::size_t longest = 300;
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
    }
    const auto hide = [&](const std::string& secret, const std::string& name) {
      constexpr std::size_t shortest = 4;  // what is shorter stands in many words
      if (secret.size() < shortest) return;
      for (std::size_t at = 0; (at = text.find(secret, at)) != text.npos; at += name.size()) {
        text.replace(at, secret.size(), name);
      }
    };
    hide(server_.key, "<key>");
    for (const auto& [name, value] : server_.headers) hide(value, "<" + name + ">");
    return text.size() <= longest ? text : first_bytes(text, longest) + "...";
  }

 private:
  struct Parts {
    std::string scheme;
    std::string authority;  ///< host and port
    std::string path;
    std::string query;  ///< with its question mark, or empty

    std::string origin() const { return scheme + "://" + authority; }
  };

  /// A failure that may pass.
  struct ForNow {
    std::string message;
  };

  static Parts parse(const std::string& url) {
    const std::size_t colon = url.find("://");
    Parts parts;
    if (colon != url.npos) {
      parts.scheme = url.substr(0, colon);
      const std::size_t path = std::min(url.find_first_of("/?", colon + 3), url.size());
      const std::size_t query = std::min(url.find('?', path), url.size());
      parts.authority = url.substr(colon + 3, path - colon - 3);
      parts.path = url.substr(path, query - path);
      parts.query = url.substr(query);
    }
    if ((parts.scheme != "http" && parts.scheme != "https") || parts.authority.empty() ||
        parts.authority.find('@') != url.npos || url.find_first_of(" #") != url.npos) {
      throw UsageError(
          fmt::format("--endpoint: \"{}\" is not a URL such as http://localhost:8080", url));
    }
    while (!parts.path.empty() && parts.path.back() == '/') parts.path.pop_back();
    const auto ends_with = [&](std::string_view end) {
      return parts.path.size() >= end.size() &&
             parts.path.compare(parts.path.size() - end.size(), end.size(), end) == 0;
    };
    if (!ends_with("/embeddings"))
      parts.path += ends_with("/v1") ? "/embeddings" : "/v1/embeddings";
    return parts;
  }

  std::string message(const std::string& what, std::string_view problem) const {
    return fmt::format("{}{}{}, {}: {}", parts_.origin(), parts_.path, way_, what, problem);
  }

  /// Whether an error is about the number of texts or about their length, as far as its words tell.
  static bool is_about_size(int status, const std::string& words) {
    if (status == 413) return true;
    if (status == 500) {  // more often something that passes, which such words may be about, too
      return detail::has_any(
          words, {"too large", "too long", "context size", "context length", "batch size"});
    }
    return (status == 400 || status == 422) &&
           detail::has_any(words, {"batch", "too large", "too long", "too_long", "too big",
                                   "too many", "context", "maximum", "at most", "exceed",
                                   "larger than", "longer than", "less than", "limit", "tokens"});
  }

  /// Whether the same request may succeed later.
  static bool may_pass(int status, const std::string& words) {
    constexpr int overloaded = 429;
    constexpr int not_implemented = 501;
    constexpr int version_not_supported = 505;
    if (status == overloaded) {
      // Of a rate; of money, there are no words that all servers use.
      return !detail::has_any(words,
                              {"insufficient_quota", "insufficient quota", "insufficient balance",
                               "insufficient_balance", "insufficient credit", "insufficient fund"});
    }
    if (status == not_implemented || status == version_not_supported) return false;
    return status == 408 || status == 409 || status == 425 || status >= 500;
  }

  /// \throws ForNow, ServerError
  EmbeddingAnswer read(const httplib::Result& result, const std::vector<std::string>& ids) const {
    const std::string what = detail::range_text(ids);
    if (!result) {
      const std::string text =
          message(what, fmt::format("no answer ({})", httplib::to_string(result.error())));
      if (result.error() == httplib::Error::SSLServerVerification) throw ServerError(text);
      throw ForNow{text};
    }
    const int status = result->status;
    if (status >= 200 && status < 300) return parse_answer(result->body, ids);
    if (status >= 300 && status < 400) {
      // What comes after a question mark may be a pass.
      const std::string target = result->get_header_value("Location");
      throw ServerError(message(
          what, fmt::format("status {}: it has moved to \"{}\"; if that is to be trusted, make it "
                            "the --endpoint",
                            status, shortened(target.substr(0, target.find('?'))))));
    }
    const std::string text =
        message(what, fmt::format("status {}: {}", status, shortened(result->body)));
    const std::string words = detail::lower_case(result->body);
    if (is_about_size(status, words)) {
      throw RequestTooLarge(text + (ids.size() == 1 ? " (--max-bytes cuts long texts)" : ""));
    }
    if (may_pass(status, words)) throw ForNow{text};
    throw ServerError(text);
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

  /// \throws ForNow, ServerError
  EmbeddingAnswer parse_answer(const std::string& body, const std::vector<std::string>& ids) const {
    try {
      return parse_embeddings(body, ids);
    } catch (const BadAnswer& bad) {
      const std::string text = message(bad.about, bad.problem + shortened(bad.said) + bad.more);
      if (bad.may_pass) throw ForNow{text};
      throw ServerError(text);
    }
  }

  // Seconds.
  static constexpr double longest_wait = 60;
  static constexpr double longest_asked_wait = 3600;
  static constexpr std::chrono::seconds longest_connecting{10};

  EmbeddingServer server_;
  Parts parts_;
  httplib::Client http_;
  std::string way_;  ///< for messages: a proxy, if there is one
  std::mt19937 random_{std::random_device{}()};
  std::atomic<bool> has_given_up_{false};
  std::atomic<int> requests_{0};
  std::atomic<int> retries_{0};
};

}  // namespace example
