// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/connection.hpp"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "core/quantity.hpp"
#include "kubernetes/inflater.hpp"
#include "kubernetes/server_url.hpp"
#include "kubernetes/tls_context.hpp"

namespace caprock::kubernetes {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

using Tcp = beast::tcp_stream;
using Tls = beast::ssl_stream<beast::tcp_stream>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPieceBytes = 16 << 10;  // a TLS record
constexpr std::uint32_t kMaxHeaderBytes = 64 << 10;
constexpr milliseconds kMaxRetryAfter = std::chrono::minutes(2);

/// A peer that vanished is noticed after a minute, also while a watch has nothing to say.
void set_keep_alive(int socket) {
  const auto set = [socket](int level, int option, int value) {
    ::setsockopt(socket, level, option, &value, sizeof value);  // the connection does without
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

std::string reason(const error_code& failed, milliseconds limit) {
  if (failed == beast::error::timeout)
    return fmt::format("nothing within {}", format_duration(limit));
  return failed.message();
}

/// Of the two forms only the seconds: Kubernetes sends no dates.
milliseconds retry_after(std::string_view text) {
  unsigned seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::min<milliseconds>(std::chrono::seconds(seconds), kMaxRetryAfter);
}

using Endpoints = asio::ip::tcp::resolver::results_type;

/// A name is looked up by a thread of Asio's, for as long as resolv.conf says. In a pod the server
/// is an address, which needs none.
asio::awaitable<std::pair<error_code, Endpoints>> resolve(const asio::any_io_executor& executor,
                                                          const Credentials& credentials) {
  const auto port = std::to_string(credentials.port);
  error_code no_address;
  const auto address = asio::ip::make_address(credentials.host, no_address);
  if (!no_address)
    co_return std::pair(error_code(),
                        Endpoints::create({address, credentials.port}, credentials.host, port));
  asio::ip::tcp::resolver resolver(executor);
  auto [failed, endpoints] = co_await resolver.async_resolve(credentials.host, port, kTuple);
  co_return std::pair(failed, std::move(endpoints));
}

http::request<http::string_body> message(const Request& request, const Credentials& credentials,
                                         const std::string& token) {
  http::request<http::string_body> message(request.method, credentials.path + request.target, 11);
  message.set(http::field::host, host_and_port(credentials));
  message.set(http::field::user_agent, "caprock/" CAPROCK_VERSION);
  message.set(http::field::accept, "application/json");
  message.set(http::field::accept_encoding, "gzip");
  if (!token.empty()) message.set(http::field::authorization, "Bearer " + token);
  if (!request.body.empty()) {
    message.set(http::field::content_type, "application/json");
    message.body() = request.body;
  }
  message.prepare_payload();
  return message;
}

}  // namespace

struct Connection::Transport {
  Transport(const asio::any_io_executor& executor, ApiServer& server)
      : stream(server.credentials().tls
                   ? std::variant<Tcp, Tls>(std::in_place_type<Tls>, executor, server.tls())
                   : std::variant<Tcp, Tls>(std::in_place_type<Tcp>, executor)) {}

  Tcp& lowest() {
    return std::visit([](auto& any) -> Tcp& { return beast::get_lowest_layer(any); }, stream);
  }

  std::variant<Tcp, Tls> stream;
  beast::flat_buffer buffer;  // what was received and not looked at yet
};

/// An answer that is being read.
struct Connection::Answer {
  http::response_parser<http::buffer_body> parser;
  milliseconds silence{0};
  std::array<char, kPieceBytes> received;
  std::string_view rest;  // of `received`, not inflated yet
  std::optional<Inflater> inflater;
  std::array<char, 4 * kPieceBytes> inflated;
  bool more = false;  // the inflater may have more without more input
};

Connection::Connection(asio::any_io_executor executor, std::shared_ptr<ApiServer> server)
    : executor_(std::move(executor)), server_(std::move(server)) {}

Connection::~Connection() = default;

Error Connection::failure(std::string_view what) const {
  return Error(fmt::format("{}: {}", server_->url(), what));
}

void Connection::close() {
  closed_ = true;
  if (transport_) transport_->lowest().close();
}

asio::awaitable<Status> Connection::open() {
  const auto& credentials = server_->credentials();
  const auto [unknown, endpoints] = co_await resolve(executor_, credentials);
  if (unknown) co_return failure(unknown.message());
  if (closed_) co_return failure("given up");
  const auto limit = server_->times().connect;
  transport_ = std::make_unique<Transport>(executor_, *server_);
  transport_->lowest().expires_after(limit);
  auto [failed, endpoint] = co_await transport_->lowest().async_connect(endpoints, kTuple);
  if (failed) co_return failure("no connection: " + reason(failed, limit));
  set_keep_alive(transport_->lowest().socket().native_handle());
  if (!credentials.tls) co_return Status();
  co_return co_await shake_hands();
}

asio::awaitable<Status> Connection::shake_hands() {
  const auto limit = server_->times().connect;
  auto& stream = std::get<Tls>(transport_->stream);
  if (Status set = expect_server(stream.native_handle(), server_->credentials()); !set)
    co_return failure(set.error().message());
  transport_->lowest().expires_after(limit);
  auto [failed] = co_await stream.async_handshake(asio::ssl::stream_base::client, kTuple);
  if (failed)
    co_return failure(
        handshake_error(stream.native_handle(), server_->credentials(), reason(failed, limit)));
  co_return Status();
}

asio::awaitable<Result<AnswerHead>> Connection::ask(const Request& request) {
  if (answer_ && !answer_->parser.is_done()) close();
  closed_ = false;
  answer_.reset();
  auto token = server_->token().current();
  if (!token) co_return token.error();
  token_ = *std::move(token);
  if (!transport_ || !transport_->lowest().socket().is_open())
    if (Status opened = co_await open(); !opened) {
      close();
      co_return opened.error();
    }
  if (closed_) co_return failure("given up");
  auto head = co_await exchange(request);
  if (!head) close();
  co_return head;
}

asio::awaitable<Result<AnswerHead>> Connection::exchange(const Request& request) {
  const auto limit = server_->times().answer;
  const auto sent = message(request, server_->credentials(), token_);
  transport_->lowest().expires_after(limit);
  auto [unsent, written] = co_await std::visit(
      [&](auto& stream) { return http::async_write(stream, sent, kTuple); }, transport_->stream);
  if (unsent) co_return failure("the request was not sent: " + reason(unsent, limit));
  answer_ = std::make_unique<Answer>();
  answer_->silence = request.silence;
  answer_->parser.body_limit(boost::none);
  answer_->parser.header_limit(kMaxHeaderBytes);
  auto [failed, received] = co_await std::visit(
      [&](auto& stream) {
        return http::async_read_header(stream, transport_->buffer, answer_->parser, kTuple);
      },
      transport_->stream);
  bytes_ += received;
  if (failed) co_return failure("no answer: " + reason(failed, limit));
  const auto& head = answer_->parser.get();
  if (beast::iequals(head[http::field::content_encoding], "gzip")) answer_->inflater.emplace();
  co_return AnswerHead{head.result_int(), retry_after(head[http::field::retry_after])};
}

asio::awaitable<Result<std::string_view>> Connection::read() {
  for (;;) {
    if (answer_->inflater && (answer_->more || !answer_->rest.empty())) {
      const auto plain = answer_->inflater->inflate(answer_->rest, answer_->inflated);
      if (!plain) {
        close();
        co_return failure(plain.error().message());
      }
      answer_->more = *plain == answer_->inflated.size();
      if (*plain != 0) co_return std::string_view(answer_->inflated.data(), *plain);
    }
    if (answer_->parser.is_done()) break;
    if (Status received = co_await receive(); !received) {
      close();
      co_return received.error();
    }
    if (!answer_->inflater && !answer_->rest.empty())
      co_return std::exchange(answer_->rest, std::string_view());
  }
  if (!answer_->parser.get().keep_alive()) close();
  if (answer_->inflater && !answer_->inflater->ended()) co_return failure("the answer is cut off");
  co_return std::string_view();
}

asio::awaitable<Status> Connection::receive() {
  auto& body = answer_->parser.get().body();
  body.data = answer_->received.data();
  body.size = answer_->received.size();
  transport_->lowest().expires_after(answer_->silence);
  auto [failed, bytes] = co_await std::visit(
      [&](auto& stream) {
        return http::async_read_some(stream, transport_->buffer, answer_->parser, kTuple);
      },
      transport_->stream);
  bytes_ += bytes;
  answer_->rest = std::string_view(answer_->received.data(),
                                   answer_->received.size() - answer_->parser.get().body().size);
  if (failed && failed != http::error::need_buffer)
    co_return failure("the answer broke off: " + reason(failed, answer_->silence));
  co_return Status();
}

}  // namespace caprock::kubernetes
