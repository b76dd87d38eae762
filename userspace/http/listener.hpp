// SPDX-License-Identifier: Apache-2.0
// Opening the sockets that the server listens on.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "core/endpoint.hpp"
#include "core/result.hpp"

namespace caprock::http {

/// Unix and TCP alike.
using Protocol = boost::asio::generic::stream_protocol;
using Acceptor = boost::asio::basic_socket_acceptor<Protocol>;

/// The endpoint as the kernel wants it.
Protocol::endpoint socket_endpoint(const Endpoint& endpoint);

/// Binds and listens. A Unix socket gets mode 0600 and its directory is made; one that a dead
/// server left behind is removed, a live one's is not. Addresses that other hosts can reach are
/// refused.
Result<Acceptor> listen(const boost::asio::any_io_executor& executor, const Endpoint& endpoint);

}  // namespace caprock::http
