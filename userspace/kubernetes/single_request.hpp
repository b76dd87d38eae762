// SPDX-License-Identifier: Apache-2.0
// For what is asked once, not followed: TokenReviews, the agent's own DaemonSet.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "core/result.hpp"
#include "kubernetes/api_server.hpp"
#include "kubernetes/connection.hpp"

namespace caprock::kubernetes {

struct Answer {
  unsigned status = 0;
  std::string body;
};

/// On a connection of its own. An answer of any status is an answer; a body of more than 8 MiB is
/// an error. Control-plane thread.
boost::asio::awaitable<Result<Answer>> single_request(std::shared_ptr<ApiServer> server,
                                                      Request request);

}  // namespace caprock::kubernetes
