// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/api_server.hpp"

#include <utility>

#include "kubernetes/server_url.hpp"
#include "kubernetes/tls_context.hpp"

namespace caprock::kubernetes {

ApiServer::ApiServer(Credentials credentials, const Times& times, boost::asio::ssl::context tls)
    : credentials_(std::move(credentials)),
      times_(times),
      url_(server_url(credentials_)),
      token_(credentials_.token, credentials_.token_file, times.token_age),
      tls_(std::move(tls)) {}

Result<std::shared_ptr<ApiServer>> ApiServer::create(Credentials credentials, const Times& times) {
  auto tls = make_tls_context(credentials);
  if (!tls) return tls.error().context(server_url(credentials));
  return std::shared_ptr<ApiServer>(new ApiServer(std::move(credentials), times, *std::move(tls)));
}

}  // namespace caprock::kubernetes
