// SPDX-License-Identifier: Apache-2.0
#include "http/chunked_writer.hpp"

#include <sys/socket.h>

#include <future>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>

namespace caprock::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

ChunkedWriter::ChunkedWriter(Stream& stream, ResponseHead head, std::chrono::seconds stalled,
                             const StreamEnd& end)
    : stream_(stream), head_(std::move(head)), stalled_(stalled), end_(end) {}

bool ChunkedWriter::write(Bytes bytes) {
  return bytes.empty() || on_control_plane(send(bytes));
}

bool ChunkedWriter::open() {
  return !end_.asked && on_control_plane(peer_is_there());
}

bool ChunkedWriter::on_control_plane(asio::awaitable<bool> work) {
  constexpr auto kStopCheck = std::chrono::milliseconds(50);
  if (end_.forced) return false;
  auto answer = asio::co_spawn(stream_.get_executor(), std::move(work), asio::use_future);
  // When the server stops, the control plane's thread waits for this one and takes no turns.
  while (answer.wait_for(kStopCheck) == std::future_status::timeout)
    if (end_.forced) return false;
  client_gone_ = !answer.get();
  return !client_gone_;
}

asio::awaitable<bool> ChunkedWriter::send(Bytes bytes) {
  if (!head_sent_) {
    const bool sent = co_await send_head();
    if (!sent) co_return false;
  }
  stream_.expires_after(stalled_);
  const asio::const_buffer buffer(bytes.data(), bytes.size());
  if (head_.chunked()) {
    const auto [failed, sent] =
        co_await asio::async_write(stream_, beast::http::make_chunk(buffer), kTuple);
    co_return !failed;
  }
  const auto [failed, sent] = co_await asio::async_write(stream_, buffer, kTuple);
  co_return !failed;
}

asio::awaitable<bool> ChunkedWriter::send_head() {
  stream_.expires_after(stalled_);
  beast::http::response_serializer<beast::http::empty_body> serializer(head_);
  const auto [failed, sent] = co_await beast::http::async_write_header(stream_, serializer, kTuple);
  head_sent_ = true;
  co_return !failed;
}

asio::awaitable<bool> ChunkedWriter::finish() {
  if (!head_sent_) {
    const bool sent = co_await send_head();
    if (!sent) co_return false;
  }
  if (!head_.chunked()) co_return true;
  const auto [failed, sent] =
      co_await asio::async_write(stream_, beast::http::make_chunk_last(), kTuple);
  co_return !failed;
}

asio::awaitable<bool> ChunkedWriter::peer_is_there() {
  char byte = 0;
  const auto got =
      ::recv(stream_.socket().native_handle(), &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  co_return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace caprock::http
