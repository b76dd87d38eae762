// SPDX-License-Identifier: Apache-2.0
#include "http/session.hpp"

#include <fmt/format.h>

#include <optional>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "core/log.hpp"
#include "http/chunked_writer.hpp"
#include "http/router.hpp"
#include "http/target.hpp"

namespace caprock::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// What to tell a client whose request could not be read; nothing where it has gone or was too
/// slow.
std::optional<Response> refusal_of(const boost::system::error_code& failed) {
  using beast::http::error;
  static const boost::system::error_code protocol_error = make_error_code(error::bad_target);
  if (failed == error::header_limit) return problem(431, "the request's head is too long");
  if (failed == error::unexpected_body || failed == error::body_limit)
    return problem(413, "the request's body is too long");
  if (failed.category() != protocol_error.category() || failed == error::end_of_stream ||
      failed == error::partial_message)
    return std::nullopt;
  return problem(400, fmt::format("not an HTTP request: {}", failed.message()));
}

template <class Message>
void fill_head(Message& message, const RawRequest& request, const Response& response) {
  message.version(request.version());
  message.result(response.status);
  message.set(beast::http::field::content_type, response.content_type);
  message.set(beast::http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers)
    message.set(name, value);
  message.keep_alive(request.keep_alive());
}

struct StreamResult {
  Status done;
  unsigned status = 500;  // to answer with, where it failed before the first byte
};

/// Counts a stream for as long as it lives.
class StreamSlot {
 public:
  explicit StreamSlot(std::size_t& streams) : streams_(streams) { ++streams_; }
  StreamSlot(const StreamSlot&) = delete;
  StreamSlot& operator=(const StreamSlot&) = delete;
  ~StreamSlot() { --streams_; }

 private:
  std::size_t& streams_;
};

asio::awaitable<StreamResult> run_stream(const Response& response, StreamWriter& writer) {
  try {
    if (response.check) {
      if (Status checked = response.check(); !checked) co_return StreamResult{checked, 400};
    }
    co_return StreamResult{response.stream(writer)};
  } catch (const std::exception& failure) {  // no memory, no thread
    co_return StreamResult{Error(failure.what())};
  }
}

/// That a client has seen enough, or that a stop does not wait for an export, is no error.
void log_broken_off(const Error& why, bool expected) {
  const std::string line = fmt::format("http: stream broken off: {}", why.message());
  if (expected) return log_debug(line);
  report_error(line);
}

}  // namespace

Session::Session(Stream stream, SessionContext& context, Access access, unsigned port)
    : stream_(std::move(stream)), context_(context), access_(access), port_(port) {}

void Session::close() {
  stream_.close();
}

asio::awaitable<void> Session::run() {
  bool again = true;
  while (again && !context_.end.forced)
    again = co_await serve_one();
  stream_.close();
}

asio::awaitable<void> Session::turn_away() {
  RawRequest request;
  request.keep_alive(false);
  co_await send(request, problem(503, "too many connections, try again later"));
  stream_.close();
}

asio::awaitable<bool> Session::serve_one() {
  beast::http::request_parser<beast::http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(context_.limits.header_bytes));
  parser.body_limit(context_.limits.body_bytes);
  stream_.expires_after(context_.limits.idle);
  const auto [failed, size] = co_await beast::http::async_read(stream_, buffer_, parser, kTuple);
  if (failed) {
    RawRequest request;
    request.keep_alive(false);
    if (auto refusal = refusal_of(failed)) co_await send(request, std::move(*refusal));
    co_return false;
  }
  RawRequest request = parser.release();
  Response response = co_await answer(request);
  if (response.stream && request.method() != beast::http::verb::head)
    co_return co_await send_stream(request, std::move(response));
  co_return co_await send(request, std::move(response));
}

asio::awaitable<Response> Session::answer(RawRequest& raw) const {
  if (port_ != 0 && !is_local_host(raw[beast::http::field::host], port_))
    co_return problem(421, "the Host header must be localhost, 127.0.0.1 or [::1], with the port");
  auto target = parse_target(raw.target());
  if (!target) co_return problem(400, "the request's target is not a path");
  const std::string_view method = raw.method_string();
  const auto found = find_route(context_.routes, access_, method, target->path);
  if (const auto* refusal = std::get_if<Response>(&found)) co_return *refusal;
  if (!raw.body().empty() && method != "PATCH") {
    raw.keep_alive(false);
    co_return problem(413, fmt::format("{} with a body is not taken", method));
  }
  const Request request{std::string(method), std::move(target->path), std::move(target->query),
                        std::move(raw.body())};
  try {
    co_return co_await std::get<const Route*>(found)->handler(request);
  } catch (const std::exception& failure) {
    report_error(fmt::format("http: {}: {}", request.path, failure.what()));
    co_return problem(500, failure.what());
  }
}

asio::awaitable<bool> Session::send(const RawRequest& request, Response response) {
  const bool head_only = request.method() == beast::http::verb::head;
  beast::http::response<beast::http::string_body> message;
  fill_head(message, request, response);
  if (!response.stream) message.content_length(response.body.size());
  if (!head_only) message.body() = std::move(response.body);
  stream_.expires_after(context_.limits.idle);
  beast::http::response_serializer<beast::http::string_body> serializer(message);
  auto [failed, size] = co_await beast::http::async_write_header(stream_, serializer, kTuple);
  if (!failed && !head_only)
    std::tie(failed, size) = co_await beast::http::async_write(stream_, serializer, kTuple);
  co_return !failed && message.keep_alive();
}

asio::awaitable<bool> Session::send_stream(const RawRequest& request, Response response) {
  if (context_.streams >= context_.limits.streams)
    co_return co_await send(request, problem(503, "too many exports and tails, try again later"));
  if (context_.end.asked)
    co_return co_await send(request, problem(503, "the agent is stopping, try again later"));
  const StreamSlot slot(context_.streams);
  ResponseHead message;
  fill_head(message, request, response);
  const bool chunked = request.version() >= 11;
  message.chunked(chunked);
  message.keep_alive(chunked && request.keep_alive());
  ChunkedWriter writer(stream_, std::move(message), context_.limits.stalled, context_.end);
  const auto [done, status] =
      co_await asio::co_spawn(context_.workers, run_stream(response, writer), asio::use_awaitable);
  if (done) co_return co_await writer.finish() && chunked&& request.keep_alive();
  if (!writer.head_sent())
    co_return co_await send(request, problem(status, done.error().message()));
  log_broken_off(done.error(), writer.client_gone() || context_.end.asked);
  co_return false;
}

}  // namespace caprock::http
