// SPDX-License-Identifier: Apache-2.0
#include "export/datagram_owners.hpp"

#include <algorithm>
#include <utility>

namespace caprock::exporting {
namespace {

/// A packet and what is told of its socket are looked at by different clocks of one moment.
constexpr std::int64_t kSlackNs = 1'000'000;

bool holds_at(const Tenure& tenure, std::int64_t time_ns) {
  return tenure.open() || time_ns < tenure.end_ns + kSlackNs;
}

FlowEnd wildcard(const FlowEnd& end) {
  FlowEnd any{.address = {}, .port = end.port};
  if (is_ipv4(end.address)) any.address[10] = any.address[11] = std::byte{0xff};
  return any;
}

}  // namespace

void DatagramOwners::take(const SocketEvent& event) {
  if (event.type == "bind") bind(event);
  if (event.type == "open") find_open(event);
  if (event.type == "closed") close(event);
}

/// From the narrowest to the widest.
std::array<DatagramOwners::Socket, 4> DatagramOwners::candidates(std::uint64_t network,
                                                                 const FlowEnd& local,
                                                                 const FlowEnd& remote) {
  return {Socket{network, local, remote}, Socket{network, local, {}},
          Socket{network, wildcard(local), {}}, Socket{network, {.port = local.port}, {}}};
}

DatagramOwners::Socket DatagramOwners::socket_of(const SocketEvent& event) {
  const bool connected = !is_unspecified(event.flow->destination.address);
  return {event.network, event.flow->source, connected ? event.flow->destination : FlowEnd{}};
}

/// The first packet of a socket may come a little before it is told.
void DatagramOwners::bind(const SocketEvent& event) {
  Tenures& tenures = sockets_[socket_of(event)];
  const std::int64_t slack_ns = tenures.empty() ? kSlackNs : 0;
  hold(tenures, {.process = event.process, .begin_ns = event.time_ns - slack_ns});
}

/// The same process as before nothing was told: it had the socket all the time. One of which
/// nothing was told has been there since events are.
void DatagramOwners::find_open(const SocketEvent& event) {
  const Socket socket = socket_of(event);
  if (has_wider(socket, event.process.pid)) return;
  Tenures& tenures = sockets_[socket];
  if (!tenures.empty() && tenures.back().process.pid == event.process.pid &&
      (tenures.back().open() || tenures.back().end_ns == interrupted_ns_)) {
    tenures.back().end_ns = INT64_MAX;
    return;
  }
  hold(tenures,
       {.process = event.process, .begin_ns = tenures.empty() ? resumed_ns_ : event.time_ns});
}

/// Whether it may be a socket that was told when it was not yet connected: as that it is told as
/// closed.
bool DatagramOwners::has_wider(const Socket& socket, std::uint32_t pid) const {
  const auto all = candidates(socket.network, socket.local, socket.remote);
  return std::ranges::any_of(all, [&](const Socket& candidate) {
    const auto found = candidate == socket ? sockets_.end() : sockets_.find(candidate);
    if (found == sockets_.end() || found->second.empty()) return false;
    return found->second.back().open() && found->second.back().process.pid == pid;
  });
}

/// A socket may have been connected since it was bound: its end is told with more than its begin.
void DatagramOwners::close(const SocketEvent& event) {
  const Socket socket = socket_of(event);
  for (const Socket& candidate : candidates(socket.network, socket.local, socket.remote)) {
    const auto found = sockets_.find(candidate);
    if (found == sockets_.end() || found->second.empty()) continue;
    const Tenure& last = found->second.back();
    if (last.open() && last.process.pid == event.process.pid)
      return end(found->second, event.time_ns);
  }
}

void DatagramOwners::hold(Tenures& tenures, Tenure tenure) {
  if (tenure.begin_ns < needed_from_ns_) tenures.clear();
  of_process_[tenure.process.pid].insert(&tenures);
  tenures.push_back(std::move(tenure));
}

void DatagramOwners::end(Tenures& tenures, std::int64_t time_ns) {
  tenures.back().end_ns = time_ns;
  if (!holds_at(tenures.back(), needed_from_ns_)) tenures.clear();
}

void DatagramOwners::exit(std::uint32_t pid, std::int64_t time_ns) {
  const auto sockets = of_process_.extract(pid);
  if (sockets.empty()) return;
  for (Tenures* const tenures : sockets.mapped()) {
    if (!tenures->empty() && tenures->back().open() && tenures->back().process.pid == pid)
      end(*tenures, time_ns);
  }
}

void DatagramOwners::interrupt(std::int64_t end_ns, std::int64_t begin_ns) {
  interrupted_ns_ = end_ns;
  resumed_ns_ = begin_ns;
  for (auto& [socket, tenures] : sockets_) {
    if (!tenures.empty() && tenures.back().open()) tenures.back().end_ns = end_ns;
  }
}

/// Those of a process are looked up anew, as they point to what may be gone.
std::size_t DatagramOwners::forget(std::int64_t needed_from_ns) {
  needed_from_ns_ = needed_from_ns;
  of_process_.clear();
  std::size_t kept = 0;
  for (auto& [socket, tenures] : sockets_) {
    exporting::forget(tenures, needed_from_ns, needed_from_ns - kSlackNs);
    kept += tenures.size();
  }
  std::erase_if(sockets_, [](const auto& socket) { return socket.second.empty(); });
  for (auto& [socket, tenures] : sockets_)
    of_process_[tenures.back().process.pid].insert(&tenures);
  return kept;
}

std::set<std::uint64_t> DatagramOwners::networks() const {
  std::set<std::uint64_t> networks;
  for (const auto& [socket, tenures] : sockets_)
    networks.insert(networks.end(), socket.network);
  return networks;
}

const Process* DatagramOwners::of(std::uint64_t network, const FlowEnd& local,
                                  const FlowEnd& remote, std::int64_t time_ns) const {
  const Tenure* narrowest = nullptr;
  for (const Socket& socket : candidates(network, local, remote)) {
    const auto found = sockets_.find(socket);
    if (found == sockets_.end()) continue;
    const Tenure* const tenure = begun_at(found->second, time_ns);
    if (tenure == nullptr || !holds_at(*tenure, time_ns)) continue;
    if (narrowest == nullptr) narrowest = tenure;
    if (tenure->process.pid != narrowest->process.pid && tenure->begin_ns > narrowest->begin_ns)
      return nullptr;
  }
  return narrowest == nullptr ? nullptr : &narrowest->process;
}

}  // namespace caprock::exporting
