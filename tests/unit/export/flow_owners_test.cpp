// SPDX-License-Identifier: Apache-2.0
#include "export/flow_owners.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"
#include "told_event.hpp"

using namespace caprock;
using namespace caprock::exporting;
using test::tell;
using namespace std::string_view_literals;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'700'000'000 * kSecond;
constexpr const char* kFlow = "TCP 10.0.0.1:4000 > [fd00::2]:80";
constexpr const char* kAnyDns = "UDP 0.0.0.0:53 > 0.0.0.0:0";

FlowEnd end_of(const std::string& address, std::uint16_t port) {
  FlowEnd end{.address = {}, .port = port};
  const std::string text = (address.find(':') == address.npos ? "::ffff:" : "") + address;
  REQUIRE(inet_pton(AF_INET6, text.c_str(), end.address.data()) == 1);
  return end;
}

Flow flow() {
  return {IPPROTO_TCP, end_of("10.0.0.1", 4000), end_of("fd00::2", 80)};
}

/// Of the process whose the connection is; 0: not known.
std::uint32_t pid_at(const FlowOwners& owners, std::int64_t time_ns) {
  const Process* process = owners.of(flow(), time_ns);
  return process == nullptr ? 0 : process->pid;
}

/// Of the process that is known to have the socket `address`:`port` for packets from and to the
/// remote end; 0: none.
std::uint32_t udp_owner(const FlowOwners& owners, const std::string& address, std::uint16_t port,
                        std::int64_t time_ns = kNow + kSecond,
                        const FlowEnd& remote = end_of("192.0.2.9", 999)) {
  const Process* process = owners.of({IPPROTO_UDP, end_of(address, port), remote}, time_ns);
  return process == nullptr ? 0 : process->pid;
}

/// The host has namespace 1 with 10.0.0.1 and fd00::1, a container 2 with 10.0.0.2.
FlowOwners two_namespaces() {
  FlowOwners owners;
  tell(owners, kNow - 10, {.event = "begin"});
  tell(owners, kNow - 9,
       {.event = "addresses",
        .network = "1",
        .addresses = "10.0.0.1 fd00::1 127.0.0.1 ::1",
        .own_network = true});
  tell(owners, kNow - 8,
       {.event = "addresses", .network = "2", .addresses = "127.0.0.1 ::1 10.0.0.2"});
  return owners;
}

}  // namespace

TEST_CASE("owners: a connection belongs to its process from its handshake on") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .flow = kFlow, .latency_ns = "5000000"});
  CHECK(owners.of(flow(), kNow - kSecond) == nullptr);
  const Process* owner = owners.of(flow(), kNow - 5'000'000);
  REQUIRE(owner != nullptr);
  CHECK(owner->pid == 7);
  CHECK(owner->tid == 9);
  CHECK(owner->comm == "curl");
  CHECK(owners.of(flow(), kNow + 1000 * kSecond) == owner);
  CHECK(owners.of(flow().reversed(), kNow) == nullptr);
}

TEST_CASE(
    "owners: the first packet of a connection is its process's also where its event is late") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .flow = kFlow, .latency_ns = "50000"});
  CHECK(owners.of(flow(), kNow - 9'000'000) != nullptr);
}

TEST_CASE("owners: the next connection of the same ports is the next owner's") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .flow = kFlow, .latency_ns = "0"});
  tell(owners, kNow + kSecond, {.event = "closed", .flow = kFlow});
  tell(owners, kNow + 60 * kSecond,
       {.event = "established", .pid = "8", .flow = kFlow, .latency_ns = "0"});
  CHECK(owners.of(flow(), kNow + 59 * kSecond)->pid == 7);
  CHECK(owners.of(flow(), kNow + 60 * kSecond)->pid == 8);
}

TEST_CASE("owners: the next connection of the same ports may be told by its end alone") {
  for (const char* event : {"open", "closed"}) {
    FlowOwners owners;
    tell(owners, kNow, {.event = "established", .flow = kFlow, .latency_ns = "0"});
    tell(owners, kNow + kSecond, {.event = "closed", .flow = kFlow});
    tell(owners, kNow + 60 * kSecond, {.event = event, .pid = "8", .flow = kFlow});
    CHECK(owners.of(flow(), kNow + kSecond - 1)->pid == 7);
    CHECK(owners.of(flow(), kNow + 59 * kSecond)->pid == 8);
  }
}

TEST_CASE("owners: the last packets of a connection are not the next one's of the same ports") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .flow = kFlow, .latency_ns = "0"});
  tell(owners, kNow + kSecond, {.event = "closed", .flow = kFlow});
  tell(owners, kNow + kSecond + 4'000'000,
       {.event = "established", .pid = "8", .flow = kFlow, .latency_ns = "0"});
  CHECK(owners.of(flow(), kNow + kSecond - 1'000'000)->pid == 7);
  CHECK(owners.of(flow(), kNow + kSecond + 1'000'000)->pid == 8);
}

TEST_CASE("owners: of what began before the events its end tells, or the inventory, or accept") {
  for (const char* event : {"open", "closed", "accept"}) {
    FlowOwners owners;
    tell(owners, kNow, {.event = event, .flow = kFlow});
    REQUIRE(owners.of(flow(), kNow - 1000 * kSecond) != nullptr);
  }
}

TEST_CASE("owners: who accepts a connection has it from its beginning, in the listener's place") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .pid = "7", .flow = kFlow});
  tell(owners, kNow + 5 * kSecond, {.event = "accept", .pid = "8", .flow = kFlow});
  CHECK(owners.of(flow(), kNow)->pid == 8);
  CHECK(owners.of(flow(), kNow + 9 * kSecond)->pid == 8);
}

TEST_CASE("owners: who accepts a connection does not get the one of the same ports before it") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .pid = "7", .flow = kFlow});
  tell(owners, kNow + kSecond, {.event = "closed", .pid = "7", .flow = kFlow});
  tell(owners, kNow + 60 * kSecond, {.event = "accept", .pid = "8", .flow = kFlow});
  CHECK(owners.of(flow(), kNow)->pid == 7);
  CHECK(owners.of(flow(), kNow + 60 * kSecond)->pid == 8);
}

TEST_CASE(
    "owners: while no agent tells, a connection stays its process's only if it is found again") {
  for (const char* pid : {"7", "8"}) {
    FlowOwners owners;
    tell(owners, kNow, {.event = "established", .pid = "7", .flow = kFlow, .latency_ns = "0"});
    tell(owners, kNow + kSecond, {.event = "end"});
    tell(owners, kNow + 5 * kSecond, {.event = "begin"});
    CHECK(pid_at(owners, kNow) == 7);
    CHECK(pid_at(owners, kNow + 2 * kSecond) == 0);
    CHECK(pid_at(owners, kNow + 6 * kSecond) == 0);
    tell(owners, kNow + 7 * kSecond, {.event = "open", .pid = pid, .flow = kFlow});
    CHECK(pid_at(owners, kNow) == 7);
    CHECK(pid_at(owners, kNow + 2 * kSecond) == (pid == "7"sv ? 7 : 0));
    CHECK(pid_at(owners, kNow + 8 * kSecond) == (pid == "7"sv ? 7 : 8));
  }
}

TEST_CASE(
    "owners: of a connection that ended while no agent told, the next one's packets are not") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .pid = "7", .flow = kFlow, .latency_ns = "0"});
  tell(owners, kNow + kSecond, {.event = "closed", .pid = "7", .flow = kFlow});
  tell(owners, kNow + 2 * kSecond, {.event = "exec", .pid = "50"});  // then the agent is killed
  tell(owners, kNow + 9 * kSecond, {.event = "begin"});
  CHECK(pid_at(owners, kNow + 2 * kSecond - 1) == 7);
  CHECK(pid_at(owners, kNow + 3 * kSecond) == 0);
  tell(owners, kNow + 9 * kSecond + 1, {.event = "accept", .pid = "8", .flow = kFlow});
  CHECK(pid_at(owners, kNow + 9 * kSecond - 1) == 0);
  CHECK(pid_at(owners, kNow + 10 * kSecond) == 8);
}

TEST_CASE("owners: what is found when events begin again was not there before, for all one knows") {
  for (const char* event : {"open", "closed", "accept"}) {
    FlowOwners owners;
    tell(owners, kNow, {.event = "begin"});
    tell(owners, kNow + kSecond, {.event = event, .flow = kFlow});
    CHECK(pid_at(owners, kNow - 1) == 0);
    CHECK(pid_at(owners, kNow) == 7);
  }
}

TEST_CASE("owners: what ended before or while no agent told is forgotten like any other") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .flow = kFlow, .latency_ns = "0"});
  tell(owners, kNow + kSecond, {.event = "end"});
  tell(owners, kNow + 2 * kSecond, {.event = "begin"});
  CHECK(owners.forget(kNow + 1000 * kSecond) == 0);
}

TEST_CASE("owners: a connect that nobody answers is its process's from its first SYN on") {
  FlowOwners owners;
  const auto again = [&](std::int64_t time_ns, const char* pid) {
    tell(owners, time_ns, {.event = "retransmit", .pid = pid, .flow = kFlow, .reason = "SYN"});
  };
  again(kNow + kSecond + 50'000'000, "7");
  again(kNow + 3 * kSecond, "7");
  CHECK(pid_at(owners, kNow - kSecond) == 0);
  for (int second : {0, 1, 2, 3, 7})
    CHECK(pid_at(owners, kNow + second * kSecond) == 7);
  tell(owners, kNow + 8 * kSecond,
       {.event = "failed", .pid = "7", .flow = kFlow, .latency_ns = "8000000000"});
  again(kNow + 10 * kSecond, "8");
  CHECK(pid_at(owners, kNow) == 7);
  CHECK(pid_at(owners, kNow + 8 * kSecond) == 7);
  CHECK(pid_at(owners, kNow + 9 * kSecond) == 8);
  tell(owners, kNow + 11 * kSecond,
       {.event = "established", .pid = "8", .flow = kFlow, .latency_ns = "2500000000"});
  CHECK(pid_at(owners, kNow + 8 * kSecond + 500'000'000) == 8);
  CHECK(pid_at(owners, kNow + 12 * kSecond) == 8);
}

TEST_CASE("owners: what is sent again on a connection says nothing of when it began") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "retransmit", .flow = kFlow, .reason = "fast"});
  CHECK(pid_at(owners, kNow) == 0);
}

TEST_CASE("owners: a connect that came to nothing is forgotten when it is over") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "failed", .flow = kFlow, .latency_ns = "0"});
  CHECK(owners.forget(kNow + 1000 * kSecond) == 0);
}

TEST_CASE("owners: what is no statement about a connection is passed over") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .pid = "", .flow = kFlow});
  tell(owners, kNow, {.event = "drop", .flow = kFlow});
  tell(owners, kNow, {.event = "established", .flow = "UDP 10.0.0.1:4000 > [fd00::2]:80"});
  tell(owners, kNow, {.event = "established", .flow = "SCTP 10.0.0.1:4000 > [fd00::2]:80"});
  tell(owners, kNow, {.event = "established", .flow = "TCP nonsense > 1"});
  tell(owners, kNow, {.event = "established", .flow = "TCP [:1 > ]:2"});
  tell(owners, kNow, {.event = "established"});
  tell(owners, kNow, {.event = "established", .flow = kFlow, .layer = ""});
  CHECK(owners.of(flow(), kNow) == nullptr);
}

TEST_CASE("owners: TCP and UDP of the same ports are told apart") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow,
       {.event = "open", .pid = "7", .flow = "TCP 10.0.0.1:53 > 192.0.2.9:999", .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53) == 0);
  tell(owners, kNow, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53) == 8);
  CHECK(owners.of({IPPROTO_TCP, end_of("10.0.0.1", 53), end_of("192.0.2.9", 999)}, kNow)->pid == 7);
}

TEST_CASE("owners: a wildcard of two namespaces is told apart by the addresses they have") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "11", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow, {.event = "bind", .pid = "12", .flow = kAnyDns, .network = "2"});
  CHECK(udp_owner(owners, "10.0.0.1", 53) == 11);
  CHECK(udp_owner(owners, "10.0.0.2", 53) == 12);
  CHECK(udp_owner(owners, "10.0.0.1", 54) == 0);
}

TEST_CASE("owners: a remote server's port is not the local one of the same number") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "11", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow, {.event = "bind", .flow = "UDP [::]:53 > [::]:0", .network = "2"});
  for (const char* remote : {"8.8.8.8", "2001:db8::1", "255.255.255.255", "224.0.0.251", "0.0.0.0"})
    CHECK(udp_owner(owners, remote, 53) == 0);
}

TEST_CASE("owners: an IPv6 wildcard takes IPv4 as well, where no IPv4 one does") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "6", .flow = "UDP [::]:53 > [::]:0", .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53) == 6);
  CHECK(udp_owner(owners, "fd00::1", 53) == 6);
  CHECK(udp_owner(owners, "10.0.0.2", 53) == 0);
  tell(owners, kNow, {.event = "bind", .pid = "4", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53) == 4);
  CHECK(udp_owner(owners, "fd00::1", 53) == 6);
}

TEST_CASE("owners: an IPv4 wildcard takes no IPv6") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "fd00::1", 53) == 0);
}

TEST_CASE("owners: a connected socket comes before a bound one, that before a wildcard") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "1", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow,
       {.event = "bind", .pid = "2", .flow = "UDP 10.0.0.1:53 > 0.0.0.0:0", .network = "1"});
  tell(owners, kNow,
       {.event = "bind", .pid = "3", .flow = "UDP 10.0.0.1:53 > 192.0.2.9:999", .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53) == 3);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow, end_of("192.0.2.9", 998)) == 2);
}

TEST_CASE("owners: a wildcard of another process that is younger than a narrower socket") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow - kSecond,
       {.event = "bind", .pid = "2", .flow = "UDP 10.0.0.1:53 > 192.0.2.9:999", .network = "1"});
  tell(owners, kNow, {.event = "bind", .pid = "1", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow - kSecond / 2) == 2);
  CHECK(udp_owner(owners, "10.0.0.1", 53) == 0);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow, end_of("192.0.2.9", 998)) == 1);
}

TEST_CASE("owners: a socket is its process's from bind to closed, and then the next one's") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + 10 * kSecond,
       {.event = "closed", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + 20 * kSecond, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow - kSecond) == 0);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 10 * kSecond) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 11 * kSecond) == 0);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 20 * kSecond) == 8);
}

TEST_CASE("owners: a later bind of the same end replaces the one before, whose end was not told") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + 20 * kSecond, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + 30 * kSecond,
       {.event = "closed", .pid = "7", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 20 * kSecond - 1) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 40 * kSecond) == 8);
}

TEST_CASE("owners: the end of a socket that was connected after its bind ends the wildcard") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow,
       {.event = "bind", .pid = "7", .flow = "UDP 0.0.0.0:4000 > 0.0.0.0:0", .network = "1"});
  tell(owners, kNow + kSecond,
       {.event = "closed", .pid = "7", .flow = "UDP 10.0.0.1:4000 > 192.0.2.9:53", .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 4000, kNow) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 4000, kNow + 2 * kSecond) == 0);
}

TEST_CASE("owners: with its process a socket ends, another process's does not") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "2"});
  tell(owners, kNow + kSecond, {.event = "exit", .pid = "7"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 2 * kSecond) == 0);
  CHECK(udp_owner(owners, "10.0.0.2", 53, kNow + 2 * kSecond) == 8);
}

TEST_CASE("owners: while no agent tells, a socket stays its process's only if it is found again") {
  FlowOwners owners = two_namespaces();
  const std::string ntp = "UDP 0.0.0.0:123 > 0.0.0.0:0";
  tell(owners, kNow, {.event = "bind", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow, {.event = "bind", .pid = "8", .flow = ntp, .network = "1"});
  tell(owners, kNow + kSecond, {.event = "end"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 2 * kSecond) == 0);
  tell(owners, kNow + 5 * kSecond, {.event = "begin"});
  tell(owners, kNow + 6 * kSecond, {.event = "open", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + 6 * kSecond, {.event = "open", .pid = "9", .flow = ntp, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 2 * kSecond) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 123, kNow) == 8);
  CHECK(udp_owner(owners, "10.0.0.1", 123, kNow + 2 * kSecond) == 0);
  CHECK(udp_owner(owners, "10.0.0.1", 123, kNow + 7 * kSecond) == 9);
}

TEST_CASE("owners: of an agent that was killed the last event is the end of what is known") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + kSecond, {.event = "exec", .pid = "50"});
  tell(owners, kNow + 5 * kSecond, {.event = "begin"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + kSecond) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 2 * kSecond) == 0);
}

TEST_CASE("owners: a socket that was open before the agent is its process's since events begin") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow + kSecond, {.event = "open", .pid = "7", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow - kSecond) == 0);
}

TEST_CASE(
    "owners: a socket that is told again, without a begin in the record, has been there ever "
    "since") {
  FlowOwners owners;
  tell(owners, kNow,
       {.event = "addresses", .network = "1", .addresses = "10.0.0.1", .own_network = true});
  tell(owners, kNow + 300 * kSecond, {.event = "open", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + kSecond) == 7);
  tell(owners, kNow + 310 * kSecond,
       {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + 900 * kSecond,
       {.event = "open", .pid = "8", .flow = kAnyDns, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 305 * kSecond) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 900 * kSecond) == 8);
}

TEST_CASE("owners: a namespace that is gone has no address any more, and another one may have it") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .flow = kAnyDns, .network = "2"});
  tell(owners, kNow + 10 * kSecond, {.event = "addresses", .network = "2"});
  tell(owners, kNow + 20 * kSecond,
       {.event = "addresses", .network = "3", .addresses = "10.0.0.2"});
  tell(owners, kNow + 20 * kSecond, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "3"});
  CHECK(udp_owner(owners, "10.0.0.2", 53, kNow + 9 * kSecond) == 7);
  CHECK(udp_owner(owners, "10.0.0.2", 53, kNow + 15 * kSecond) == 0);
  CHECK(udp_owner(owners, "10.0.0.2", 53, kNow + 21 * kSecond) == 8);
}

TEST_CASE(
    "owners: a socket that was connected after its bind is told as open again, and closed once") {
  FlowOwners owners = two_namespaces();
  const std::string connected = "UDP 10.0.0.1:53 > 10.0.0.9:4000";
  tell(owners, kNow, {.event = "bind", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + 60 * kSecond, {.event = "open", .flow = connected, .network = "1"});
  tell(owners, kNow + 90 * kSecond, {.event = "closed", .flow = connected, .network = "1"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 89 * kSecond) == 7);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 91 * kSecond) == 0);
}

TEST_CASE("owners: a connection over the loopback of another namespace is none of the host's") {
  FlowOwners owners = two_namespaces();
  const std::string local = "TCP 127.0.0.1:40000 > 127.0.0.1:9000";
  const Flow flow{IPPROTO_TCP, end_of("127.0.0.1", 40000), end_of("127.0.0.1", 9000)};
  tell(owners, kNow, {.event = "established", .pid = "1", .flow = local, .network = "1"});
  tell(owners, kNow + kSecond, {.event = "established", .pid = "2", .flow = local, .network = "2"});
  const Process* owner = owners.of(flow, kNow + 2 * kSecond);
  REQUIRE(owner != nullptr);
  CHECK(owner->pid == 1);
}

TEST_CASE("owners: an address that several namespaces have tells none") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .flow = kAnyDns, .network = "2"});
  CHECK(udp_owner(owners, "10.0.0.2", 53) == 7);
  tell(owners, kNow, {.event = "addresses", .network = "3", .addresses = "10.0.0.2"});
  CHECK(udp_owner(owners, "10.0.0.2", 53) == 0);
  tell(owners, kNow, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "3"});
  CHECK(udp_owner(owners, "10.0.0.2", 53) == 0);
}

TEST_CASE("owners: where a packet was dropped says nothing of whose its addresses are") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "bind", .flow = kAnyDns, .network = "5"});
  for (const char* event : {"drop", "bad-checksum"})
    tell(owners, kNow, {.event = event, .flow = "UDP 10.0.0.5:1 > 10.0.0.6:2", .network = "5"});
  CHECK(udp_owner(owners, "10.0.0.5", 53) == 0);
}

TEST_CASE("owners: the last list of a namespace's addresses counts, from its time on") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .flow = kAnyDns, .network = "2"});
  tell(owners, kNow + 60 * kSecond,
       {.event = "addresses", .network = "2", .addresses = "10.0.0.3 fe80::3"});
  CHECK(udp_owner(owners, "10.0.0.2", 53, kNow + 59 * kSecond) == 7);
  CHECK(udp_owner(owners, "10.0.0.2", 53, kNow + 60 * kSecond) == 0);
  CHECK(udp_owner(owners, "10.0.0.3", 53, kNow + 60 * kSecond) == 7);
}

TEST_CASE("owners: a socket's own address tells its namespace, unless a list does") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "bind", .flow = kAnyDns, .network = "5"});
  CHECK(udp_owner(owners, "10.0.0.5", 53) == 0);
  tell(owners, kNow,
       {.event = "established", .flow = "TCP 10.0.0.5:1 > 10.0.0.6:2", .network = "5"});
  CHECK(udp_owner(owners, "10.0.0.5", 53) == 7);
  CHECK(udp_owner(owners, "10.0.0.6", 53) == 0);
  tell(owners, kNow, {.event = "addresses", .network = "5", .addresses = "10.0.0.7"});
  tell(owners, kNow,
       {.event = "established", .flow = "TCP 8.8.8.8:1 > 10.0.0.6:2", .network = "5"});
  CHECK(udp_owner(owners, "10.0.0.5", 53) == 0);
  CHECK(udp_owner(owners, "8.8.8.8", 53) == 0);
  CHECK(udp_owner(owners, "10.0.0.7", 53) == 7);
}

TEST_CASE("owners: an address of loopback is the host's, where it is known which one that is") {
  const std::string local = "UDP 127.0.0.1:53 > 0.0.0.0:0";
  const std::string local6 = "UDP [::]:53 > [::]:0";
  FlowOwners unknown;
  tell(unknown, kNow, {.event = "bind", .pid = "1", .flow = local, .network = "2"});
  CHECK(udp_owner(unknown, "127.0.0.1", 53) == 0);
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "2", .flow = local, .network = "2"});
  CHECK(udp_owner(owners, "127.0.0.1", 53) == 0);
  tell(owners, kNow, {.event = "bind", .pid = "1", .flow = local, .network = "1"});
  tell(owners, kNow, {.event = "bind", .pid = "6", .flow = local6, .network = "1"});
  CHECK(udp_owner(owners, "127.0.0.1", 53) == 1);
  CHECK(udp_owner(owners, "::1", 53) == 6);
}

TEST_CASE("owners: more than there is memory for are refused, unless most are over by then") {
  std::vector<std::byte> events;
  for (int i = 0; i < 40; ++i) {
    const std::string flow = "TCP 10.0.0.1:" + std::to_string(1000 + i) + " > 10.0.0.2:80";
    const std::int64_t begin_ns = kNow + 2 * i * kSecond;
    test::append_event(events, begin_ns, {.event = "established", .flow = flow});
    test::append_event(events, begin_ns + kSecond, {.event = "closed", .flow = flow});
  }
  test::SegmentBuilder segment(1, 0, {{"eth0", ""}});
  segment.raw_run({SourceKind::kEvents, 0, 1}, events, kNow);
  const test::TemporaryFile file(test::ring_of({segment}));
  const auto view = store::RingView::open(file.path());
  REQUIRE(view);
  const auto all = FlowOwners::read(*view, kNow, kNow + 100 * kSecond, 20);
  REQUIRE_FALSE(all);
  CHECK(all.error().message().starts_with("the processes of more than 10 connections"));
  CHECK(FlowOwners::read(*view, kNow + 600 * kSecond, kNow + 700 * kSecond, 20));
}

TEST_CASE("owners: what was over before it is needed is not kept, what goes on is") {
  FlowOwners owners(kNow + 600 * kSecond);
  tell(owners, kNow, {.event = "addresses", .network = "1", .addresses = "10.0.0.1"});
  tell(owners, kNow, {.event = "bind", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow, {.event = "established", .flow = kFlow});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 700 * kSecond) == 7);
  CHECK(owners.of(flow(), kNow + 700 * kSecond) != nullptr);
  tell(owners, kNow + kSecond, {.event = "closed", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + kSecond, {.event = "closed", .flow = kFlow});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow) == 0);
  CHECK(owners.of(flow(), kNow) == nullptr);
}

TEST_CASE("owners: what is over is forgotten, what is not stays known") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "2"});
  tell(owners, kNow, {.event = "established", .pid = "9", .flow = kFlow, .latency_ns = "0"});
  CHECK(owners.forget(kNow + 1000 * kSecond) == 3);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 1000 * kSecond) == 7);
  CHECK(udp_owner(owners, "127.0.0.1", 53, kNow + 1000 * kSecond) == 7);
  CHECK(udp_owner(owners, "10.0.0.2", 53, kNow + 1000 * kSecond) == 8);
  CHECK(owners.of(flow(), kNow + 1000 * kSecond)->pid == 9);

  const std::int64_t end_ns = kNow + 1001 * kSecond;
  tell(owners, end_ns, {.event = "closed", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, end_ns, {.event = "exit", .pid = "8"});
  tell(owners, end_ns, {.event = "closed", .pid = "9", .flow = kFlow});
  CHECK(udp_owner(owners, "10.0.0.1", 53, end_ns + kSecond) == 0);
  CHECK(udp_owner(owners, "10.0.0.2", 53, end_ns + kSecond) == 0);
  CHECK(owners.forget(end_ns + kSecond) == 1);
  CHECK(owners.of(flow(), end_ns + kSecond)->pid == 9);  // its last packets come behind its end
  CHECK(owners.forget(end_ns + 1000 * kSecond) == 0);
  CHECK(owners.of(flow(), end_ns + 1000 * kSecond) == nullptr);
}

TEST_CASE("owners: a socket that is bound anew is known, and ends with its process, as before") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "7", .flow = kAnyDns, .network = "1"});
  tell(owners, kNow + kSecond, {.event = "closed", .pid = "7", .flow = kAnyDns, .network = "1"});
  owners.forget(kNow + 2 * kSecond);
  tell(owners, kNow + 3 * kSecond, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "1"});
  owners.forget(kNow + 4 * kSecond);
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 4 * kSecond) == 8);
  tell(owners, kNow + 5 * kSecond, {.event = "exit", .pid = "7"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 6 * kSecond) == 8);
  tell(owners, kNow + 7 * kSecond, {.event = "exit", .pid = "8"});
  CHECK(udp_owner(owners, "10.0.0.1", 53, kNow + 8 * kSecond) == 0);
}

TEST_CASE("owners: an address that another namespace has now is that one's alone") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow, {.event = "bind", .pid = "8", .flow = kAnyDns, .network = "2"});
  tell(owners, kNow + kSecond, {.event = "addresses", .network = "2"});
  owners.forget(kNow + 10 * kSecond);
  tell(owners, kNow + 11 * kSecond,
       {.event = "addresses", .network = "3", .addresses = "10.0.0.2"});
  tell(owners, kNow + 11 * kSecond, {.event = "bind", .pid = "9", .flow = kAnyDns, .network = "3"});
  CHECK(udp_owner(owners, "10.0.0.2", 53, kNow + 12 * kSecond) == 9);
}

TEST_CASE(
    "owners: an address that was noticed of a namespace is the one's that is told to have it") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow,
       {.event = "bind", .pid = "8", .flow = "UDP 10.0.0.3:53 > 0.0.0.0:0", .network = "3"});
  CHECK(udp_owner(owners, "10.0.0.3", 53, kNow) == 8);
  tell(owners, kNow + 5 * kSecond, {.event = "addresses", .network = "4", .addresses = "10.0.0.3"});
  tell(owners, kNow + 5 * kSecond, {.event = "bind", .pid = "9", .flow = kAnyDns, .network = "4"});
  CHECK(udp_owner(owners, "10.0.0.3", 53, kNow + 6 * kSecond) == 9);
}

TEST_CASE("owners: a namespace that was noticed long ago is known as long as a socket of it is") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow,
       {.event = "bind", .pid = "8", .flow = "UDP 10.0.0.3:53 > 0.0.0.0:0", .network = "3"});
  owners.forget(kNow + 60 * kSecond);
  CHECK(udp_owner(owners, "10.0.0.3", 53, kNow + 61 * kSecond) == 8);
}

TEST_CASE("owners: a namespace that was noticed long ago is forgotten") {
  FlowOwners owners = two_namespaces();
  tell(owners, kNow,
       {.event = "bind", .pid = "8", .flow = "UDP 10.0.0.3:53 > 0.0.0.0:0", .network = "3"});
  tell(owners, kNow + kSecond,
       {.event = "closed", .pid = "8", .flow = "UDP 10.0.0.3:53 > 0.0.0.0:0", .network = "3"});
  owners.forget(kNow + 60 * kSecond);
  tell(owners, kNow + 61 * kSecond,
       {.event = "bind", .pid = "9", .flow = "UDP 10.0.0.3:53 > 0.0.0.0:0", .network = "4"});
  CHECK(udp_owner(owners, "10.0.0.3", 53, kNow + 62 * kSecond) == 9);
}
