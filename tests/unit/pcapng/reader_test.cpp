// SPDX-License-Identifier: Apache-2.0
#include "pcapng/reader.hpp"

#include <array>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/writer.hpp"

namespace caprock::pcapng {
namespace {

const std::array<std::byte, 5> kCaptured{};

std::vector<std::byte> one_packet() {
  std::vector<std::byte> out;
  Writer(out).packet({.time_ns = 7, .captured = kCaptured, .original_bytes = 5, .flags = 1});
  return out;
}

std::string_view fault_of(Bytes bytes) {
  BlockCursor cursor(bytes);
  while (cursor.next()) {
  }
  return cursor.fault() ? cursor.fault()->what : "none";
}

}  // namespace

TEST_CASE("reader: an empty file has no blocks and no fault") {
  CHECK(fault_of({}) == "none");
}

TEST_CASE("reader: blocks before the damage are read, and the fault says where it is") {
  std::vector<std::byte> bytes = one_packet();
  const std::size_t first = bytes.size();
  const auto second = one_packet();
  bytes.insert(bytes.end(), second.begin(), second.end());
  bytes.pop_back();
  BlockCursor cursor(bytes);
  CHECK(cursor.next());
  CHECK_FALSE(cursor.next());
  REQUIRE(cursor.fault());
  CHECK(cursor.fault()->offset == first);
  CHECK(cursor.fault()->what == "the block reaches beyond the end");
  CHECK_FALSE(cursor.next());
}

TEST_CASE("reader: a length that cannot be is a fault") {
  std::vector<std::byte> bytes = one_packet();
  for (const std::uint32_t length : {0U, 8U, 13U}) {
    put(bytes, offsetof(BlockHead, total_bytes), length);
    CHECK(fault_of(bytes) == "impossible block length");
  }
  put(bytes, offsetof(BlockHead, total_bytes), std::uint32_t{0xFFFFFFFC});
  CHECK(fault_of(bytes) == "the block reaches beyond the end");
  CHECK(fault_of(Bytes(bytes).first(11)) == "the last block is cut off");
}

TEST_CASE("reader: lengths that differ in front and behind are a fault") {
  std::vector<std::byte> bytes = one_packet();
  bytes[bytes.size() - 4] ^= std::byte{4};
  CHECK(fault_of(bytes) == "the block's two lengths differ");
}

TEST_CASE("reader: a section in the other byte order is told as such") {
  std::vector<std::byte> bytes;
  Writer(bytes).section_header({});
  put(bytes, offsetof(SectionHead, byte_order_magic), kSwappedByteOrderMagic);
  CHECK(fault_of(bytes) == "the section is in the other byte order");
}

TEST_CASE("reader: a packet that claims more bytes than its block has is no packet") {
  std::vector<std::byte> bytes = one_packet();
  const Block block{bytes, kEnhancedPacket};
  put(bytes, offsetof(PacketHead, captured_bytes), std::uint32_t{16});
  CHECK(as_packet(block));
  put(bytes, offsetof(PacketHead, captured_bytes), std::uint32_t{21});
  CHECK_FALSE(as_packet(block));
  put(bytes, offsetof(PacketHead, captured_bytes), std::uint32_t{0xFFFFFFFF});
  CHECK_FALSE(as_packet(block));
}

TEST_CASE("reader: a block too short for its type is not taken for one") {
  std::array<std::byte, 12> bytes{};
  put(bytes, 4, std::uint32_t{12});
  put(bytes, 8, std::uint32_t{12});
  for (const std::uint32_t type :
       {kSectionHeader, kInterfaceDescription, kEnhancedPacket, kInterfaceStatistics}) {
    put(bytes, 0, type);
    const Block block{bytes, type};
    CHECK_FALSE(as_section_header(block));
    CHECK_FALSE(as_interface(block));
    CHECK_FALSE(as_packet(block));
    CHECK_FALSE(as_statistics(block));
    CHECK_FALSE(block_time_ns(block));
  }
}

TEST_CASE("reader: options end at their end mark, and one that does not fit is malformed") {
  std::vector<std::byte> options(16);
  put(options, 0, OptionHead{kComment, 3});
  put(options, 8, OptionHead{kEndOfOptions, 0});
  OptionCursor whole(options);
  CHECK(whole.next()->value.size() == 3);
  CHECK_FALSE(whole.next());
  CHECK_FALSE(whole.malformed());

  put(options, 8, OptionHead{kComment, 5});
  OptionCursor cut(options);
  CHECK(cut.next());
  CHECK_FALSE(cut.next());
  CHECK(cut.malformed());
}

TEST_CASE("reader: a value with line feeds is a value, whatever it says") {
  std::vector<std::byte> bytes;
  Writer(bytes).journal_entry(
      std::array{JournalField{"_EXE", "/x\nPRIORITY=0\n"}, JournalField{"PRIORITY", "6"}});
  BlockCursor blocks(bytes);
  const auto block = blocks.next();
  REQUIRE(block);
  CHECK(journal_field(*block, "PRIORITY") == "6");
  CHECK(journal_field(*block, "_EXE") == "/x\nPRIORITY=0\n");
  JournalCursor cut({block->bytes.first(sizeof(BlockHead) + 9), kJournalExport});
  CHECK_FALSE(cut.next());
}

TEST_CASE("reader: a journal entry's time is that of its first time field") {
  const auto time_of = [](std::string_view entry) {
    std::vector<std::byte> bytes(8);
    for (const char c : entry)
      bytes.push_back(static_cast<std::byte>(c));
    bytes.resize(round_up(bytes.size(), 4) + 4);
    return journal_time_ns({bytes, kJournalExport});
  };
  CHECK(time_of("MESSAGE=x\n__REALTIME_TIMESTAMP=1500000\n") == 1'500'000'000);
  CHECK(time_of("__REALTIME_TIMESTAMP=7\n") == 7000);
  CHECK_FALSE(time_of("MESSAGE=x\n"));
  CHECK_FALSE(time_of("MESSAGE=__REALTIME_TIMESTAMP=7\n"));
  CHECK_FALSE(time_of("__REALTIME_TIMESTAMP=\n"));
  CHECK_FALSE(time_of("__REALTIME_TIMESTAMP=9223372036854775807\n"));
}

}  // namespace caprock::pcapng
