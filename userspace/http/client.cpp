// SPDX-License-Identifier: Apache-2.0
#include "http/client.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <limits>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>

#include "core/endpoint.hpp"
#include "http/listener.hpp"

namespace caprock::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

namespace {

using Socket = Protocol::socket;
using ResponseParser = beast::http::response_parser<beast::http::buffer_body>;

constexpr std::size_t kPieceBytes = 256 << 10;
constexpr std::size_t kMaxProblemBytes = 64 << 10;

Error unreachable(const ServerAddress& server, const error_code& failed) {
  if (failed == boost::system::errc::permission_denied)
    return Error(fmt::format(
        "the agent's socket {} is its owner's alone: {}; run as root, or as the agent's user",
        server.text, failed.message()));
  return Error(fmt::format(
      "no agent at {}: {}; is it running? (systemctl status caprock; elsewhere: --server)",
      server.text, failed.message()));
}

error_code connect(Socket& socket, const ServerAddress& server) {
  error_code failed;
  if (!server.path.empty()) {
    socket.connect(socket_endpoint(Endpoint{.path = server.path, .address = {}, .port = 0}),
                   failed);
    return failed;
  }
  std::string_view host = server.host;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  asio::ip::tcp::resolver resolver(socket.get_executor());
  for (const auto& entry : resolver.resolve(host, server.port, failed)) {
    error_code ignored;  // of a socket that may not be open
    socket.close(ignored);
    socket.connect(entry.endpoint(), failed);
    if (!failed) break;
  }
  return failed;
}

error_code send_request(Socket& socket, const ServerAddress& server, std::string_view method,
                        const Target& target, const std::string& document) {
  beast::http::request<beast::http::string_body> request;
  request.version(11);
  request.method_string(method);
  request.target(format_target(target));
  request.set(beast::http::field::host,
              server.path.empty() ? fmt::format("{}:{}", server.host, server.port) : "localhost");
  request.set(beast::http::field::user_agent, "caprock/" CAPROCK_VERSION);
  request.keep_alive(false);
  if (!document.empty()) {
    request.set(beast::http::field::content_type, "application/merge-patch+json");
    request.body() = document;
    request.prepare_payload();
  }
  error_code failed;
  beast::http::write(socket, request, failed);
  return failed;
}

/// Reads the rest of the body into `sink`.
Status read_body(Socket& socket, beast::flat_buffer& buffer, ResponseParser& parser,
                 const BodySink& sink) {
  std::vector<std::byte> piece(kPieceBytes);
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    error_code failed;
    beast::http::read_some(socket, buffer, parser, failed);
    if (failed && failed != beast::http::error::need_buffer)
      return Error(
          fmt::format("the agent broke off the transfer ({}); caprock status shows its last errors",
                      failed.message()));
    if (Status taken = sink(Bytes(piece.data(), piece.size() - body.size)); !taken) return taken;
  }
  return {};
}

/// The detail of a problem+json, or the status alone.
Error refusal(const ResponseParser& parser, const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object() && json.contains("detail") && json["detail"].is_string())
    return Error(json["detail"].get<std::string>());
  return Error(fmt::format("the agent answered with status {}", parser.get().result_int()));
}

BodySink append_to(std::string& text, std::size_t limit) {
  return [&text, limit](Bytes bytes) -> Status {
    if (text.size() + bytes.size() > limit) return Error("the agent's answer is too long");
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  };
}

/// A client, unlike an agent, knows where it was started: its path may be relative.
std::string from_here(std::string_view path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

}  // namespace

Result<ServerAddress> ServerAddress::parse(std::string_view text) {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kUnix = "unix:";
  const auto refuse = [&] {
    return Error(fmt::format(
        "\"{}\" is not a server: write it as unix:/run/caprock/agent.sock or http://127.0.0.1:8897",
        text));
  };
  if (text.starts_with(kUnix) && text != kUnix) {
    auto endpoint = Endpoint::parse(std::string(kUnix) + from_here(text.substr(kUnix.size())));
    if (!endpoint) return refuse();
    return ServerAddress{std::string(text), std::move(endpoint->path), {}, {}};
  }
  if (!text.starts_with(kHttp)) return refuse();
  auto authority = text.substr(kHttp.size());
  if (authority.ends_with('/')) authority.remove_suffix(1);
  const auto colon = authority.rfind(':');
  if (colon == 0 || colon == authority.npos || authority.find('/') != authority.npos)
    return refuse();
  return ServerAddress{std::string(text),
                       {},
                       std::string(authority.substr(0, colon)),
                       std::string(authority.substr(colon + 1))};
}

Result<std::string> Client::get(const Target& target) const {
  return ask({.method = "GET", .target = target});
}

Status Client::get(const Target& target, const BodySink& sink) const {
  return ask({.method = "GET", .target = target}, sink);
}

Result<std::string> Client::patch(const Target& target, std::string document) const {
  return ask({.method = "PATCH", .target = target, .document = std::move(document)});
}

Result<std::string> Client::ask(const Asked& asked) const {
  constexpr std::size_t kMaxDocumentBytes = 64 << 20;
  std::string body;
  if (const Status got = ask(asked, append_to(body, kMaxDocumentBytes)); !got) return got.error();
  return body;
}

Status Client::ask(const Asked& asked, const BodySink& sink) const {
  asio::io_context context;
  Socket socket(context);
  if (const auto failed = connect(socket, server_)) return unreachable(server_, failed);
  if (const auto failed = send_request(socket, server_, asked.method, asked.target, asked.document))
    return unreachable(server_, failed);
  beast::flat_buffer buffer;
  ResponseParser parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  error_code failed;
  beast::http::read_header(socket, buffer, parser, failed);
  if (failed) return unreachable(server_, failed);
  if (parser.get().result() == beast::http::status::ok)
    return read_body(socket, buffer, parser, sink);
  std::string body;
  const Status read = read_body(socket, buffer, parser, append_to(body, kMaxProblemBytes));
  return read ? refusal(parser, body) : read.error();
}

}  // namespace caprock::http
