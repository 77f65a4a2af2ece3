#pragma once

/// \file
/// The proxy that the environment names, by the variables that curl and others go by.

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "command_line.hpp"

namespace example {

/// A proxy that speaks HTTP.
struct HttpProxy {
  std::string host;
  int port = 80;
  std::string user;  ///< empty: it asks for none
  std::string password;
};

namespace detail {

/// The value of a variable in lower or else upper case; empty if there is neither.
inline std::string from_environment(std::string name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    value = std::getenv(name.c_str());
  }
  return value == nullptr ? "" : value;
}

/// A host and, if it has one, its port; addresses of IPv6 without their brackets.
struct HostAndPort {
  std::string host;
  int port = -1;
};

inline HostAndPort parse_host(std::string_view text) {
  const std::size_t bracket = text.find(']');
  std::size_t colon = text.rfind(':');
  const bool is_bare_ipv6 = bracket == text.npos && text.find(':') != colon;
  if (colon == text.npos || (bracket != text.npos && colon < bracket) || is_bare_ipv6) {
    colon = text.size();
  }
  HostAndPort parts{lower_case(std::string(text.substr(0, colon))), -1};
  if (bracket != text.npos && parts.host.size() > 1 && parts.host.front() == '[') {
    parts.host = parts.host.substr(1, bracket - 1);
  }
  if (colon + 1 < text.size()) parts.port = std::atoi(std::string(text.substr(colon + 1)).c_str());
  return parts;
}

inline std::optional<std::uint32_t> ipv4(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

/// Whether a host is in a network such as 10.0.0.0/8.
inline bool is_in_network(const std::string& host, const std::string& network) {
  const std::size_t slash = network.find('/');
  if (slash == network.npos) return false;
  const auto address = ipv4(host);
  const auto first = ipv4(network.substr(0, slash));
  const int bits = std::atoi(network.c_str() + slash + 1);
  if (!address || !first || bits < 1 || bits > 32) return false;
  return (*address ^ *first) >> (32 - bits) == 0;
}

inline bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || is_in_network(host, "127.0.0.0/8");
}

/// Whether no_proxy lists a host: by name, by a domain it is in, by its network, or by "*".
inline bool is_without_proxy(const HostAndPort& target) {
  std::string list = from_environment("no_proxy");
  std::replace(list.begin(), list.end(), ',', ' ');
  std::istringstream entries(list);
  for (std::string entry; entries >> entry;) {
    if (entry == "*" || is_in_network(target.host, entry)) return true;
    HostAndPort listed = parse_host(entry);
    if (listed.port >= 0 && listed.port != target.port) continue;
    listed.host.erase(0, std::min(listed.host.find_first_not_of("*."), listed.host.size()));
    if (listed.host.empty()) continue;
    if (target.host == listed.host) return true;
    const std::string domain = "." + listed.host;
    if (target.host.size() > domain.size() &&
        target.host.compare(target.host.size() - domain.size(), domain.size(), domain) == 0) {
      return true;
    }
  }
  return false;
}

/// Text in which %XX stands for a byte.
inline std::string percent_decoded(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() &&
                           std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
                           std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0;
    bytes += is_escape ? static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)) : text[i];
    if (is_escape) i += 2;
  }
  return bytes;
}

}  // namespace detail

/// The proxy for a server: http_proxy, https_proxy or else all_proxy, unless no_proxy lists the
/// host, all of them in lower or upper case. None for this machine, and none of another kind than
/// HTTP.
/// \param scheme http or https
/// \param authority of a URL: the host, and perhaps a port
inline std::optional<HttpProxy> find_proxy(const std::string& scheme,
                                           const std::string& authority) {
  detail::HostAndPort target = detail::parse_host(authority);
  if (target.port < 0) target.port = scheme == "https" ? 443 : 80;
  if (detail::is_loopback(target.host) || detail::is_without_proxy(target)) return std::nullopt;
  std::string url = detail::from_environment(scheme + "_proxy");
  if (url.empty()) url = detail::from_environment("all_proxy");
  const std::size_t colon = url.find("://");
  if (colon != url.npos) {
    if (detail::lower_case(url.substr(0, colon)) != "http") return std::nullopt;
    url.erase(0, colon + 3);
  }
  url.erase(std::min(url.find('/'), url.size()));
  HttpProxy proxy;
  if (const std::size_t at = url.rfind('@'); at != url.npos) {
    const std::string user = url.substr(0, at);
    const std::size_t end = std::min(user.find(':'), user.size());
    proxy.user = detail::percent_decoded(user.substr(0, end));
    proxy.password = detail::percent_decoded(user.substr(std::min(end + 1, user.size())));
    url.erase(0, at + 1);
  }
  const detail::HostAndPort parts = detail::parse_host(url);
  if (parts.host.empty()) return std::nullopt;
  proxy.host = parts.host;
  if (parts.port > 0) proxy.port = parts.port;
  return proxy;
}

}  // namespace example
