#pragma once

/// \file
/// What `serve` counts, in Prometheus's text format (version 0.0.4).

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace example {

/// A value of a label, in double quotes.
inline std::string label_value(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') quoted += '\\';
    quoted += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return quoted + "\"";
}

/// Requests by route and status, and how long they took by route. May be used by many threads.
class RequestMetrics {
 public:
  void count(const std::string& route, int status, double seconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++requests_[{route, status}];
    Latency& latency = latencies_[route];
    std::size_t bucket = 0;
    while (bucket < bounds.size() && seconds > bounds[bucket]) ++bucket;
    ++latency.buckets[bucket];
    latency.sum += seconds;
  }

  std::string text() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::string text =
        "# HELP lae_requests_total Requests answered, by route and status.\n"
        "# TYPE lae_requests_total counter\n";
    for (const auto& [key, count] : requests_) {
      text += fmt::format("lae_requests_total{{route={},status=\"{}\"}} {}\n",
                          label_value(key.first), key.second, count);
    }
    text +=
        "# HELP lae_request_seconds Time from a request's arrival to its answer, without the "
        "network.\n"
        "# TYPE lae_request_seconds histogram\n";
    for (const auto& [route, latency] : latencies_) {
      const std::string label = label_value(route);
      std::uint64_t count = 0;
      for (std::size_t i = 0; i < latency.buckets.size(); ++i) {
        count += latency.buckets[i];
        text += fmt::format("lae_request_seconds_bucket{{route={},le=\"{}\"}} {}\n", label,
                            i < bounds.size() ? fmt::to_string(bounds[i]) : "+Inf", count);
      }
      text += fmt::format(
          "lae_request_seconds_sum{{route={}}} {}\nlae_request_seconds_count{{route={}}} {}\n",
          label, latency.sum, label, count);
    }
    return text;
  }

 private:
  static constexpr std::array<double, 10> bounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                    0.005,  0.01,    0.05,   0.25,  1};
  struct Latency {
    std::array<std::uint64_t, bounds.size() + 1> buckets{};
    double sum = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::uint64_t> requests_;
  std::map<std::string, Latency> latencies_;
};

}  // namespace example
