// SPDX-License-Identifier: Apache-2.0
#include "export/connection_owners.hpp"

#include <algorithm>

namespace caprock::exporting {
namespace {

/// A handshake begins before its end is told; of one that was accepted nobody knows how long.
constexpr std::int64_t kHandshakeNs = 1'000'000'000;
/// An event that is told late is told with the time of the one before: a virtual CPU may have been
/// stopped in between.
constexpr std::int64_t kSlackNs = 10'000'000;

/// The first time a second behind the SYN, as exactly as timers of the kernel go.
constexpr std::int64_t kSynAgainNs = 1'200'000'000;

bool is_syn_again(const SocketEvent& event) {
  return event.type == "retransmit" && event.reason == "SYN";
}

std::int64_t handshake_ns(const SocketEvent& event) {
  if (is_syn_again(event)) return kSynAgainNs;
  return event.latency_ns ? *event.latency_ns + kSlackNs : kHandshakeNs;
}

/// Not while the one of the same ends before it was still there.
std::int64_t begin_of(const SocketEvent& event, const Tenures& before) {
  const std::int64_t begin_ns = event.time_ns - handshake_ns(event);
  return before.empty() || before.back().open() ? begin_ns
                                                : std::max(begin_ns, before.back().end_ns);
}

/// While no agent told events: the connection may have ended, and another one have its ends.
bool is_gap(const Tenure& tenure) {
  return tenure.process.pid == 0;
}

bool is_same(const Process& one, const Process& other) {
  return one.pid == other.pid && one.comm == other.comm;
}

}  // namespace

void ConnectionOwners::take(const SocketEvent& event) {
  if (event.type == "open") return find(event);
  if (event.type == "closed") return close(event);
  if (event.type == "accept") return accept(event);
  if (event.type == "established" || event.type == "failed" || is_syn_again(event)) begin(event);
  if (event.type == "failed") connections_[*event.flow].back().end_ns = event.time_ns;
}

/// Of the same connect more may have been told before.
void ConnectionOwners::begin(const SocketEvent& event) {
  Tenures& tenures = connections_[*event.flow];
  std::int64_t begin_ns = INT64_MAX;
  if (!tenures.empty() && tenures.back().open() && is_same(tenures.back().process, event.process)) {
    begin_ns = tenures.back().begin_ns;
    tenures.pop_back();
  }
  tenures.push_back(
      {.process = event.process, .begin_ns = std::min(begin_ns, begin_of(event, tenures))});
}

void ConnectionOwners::accept(const SocketEvent& event) {
  Tenures& tenures = connections_[*event.flow];
  if (tenures.empty())
    tenures.push_back(since_told(event.process));
  else if (tenures.back().open())
    tenures.back().process = event.process;
  else
    tenures.push_back({.process = event.process, .begin_ns = begin_of(event, tenures)});
}

/// Of a connection about which nothing was told before: it has been there since events are told,
/// who knows since when if that is not known either.
Tenure ConnectionOwners::since_told(const Process& process) const {
  return {.process = process, .begin_ns = resumed_ns_};
}

/// The connection is there. The same process as before nothing was told: it had it all the time.
void ConnectionOwners::find(const SocketEvent& event) {
  Tenures& tenures = connections_[*event.flow];
  if (tenures.empty()) return tenures.push_back(since_told(event.process));
  if (!is_gap(tenures.back())) return find_next(event, tenures);
  if (tenures.size() > 1) {
    Tenure& before = tenures[tenures.size() - 2];
    if (before.end_ns == tenures.back().begin_ns && is_same(before.process, event.process)) {
      before.end_ns = INT64_MAX;
      return tenures.pop_back();
    }
  }
  tenures.push_back({.process = event.process, .begin_ns = event.time_ns});
}

/// Of a connection that is over the ends may have another one, of which the begin was not told.
void ConnectionOwners::find_next(const SocketEvent& event, Tenures& tenures) {
  const Tenure& before = tenures.back();
  if (before.open() || event.time_ns <= before.end_ns + kSlackNs) return;
  tenures.push_back({.process = event.process, .begin_ns = before.end_ns});
}

/// The end of a connection tells its owner only where nothing before it did.
void ConnectionOwners::close(const SocketEvent& event) {
  if (event.time_ns < needed_from_ns_ - kLingerNs) {
    connections_.erase(*event.flow);
    return;
  }
  find(event);
  connections_[*event.flow].back().end_ns = event.time_ns;
}

void ConnectionOwners::interrupt(std::int64_t end_ns, std::int64_t begin_ns) {
  resumed_ns_ = begin_ns;
  for (auto& [flow, tenures] : connections_) {
    if (!is_gap(tenures.back())) {
      if (tenures.back().open()) tenures.back().end_ns = end_ns;
      tenures.push_back({.process = {}, .begin_ns = end_ns});
    }
    tenures.back().end_ns = begin_ns;
  }
}

std::size_t ConnectionOwners::forget(std::int64_t needed_from_ns) {
  needed_from_ns_ = needed_from_ns;
  std::size_t kept = 0;
  for (auto& [flow, tenures] : connections_) {
    exporting::forget(tenures, needed_from_ns, needed_from_ns - kLingerNs);
    kept += tenures.size();
  }
  std::erase_if(connections_, [](const auto& connection) { return connection.second.empty(); });
  return kept;
}

const Process* ConnectionOwners::of(const Flow& flow, std::int64_t time_ns) const {
  const auto found = connections_.find(flow);
  const Tenure* tenure = found == connections_.end() ? nullptr : begun_at(found->second, time_ns);
  return tenure == nullptr || is_gap(*tenure) ? nullptr : &tenure->process;
}

}  // namespace caprock::exporting
