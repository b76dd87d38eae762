// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace caprock::http {
namespace {

constexpr std::array<std::string_view, 3> kLocalNames = {"localhost", "127.0.0.1", "[::1]"};

Response wrong_method(std::string_view allowed, std::string_view method, std::string_view path) {
  Response response = problem(405, fmt::format("{} does not take {}", path, method));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace

std::variant<const Route*, Response> find_route(std::span<const Route> routes, Access granted,
                                                std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  std::string allowed;
  for (const auto& route : routes) {
    if (route.path != path) continue;
    if (route.access > granted)
      return problem(403, fmt::format("{} is served on the agent's Unix socket only", path));
    if (route.method == method) return &route;
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", route.method);
    if (route.method == "GET") allowed += ", HEAD";
  }
  if (!allowed.empty()) return wrong_method(allowed, method, path);
  return problem(404, fmt::format("there is no {}", path));
}

bool is_local_host(std::string_view host, unsigned port) {
  constexpr unsigned kDefaultPort = 80;
  const auto matches = [&](std::string_view name) {
    return host == fmt::format("{}:{}", name, port) || (port == kDefaultPort && host == name);
  };
  return std::any_of(kLocalNames.begin(), kLocalNames.end(), matches);
}

}  // namespace caprock::http
