// SPDX-License-Identifier: Apache-2.0
#include "store/segment_writer.hpp"

#include <memory>

#include "recorder.hpp"
#include "store/seal.hpp"
#include "store/segment_layout.hpp"
#include "walker.hpp"

namespace caprock::store::test {
namespace {

const InterfaceList kInterfaces = {{"eth0", "uplink"}, {"lo", ""}};

/// A segment in plain memory, aligned as a mapping is.
class Segment {
 public:
  Segment() : memory_(new (std::align_val_t{4096}) std::byte[kMebibyte]()) { write_blank(bytes()); }

  MutableBytes bytes() const { return {memory_.get(), kMebibyte}; }
  const SegmentHead& head() const { return head_of(bytes()); }

  SegmentWriter activate() const {
    SegmentIdentity identity;
    identity.ring_id = 42;
    identity.segment_bytes = kMebibyte;
    identity.node = "node-1";
    return {bytes(), SegmentFile{}, build_opening(identity, kInterfaces), kInterfaces.size(),
            9,       1234};
  }

 private:
  struct Release {
    void operator()(std::byte* memory) const { operator delete[](memory, std::align_val_t{4096}); }
  };
  std::unique_ptr<std::byte[], Release> memory_;
};

void append(SegmentWriter& writer, const PacketBatch& batch) {
  RunHead head{};
  head.type = kRunHeadType;
  head.total_bytes = head.trailer_total = sizeof head;
  head.bytes = batch.pieces[0].bytes.size();
  writer.write_run(head, batch.pieces[0].bytes);
  writer.commit_run();
}

TEST_CASE("segment: blank, it is a section with nothing in it") {
  const Segment segment;
  const WalkedFile file = walk(segment.bytes());
  CHECK(file.fault.empty());
  CHECK(file.sections == 1);
}

TEST_CASE("segment: activated, it says whose it is, and is valid before the first run") {
  const Segment segment;
  const SegmentWriter writer = segment.activate();
  CHECK(walk(segment.bytes()).fault.empty());
  CHECK(segment.head().sequence == 9);
  CHECK(segment.head().fixed_crc32c == fixed_checksum(segment.head()));
  CHECK_FALSE(writer.has_runs());
}

TEST_CASE("segment: a commit is in the frontier at once, and for other readers after the reveal") {
  const Segment segment;
  SegmentWriter writer = segment.activate();
  PacketStream packets;
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t before = segment.head().frontier;
    const PacketBatch batch = packets.next(5);
    append(writer, batch);
    CHECK(segment.head().frontier == before + sizeof(RunHead) + batch.pieces[0].bytes.size());
    const WalkedFile file = walk(segment.bytes());
    CHECK(file.fault.empty());
    CHECK(file.packet_times.empty());
  }
  writer.reveal();
  const WalkedFile file = walk(segment.bytes());
  CHECK(file.fault.empty());
  CHECK(file.packet_times.size() == 15);

  append(writer, packets.next(5));
  CHECK(walk(segment.bytes()).packet_times.size() == 15);
  writer.reveal();
  CHECK(walk(segment.bytes()).packet_times.size() == 20);
}

TEST_CASE("segment: filled to the last byte of its room, it can still be sealed") {
  const Segment segment;
  SegmentWriter writer = segment.activate();
  PacketStream packets;
  while (writer.room() >= 3000)
    append(writer, packets.next(1));
  const std::size_t overhead = packets.next(1, 0).pieces[0].bytes.size();
  append(writer, packets.next(1, writer.room() - overhead));
  CHECK(writer.room() == 0);
  writer.reveal();
  const SegmentFoot foot =
      seal_segment(segment.bytes(), tally_of(segment.bytes(), segment.head().frontier), {}, 1);
  const WalkedFile file = walk(segment.bytes());
  CHECK(file.fault.empty());
  CHECK(foot.packets == file.packet_times.size());
}

TEST_CASE("segment: room for the statistics of interfaces that come later is kept") {
  const Segment segment;
  SegmentWriter writer = segment.activate();
  const std::uint64_t before = writer.room();
  REQUIRE(writer.add_interfaces(10, 800));
  CHECK(writer.room() == before - (close_bytes(10) - close_bytes(0)));
  CHECK_FALSE(writer.add_interfaces(4096, kMebibyte));
}

TEST_CASE("segment: the foot adds up what the blocks say, and goes on from the lane's totals") {
  const Segment segment;
  SegmentWriter writer = segment.activate();
  PacketStream packets;
  append(writer, packets.next(250, 1000));
  writer.reveal();
  LaneTotals before;
  before.packets = 1000;
  before.sequence = 7;
  const SegmentFoot foot =
      seal_segment(segment.bytes(), tally_of(segment.bytes(), segment.head().frontier), before, 1);

  const WalkedFile file = walk(segment.bytes());
  REQUIRE(file.fault.empty());
  REQUIRE(file.feet.size() == 1);
  CHECK(file.feet[0].crc32c == segment_checksum(segment.bytes(), segment.head().foot));
  CHECK(foot.sequence == 9);
  CHECK(foot.packets == 250);
  CHECK(foot.captured_bytes == 250'000);
  CHECK(foot.original_bytes == 251'000);
  CHECK(foot.dropped == 6);
  CHECK(foot.first_ns == PacketStream::time_of(0));
  CHECK(foot.last_ns == PacketStream::time_of(249));
  CHECK(foot.cumulative_packets == 1250);
  CHECK(foot.previous_sequence == 7);
}

TEST_CASE("segment: of very many interfaces the descriptions are left out before packets are") {
  SegmentIdentity identity;
  identity.segment_bytes = kMebibyte;
  const InterfaceList many(4096, {"veth0123456789a", std::string(200, 'd')});
  const std::vector<std::byte> opening = build_opening(identity, many);
  constexpr std::size_t kLargestBlock = 262144 + 64;
  CHECK(opening.size() + close_bytes(many.size()) + sizeof(RunHead) + kLargestBlock + 16 <=
        kMebibyte);
}

}  // namespace
}  // namespace caprock::store::test
