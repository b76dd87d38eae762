// SPDX-License-Identifier: Apache-2.0
// TLS towards the API server: whom to believe, and who we are.
#pragma once

#include <string>

#include <boost/asio/ssl/context.hpp>

#include "core/result.hpp"
#include "kubernetes/credentials.hpp"

namespace caprock::kubernetes {

Result<boost::asio::ssl::context> make_tls_context(const Credentials& credentials);

/// To be called on each connection before its handshake: the name or address that the certificate
/// has to be for.
Status expect_server(SSL* connection, const Credentials& credentials);

/// Why the handshake failed, and what to do: `reason` where it was not the server's certificate.
std::string handshake_error(const SSL* connection, const Credentials& credentials,
                            const std::string& reason);

}  // namespace caprock::kubernetes
