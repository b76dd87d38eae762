// SPDX-License-Identifier: Apache-2.0
// What all connections to the API server share.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "core/result.hpp"
#include "kubernetes/bearer_token.hpp"
#include "kubernetes/credentials.hpp"
#include "kubernetes/times.hpp"

namespace caprock::kubernetes {

/// Control-plane thread.
class ApiServer {
 public:
  /// Refuses certificates and keys that are none.
  static Result<std::shared_ptr<ApiServer>> create(Credentials credentials,
                                                   const Times& times = {});

  const Credentials& credentials() const { return credentials_; }
  const Times& times() const { return times_; }
  const std::string& url() const { return url_; }
  BearerToken& token() { return token_; }
  boost::asio::ssl::context& tls() { return tls_; }

 private:
  ApiServer(Credentials credentials, const Times& times, boost::asio::ssl::context tls);

  Credentials credentials_;
  Times times_;
  std::string url_;
  BearerToken token_;
  boost::asio::ssl::context tls_;
};

}  // namespace caprock::kubernetes
