// SPDX-License-Identifier: Apache-2.0
// The fixed parts of a segment, as functions over its bytes: blank, opening, head, free space.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/byte_span.hpp"
#include "core/interface_list.hpp"
#include "store/format.hpp"

namespace caprock::store {

using BootId = std::array<std::uint8_t, 16>;

/// The 16 bytes of "xxxxxxxx-xxxx-…"; zeros, which equal no boot's, if `text` is none.
BootId parse_boot_id(std::string_view text);

/// Type and length of a block as the one word that makes it visible.
std::uint64_t block_word(std::uint32_t type, std::uint64_t total_bytes);

/// The word at `at` (8-aligned), in one store behind all earlier ones, or one load before all later
/// ones.
void publish_word(std::byte* at, std::uint64_t word);
std::uint64_t observe_word(const std::byte* at);

/// Whether a run head stands at `offset`, be it that free space hides its first word until the next
/// reveal.
bool holds_run_head(Bytes segment, std::uint64_t offset);

/// What a lane's segments have in common until their interfaces or clock change.
struct SegmentIdentity {
  std::uint64_t ring_id = 0;
  std::uint32_t segment_bytes = 0;
  std::uint32_t lane = 0;
  BootId boot_id{};
  std::uint32_t clock_generation = 0;
  std::int64_t wall_offset_ns = 0;
  std::string_view node;
};

/// From the section header to the last IDB, complete but for sequence and time. Descriptions are
/// left out where with them the opening would take more than a quarter of the segment.
std::vector<std::byte> build_opening(const SegmentIdentity& identity,
                                     const InterfaceList& interfaces);

/// An IDB, as in the opening, appended to `out`.
void write_interface(std::vector<std::byte>& out, const InterfaceRecord& record, bool described);

/// The first bytes of a blank segment: section header, and the head of a free-space block over all
/// the rest.
std::vector<std::byte> build_blank(std::uint64_t segment_bytes);

/// Makes a segment whose pages are in memory blank. What it held is gone at the first store.
void write_blank(MutableBytes segment);

/// What a blank segment has to hold before it becomes an active one without runs; it is hidden
/// until show_opening(), before which comes the trailer of the free space, at the segment's end.
void write_opening(MutableBytes segment, Bytes opening, std::uint64_t sequence,
                   std::int64_t created_ns);
void show_opening(MutableBytes segment);

/// The first place where a free-space block of an active segment may end that has its head, or
/// runs, up to `offset`: 16 bytes behind the next eighth of the segment, so that its trailer and
/// the head of the next block share a page that holds nothing else. Or the segment's end.
std::uint64_t free_space_end(std::uint64_t segment_bytes, std::uint64_t offset);

/// Head and trailer of the free-space block from `offset` to the segment's end.
void write_free_space(MutableBytes segment, std::uint64_t offset);

/// The mapped head. Fields from `frontier` on are shared between threads: use publish_word and
/// observe_word on them.
SegmentHead& head_of(MutableBytes segment);

/// Checksum of a head's fields before `fixed_crc32c`.
std::uint32_t fixed_checksum(const SegmentHead& head);

/// Checksum of a sealed segment, for the foot at `foot`.
std::uint32_t segment_checksum(Bytes segment, std::uint64_t foot);

/// Bytes of `interfaces` ISBs and a foot: what has to be kept for sealing.
std::uint64_t close_bytes(std::size_t interfaces);

/// How far runs may reach in a segment with so many interfaces: what sealing puts behind them,
/// ISBs, foot and free space, fits.
std::uint64_t run_limit(std::uint64_t segment_bytes, std::size_t interfaces);

}  // namespace caprock::store
