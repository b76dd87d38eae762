// SPDX-License-Identifier: Apache-2.0
#include "agent/own_daemon_set.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "agent/cluster_settings.hpp"
#include "core/log.hpp"
#include "kubernetes/single_request.hpp"

namespace caprock::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 2s;  // for each step of a request
constexpr auto kPause = 10s;    // after one that came to nothing
constexpr unsigned kOk = 200, kUnauthorized = 401, kForbidden = 403, kNotFound = 404;

bool is_refusal(unsigned status) {
  return status == kUnauthorized || status == kForbidden || status == kNotFound;
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_deleting(const std::string& body) {
  const auto object = nlohmann::json::parse(body, nullptr, false);
  return object.is_object() && object.contains("metadata") &&
         object["metadata"].contains("deletionTimestamp");
}

}  // namespace

OwnDaemonSet::OwnDaemonSet(const config::Agent& settings) {
  const std::string name = environment("CAPROCK_DAEMONSET");
  const std::string place = environment("POD_NAMESPACE");
  if (name.empty() || place.empty()) return;
  auto credentials = api_credentials(settings);
  if (!credentials) return;  // the cluster's follower tells
  auto server = kubernetes::ApiServer::create(*std::move(credentials),
                                              {.connect = kPatience, .answer = kPatience});
  if (!server) return;
  server_ = *std::move(server);
  target_ = fmt::format("/apis/apps/v1/namespaces/{}/daemonsets/{}", place, name);
}

boost::asio::awaitable<unsigned> OwnDaemonSet::ask() {
  kubernetes::Request request;
  request.target = target_;
  request.silence = kPatience;
  const auto answer = co_await kubernetes::single_request(server_, std::move(request));
  if (!answer) co_return 0U;
  if (answer->status == kOk) {
    seen_ = true;
    deleting_ = is_deleting(answer->body);
  }
  co_return answer->status;
}

boost::asio::awaitable<void> OwnDaemonSet::look() {
  if (!server_) co_return;
  boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
  unsigned status = co_await ask();
  while (status != kOk && !is_refusal(status)) {  // the server is away
    pause.expires_after(kPause);
    co_await pause.async_wait(boost::asio::use_awaitable);
    status = co_await ask();
  }
  if (!seen_)
    log_warning(fmt::format(
        "{} is not to be seen ({}): a stop leaves the programs to the next agent, also when it is "
        "uninstalled; give the service account the verb get on it",
        target_, status));
}

boost::asio::awaitable<bool> OwnDaemonSet::is_going() {
  if (!server_) co_return false;
  const unsigned status = co_await ask();
  if (status == kOk) co_return deleting_;
  co_return status == kNotFound || (is_refusal(status) && seen_);
}

}  // namespace caprock::agent
