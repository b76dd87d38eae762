// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/server_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace caprock::kubernetes {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

/// Takes the host from the front of "host:port", "[::1]:port", with or without a port.
std::string_view take_host(std::string_view& authority) {
  const bool bracketed = authority.starts_with('[');
  const auto end = std::min(authority.find(bracketed ? ']' : ':'), authority.size());
  const auto host = authority.substr(0, end).substr(bracketed ? 1 : 0);
  authority.remove_prefix(std::min(bracketed ? end + 1 : end, authority.size()));
  return host;
}

}  // namespace

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code == std::errc{} && stop == text.data() + text.size() && port != 0) return port;
  return Error(fmt::format("\"{}\" is not a port", text));
}

Status take_server_url(std::string_view url, Credentials& credentials) {
  const auto refuse = [&] {
    return Error(fmt::format("\"{}\" is not a server: write it as https://10.0.0.1:6443", url));
  };
  std::string_view rest = url;
  credentials.tls = rest.starts_with(kHttps);
  if (!credentials.tls && !rest.starts_with(kHttp)) return refuse();
  rest.remove_prefix(credentials.tls ? kHttps.size() : kHttp.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  std::string_view path = rest.substr(slash);
  while (path.ends_with('/'))
    path.remove_suffix(1);
  credentials.path = path;
  credentials.host = take_host(authority);
  credentials.port = credentials.tls ? 443 : 80;
  if (credentials.host.empty() || credentials.host.find('@') != std::string::npos) return refuse();
  if (authority.empty()) return {};
  if (!authority.starts_with(':')) return refuse();
  const auto port = parse_port(authority.substr(1));
  if (!port) return refuse();
  credentials.port = *port;
  return {};
}

std::string host_and_port(const Credentials& credentials) {
  const bool v6 = credentials.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", credentials.host, v6 ? "]" : "", credentials.port);
}

std::string server_url(const Credentials& credentials) {
  return fmt::format("{}{}{}", credentials.tls ? kHttps : kHttp, host_and_port(credentials),
                     credentials.path);
}

}  // namespace caprock::kubernetes
