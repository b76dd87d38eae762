// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

namespace caprock::http {

std::string Request::parameter(const std::string& name, std::string_view fallback) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string(fallback) : found->second;
}

Response problem(unsigned status, std::string_view detail) {
  using nlohmann::ordered_json;
  const std::string title =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  const ordered_json body = {
      {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = body.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  return response;
}

}  // namespace caprock::http
