// SPDX-License-Identifier: Apache-2.0
// The circular file: a pcapng file of equal segments, each a complete section. See
// docs/formats/ring.md.
//
//   segment := SHB · SegmentHead · IDB per interface, in id order · { run } · [ISB per interface ·
//   SegmentFoot] · free space run     := RunHead · blocks in time order
//
// All blocks are multiples of 8 bytes, in the byte order of the machine. The block types below are
// local-use ones (top bit set), which readers that do not know them skip (draft-ietf-opsawg-pcapng,
// section 10.1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace caprock::store {

enum BlockType : std::uint32_t {
  kSegmentHeadType = 0x80000CA1,
  kFreeSpaceType = 0x80000CA2,
  kSegmentFootType = 0x80000CA3,
  kRunHeadType = 0x80000CA4,
  kInterfaceNamingType = 0x80000CA5,
};

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint64_t kDefaultSegmentBytes = 8u << 20;
inline constexpr std::uint64_t kMinSegmentBytes =
    1u << 20;  // holds a block of the largest snaplen with room to spare
inline constexpr std::uint64_t kMinSegments = 16;
inline constexpr std::uint64_t kMinRingBytes = kMinSegments * kMinSegmentBytes;
inline constexpr std::uint32_t kSnaplen =
    262144;  // of every IDB; libpcap refuses a section whose IDBs differ

/// The SHB has one option, shb_userappl "caprock", and no section length (-1).
inline constexpr std::size_t kSectionHeaderBytes = 40;
inline constexpr std::size_t kSegmentHeadOffset = kSectionHeaderBytes;
inline constexpr std::size_t kInterfacesOffset = 256;  // the first IDB

/// Second block of a segment. Everything before `frontier` is written once, before the segment
/// becomes active.
struct SegmentHead {
  std::uint32_t type;         // kSegmentHeadType
  std::uint32_t total_bytes;  // sizeof(SegmentHead)
  std::uint32_t format_version;
  std::uint32_t lane;
  std::uint64_t sequence;  // grows over the life of the ring, one for each use of a segment, in
                           // order within a lane
  std::uint64_t
      ring_id;  // random, made with the file: tells its segments from another ring's old bytes
  std::uint8_t boot_id[16];
  std::uint32_t segment_bytes;
  std::uint32_t clock_generation;  // counts steps of the wall clock
  std::int64_t wall_offset_ns;     // wall minus monotonic, of every packet's time in this segment
  std::int64_t created_ns;         // wall time of activation
  char node[64];                   // NUL-padded
  std::uint32_t fixed_crc32c;      // of the bytes from `format_version` up to here
  std::uint32_t reserved0[3];

  // Written by the lane and by housekeeping while the segment lives; on a cache line of its own
  // (file offset 192).
  std::uint64_t frontier;  // offset in the segment behind the last committed run, where the first
                           // ISB comes to stand
  std::uint64_t synced_frontier;  // what a successful fdatasync made durable: the frontier, or all
                                  // up to behind the foot
  std::uint64_t foot;             // written last: offset of the SegmentFoot once sealed, else 0
  std::uint64_t reserved1[4];
  std::uint32_t reserved2;
  std::uint32_t trailer_total;  // sizeof(SegmentHead)
};

/// In front of every run. Its first 8 bytes are constant: recovery restores them where a free-space
/// block still hides them.
struct RunHead {
  std::uint32_t type;         // kRunHeadType
  std::uint32_t total_bytes;  // sizeof(RunHead)
  std::uint16_t source_kind;  // caprock::SourceKind
  std::uint16_t reserved0;
  std::uint32_t source_index;     // CPU or queue
  std::uint64_t source_instance;  // life of the source's memory
  std::uint64_t position;         // the source's position of the first byte
  std::uint64_t end_position;     // and behind the last: where to resume
  std::uint64_t bytes;            // of the blocks that follow, which belong to the run
  std::int64_t first_ns;          // wall time of the first block that has one, 0 if none has
  std::uint32_t reserved1;
  std::uint32_t trailer_total;  // sizeof(RunHead)
};

/// In a control run: the interface of an id whose IDB in the segment's opening is blank. Behind the
/// head an IDB of our length (a multiple of 8) says it, then comes InterfaceNamingTail.
struct InterfaceNamingHead {
  std::uint32_t type;  // kInterfaceNamingType
  std::uint32_t total_bytes;
  std::uint32_t interface_id;
  std::uint32_t reserved;
};

struct InterfaceNamingTail {
  std::uint32_t reserved;
  std::uint32_t trailer_total;
};

/// Behind the ISBs of a sealed segment (one per IDB: isb_ifrecv is its EPBs and their
/// epb_dropcounts together, isb_ifdrop the latter; both of this segment alone). Cumulative figures
/// run over all segments of the lane since the ring was made: foot n's are foot n-1's plus this
/// segment's, which `verify` recomputes.
struct SegmentFoot {
  std::uint32_t type;         // kSegmentFootType
  std::uint32_t total_bytes;  // sizeof(SegmentFoot)
  std::uint64_t sequence;     // the head's
  std::int64_t first_ns;      // smallest and largest time of its packets and journal entries; 0, 0
                              // without any
  std::int64_t last_ns;
  std::uint64_t packets;         // EPBs in this segment
  std::uint64_t captured_bytes;  // their captured lengths
  std::uint64_t original_bytes;  // their original lengths
  std::uint64_t dropped;         // sum of their epb_dropcounts
  std::uint64_t cumulative_packets;
  std::uint64_t cumulative_captured_bytes;
  std::uint64_t cumulative_dropped;
  std::uint64_t previous_sequence;  // of this lane's segment before, 0 for the first
  std::uint64_t sealed_at;  // the ring's next sequence at that moment: what was sealed first
                            // is recycled first, whatever the wall clock said
  std::uint64_t reserved0[3];
  std::uint32_t
      crc32c;  // of the segment up to this field, the head from `frontier` to its end left out
  std::uint32_t trailer_total;  // sizeof(SegmentFoot)
};

static_assert(offsetof(SegmentHead, frontier) + kSegmentHeadOffset == 192,
              "a cache line of its own");
static_assert(sizeof(SegmentHead) + kSegmentHeadOffset == kInterfacesOffset);
static_assert(sizeof(RunHead) == 64);
static_assert(sizeof(InterfaceNamingHead) == 16);
static_assert(sizeof(InterfaceNamingTail) == 8);
static_assert(sizeof(SegmentFoot) % 8 == 0);

}  // namespace caprock::store
