// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/single_request.hpp"

#include <fmt/format.h>

#include <utility>

#include <boost/asio/this_coro.hpp>

#include "kubernetes/json_fields.hpp"

namespace caprock::kubernetes {

boost::asio::awaitable<Result<Answer>> single_request(std::shared_ptr<ApiServer> server,
                                                      Request request) {
  Connection connection(co_await boost::asio::this_coro::executor, server);
  const auto head = co_await connection.ask(request);
  if (!head) co_return head.error();
  Answer answer{head->status, {}};
  for (;;) {
    const auto piece = co_await connection.read();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return answer;
    answer.body += *piece;
    if (answer.body.size() > kMaxObjectBytes)
      co_return Error(fmt::format("{}: the answer is too long", server->url()));
  }
}

}  // namespace caprock::kubernetes
