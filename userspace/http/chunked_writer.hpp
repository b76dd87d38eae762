// SPDX-License-Identifier: Apache-2.0
// The stream of a response's body from a worker thread to the connection, at the client's pace.
#pragma once

#include <atomic>
#include <chrono>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "http/listener.hpp"
#include "http/message.hpp"

namespace caprock::http {

using Stream = boost::beast::basic_stream<Protocol>;
using ResponseHead = boost::beast::http::response<boost::beast::http::empty_body>;

/// What a server tells its streams when it ends; set by the control plane.
struct StreamEnd {
  std::atomic<bool> asked = false;   // those that have no end of their own are to end now
  std::atomic<bool> forced = false;  // nothing is sent any more
};

/// Sends the head with the first piece, so that an error before it can still be answered as such.
/// write() and open() belong to the worker thread, everything else to the control plane; the worker
/// waits for the control plane's turn.
class ChunkedWriter final : public StreamWriter {
 public:
  ChunkedWriter(Stream& stream, ResponseHead head, std::chrono::seconds stalled,
                const StreamEnd& end);

  bool write(Bytes bytes) override;
  bool open() override;

  bool head_sent() const { return head_sent_; }

  /// The client went, or took nothing for too long: the writer had nobody to write to.
  bool client_gone() const { return client_gone_; }

  /// Ends the body: what was written is all of it.
  boost::asio::awaitable<bool> finish();

 private:
  /// Runs `work` on the control plane and waits for what it says; false when the server stops
  /// meanwhile.
  bool on_control_plane(boost::asio::awaitable<bool> work);
  boost::asio::awaitable<bool> send(Bytes bytes);
  boost::asio::awaitable<bool> send_head();
  boost::asio::awaitable<bool> peer_is_there();

  Stream& stream_;
  ResponseHead head_;
  std::chrono::seconds stalled_;
  const StreamEnd& end_;
  bool head_sent_ = false;
  bool client_gone_ = false;
};

}  // namespace caprock::http
