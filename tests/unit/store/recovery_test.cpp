// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "recorder.hpp"
#include "store/recycle_mark.hpp"
#include "store/segment_layout.hpp"
#include "store/verify.hpp"
#include "walker.hpp"

namespace caprock::store::test {
namespace {

void write_file(const std::filesystem::path& path, Bytes bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

/// What a killed recorder leaves: the file as it is, with nothing sealed, revealed or synced at the
/// end.
class KilledRecorder {
 public:
  /// Appends so many runs of 20 packets, 20 KB each; every tenth is followed by a reveal.
  explicit KilledRecorder(int runs) {
    const auto ring = open_ring(small_ring(directory_ / "ring.pcapng"));
    for (int i = 0; i < runs; ++i) {
      append_all(ring->lane(0), packets_.next(20));
      if (i % 10 == 0) ring->lane(0).reveal();
    }
    // As a rule; a sequence may have been skipped, so not for ever.
    for (int ms = 0; ms < 5000 && sealed(*ring) + 1 != ring->status().lanes[0].sequence; ++ms)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    bytes_ = read_file(directory_ / "ring.pcapng");
  }

  std::vector<std::byte>& bytes() { return bytes_; }
  const PacketStream& packets() const { return packets_; }

  /// Offset of the first run, where all of them are in segment 0.
  std::uint64_t first_run() {
    return head(0).frontier - packets_.position() - packets_.count() / 20 * sizeof(RunHead);
  }

  MutableBytes segment(std::size_t index) {
    return MutableBytes(bytes_).subspan(index * kMebibyte, kMebibyte);
  }
  SegmentHead head(std::size_t index) {
    return load<SegmentHead>(segment(index), kSegmentHeadOffset);
  }
  void set_head(std::size_t index, SegmentHead head) {
    head.fixed_crc32c = fixed_checksum(head);
    put(segment(index), kSegmentHeadOffset, head);
  }

  /// As after a power cut: all segments are of another boot, and nothing is known to be synced.
  void reboot() {
    for (std::size_t index = 0; index < bytes_.size() / kMebibyte; ++index) {
      SegmentHead changed = head(index);
      if (changed.type != kSegmentHeadType) continue;
      changed.boot_id[0] ^= 0xFF;
      changed.synced_frontier = 0;
      set_head(index, changed);
    }
  }

  /// Opens what is left, and closes it again.
  RecoveryReport recover() {
    const auto path = directory_ / "left.pcapng";
    write_file(path, bytes_);
    const auto ring = open_ring(small_ring(path));
    RecoveryReport report = ring->recovery();
    REQUIRE(ring->close());
    after_ = walk(read_file(path));
    whole_ = verify(*RingView::open(path)).whole();
    return report;
  }

  /// What verify finds then.
  bool whole() const { return whole_; }

  /// The file after recover(), as a stock reader sees it.
  const WalkedFile& after() const { return after_; }

  /// Whether the packets are the first `count` of the stream.
  bool holds_first(std::uint64_t count) const {
    if (after_.packet_times.size() != count) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (after_.packet_times[i] != PacketStream::time_of(i)) return false;
    }
    return true;
  }

 private:
  static std::uint64_t sealed(const Ring& ring) {
    return ring.status().segments[static_cast<int>(SegmentState::kSealed)];
  }

  TemporaryDirectory directory_;
  PacketStream packets_;
  std::vector<std::byte> bytes_;
  WalkedFile after_;
  bool whole_ = false;
};

constexpr std::uint64_t kRunBytes = 20 * 1040;  // of the first runs, without their heads of 64

TEST_CASE("recovery: after a kill in the same boot, every committed packet counts") {
  KilledRecorder killed(125);
  const RecoveryReport report = killed.recover();
  CHECK_FALSE(report.created);
  CHECK(report.sealed == 2);
  CHECK(report.recovered == 1);
  CHECK(report.damaged == 0);
  CHECK(report.notes.empty());
  CHECK(killed.after().fault.empty());
  CHECK(killed.holds_first(killed.packets().count()));
}

/// A packet whose block takes exactly so many bytes.
PacketBatch packet_of(PacketStream& packets, std::uint64_t block_bytes) {
  for (std::uint64_t size = block_bytes;; --size) {
    PacketStream trial = packets;
    if (trial.next(1, size).pieces[0].bytes.size() == block_bytes) return packets.next(1, size);
  }
}

TEST_CASE("recovery: a segment that is filled to the last byte and not sealed counts whole") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  std::vector<std::byte> left;
  {
    const auto ring = open_ring(small_ring(path));
    const std::uint64_t limit = run_limit(kMebibyte, 2);
    const auto room = [&] {
      return limit - load<SegmentHead>(read_file(path), kSegmentHeadOffset).frontier -
             sizeof(RunHead);
    };
    append_all(ring->lane(0), packets.next(20));
    while (room() > 60'000)
      append_all(ring->lane(0), packets.next(20));
    append_all(ring->lane(0), packet_of(packets, room()));
    left = read_file(path);
    REQUIRE(load<SegmentHead>(left, kSegmentHeadOffset).frontier == limit);
  }
  write_file(path, left);
  const auto ring = open_ring(small_ring(path));
  CHECK(ring->recovery().recovered == 1);
  CHECK(ring->recovery().damaged == 0);
  REQUIRE(ring->close());
  CHECK(walk(read_file(path)).packet_times.size() == packets.count());
}

TEST_CASE("recovery: it says where each source resumes") {
  KilledRecorder killed(60);
  const RecoveryReport report = killed.recover();
  REQUIRE(report.resume.size() == 1);
  CHECK(report.resume[0].first == killed.packets().source());
  CHECK(report.resume[0].second == killed.packets().position());
}

TEST_CASE("recovery: positions of another boot mean nothing") {
  KilledRecorder killed(60);
  killed.reboot();
  CHECK(killed.recover().resume.empty());
}

TEST_CASE("recovery: after a power cut the open segment counts up to its synced frontier") {
  KilledRecorder killed(10);
  const std::uint64_t opening = killed.first_run();
  killed.reboot();
  SegmentHead head = killed.head(0);
  head.synced_frontier = opening + 4 * (kRunBytes + sizeof(RunHead));
  killed.set_head(0, head);
  // What was not synced never came to the disk.
  const MutableBytes lost = killed.segment(0).subspan(head.synced_frontier);
  std::fill(lost.begin(), lost.end(), std::byte{0});

  const RecoveryReport report = killed.recover();
  CHECK(report.recovered == 1);
  CHECK(killed.after().fault.empty());
  CHECK(killed.holds_first(80));
}

TEST_CASE("recovery: after a power cut an open segment that was never synced is used again") {
  KilledRecorder killed(10);
  killed.reboot();
  const RecoveryReport report = killed.recover();
  CHECK(report.recovered == 0);
  CHECK(report.damaged == 0);
  CHECK(killed.after().fault.empty());
  CHECK(killed.holds_first(0));
}

TEST_CASE("recovery: after a power cut a sealed segment counts if its checksum says so") {
  KilledRecorder killed(125);
  killed.reboot();
  RecoveryReport report = killed.recover();
  CHECK(report.sealed == 2);
  CHECK(killed.after().feet.size() == 2);

  // Part of the second one's blocks never came to the disk, and it had not been synced at all.
  const MutableBytes lost = killed.segment(1).subspan(400'000, 8192);
  std::fill(lost.begin(), lost.end(), std::byte{0});
  report = killed.recover();
  CHECK(report.sealed == 1);
  CHECK(killed.after().fault.empty());
  CHECK(killed.after().feet.size() == 1);
}

TEST_CASE(
    "recovery: after a power cut no unsynced segment counts behind one that did not survive") {
  for (const bool blank : {false, true}) {
    INFO(blank << ": not even its head came to the disk");
    KilledRecorder killed(125);
    killed.reboot();
    if (blank) {
      write_blank(killed.segment(0));
    } else {
      killed.segment(0)[400'000] ^= std::byte{1};
    }
    const RecoveryReport report = killed.recover();
    CHECK(report.sealed == 0);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0].find("segment 1") != std::string::npos);
    CHECK(killed.after().fault.empty());
    CHECK(killed.holds_first(0));
  }
}

TEST_CASE(
    "recovery: after a power cut an open segment does not count behind one that lost its end") {
  for (const bool sealed : {false, true}) {
    INFO(sealed << ": the second one was sealed, and not synced to its foot");
    KilledRecorder killed(125);
    killed.reboot();
    SegmentHead first = killed.head(0);
    first.foot = 0;
    first.synced_frontier = KilledRecorder(10).first_run() + 4 * (kRunBytes + sizeof(RunHead));
    killed.set_head(0, first);
    SegmentHead second = killed.head(1);
    if (!sealed) second.foot = 0;
    second.synced_frontier = sealed ? second.foot / 2 / 8 * 8 : second.frontier;
    killed.set_head(1, second);
    const RecoveryReport report = killed.recover();
    CHECK(report.sealed == 0);
    CHECK(report.recovered == 1);
    CHECK(killed.after().fault.empty());
    CHECK(killed.holds_first(80));
  }
}

TEST_CASE(
    "recovery: after a power cut new blocks under an old synced head are not taken for the "
    "record") {
  KilledRecorder killed(60);
  killed.reboot();
  SegmentHead head = killed.head(0);
  REQUIRE(head.foot != 0);
  head.synced_frontier = head.foot + sizeof(SegmentFoot);
  killed.set_head(0, head);
  // The segment was in use again: its blank head was still in memory, its new blocks were on disk.
  killed.segment(0)[head.foot / 2] ^= std::byte{1};

  const RecoveryReport report = killed.recover();
  CHECK(report.damaged == 1);
  CHECK(killed.after().fault.empty());
}

TEST_CASE(
    "recovery: after a power cut new blocks under an old synced head are found behind old ones "
    "that are untouched") {
  KilledRecorder killed(620);
  killed.reboot();
  std::size_t sealed = 0;
  for (std::size_t index = 0; index < killed.bytes().size() / kMebibyte; ++index) {
    SegmentHead head = killed.head(index);
    if (head.type != kSegmentHeadType || head.foot == 0) continue;
    head.synced_frontier = head.foot + sizeof(SegmentFoot);
    killed.set_head(index, head);
    // During a sync lanes copy, and nothing of that was on disk; then one wrote direct.
    if (++sealed == 12) killed.segment(index)[head.foot / 2] ^= std::byte{1};
  }
  REQUIRE(sealed >= 12);
  CHECK(killed.recover().damaged == 1);
  CHECK(killed.after().fault.empty());
}

/// A ring of 100 segments of 1 MiB.
std::unique_ptr<Ring> open_marked_ring(const std::filesystem::path& path) {
  RingOptions options = small_ring(path);
  if (!std::filesystem::exists(path)) {
    const auto small = open_ring(options);
    append_all(small->lane(0), PacketStream().next(1));
    REQUIRE(small->close());
  }
  options.storage_bytes = 100 * kMebibyte;
  return open_ring(options);
}

SegmentHead head_at(Bytes file, std::size_t index) {
  return load<SegmentHead>(file.subspan(index * kMebibyte, kMebibyte), kSegmentHeadOffset);
}

TEST_CASE("recovery: a ring that went round says durably how far it may have been recycled") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  PacketStream packets;
  {
    const auto ring = open_marked_ring(path);
    for (int run = 0; run < 7000; ++run)
      append_all(ring->lane(0), packets.next(20));
    REQUIRE(ring->close());
  }
  std::vector<std::byte> file = read_file(path);
  std::multimap<std::uint64_t, std::size_t> by_age;
  for (std::size_t index = 0; index < file.size() / kMebibyte; ++index) {
    SegmentHead head = head_at(file, index);
    if (head.type != kSegmentHeadType) continue;
    by_age.emplace(load<SegmentFoot>(file, index * kMebibyte + head.foot).sealed_at, index);
    head.boot_id[0] ^= 0xFF;
    head.fixed_crc32c = fixed_checksum(head);
    put(MutableBytes(file), index * kMebibyte + kSegmentHeadOffset, head);
  }
  REQUIRE(by_age.size() > 90);
  const std::uint64_t mark = RecycleMark::read(path, head_at(file, 0).ring_id);
  REQUIRE(by_age.begin()->first > 20);  // it went round
  const auto within = std::distance(by_age.begin(), by_age.lower_bound(mark));
  CHECK(within > 8);
  CHECK(within < 80);

  const auto last_within = std::prev(by_age.lower_bound(mark));
  file[last_within->second * kMebibyte + kMebibyte / 2] ^= std::byte{1};
  write_file(path, file);
  CHECK(open_marked_ring(path)->recovery().damaged == 1);
}

TEST_CASE(
    "recovery: after a power cut free space whose end is of another use of the segment is "
    "restored") {
  for (const bool synced : {false, true}) {
    INFO(synced << ": the segment was synced, and is being made blank");
    KilledRecorder killed(125);
    killed.reboot();
    SegmentHead head = killed.head(0);
    head.synced_frontier = synced ? kMebibyte : 0;
    killed.set_head(0, head);
    put(killed.segment(0), kMebibyte - sizeof(std::uint32_t),
        static_cast<std::uint32_t>(kMebibyte - kSegmentHeadOffset));
    const RecoveryReport report = killed.recover();
    CHECK(report.damaged == 0);
    CHECK(report.sealed == 2);
    CHECK(killed.after().fault.empty());
  }
}

TEST_CASE("recovery: a segment whose sealing was interrupted is sealed anew") {
  KilledRecorder killed(125);
  SegmentHead head = killed.head(1);
  head.foot = 0;
  killed.set_head(1, head);
  const RecoveryReport report = killed.recover();
  CHECK(report.recovered == 2);
  CHECK(killed.after().fault.empty());
  CHECK(killed.holds_first(killed.packets().count()));
}

TEST_CASE("recovery: of a sealed segment whose blocks a failed disk lost, what was synced counts") {
  KilledRecorder killed(125);
  SegmentHead head = killed.head(0);
  head.synced_frontier = KilledRecorder(10).first_run() + 4 * (kRunBytes + sizeof(RunHead));
  killed.set_head(0, head);
  killed.segment(0)[head.foot / 2] ^= std::byte{1};
  const std::uint64_t in_first = load<SegmentFoot>(killed.segment(0), head.foot).packets;
  const RecoveryReport report = killed.recover();
  CHECK(report.sealed == 1);
  CHECK(report.recovered == 2);
  CHECK(killed.after().fault.empty());
  CHECK(killed.after().packet_times.size() == killed.packets().count() - in_first + 80);
}

TEST_CASE("recovery: totals of the lane go on across a restart") {
  KilledRecorder killed(125);
  static_cast<void>(killed.recover());
  const std::vector<SegmentFoot>& feet = killed.after().feet;
  REQUIRE(feet.size() == 3);
  CHECK(feet[2].cumulative_packets == killed.packets().count());
  CHECK(feet[2].cumulative_dropped == killed.after().dropped);
  CHECK(feet[2].previous_sequence == feet[1].sequence);
}

TEST_CASE("recovery: a file cut off anywhere keeps what is in front of the cut") {
  KilledRecorder killed(125);
  const std::vector<std::byte> whole = killed.bytes();
  for (const std::size_t cut : {2'900'000, 2'500'008, 2'097'152, 2'097'300, 2'097'192, 1'100'001,
                                1'048'576, 700'003, 300, 256}) {
    INFO("cut at " << cut);
    killed.bytes().assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
    static_cast<void>(killed.recover());
    CHECK(killed.after().fault.empty());
    CHECK(killed.holds_first(killed.after().packet_times.size()));
    const std::uint64_t in_front = cut / (kRunBytes + 200) * 20;
    CHECK(killed.after().packet_times.size() + 40 >= std::min(in_front, killed.packets().count()));
  }
}

TEST_CASE("recovery: a damaged head costs its segment alone") {
  KilledRecorder killed(125);
  for (const std::size_t offset : {std::size_t{48}, kSegmentHeadOffset, kSegmentHeadOffset + 4,
                                   kSegmentHeadOffset + offsetof(SegmentHead, boot_id),
                                   kSegmentHeadOffset + offsetof(SegmentHead, fixed_crc32c)}) {
    INFO("byte " << offset);
    const std::vector<std::byte> whole = killed.bytes();
    killed.segment(0)[offset] ^= std::byte{0x10};
    const RecoveryReport report = killed.recover();
    CHECK(report.damaged == 1);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0].find("segment 0") != std::string::npos);
    CHECK(report.sealed + report.recovered == 2);
    killed.bytes() = whole;
  }
}

TEST_CASE("recovery: a damaged run head cuts the open segment in front of it") {
  KilledRecorder killed(10);
  const std::uint64_t opening = killed.first_run();
  const std::uint64_t third = opening + 2 * (kRunBytes + sizeof(RunHead));
  for (const std::size_t field : {offsetof(RunHead, type), offsetof(RunHead, total_bytes),
                                  offsetof(RunHead, trailer_total)}) {
    const std::vector<std::byte> whole = killed.bytes();
    killed.segment(0)[third + field] ^= std::byte{0x40};
    const RecoveryReport report = killed.recover();
    CHECK(report.recovered == 1);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0].find("torn") != std::string::npos);
    CHECK(killed.after().fault.empty());
    CHECK(killed.holds_first(40));
    killed.bytes() = whole;
  }
}

TEST_CASE("recovery: a run of which nothing but the padding in front is left tells of no time") {
  KilledRecorder killed(3);
  const MutableBytes run =
      killed.segment(0).subspan(killed.first_run() + 2 * (kRunBytes + sizeof(RunHead)));
  put(run, sizeof(RunHead), std::uint32_t{kFreeSpaceType});  // what direct writes begin with
  std::ranges::fill(run.subspan(sizeof(RunHead) + 1040, 1040), std::byte{0});
  killed.recover();
  CHECK(killed.whole());
  CHECK(killed.holds_first(40));
}

TEST_CASE("recovery: a damaged block length keeps the run up to that block") {
  KilledRecorder killed(10);
  const std::uint64_t opening = killed.first_run();
  const std::uint64_t block =
      opening + 2 * (kRunBytes + sizeof(RunHead)) + sizeof(RunHead) + 7 * 1040;
  killed.segment(0)[block + 4] ^= std::byte{0x40};
  const RecoveryReport report = killed.recover();
  CHECK(killed.after().fault.empty());
  CHECK(killed.holds_first(47));
  REQUIRE(report.resume.size() == 1);
  CHECK(report.resume[0].second == 47 * 1040);
}

TEST_CASE(
    "recovery: whatever single byte of the open segment's first pages is wrong, it is survived") {
  KilledRecorder killed(10);
  const std::vector<std::byte> whole = killed.bytes();
  for (std::size_t offset = 0; offset < 700; offset += 9) {
    INFO("byte " << offset);
    killed.segment(0)[offset] ^= std::byte{0xFF};
    const auto path = TemporaryDirectory();
    write_file(path / "ring.pcapng", killed.bytes());
    const auto ring = Ring::open(small_ring(path / "ring.pcapng"));
    if (ring) CHECK((*ring)->close());
    killed.bytes() = whole;
  }
}

TEST_CASE("recovery: a frontier beyond every bound is not followed") {
  KilledRecorder killed(10);
  for (const std::uint64_t frontier : {std::uint64_t{0}, std::uint64_t{7}, kMebibyte, kMebibyte + 8,
                                       ~std::uint64_t{0}, std::uint64_t{255}}) {
    SegmentHead head = killed.head(0);
    head.frontier = frontier;
    killed.set_head(0, head);
    static_cast<void>(killed.recover());
    CHECK(killed.after().fault.empty());
  }
}

TEST_CASE("recovery: a foot offset beyond every bound is not followed") {
  KilledRecorder killed(125);
  for (const std::uint64_t foot :
       {std::uint64_t{8}, std::uint64_t{257}, kMebibyte - 8, kMebibyte, ~std::uint64_t{0} - 7}) {
    SegmentHead head = killed.head(0);
    head.foot = foot;
    killed.set_head(0, head);
    static_cast<void>(killed.recover());
    CHECK(killed.after().fault.empty());
    CHECK(killed.holds_first(killed.packets().count()));
  }
}

}  // namespace
}  // namespace caprock::store::test
