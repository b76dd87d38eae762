// SPDX-License-Identifier: Apache-2.0
// Which route serves a request.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "http/message.hpp"

namespace caprock::http {

/// The route, or the problem (403, 404, 405) to answer with. HEAD finds GET's routes.
std::variant<const Route*, Response> find_route(std::span<const Route> routes, Access granted,
                                                std::string_view method, std::string_view path);

/// Whether the Host header is one that a client of this host would send to a listener on `port`: a
/// name that leads a browser here from elsewhere (DNS rebinding) is none.
bool is_local_host(std::string_view host, unsigned port);

}  // namespace caprock::http
