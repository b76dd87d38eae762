// SPDX-License-Identifier: Apache-2.0
#include "core/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <charconv>
#include <optional>

namespace caprock {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, port);
  if (code != std::errc{} || stop != end) return std::nullopt;
  return port;
}

bool is_address(int family, const std::string& text) {
  in6_addr buffer;
  return ::inet_pton(family, text.c_str(), &buffer) == 1;
}

Result<Endpoint> parse_unix(std::string_view path) {
  if (!path.starts_with('/')) return Error("a Unix socket needs an absolute path");
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return Error(fmt::format("a Unix socket's path is at most {} characters long",
                             sizeof(sockaddr_un::sun_path) - 1));
  return Endpoint{.path = std::string(path), .address = {}, .port = 0};
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Error(fmt::format("\"{}\" is not an address to listen on: {}", text, why));
  };
  if (text.starts_with(kUnixPrefix)) {
    auto endpoint = parse_unix(text.substr(kUnixPrefix.size()));
    return endpoint ? std::move(endpoint) : refuse(endpoint.error().message());
  }
  const auto colon = text.rfind(':');
  const auto port = colon == text.npos ? std::nullopt : parse_port(text.substr(colon + 1));
  if (!port) return refuse("write it as unix:/path, 127.0.0.1:8897 or [::1]:8897");
  std::string host(text.substr(0, colon));
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!is_address(bracketed ? AF_INET6 : AF_INET, host))
    return refuse("the part before the port must be a numeric address, IPv6 in brackets");
  return Endpoint{.path = {}, .address = host, .port = *port};
}

bool Endpoint::is_local() const {
  in6_addr v6;
  if (is_unix() || address.starts_with("127.")) return true;
  return ::inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string Endpoint::text() const {
  if (is_unix()) return fmt::format("{}{}", kUnixPrefix, path);
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address, v6 ? "]" : "", port);
}

}  // namespace caprock
