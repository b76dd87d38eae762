// SPDX-License-Identifier: Apache-2.0
#include "export/process_notes.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/writer.hpp"
#include "support/command.hpp"
#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"
#include "told_event.hpp"

using namespace caprock;
using namespace caprock::exporting;
using namespace std::string_view_literals;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'000'000;
constexpr std::uint32_t kOutbound = 2;

class MemorySink : public Sink {
 public:
  Status write(Bytes piece) override {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  }
  std::vector<std::byte> bytes;
};

/// 10.0.0.1:40000 is of dig[7], 10.0.0.2:53 of named[8], and 10.0.0.2:54 of dig[7].
FlowOwners two_processes() {
  FlowOwners owners;
  const auto bind = [&](const char* pid, const char* comm, const char* flow) {
    test::tell(owners, kNow,
               {.event = "bind", .pid = pid, .flow = flow, .network = "1", .comm = comm});
  };
  bind("7", "dig", "UDP 10.0.0.1:40000 > 0.0.0.0:0");
  bind("8", "named", "UDP 10.0.0.2:53 > 0.0.0.0:0");
  bind("7", "dig", "UDP 10.0.0.2:54 > 0.0.0.0:0");
  return owners;
}

void append_section(std::vector<std::byte>& out) {
  pcapng::Writer writer(out);
  writer.section_header({});
  writer.interface_description({.name = "eth0"});
}

/// From 10.0.0.1:40000 to 10.0.0.2.
void append_packet(std::vector<std::byte>& out, std::uint16_t port, std::uint32_t flags) {
  const auto frame = test::udp_frame(port, "abc");
  pcapng::Writer(out).packet({.time_ns = kNow,
                              .captured = frame,
                              .original_bytes = static_cast<std::uint32_t>(frame.size()),
                              .flags = flags});
}

std::vector<std::byte> noted(Bytes stream, std::size_t piece_bytes = SIZE_MAX,
                             FlowOwners owners = two_processes()) {
  MemorySink sink;
  ProcessNotes notes(std::move(owners), sink);
  for (std::size_t at = 0; at < stream.size(); at += std::min(piece_bytes, stream.size() - at))
    REQUIRE(notes.write(stream.subspan(at, std::min(piece_bytes, stream.size() - at))));
  CHECK(notes.written_bytes() == sink.bytes.size());
  return std::move(sink.bytes);
}

/// What a reader sees, a line a block.
std::vector<std::string> told(Bytes stream) {
  std::vector<std::string> lines;
  pcapng::BlockCursor cursor(stream);
  while (const auto block = cursor.next()) {
    if (block->type == pcapng::kSectionHeader) lines.emplace_back("section");
    if (block->type == pcapng::kDarwinProcessInfo)
      lines.push_back("process " + std::to_string(load<std::uint32_t>(block->bytes, 8)));
    const auto packet = pcapng::as_packet(*block);
    if (!packet) continue;
    const auto pid =
        pcapng::number_option<std::uint32_t>(packet->options, pcapng::kProcessAndThread);
    const auto index =
        pcapng::number_option<std::uint32_t>(packet->options, pcapng::kDarwinProcess);
    lines.push_back(std::string(pcapng::text_option(packet->options, pcapng::kComment)) + "; pid " +
                    (pid ? std::to_string(*pid) : "-") + ", process block " +
                    (index ? std::to_string(*index) : "-"));
  }
  CHECK_FALSE(cursor.fault());
  return lines;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("process notes: a packet has the processes of both ends, and options for this host's") {
  std::vector<std::byte> stream;
  append_section(stream);
  append_packet(stream, 53, kOutbound);
  append_packet(stream, 53, 1);
  append_packet(stream, 80, 1);
  CHECK(told(noted(stream)) ==
        std::vector<std::string>{"section", "process 7",
                                 "from dig[7] to named[8]; pid 7, process block 0", "process 8",
                                 "from dig[7] to named[8]; pid 8, process block 1",
                                 "from dig[7]; pid 7, process block 0"});
}

TEST_CASE("process notes: on a pod's loopback the host's processes have nothing") {
  FlowOwners owners;
  test::tell(owners, kNow, {.event = "addresses", .network = "1", .own_network = true});
  test::tell(owners, kNow,
             {.event = "bind", .flow = "UDP 127.0.0.1:53 > 0.0.0.0:0", .network = "1"});
  auto frame = test::udp_frame(53, "abc");
  for (const std::size_t address : {26, 30})  // of its IP header
    std::ranges::copy(std::as_bytes(std::span("\x7f\0\0\x01", 4)), frame.begin() + address);
  std::vector<std::byte> stream;
  pcapng::Writer writer(stream);
  writer.section_header({});
  writer.interface_description({.name = "lo"});
  writer.interface_description({.name = "lo", .description = "pod shop/front, loopback"});
  for (const std::uint32_t interface : {0, 1})
    writer.packet({.interface_id = interface,
                   .time_ns = kNow,
                   .captured = frame,
                   .original_bytes = static_cast<std::uint32_t>(frame.size())});
  CHECK(told(noted(stream, SIZE_MAX, std::move(owners))) ==
        std::vector<std::string>{"section", "process 7", "to curl[7]; pid 7, process block 0",
                                 "; pid -, process block -"});
}

TEST_CASE("process notes: each section counts its process blocks anew") {
  std::vector<std::byte> stream;
  append_section(stream);
  append_packet(stream, 53, kOutbound);
  append_section(stream);
  append_packet(stream, 53, 1);
  append_packet(stream, 54, 1);
  CHECK(told(noted(stream)) ==
        std::vector<std::string>{"section", "process 7",
                                 "from dig[7] to named[8]; pid 7, process block 0", "section",
                                 "process 8", "from dig[7] to named[8]; pid 8, process block 0",
                                 "process 7", "from dig[7] to dig[7]; pid 7, process block 1"});
}

TEST_CASE("process notes: a process of a pod goes by its name and the pod's") {
  FlowOwners owners = two_processes();
  test::tell(owners, kNow,
             {.event = "bind",
              .flow = "UDP 10.0.0.1:40000 > 0.0.0.0:0",
              .network = "1",
              .comm = "dig",
              .namespace_name = "shop",
              .pod = "client"});
  std::vector<std::byte> stream;
  append_section(stream);
  append_packet(stream, 53, kOutbound);
  CHECK(told(noted(stream, SIZE_MAX, std::move(owners))).back() ==
        "from dig[7] of shop/client to named[8]; pid 7, process block 0");
}

TEST_CASE("process notes: the size of the pieces does not matter") {
  std::vector<std::byte> stream;
  append_section(stream);
  append_packet(stream, 53, kOutbound);
  append_packet(stream, 54, 1);
  for (const std::size_t piece_bytes : {1, 7, 100})
    CHECK(noted(stream, piece_bytes) == noted(stream));
}

TEST_CASE("process notes: a process block and the options of its packet, byte for byte") {
  std::vector<std::byte> stream;
  append_packet(stream, 53, kOutbound);
  const auto out = noted(stream);
  const auto process = bytes_of(
      "\x01\x00\x00\x80\x18\x00\x00\x00"  // type, length
      "\x07\x00\x00\x00"                  // pid
      "\x02\x00\x03\x00"                  // name, 3 bytes
      "dig\x00"
      "\x18\x00\x00\x00"sv);
  const auto options = bytes_of(
      "\x01\x00\x17\x00"
      "from dig[7] to named[8]\x00"
      "\x08\x00\x08\x00\x07\x00\x00\x00\x09\x00\x00\x00"  // process, thread
      "\x01\x80\x04\x00\x00\x00\x00\x00"                  // index of the process block
      "\x02\x00\x04\x00\x02\x00\x00\x00"sv);              // flags
  REQUIRE(out.size() > process.size());
  const Bytes packet = Bytes(out).subspan(process.size());
  CHECK(std::ranges::equal(Bytes(out).first(process.size()), process));
  CHECK(std::ranges::equal(
      pcapng::as_packet({packet, pcapng::kEnhancedPacket})->options.first(options.size()),
      options));
}

TEST_CASE("process notes: tshark reads what is noted, without a complaint") {
  if (!test::is_installed("tshark")) SKIP("tshark is not installed");
  std::vector<std::byte> stream;
  append_section(stream);
  append_packet(stream, 53, kOutbound);
  append_packet(stream, 80, 1);
  const test::TemporaryFile file(noted(stream));
  CHECK(test::output_of("tshark -r " + file.path().string() +
                        " -T fields -e udp.dstport -e frame.comment 2>&1 | grep -v 'Running as'") ==
        "53\tfrom dig[7] to named[8]\n80\tfrom dig[7]\n");
}
