// SPDX-License-Identifier: Apache-2.0
// Names in what is exported, from the record to Wireshark's eyes.
#include <catch2/catch_test_macros.hpp>

#include "export/export.hpp"
#include "export/tail.hpp"
#include "support/command.hpp"
#include "support/name_records.hpp"
#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"
#include "told_names.hpp"

namespace caprock::exporting {
namespace {

using test::cpu;
using test::ring_of;
using test::SegmentBuilder;
using test::TemporaryFile;
using Names = std::vector<std::string>;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr SourceId kCluster{SourceKind::kKubernetes, 0, 1};

/// A ring under construction with packets from 10.0.0.1 to 10.0.0.2.
class Record {
 public:
  void packet(std::int64_t time_ns) {
    if (packets_.empty()) first_packet_ns_ = time_ns;
    SegmentBuilder::append_packet(packets_, {time_ns, ""}, test::udp_frame(53, "x"));
  }
  void tell(std::int64_t time_ns, std::string_view event, std::string_view name = {},
            std::string_view addresses = {}) {
    if (entries_.empty()) first_entry_ns_ = time_ns;
    test::append_names(entries_, time_ns, event, name, addresses);
  }
  TemporaryFile file() const {
    SegmentBuilder segment(1, 0, {{"eth0", ""}});
    segment.raw_run(kCluster, entries_, first_entry_ns_)
        .raw_run(cpu(0), packets_, first_packet_ns_);
    return TemporaryFile(ring_of({segment}));
  }

 private:
  std::vector<std::byte> entries_;
  std::vector<std::byte> packets_;
  std::int64_t first_entry_ns_ = 0;
  std::int64_t first_packet_ns_ = 0;
};

std::vector<std::byte> exported(const Record& record, const ExportOptions& options = {}) {
  const TemporaryFile file = record.file();
  const auto view = store::RingView::open(file.path());
  REQUIRE(view);
  std::vector<std::byte> bytes;
  FunctionSink sink([&](Bytes piece) -> Status {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  });
  const auto report = export_window(*view, options, sink);
  REQUIRE(report);
  CHECK(report->bytes == bytes.size());
  return bytes;
}

/// Source and destination of every packet, and the events, as tshark shows them.
std::string shown(Bytes file, const std::string& options) {
  const TemporaryFile stored(std::vector<std::byte>(file.begin(), file.end()));
  return test::output_of("tshark " + options + " -r " + stored.path().string() +
                         " -T fields -e ip.src_host -e ip.dst_host -e systemd_journal.message");
}

/// Two pods that have an address one after the other.
Record reuse() {
  Record record;
  record.tell(1 * kSecond, "pod-address", "shop/a", "10.0.0.1");
  record.tell(1 * kSecond, "service", "shop/s.svc", "10.0.0.2");
  record.packet(2 * kSecond);
  record.tell(3 * kSecond, "pod-removed", "shop/a");
  record.tell(4 * kSecond, "pod-address", "shop/b", "10.0.0.1");
  record.packet(5 * kSecond);
  return record;
}

}  // namespace

TEST_CASE("names: a window of a minute has those of the last inventory before it") {
  Record record;
  record.tell(kSecond, "pod", "shop/gone", "10.0.0.9");
  record.tell(kHour, "inventory");
  record.tell(kHour, "pod", "shop/a", "10.0.0.1");
  record.tell(kHour, "service", "shop/s.svc", "10.0.0.2");
  record.packet(kHour + 600 * kSecond);
  const ExportOptions minute{.from_ns = kHour + 599 * kSecond, .to_ns = kHour + 660 * kSecond};
  CHECK(test::names_in(exported(record, minute)) ==
        Names{"10.0.0.1 shop/a", "10.0.0.2 shop/s.svc"});
}

TEST_CASE("names: they stand behind the descriptions of interfaces, in front of the packets") {
  std::vector<std::uint32_t> types;
  const auto bytes = exported(reuse(), {.events = false});
  pcapng::BlockCursor cursor(bytes);
  while (const auto block = cursor.next())
    types.push_back(block->type);
  CHECK(types == std::vector<std::uint32_t>{pcapng::kSectionHeader, pcapng::kInterfaceDescription,
                                            pcapng::kNameResolution, pcapng::kEnhancedPacket,
                                            pcapng::kNameResolution, pcapng::kEnhancedPacket,
                                            pcapng::kInterfaceStatistics});
}

TEST_CASE("names: they are left out where they are not wanted, and where a format has none") {
  CHECK(test::names_in(exported(reuse(), {.names = false})).empty());
  CHECK(exported(reuse(), {.format = Format::kPcap}).size() == 24 + 2 * (16 + 43));
}

TEST_CASE("names: tshark shows each packet with the name of its time, and the events between") {
  if (!test::is_installed("tshark")) SKIP("tshark is not installed");
  CHECK(shown(exported(reuse(), {.events = false}), "-N n") ==
        "shop/a\tshop/s.svc\t\n"
        "shop/b\tshop/s.svc\t\n");
  CHECK(shown(exported(reuse(), {.from_ns = 2 * kSecond}), "-N n") ==
        "shop/a\tshop/s.svc\t\n"
        "\t\tpod-removed\n"
        "\t\tpod-address\n"
        "shop/b\tshop/s.svc\t\n");
}

TEST_CASE(
    "names: who reads the file twice, as Wireshark's window does, sees the last of an address") {
  if (!test::is_installed("tshark")) SKIP("tshark is not installed");
  CHECK(shown(exported(reuse(), {.events = false}), "-2 -N n") ==
        "shop/b\tshop/s.svc\t\n"
        "shop/b\tshop/s.svc\t\n");
}

TEST_CASE("names: tshark shows those in the raw ring, whose blocks stand between the packets") {
  if (!test::is_installed("tshark")) SKIP("tshark is not installed");
  constexpr std::byte kAddresses[] = {std::byte{10}, std::byte{}, std::byte{}, std::byte{1}};
  std::vector<std::byte> entries;
  test::append_names(entries, kSecond, "pod-address", "shop/a", "10.0.0.1");
  const pcapng::NameEntry name{kAddresses, "shop/a"};
  pcapng::Writer(entries).name_resolution({&name, 1});
  std::vector<std::byte> packets;
  SegmentBuilder::append_packet(packets, {2 * kSecond, ""}, test::udp_frame(53, "x"));
  SegmentBuilder segment(1, 0, {{"eth0", ""}});
  segment.raw_run(cpu(0), packets, 2 * kSecond)
      .raw_run(kCluster, entries, kSecond)
      .raw_run(cpu(0), packets, 2 * kSecond)
      .reveal();
  CHECK(shown(segment.bytes(), "-2 -N n") ==
        "shop/a\t10.0.0.2\t\n"
        "\t\tpod-address\n"
        "shop/a\t10.0.0.2\t\n");
}

TEST_CASE("names: who follows the record gets them in front of the packets that they are for") {
  const TemporaryFile file = reuse().file();
  const auto view = store::RingView::open(file.path());
  std::int64_t until_ns = 2 * kSecond + 1;
  std::string words;
  FunctionSink sink([&](Bytes piece) -> Status {
    pcapng::BlockCursor cursor(piece);
    while (const auto block = cursor.next()) {
      if (block->type == pcapng::kEnhancedPacket) words += "packet ";
      for (const std::string& name : test::names_in(*block))
        words += "[" + name + "] ";
    }
    return {};
  });
  REQUIRE(tail(*view,
               {.from_ns = 2 * kSecond,
                .events = false,
                .complete_until = [&] { return until_ns; },
                .wait = [&] { return std::exchange(until_ns, 6 * kSecond) != 6 * kSecond; }},
               sink));
  CHECK(words == "[10.0.0.1 shop/a] [10.0.0.2 shop/s.svc] packet [10.0.0.1 shop/b] packet ");
}

}  // namespace caprock::exporting
