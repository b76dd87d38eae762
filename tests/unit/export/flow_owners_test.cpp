// SPDX-License-Identifier: Apache-2.0
#include "export/flow_owners.hpp"

#include <arpa/inet.h>

#include <array>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/note.hpp"

using namespace caprock;
using namespace caprock::exporting;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'700'000'000 * kSecond;
constexpr const char* kFlow = "TCP 10.0.0.1:4000 > [fd00::2]:80";

FlowEnd end_of(const char* address, std::uint16_t port) {
  FlowEnd end{.address = {}, .port = port};
  REQUIRE(inet_pton(AF_INET6, address, end.address.data()) == 1);
  return end;
}

Flow flow() {
  return {end_of("::ffff:10.0.0.1", 4000), end_of("fd00::2", 80)};
}

struct Told {
  std::string event;
  std::string pid = "7";
  std::string latency = {};
  std::string flow = kFlow;
  std::string layer = "os";
};

void tell(FlowOwners& owners, std::int64_t time_ns, const Told& told) {
  std::vector<std::byte> bytes;
  std::vector<pcapng::JournalField> fields{{"CAPROCK_LAYER", told.layer},
                                           {"CAPROCK_EVENT", told.event},
                                           {"_PID", told.pid},
                                           {"CAPROCK_TID", "9"},
                                           {"_COMM", "curl"},
                                           {"CAPROCK_FLOW", told.flow}};
  if (!told.latency.empty()) fields.push_back({"CAPROCK_LATENCY_NS", told.latency});
  pcapng::write_note(bytes, time_ns, "", fields);
  pcapng::BlockCursor cursor(bytes);
  const auto block = cursor.next();
  REQUIRE(block);
  owners.take(*block);
}

}  // namespace

TEST_CASE("owners: a connection belongs to its process from its handshake on") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .latency = "5000000"});
  CHECK(owners.of(flow(), kNow - kSecond) == nullptr);
  const Owner* owner = owners.of(flow(), kNow - 5'000'000);
  REQUIRE(owner != nullptr);
  CHECK(owner->pid == 7);
  CHECK(owner->tid == 9);
  CHECK(owner->comm == "curl");
  CHECK(owners.of(flow(), kNow + 1000 * kSecond) == owner);
  CHECK(owners.of({flow().destination, flow().source}, kNow) == nullptr);
}

TEST_CASE("owners: the next connection of the same ports is the next owner's") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .pid = "7", .latency = "0"});
  tell(owners, kNow + kSecond, {.event = "closed", .pid = "7"});
  tell(owners, kNow + 60 * kSecond, {.event = "established", .pid = "8", .latency = "0"});
  CHECK(owners.of(flow(), kNow + 59 * kSecond)->pid == 7);
  CHECK(owners.of(flow(), kNow + 60 * kSecond)->pid == 8);
}

TEST_CASE("owners: of what began before the events its end tells, or the inventory") {
  for (const char* event : {"open", "closed"}) {
    FlowOwners owners;
    tell(owners, kNow, {.event = event});
    REQUIRE(owners.of(flow(), kNow - 1000 * kSecond) != nullptr);
  }
}

TEST_CASE("owners: what is no statement about a connection is passed over") {
  FlowOwners owners;
  tell(owners, kNow, {.event = "established", .pid = ""});
  tell(owners, kNow, {.event = "drop"});
  tell(owners, kNow, {.event = "established", .flow = "UDP 10.0.0.1:4000 > [fd00::2]:80"});
  tell(owners, kNow, {.event = "established", .flow = "TCP nonsense > 1"});
  tell(owners, kNow, {.event = "established", .flow = "TCP [:1 > ]:2"});
  tell(owners, kNow, {.event = "established", .flow = ""});
  tell(owners, kNow, {.event = "established", .layer = ""});
  CHECK(owners.of(flow(), kNow) == nullptr);
}
