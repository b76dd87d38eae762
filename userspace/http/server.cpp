// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <set>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/log.hpp"
#include "http/listener.hpp"
#include "http/session.hpp"

namespace caprock::http {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr auto kEndCheck = std::chrono::milliseconds(10);
constexpr auto kEndPatience = std::chrono::seconds(1);  // a tail looks up every 50 ms

struct Listener {
  Acceptor acceptor;
  Endpoint endpoint;

  Access access() const { return endpoint.is_unix() ? Access::kFull : Access::kPublic; }
};

std::uint16_t bound_port(const Acceptor& acceptor) {
  asio::ip::tcp::endpoint bound;
  const auto local = acceptor.local_endpoint();
  std::memcpy(bound.data(), local.data(), local.size());
  return bound.port();
}

}  // namespace

struct Server::State {
  State(asio::any_io_executor io, std::vector<Route> routes, Limits limits)
      : executor(std::move(io)),
        pool(limits.streams),
        context{std::move(routes), limits, pool.get_executor()} {}

  /// Those of one access take no place of the others'.
  std::size_t sessions_of(Access access) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        sessions, [access](const Session* session) { return session->access() == access; }));
  }

  asio::any_io_executor executor;
  asio::thread_pool pool;
  SessionContext context;
  std::list<Listener> listeners;
  std::set<Session*> sessions;
};

namespace {

/// Keeps the session known to the server while it lives.
template <class State>
class Known {
 public:
  Known(State& state, Session& session) : state_(state), session_(session) {
    state_.sessions.insert(&session_);
  }
  Known(const Known&) = delete;
  Known& operator=(const Known&) = delete;
  ~Known() { state_.sessions.erase(&session_); }

 private:
  State& state_;
  Session& session_;
};

template <class State>
asio::awaitable<void> run_session(std::shared_ptr<State> state, Stream stream, Access access,
                                  unsigned port) {
  const bool crowded = state->sessions_of(access) >= state->context.limits.sessions;
  Session session(std::move(stream), state->context, access, port);
  const Known<State> known(*state, session);
  if (crowded) {
    co_await session.turn_away();
  } else {
    co_await session.run();
  }
}

template <class State>
asio::awaitable<void> accept_loop(std::shared_ptr<State> state, Listener& listener) {
  while (!state->context.end.forced) {
    auto [failed, socket] = co_await listener.acceptor.async_accept(kTuple);
    if (!failed) {
      asio::co_spawn(
          state->executor,
          run_session(state, Stream(std::move(socket)), listener.access(), listener.endpoint.port),
          asio::detached);
    } else if (!state->context.end.forced) {
      report_error(fmt::format("http: {}: {}", listener.endpoint.text(), failed.message()));
      asio::steady_timer pause(state->executor, kAcceptPause);  // out of descriptors, most likely
      co_await pause.async_wait(kTuple);
    }
  }
}

}  // namespace

Server::Server(asio::any_io_executor executor, std::vector<Route> routes, Limits limits)
    : state_(std::make_shared<State>(std::move(executor), std::move(routes), limits)) {}

Server::~Server() {
  stop();
  state_->pool.join();
}

Result<Endpoint> Server::listen(const Endpoint& endpoint) {
  auto acceptor = http::listen(state_->executor, endpoint);
  if (!acceptor) return acceptor.error();
  Endpoint bound = endpoint;
  if (!endpoint.is_unix()) bound.port = bound_port(*acceptor);
  auto& listener = state_->listeners.emplace_back(Listener{*std::move(acceptor), bound});
  asio::co_spawn(state_->executor, accept_loop(state_, listener), asio::detached);
  return bound;
}

asio::awaitable<void> Server::end_streams() {
  const auto deadline = std::chrono::steady_clock::now() + kEndPatience;
  state_->context.end.asked = true;
  asio::steady_timer pause(state_->executor);
  while (state_->context.streams != 0 && std::chrono::steady_clock::now() < deadline) {
    pause.expires_after(kEndCheck);
    co_await pause.async_wait(kTuple);
  }
}

void Server::stop() {
  if (state_->context.end.forced.exchange(true)) return;
  for (auto& listener : state_->listeners) {
    boost::system::error_code ignored;  // there is nothing to be done about it
    listener.acceptor.close(ignored);
    if (listener.endpoint.is_unix()) ::unlink(listener.endpoint.path.c_str());
  }
  for (Session* session : state_->sessions)
    session->close();
}

}  // namespace caprock::http
