// SPDX-License-Identifier: Apache-2.0
// The URL of an API server.
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "kubernetes/credentials.hpp"

namespace caprock::kubernetes {

/// Takes host, port, tls and path from "https://10.0.0.1:6443", "http://[::1]:8080/k8s".
Status take_server_url(std::string_view url, Credentials& credentials);

/// The same back, as it is told in errors.
std::string server_url(const Credentials& credentials);

/// "10.0.0.1:6443", "[::1]:8080".
std::string host_and_port(const Credentials& credentials);

/// A number from 1 to 65535.
Result<std::uint16_t> parse_port(std::string_view text);

}  // namespace caprock::kubernetes
