// SPDX-License-Identifier: Apache-2.0
#include "insight/event_entry.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "insight/process_text.hpp"
#include "pcapng/reader.hpp"

using namespace caprock;
using namespace caprock::insight;

namespace {

constexpr std::int64_t kNow = 1'795'341'600'123'456'789;

os_event event_of(os_event_type type, bool flow = true) {
  os_event event{};
  event.type = type;
  event.task = {.pid = 1234,
                .tid = 1235,
                .uid = 1000,
                .network = 4026531840,
                .cgroup = 9,
                .start_ns = 1,
                .comm = "curl"};
  if (!flow) return event;
  event.flow.protocol = IPPROTO_TCP;
  event.flow.local_port = 40000;
  event.flow.remote_port = 80;
  ::inet_pton(AF_INET6, "::ffff:10.0.0.1", event.flow.local);
  ::inet_pton(AF_INET6, "fd00::2", event.flow.remote);
  return event;
}

os_event exec_of(std::string_view path, std::string_view arguments) {
  os_event event = event_of(OS_EXEC, false);
  event.exec.parent = 1;
  std::memcpy(event.exec.path, path.data(), path.size());
  std::memcpy(event.exec.arguments, arguments.data(), arguments.size());
  event.exec.arguments_bytes = static_cast<__u32>(arguments.size());
  return event;
}

/// The entry, read back by its field names.
class Written {
 public:
  explicit Written(const os_event& event, const EventContext& context = {}) {
    write_event_entry(block_, event, kNow, context, KernelNames());
  }
  std::string operator[](std::string_view name) const {
    pcapng::BlockCursor cursor(block_);
    const auto block = cursor.next();
    REQUIRE(block);
    return std::string(pcapng::journal_field(*block, name));
  }

 private:
  std::vector<std::byte> block_;
};

std::string message(const os_event& event) {
  return Written(event)["MESSAGE"];
}

std::string printable(std::string_view arguments) {
  return printable_command(reinterpret_cast<const unsigned char*>(arguments.data()),
                           arguments.size());
}

}  // namespace

using namespace std::string_view_literals;

TEST_CASE("events: an entry says when, what, who and where") {
  const Written entry(event_of(OS_CONNECT), {.comm = {},
                                             .container = {"abc", "8e1f4c2a"},
                                             .namespace_name = "shop",
                                             .pod = "frontend-7c9"});
  CHECK(entry["__REALTIME_TIMESTAMP"] == "1795341600123456");
  CHECK(entry["SYSLOG_IDENTIFIER"] == "caprock");
  CHECK(entry["PRIORITY"] == "6");
  CHECK(entry["CAPROCK_LAYER"] == "os");
  CHECK(entry["CAPROCK_EVENT"] == "connect");
  CHECK(entry["_PID"] == "1234");
  CHECK(entry["CAPROCK_TID"] == "1235");
  CHECK(entry["_UID"] == "1000");
  CHECK(entry["_COMM"] == "curl");
  CHECK(entry["CAPROCK_CGROUP_ID"] == "9");
  CHECK(entry["CAPROCK_NETNS"] == "4026531840");
  CHECK(entry["CAPROCK_CONTAINER"] == "abc");
  CHECK(entry["CAPROCK_POD_UID"] == "8e1f4c2a");
  CHECK(entry["CAPROCK_NAMESPACE"] == "shop");
  CHECK(entry["CAPROCK_POD"] == "frontend-7c9");
  CHECK(entry["CAPROCK_FLOW"] == "TCP 10.0.0.1:40000 > [fd00::2]:80");
}

TEST_CASE("events: what is not known is left out") {
  os_event event = event_of(OS_RETRANSMIT);
  event.task = {};
  const Written entry(event);
  CHECK(entry["_PID"].empty());
  CHECK(entry["_UID"].empty());
  CHECK(entry["CAPROCK_CONTAINER"].empty());
  CHECK(entry["MESSAGE"] == "retransmission on TCP 10.0.0.1:40000 > [fd00::2]:80");
}

TEST_CASE("events: whatever is told of a connection says who opened it, where that is known") {
  os_event event = event_of(OS_RETRANSMIT);
  CHECK(Written(event)["CAPROCK_DIRECTION"].empty());
  event.flow.direction = OS_OUTBOUND;
  CHECK(Written(event)["CAPROCK_DIRECTION"] == "out");
  event.flow.direction = OS_INBOUND;
  CHECK(Written(event)["CAPROCK_DIRECTION"] == "in");
}

TEST_CASE("events: a control group that is made has its own id, not that of who makes it") {
  os_event event = event_of(OS_CGROUP_CREATED, false);
  event.group = {.id = 77, .path = "/made"};
  CHECK(Written(event)["CAPROCK_CGROUP_ID"] == "77");
}

TEST_CASE("events: a process that starts tells its command line") {
  const os_event event = exec_of("/usr/bin/curl", "curl\0-s\0http://a b/\0"sv);
  const Written entry(event);
  CHECK(entry["_EXE"] == "/usr/bin/curl");
  CHECK(entry["_CMDLINE"] == "curl -s \"http://a b/\"");
  CHECK(entry["CAPROCK_PARENT_PID"] == "1");
  CHECK(entry["MESSAGE"] == "curl[1234] started: curl -s \"http://a b/\"");
  CHECK(message(exec_of("/sbin/init", "")) == "curl[1234] started: /sbin/init");
}

TEST_CASE("events: a command line cannot break an entry") {
  CHECK(printable("a\nPRIORITY=0\0"sv) == "a\\x0aPRIORITY=0");
  CHECK(printable("a\0\0b\0"sv) == "a \"\" b");
  CHECK(printable("\xc2\x9b"
                  "2J"sv) == "\\xc2\\x9b2J");
  CHECK(printable("\xe0\x80\x80,\xed\xa0\x80"sv) == "\\xe0\\x80\\x80,\\xed\\xa0\\x80");
  CHECK(printable("\xff\xc3\xa4\xc3"sv) == "\\xff\xc3\xa4\\xc3");
  CHECK(printable("\x1b[31m\x7f"sv) == "\\x1b[31m\\x7f");
  CHECK(printable("say \"hi\""sv) == "\"say \\\"hi\\\"\"");
  CHECK(printable("cut off in the mid"sv) == "\"cut off in the mid\"");
  const std::string hostile(OS_ARGUMENTS_BYTES, '\n');
  const Written entry(exec_of("/bin/x", hostile));
  CHECK(entry["CAPROCK_EVENT"] == "exec");
  CHECK(entry["_CMDLINE"].size() == 4 * hostile.size());
}

TEST_CASE("events: nor can a path, nor a value be taken for a loss") {
  const os_event event = exec_of("/tmp/x\nCAPROCK_LOST=999\nMESSAGE=forged", "");
  const Written entry(event);
  CHECK(entry["_EXE"] == "/tmp/x\\x0aCAPROCK_LOST=999\\x0aMESSAGE=forged");
  CHECK(entry["CAPROCK_LOST"].empty());
  CHECK(entry["MESSAGE"].starts_with("curl[1234] started: /tmp/x\\x0a"));
}

TEST_CASE("events: a comm is as it is, without quotes") {
  os_event event = event_of(OS_CONNECT);
  std::memcpy(event.task.comm, "tmux: server", 13);
  CHECK(Written(event)["_COMM"] == "tmux: server");
}

TEST_CASE("events: a comm with a line feed cannot break an entry") {
  os_event event = event_of(OS_CONNECT);
  std::memcpy(event.task.comm, "evil\nX=1", 9);
  CHECK(Written(event)["_COMM"] == "evil\\x0aX=1");
}

TEST_CASE("events: a process that ends tells how") {
  os_event event = event_of(OS_EXIT, false);
  event.exit = {.code = 7, .signal = 0, .lived_ns = 1'500'000'000};
  CHECK(message(event) == "curl[1234] ended with status 7 after 1.500 s");
  CHECK(Written(event)["EXIT_STATUS"] == "7");
  event.exit = {.code = 0, .signal = SIGKILL, .lived_ns = 0};
  CHECK(message(event) == "curl[1234] killed by signal 9 (Killed) after 0.000 s");
  CHECK(Written(event)["PRIORITY"] == "5");
}

TEST_CASE("events: a connection's life") {
  os_event event = event_of(OS_LISTEN);
  CHECK(message(event) == "curl[1234] listens on 10.0.0.1:40000");
  CHECK(message(event_of(OS_CONNECT)) == "curl[1234] connects to [fd00::2]:80");
  event = event_of(OS_ESTABLISHED);
  event.connection.took_ns = 1'234'000;
  CHECK(message(event) == "curl[1234] connected to [fd00::2]:80 after 1.234 ms");
  CHECK(Written(event)["CAPROCK_DIRECTION"] == "out");
  event.connection.accepted = 1;
  CHECK(Written(event)["CAPROCK_DIRECTION"] == "in");
  CHECK(message(event) == "curl[1234] is connected from [fd00::2]:80 on 10.0.0.1:40000");
  event = event_of(OS_CLOSED);
  event.connection = {.took_ns = 2'000'000'000,
                      .sent_bytes = 100,
                      .received_bytes = 2000,
                      .retransmits = 3,
                      .srtt_us = 250,
                      .error = 0,
                      .accepted = 0,
                      .at_once = 0,
                      .reserved = 0};
  CHECK(message(event) ==
        "TCP 10.0.0.1:40000 > [fd00::2]:80 of curl[1234] closed: 100 bytes sent, 2000 received, "
        "3 retransmissions, after 2.000 s, round trip 0.250 ms");
  CHECK(Written(event)["CAPROCK_SENT_BYTES"] == "100");
  CHECK(Written(event)["CAPROCK_RECEIVED_BYTES"] == "2000");
}

TEST_CASE("events: a connect that fails says why") {
  os_event event = event_of(OS_FAILED);
  event.connection.error = ECONNREFUSED;
  event.connection.took_ns = 100'000;
  const Written entry(event);
  CHECK(entry["MESSAGE"] ==
        "curl[1234] could not connect to [fd00::2]:80: Connection refused (after 0.100 ms)");
  CHECK(entry["PRIORITY"] == "4");
  CHECK(entry["ERRNO"] == "111");
}

TEST_CASE("events: a connect without an error was given up, unless it was refused at once") {
  os_event event = event_of(OS_FAILED);
  event.connection.took_ns = 100'000;
  CHECK(message(event) ==
        "curl[1234] could not connect to [fd00::2]:80: given up (after 0.100 ms)");
  CHECK(Written(event)["ERRNO"].empty());
  event.connection.at_once = 1;
  CHECK(message(event).find("given up") == std::string::npos);
  event.connection.error = ENETUNREACH;
  event.connection.took_ns = 0;
  CHECK(message(event) == "curl[1234] could not connect to [fd00::2]:80: Network is unreachable");
}

TEST_CASE("events: a drop on a kernel that names neither reason nor place") {
  os_event event = event_of(OS_DROP);
  CHECK(message(event) == "packet dropped: TCP 10.0.0.1:40000 > [fd00::2]:80");
  event.drop.reason = 5;
  CHECK(Written(event)["CAPROCK_REASON"] == "reason 5");
}

TEST_CASE("events: a UDP socket has one end, and no bytes") {
  os_event event = event_of(OS_BIND);
  event.flow.protocol = IPPROTO_UDP;
  std::memset(event.flow.remote, 0, sizeof event.flow.remote);
  event.flow.remote_port = 0;
  CHECK(message(event) == "curl[1234] is bound to UDP 10.0.0.1:40000");
  CHECK(Written(event)["CAPROCK_FLOW"] == "UDP 10.0.0.1:40000 > [::]:0");
  event.type = OS_OPEN;
  CHECK(message(event) == "curl[1234] has UDP 10.0.0.1:40000");
  event.type = OS_CLOSED;
  event.connection.took_ns = 1'000'000'000;
  CHECK(message(event) == "UDP 10.0.0.1:40000 of curl[1234] closed, after 1.000 s");
  CHECK(Written(event)["CAPROCK_SENT_BYTES"].empty());
}

TEST_CASE("events: who takes a connection, and how long it waited") {
  os_event event = event_of(OS_ACCEPT);
  event.connection.took_ns = 2'500'000;
  CHECK(message(event) ==
        "curl[1234] takes the connection from [fd00::2]:80 on 10.0.0.1:40000 after 2.500 ms");
  CHECK(Written(event)["CAPROCK_LATENCY_NS"] == "2500000");
}

TEST_CASE("events: what a segment is sent again for") {
  os_event event = event_of(OS_RETRANSMIT);
  event.segment = {.kind = OS_RETRANSMIT_TAIL_PROBE, .before = 0, .srtt_us = 250, .window = 10};
  const Written entry(event);
  CHECK(entry["MESSAGE"] ==
        "retransmission on TCP 10.0.0.1:40000 > [fd00::2]:80 of curl[1234]: tail-loss probe, "
        "round trip 0.250 ms, congestion window 10");
  CHECK(entry["CAPROCK_REASON"] == "tail-loss probe");
  CHECK(entry["CAPROCK_SRTT_US"] == "250");
  CHECK(entry["CAPROCK_CWND"] == "10");
}

TEST_CASE("events: congestion control goes from one state to another") {
  os_event event = event_of(OS_CONGESTION);
  event.segment = {.kind = 3, .before = 1, .srtt_us = 0, .window = 0};
  CHECK(message(event) ==
        "congestion control of TCP 10.0.0.1:40000 > [fd00::2]:80 of curl[1234] goes from "
        "disorder to recovery");
  event.segment.kind = 77;
  CHECK(Written(event)["CAPROCK_REASON"] == "unknown");
}

TEST_CASE("events: which side takes no more") {
  os_event event = event_of(OS_ZERO_WINDOW);
  event.segment.kind = OS_WINDOW_PEERS;
  CHECK(message(event).ends_with("of curl[1234]: the peer takes no more"));
  event.segment.kind = OS_WINDOW_OURS;
  CHECK(message(event).ends_with("of curl[1234]: this side takes no more"));
}

TEST_CASE("events: what is full says how much it holds, where that is known") {
  os_event event = event_of(OS_LISTEN_OVERFLOW);
  event.queue = {.used = 129, .limit = 128, .kind = OS_QUEUE_ACCEPT, .reserved = 0};
  CHECK(message(event) ==
        "accept queue of curl[1234] is full for TCP 10.0.0.1:40000 > [fd00::2]:80: "
        "129 of 128 connections");
  event.queue = {.used = 0, .limit = 0, .kind = OS_QUEUE_SYN, .reserved = 0};
  CHECK(message(event) ==
        "SYN backlog of curl[1234] is full for TCP 10.0.0.1:40000 > [fd00::2]:80");
  event = event_of(OS_UDP_OVERFLOW);
  event.queue = {.used = 8000, .limit = 8192, .kind = OS_QUEUE_RECEIVE, .reserved = 0};
  CHECK(message(event).starts_with("receive queue full of "));
  CHECK(message(event).ends_with("of curl[1234]: 8000 of 8192 bytes"));
  CHECK(Written(event)["CAPROCK_REASON"] == "receive queue");
  CHECK(Written(event)["CAPROCK_USED"] == "8000");
  CHECK(Written(event)["CAPROCK_LIMIT"] == "8192");
}

TEST_CASE("events: a datagram for which there is no memory does not say that its queue is full") {
  os_event event = event_of(OS_UDP_OVERFLOW);
  event.queue.kind = OS_QUEUE_MEMORY;
  const Written entry(event);
  CHECK(entry["MESSAGE"].starts_with("no memory for a datagram of "));
  CHECK(entry["MESSAGE"].ends_with(" of curl[1234]"));
  CHECK(entry["CAPROCK_REASON"] == "memory");
  CHECK(entry["CAPROCK_LIMIT"].empty());
}

TEST_CASE("events: a control group's path cannot break an entry") {
  os_event event = event_of(OS_CGROUP_CREATED, false);
  event.group.id = 4711;
  std::strcpy(event.group.path, "/a\nCAPROCK_LOST=9");
  const Written entry(event);
  CHECK(entry["CAPROCK_CGROUP"] == "/a\\x0aCAPROCK_LOST=9");
  CHECK(entry["CAPROCK_CGROUP_ID"] == "4711");
  CHECK(entry["CAPROCK_LOST"].empty());
}

TEST_CASE("events: what is suppressed is told") {
  std::vector<std::byte> block;
  write_suppressed_entry(block, OS_DROP, 12, kNow);
  pcapng::BlockCursor cursor(block);
  const auto entry = cursor.next();
  REQUIRE(entry);
  CHECK(pcapng::journal_field(*entry, "CAPROCK_SUPPRESSED") == "12");
  CHECK(pcapng::journal_field(*entry, "MESSAGE") ==
        "12 events \"drop\" are not in the record: more came than it takes");
}
