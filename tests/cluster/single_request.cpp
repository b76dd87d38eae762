// SPDX-License-Identifier: Apache-2.0
// Asks the API server once, as caprock does it: single_request KUBECONFIG METHOD TARGET [BODY]
// prints the answer's status and, from the second line on, its body.
#include "kubernetes/single_request.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

using namespace caprock;
using namespace caprock::kubernetes;

namespace {

Result<Answer> ask(const std::filesystem::path& kubeconfig, Request request) {
  const auto credentials = kubeconfig_credentials(kubeconfig);
  if (!credentials) return credentials.error();
  auto server = ApiServer::create(*credentials);
  if (!server) return server.error();
  boost::asio::io_context context{1};
  Result<Answer> answer = Error("nothing came of it");
  const auto run = [&]() -> boost::asio::awaitable<void> {
    answer = co_await single_request(*server, std::move(request));
  };
  boost::asio::co_spawn(context, run(), boost::asio::detached);
  context.run();
  return answer;
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) {
    fmt::print(stderr, "usage: single_request KUBECONFIG METHOD TARGET [BODY]\n");
    return 2;
  }
  const auto answer = ask(words[1], {.method = boost::beast::http::string_to_verb(words[2]),
                                     .target = words[3],
                                     .body = count > 4 ? words[4] : ""});
  if (!answer) {
    fmt::print(stderr, "{}\n", answer.error().message());
    return 1;
  }
  fmt::print("{}\n{}\n", answer->status, answer->body);
  return 0;
}
