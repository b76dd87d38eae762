// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/list_watch.hpp"

#include <fmt/format.h>

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "core/percent_encode.hpp"
#include "kubernetes/json_fields.hpp"
#include "kubernetes/list_splitter.hpp"

namespace caprock::kubernetes {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr unsigned kPageObjects = 500;
constexpr std::size_t kMaxRefusalBytes = 64 << 10;
constexpr auto kShortWatch = std::chrono::seconds(1);

Trouble no_answer(const Error& error) {
  return {.status = 0, .message = error.message()};
}

/// A Status object, as answers and ERROR events carry it.
std::string status_message(const Json& status) {
  return text(status, "message").empty() ? text(status, "reason") : text(status, "message");
}

/// A cache that is behind, or an etcd of which the past is gone. To any other time-out, of a server
/// that has too much to do or of who is in front of it, a list out of etcd would be the wrong
/// answer.
bool lacks_version(const Trouble& trouble) {
  return trouble.status == Trouble::kTimeout &&
         trouble.message.find("Too large resource version") != std::string::npos;
}

}  // namespace

ListWatch::ListWatch(asio::any_io_executor executor, std::shared_ptr<ApiServer> server,
                     Selection selection, ObjectSink& sink)
    : server_(std::move(server)),
      selection_(std::move(selection)),
      sink_(sink),
      connection_(executor, server_),
      pause_(executor),
      back_off_(server_->times().retry_least, server_->times().retry_most) {}

void ListWatch::stop() {
  stopped_ = true;
  connection_.close();
  pause_.cancel();
}

asio::awaitable<void> ListWatch::run() {
  while (!stopped_) {
    const auto began = Clock::now();
    MaybeTrouble trouble;
    if (listed_)
      trouble = co_await watch();
    else
      trouble = co_await list();
    if (stopped_) co_return;
    if (state_.error.empty() && Clock::now() - began >= server_->times().settled) back_off_.reset();
    if (trouble) co_await recover(*std::move(trouble));
  }
}

asio::awaitable<void> ListWatch::recover(Trouble trouble) {
  if (trouble.status == Trouble::kUnauthorized && server_->token().renew(connection_.token()))
    co_return;
  note(trouble);
  connection_.close();
  pause_.expires_after(pause_after(trouble));
  co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void ListWatch::note(const Trouble& trouble) {
  state_.error = trouble.message;
  if (trouble.status == Trouble::kGone || lacks_version(trouble))
    from_etcd_ = !std::exchange(listed_, false);
  if (trouble.status != Trouble::kGone)
    report_error(fmt::format("kubernetes: {}: {}", selection_.resource, trouble.message));
}

ListWatch::Ms ListWatch::pause_after(const Trouble& trouble) {
  if (trouble.status == Trouble::kForbidden) return back_off_.jittered(server_->times().forbidden);
  return trouble.retry_after + back_off_.next();
}

asio::awaitable<ListWatch::MaybeTrouble> ListWatch::list() {
  sink_.list_begins();
  std::string page;
  do {
    if (auto trouble = co_await list_page(page)) co_return trouble;
    if (stopped_) co_return std::nullopt;
  } while (!page.empty() && !selection_.only_new);
  listed_ = true;
  from_etcd_ = false;
  state_.error.clear();
  state_.synced = true;
  state_.heard_ns = monotonic_ns();
  sink_.list_ends();
  co_return std::nullopt;
}

asio::awaitable<ListWatch::MaybeTrouble> ListWatch::list_page(std::string& page) {
  if (auto trouble = co_await ask("list", list_target(page), server_->times().answer))
    co_return trouble;
  ListSplitter splitter([this](const Json& item) -> Status {
    if (!selection_.only_new) sink_.listed(item);
    return {};
  });
  for (;;) {
    const auto piece = co_await connection_.read();
    if (stopped_) co_return std::nullopt;
    if (!piece) co_return no_answer(piece.error());
    if (piece->empty()) break;
    if (const Status fed = splitter.feed(*piece); !fed) co_return no_answer(fed.error());
  }
  const auto frame = splitter.finish();
  if (!frame) co_return no_answer(frame.error());
  const auto& metadata = field(*frame, "metadata");
  if (page.empty()) version_ = text(metadata, "resourceVersion");
  page = text(metadata, "continue");
  if (version_.empty()) co_return Trouble{.status = 0, .message = "the list has no version"};
  co_return std::nullopt;
}

asio::awaitable<ListWatch::MaybeTrouble> ListWatch::watch() {
  const auto duration = std::chrono::duration_cast<std::chrono::seconds>(
      back_off_.jittered(2 * server_->times().watch));
  const auto began = Clock::now();
  if (auto trouble =
          co_await ask("watch", watch_target(duration), duration + server_->times().watch_margin))
    co_return trouble;
  state_.error.clear();
  line_.clear();
  for (;;) {
    const auto piece = co_await connection_.read();
    if (stopped_) co_return std::nullopt;
    if (!piece) co_return no_answer(piece.error());
    if (piece->empty()) break;
    if (auto trouble = take_lines(*piece)) co_return trouble;
  }
  if (Clock::now() - began >= kShortWatch) co_return std::nullopt;
  co_return Trouble{.status = 0, .message = "the API server ended a watch at once"};
}

asio::awaitable<ListWatch::MaybeTrouble> ListWatch::ask(std::string_view verb, std::string target,
                                                        Ms silence) {
  ++state_.requests;
  const Request request{.target = std::move(target), .body = {}, .silence = silence};
  const auto head = co_await connection_.ask(request);
  if (!head) co_return no_answer(head.error());
  if (head->status != 200) co_return co_await refusal(*head, verb);
  co_return std::nullopt;
}

asio::awaitable<Trouble> ListWatch::refusal(AnswerHead head, std::string_view verb) {
  std::string body;
  for (;;) {
    const auto piece = co_await connection_.read();
    if (!piece || piece->empty() || body.size() > kMaxRefusalBytes) break;
    body += *piece;
  }
  const auto why = status_message(Json::parse(body, nullptr, false));
  Trouble trouble{head.status, {}, head.retry_after};
  if (head.status == Trouble::kForbidden)
    trouble.message = fmt::format(
        "may not {0} {1}: allow the ServiceAccount list and watch of {1} "
        "in its ClusterRole ({2})",
        verb, selection_.resource, why);
  else if (head.status == Trouble::kUnauthorized)
    trouble.message = fmt::format("{}: the token or certificate is refused ({}); is it expired?",
                                  server_->url(), why);
  else
    trouble.message =
        fmt::format("{}: {} refused with status {} {}", server_->url(), verb, head.status, why);
  co_return trouble;
}

std::string ListWatch::target() const {
  std::string target = fmt::format("/api/v1/{}?", selection_.resource);
  if (!selection_.field_selector.empty())
    target += fmt::format("fieldSelector={}&", percent_encode(selection_.field_selector));
  return target;
}

/// Version 0: what the server has in its cache, and costs it least; a later version: not older than
/// that. A server without a cache gives the list in pages. A limit beside a later version would
/// mean exactly that version to servers before 1.22, so there is none.
std::string ListWatch::list_target(const std::string& page) const {
  if (selection_.only_new) return target() + "limit=1";
  if (!page.empty())
    return target() + fmt::format("limit={}&continue={}", kPageObjects, percent_encode(page));
  if (from_etcd_) return target() + fmt::format("limit={}", kPageObjects);
  if (version_.empty()) return target() + fmt::format("limit={}&resourceVersion=0", kPageObjects);
  return target() + fmt::format("resourceVersion={}", percent_encode(version_));
}

std::string ListWatch::watch_target(std::chrono::seconds duration) const {
  return target() + fmt::format(
                        "watch=1&allowWatchBookmarks=true&timeoutSeconds={}"
                        "&resourceVersion={}",
                        duration.count(), percent_encode(version_));
}

ListWatch::MaybeTrouble ListWatch::take_lines(std::string_view piece) {
  for (auto end = piece.find('\n'); end != piece.npos; end = piece.find('\n')) {
    line_ += piece.substr(0, end);
    piece.remove_prefix(end + 1);
    const auto line = std::exchange(line_, {});
    if (auto trouble = take_event(line)) return trouble;
  }
  line_ += piece;
  if (line_.size() <= kMaxObjectBytes) return std::nullopt;
  return Trouble{.status = 0, .message = "an event of the watch is too long"};
}

ListWatch::MaybeTrouble ListWatch::take_event(std::string_view line) {
  const auto event = Json::parse(line, nullptr, false);
  const auto type = text(event, "type");
  const auto& object = field(event, "object");
  if (!object.is_object()) return Trouble{.status = 0, .message = "a watch's event is not JSON"};
  if (type == "ERROR") return Trouble{number<unsigned>(object, "code"), status_message(object)};
  if (type == "ADDED" || type == "MODIFIED") sink_.changed(object);
  if (type == "DELETED") sink_.gone(object);
  state_.heard_ns = monotonic_ns();
  if (auto version = text(field(object, "metadata"), "resourceVersion"); !version.empty())
    version_ = std::move(version);
  return std::nullopt;
}

}  // namespace caprock::kubernetes
