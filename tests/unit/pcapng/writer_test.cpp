// SPDX-License-Identifier: Apache-2.0
#include "pcapng/writer.hpp"

#include <algorithm>
#include <array>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/reader.hpp"
#include "support/command.hpp"
#include "support/temporary_file.hpp"

namespace caprock::pcapng {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("writer: what is written is read back") {
  std::vector<std::byte> out;
  Writer writer(out);
  const auto captured = bytes_of("hello");
  writer.section_header({.hardware = "x86_64", .user_application = "caprock"});
  writer.interface_description({.name = "eth0", .description = "uplink", .snaplen = 4096});
  writer.packet({.interface_id = 0,
                 .time_ns = 0x1122334455667788,
                 .captured = captured,
                 .original_bytes = 1500,
                 .flags = 2,
                 .dropped = 9,
                 .comment = "seen"});
  writer.interface_statistics({.interface_id = 0, .time_ns = 5, .received = 10, .dropped = 9});

  BlockCursor cursor(out);
  const auto section = as_section_header(*cursor.next());
  CHECK(section->major_version == 1);
  CHECK(section->section_bytes == kUnknownSectionLength);
  CHECK(text_option(section->options, kHardware) == "x86_64");
  CHECK(text_option(section->options, kOperatingSystem).empty());
  CHECK(text_option(section->options, kUserApplication) == "caprock");
  const auto interface = as_interface(*cursor.next());
  CHECK(interface->name() == "eth0");
  CHECK(interface->description() == "uplink");
  CHECK(interface->snaplen == 4096);
  CHECK(interface->link_type == kLinkTypeEthernet);
  CHECK(number_option<std::uint8_t>(interface->options, kTimeResolution) == 9);
  const auto packet = as_packet(*cursor.next());
  CHECK(packet->time == 0x1122334455667788);
  CHECK(std::ranges::equal(packet->captured, captured));
  CHECK(packet->original_bytes == 1500);
  CHECK(packet->flags() == 2);
  CHECK(packet->dropped() == 9);
  CHECK(text_option(packet->options, kComment) == "seen");
  const auto statistics = as_statistics(*cursor.next());
  CHECK(statistics->time == 5);
  CHECK(number_option<std::uint64_t>(statistics->options, kInterfaceReceived) == 10);
  CHECK_FALSE(cursor.next());
  CHECK_FALSE(cursor.fault());
}

TEST_CASE("writer: every block is a multiple of 8 bytes, whatever the lengths in it") {
  for (std::size_t length = 0; length < 9; ++length) {
    const std::string text(length, 'x');
    std::vector<std::byte> out;
    Writer writer(out);
    writer.section_header({.user_application = text});
    writer.interface_description({.name = text});
    writer.packet({.captured = bytes_of(text), .flags = 1});
    writer.journal_entry(std::array{JournalField{"MESSAGE", text}});
    writer.darwin_process({.pid = 1, .name = text});
    writer.name_resolution(std::array{NameEntry{bytes_of("\x0a\x01\x02\x03"), text}});
    BlockCursor cursor(out);
    while (const auto block = cursor.next())
      CHECK(block->bytes.size() % kOurAlignment == 0);
    CHECK(cursor.offset() == out.size());
  }
}

TEST_CASE("writer: the ring's section header takes 40 bytes") {
  std::vector<std::byte> out;
  Writer(out).section_header({.user_application = "caprock"});
  CHECK(out.size() == 40);
}

TEST_CASE("writer: a text too long for an option is cut") {
  std::vector<std::byte> out;
  Writer(out).interface_description({.name = std::string(100'000, 'n')});
  BlockCursor cursor(out);
  CHECK(as_interface(*cursor.next())->name().size() == 65528);
}

TEST_CASE("writer: tshark reads packets, options, names and journal entries as they were meant") {
  if (!test::is_installed("tshark")) SKIP("tshark is not installed");
  std::vector<std::byte> out;
  Writer writer(out);
  auto packet = bytes_of(std::string("\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0", 14));
  const auto ip = bytes_of(
      std::string("\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\x0a\1\2\3\x0a\1\2\4\0\1\0\2\0\x08\0\0", 28));
  packet.insert(packet.end(), ip.begin(), ip.end());
  writer.section_header({});
  writer.interface_description({.name = "eth0"});
  writer.name_resolution(std::array{NameEntry{bytes_of("\x0a\x01\x02\x03"), "shop/cart"}});
  writer.packet({.time_ns = 1'500'000'001,
                 .captured = packet,
                 .original_bytes = 42,
                 .dropped = 3,
                 .comment = "late"});
  writer.journal_entry(std::array{JournalField{"__REALTIME_TIMESTAMP", "2000000"},
                                  JournalField{"MESSAGE", "one line"}});
  writer.journal_entry(std::array{JournalField{"__REALTIME_TIMESTAMP", "3000000"},
                                  JournalField{"MESSAGE", "two\nlines"}});
  const test::TemporaryFile file(out);
  CHECK(test::output_of(
            "tshark -N n -r " + file.path().string() +
            " -T fields -e frame.time_epoch -e frame.drop_count -e frame.comment -e ip.src_host"
            " -e systemd_journal.message") ==
        "1.500000001\t3\tlate\tshop/cart\t\n"
        "2.000000000\t\t\t\tone line\n"
        "3.000000000\t\t\t\ttwo\\nlines\n");
}

}  // namespace caprock::pcapng
