// SPDX-License-Identifier: Apache-2.0
// Follows one resource: a list, then watches from its version on, for as long as they last; anew
// after trouble. https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "kubernetes/back_off.hpp"
#include "kubernetes/connection.hpp"
#include "kubernetes/object_sink.hpp"
#include "kubernetes/trouble.hpp"

namespace caprock::kubernetes {

/// Which objects.
struct Selection {
  std::string resource;        // "pods", of all namespaces
  std::string field_selector;  // empty: all
  bool only_new = false;       // not those that there are already: no list
};

/// Control-plane thread. Uses one connection. At most one request at a time, each pause between
/// attempts at least Times::retry_least.
class ListWatch {
 public:
  struct State {
    bool synced = false;
    std::string error;  // empty: it is followed
    std::uint64_t requests = 0;
    std::int64_t heard_ns = 0;  // monotonic; 0: never
  };

  /// `sink` must live as long as run() does.
  ListWatch(boost::asio::any_io_executor executor, std::shared_ptr<ApiServer> server,
            Selection selection, ObjectSink& sink);

  /// Returns soon after stop(); then the sink is not called any more.
  boost::asio::awaitable<void> run();
  void stop();

  const State& state() const { return state_; }
  const std::string& resource() const { return selection_.resource; }
  std::uint64_t bytes() const { return connection_.bytes(); }

 private:
  using Ms = std::chrono::milliseconds;
  using MaybeTrouble = std::optional<Trouble>;

  boost::asio::awaitable<MaybeTrouble> list();
  boost::asio::awaitable<MaybeTrouble> list_page(std::string& page);
  boost::asio::awaitable<MaybeTrouble> watch();
  boost::asio::awaitable<MaybeTrouble> ask(std::string_view verb, std::string target, Ms silence);
  boost::asio::awaitable<Trouble> refusal(AnswerHead head, std::string_view verb);
  boost::asio::awaitable<void> recover(Trouble trouble);

  std::string target() const;
  std::string list_target(const std::string& page) const;
  std::string watch_target(std::chrono::seconds duration) const;
  MaybeTrouble take_lines(std::string_view piece);
  MaybeTrouble take_event(std::string_view line);
  void note(const Trouble& trouble);
  Ms pause_after(const Trouble& trouble);

  std::shared_ptr<ApiServer> server_;
  Selection selection_;
  ObjectSink& sink_;
  Connection connection_;
  boost::asio::steady_timer pause_;
  BackOff back_off_;
  State state_;
  std::string version_;     // the last that is known; empty: none
  bool listed_ = false;     // a watch can go on from version_
  bool from_etcd_ = false;  // the server's cache does not have what the next list needs
  std::string line_;        // the beginning of a watch's next event
  bool stopped_ = false;
};

}  // namespace caprock::kubernetes
