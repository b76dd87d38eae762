// SPDX-License-Identifier: Apache-2.0
#include "agent/own_daemon_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "agent/cluster_settings.hpp"
#include "core/log.hpp"
#include "core/percent_encode.hpp"
#include "kubernetes/placement.hpp"

namespace caprock::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 2s;  // for each step of a request
constexpr auto kPause = 10s;    // after one that came to nothing
constexpr auto kRetry = 1s;     // after a refusal that may be none of the uninstall
constexpr auto kInsist = 10s;   // with such, at the most
constexpr int kGraceParts = 3;  // of the time until the kill, one is for that
constexpr unsigned kOk = 200, kUnauthorized = 401, kForbidden = 403, kNotFound = 404;

/// Also for a moment, while keys change or who decides about rights is away.
bool is_without_rights(unsigned status) {
  return status == kUnauthorized || status == kForbidden;
}

bool is_refusal(unsigned status) {
  return is_without_rights(status) || status == kNotFound;
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// How long to ask in spite of refusals, by the time that the kubelet gives the agent for its end.
std::chrono::seconds patience_with_refusals() {
  const int grace_seconds = std::atoi(environment("CAPROCK_GRACE_SECONDS").c_str());
  return std::clamp<std::chrono::seconds>(std::chrono::seconds(grace_seconds / kGraceParts), kRetry,
                                          kInsist);
}

using Json = nlohmann::json;

Json parse(const std::string& body) {
  return Json::parse(body, nullptr, false);
}

bool is_deleting(const Json& object) {
  return object.is_object() && object.contains("metadata") &&
         object["metadata"].contains("deletionTimestamp");
}

/// The only one; null: there is none.
Json item_of(const Json& list) {
  const bool any = list.is_object() && list.contains("items") && list["items"].is_array() &&
                   !list["items"].empty();
  return any ? list["items"].front() : Json();
}

}  // namespace

OwnDaemonSet::OwnDaemonSet(const config::Agent& settings, const std::string& node)
    : settings_(settings) {
  const std::string name = environment("CAPROCK_DAEMONSET");
  const std::string place = environment("POD_NAMESPACE");
  if (name.empty() || place.empty()) return;
  target_ = fmt::format("/apis/apps/v1/namespaces/{}/daemonsets/{}", place, name);
  // As a list of one: the right to list nodes is there anyway.
  node_target_ = "/api/v1/nodes?fieldSelector=" + percent_encode("metadata.name=" + node);
}

/// Why it cannot, the cluster's follower tells.
bool OwnDaemonSet::can_ask() {
  if (server_) return true;
  auto server = api_server(settings_, {.connect = kPatience, .answer = kPatience});
  if (server) server_ = *std::move(server);
  return server_ != nullptr;
}

/// No answer: its status is 0.
boost::asio::awaitable<kubernetes::Answer> OwnDaemonSet::get(const std::string& target) {
  if (!can_ask()) co_return kubernetes::Answer();
  kubernetes::Request request;
  request.target = target;
  request.silence = kPatience;
  auto answer = co_await kubernetes::single_request(server_, std::move(request));
  co_return answer ? *std::move(answer) : kubernetes::Answer();
}

boost::asio::awaitable<kubernetes::Answer> OwnDaemonSet::ask() {
  auto answer = co_await get(target_);
  if (answer.status == kOk) seen_ = true;
  if (answer.status == kUnauthorized) server_.reset();  // so that the token is read again
  co_return answer;
}

/// Where it is uninstalled its account has no rights any more, and that stays so.
boost::asio::awaitable<kubernetes::Answer> OwnDaemonSet::insist() {
  const auto deadline = std::chrono::steady_clock::now() + patience_with_refusals();
  boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
  auto answer = co_await ask();
  while (is_without_rights(answer.status) && seen_ && std::chrono::steady_clock::now() < deadline) {
    pause.expires_after(kRetry);
    co_await pause.async_wait(boost::asio::use_awaitable);
    answer = co_await ask();
  }
  co_return answer;
}

boost::asio::awaitable<void> OwnDaemonSet::look() {
  if (target_.empty()) co_return;
  boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
  unsigned status = (co_await ask()).status;
  while (status != kOk && !is_refusal(status)) {  // the server is away, or the credentials are
    pause.expires_after(kPause);
    co_await pause.async_wait(boost::asio::use_awaitable);
    status = (co_await ask()).status;
  }
  if (!seen_)
    log_warning(fmt::format(
        "{} is not to be seen ({}): a stop leaves the programs to the next agent, also when it is "
        "uninstalled; give the service account the verb get on it",
        target_, status));
}

boost::asio::awaitable<bool> OwnDaemonSet::is_left_out(Json daemon_set) {
  const auto answer = co_await get(node_target_);
  if (answer.status != kOk) co_return false;
  const Json node = item_of(parse(answer.body));
  co_return node.is_object() && !kubernetes::has_place(daemon_set, node);
}

boost::asio::awaitable<std::string> OwnDaemonSet::why_last() {
  if (target_.empty()) co_return "";
  const auto answer = co_await insist();
  if (is_refusal(answer.status) && seen_) co_return "its DaemonSet is gone";
  if (answer.status != kOk) co_return "";
  const Json daemon_set = parse(answer.body);
  if (is_deleting(daemon_set)) co_return "its DaemonSet is being deleted";
  const bool left_out = co_await is_left_out(daemon_set);
  co_return left_out ? "its DaemonSet has no place for this node any more" : "";
}

}  // namespace caprock::agent
