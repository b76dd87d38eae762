// SPDX-License-Identifier: Apache-2.0
#include "store/segment_writer.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "core/log.hpp"
#include "core/result.hpp"
#include "store/direct_writer.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

/// What a direct run takes beside its blocks at the most: up to a page before them, and one more
/// where 8 bytes could be no block.
constexpr std::uint64_t kMaxPadding = 2 * kPageBytes + 16;

/// Of a padding block: free space that ends inside the run.
constexpr std::uint64_t kMinPadding = 16;

constexpr std::size_t kFrontierOffset = kSegmentHeadOffset + offsetof(SegmentHead, frontier);
constexpr std::size_t kSyncedOffset = kSegmentHeadOffset + offsetof(SegmentHead, synced_frontier);

Bytes bytes_of(const RunHead& head) {
  return std::as_bytes(std::span(&head, 1));
}

/// A free-space block of so many bytes; none if there are none.
std::vector<std::byte> free_space(std::uint64_t bytes) {
  std::vector<std::byte> block(bytes);
  if (bytes == 0) return block;
  put(block, 0, block_word(kFreeSpaceType, bytes));
  put(block, bytes - sizeof(std::uint32_t), static_cast<std::uint32_t>(bytes));
  return block;
}

}  // namespace

SegmentWriter::SegmentWriter(MutableBytes segment, const SegmentFile& file, Bytes opening,
                             std::size_t interfaces, std::uint64_t sequence,
                             std::int64_t created_ns)
    : segment_(segment),
      file_(file),
      resident_(kPageBytes),
      first_run_(opening.size()),
      frontier_(first_run_),
      revealed_(first_run_),
      free_end_(segment.size()),
      write_(first_run_),
      limit_(run_limit(segment.size(), interfaces)),
      tally_(open(opening, sequence, created_ns)) {}

SegmentTally SegmentWriter::open(Bytes opening, std::uint64_t sequence, std::int64_t created_ns) {
  need_pages(opening.size() + sizeof(std::uint64_t));  // and the head of the free space behind it
  write_opening(segment_, opening, sequence, created_ns);
  end_free_space(segment_.size() - opening.size());
  show_opening(segment_);
  SegmentTally tally(segment_);
  tally.add(opening.subspan(kInterfacesOffset));
  return tally;
}

/// The trailer at the segment's end, of a block of so many bytes: the kernel has the page, the
/// mapping would fault.
void SegmentWriter::end_free_space(std::uint64_t bytes) {
  const auto trailer = static_cast<std::uint32_t>(bytes);
  const std::uint64_t at = segment_.size() - sizeof trailer;
  const Bytes stored = std::as_bytes(std::span(&trailer, 1));
  if (!file_.reaches(segment_.size()) || !file_.write(at, {stored})) put(segment_, at, trailer);
}

std::uint64_t SegmentWriter::room() const {
  const std::uint64_t used = frontier_ + sizeof(RunHead);
  return used < limit_ ? limit_ - used : 0;
}

void SegmentWriter::write_run(const RunHead& head, Bytes blocks) {
  begin_run(head);
  store({visible_part(head), blocks});
  tally_.add(blocks);
}

void SegmentWriter::begin_run(const RunHead& head) {
  reach_free_space(frontier_ + sizeof head + head.bytes);
  tally_.add(bytes_of(head));
  write_ = frontier_ + sizeof head - visible_part(head).size();
}

/// Free space may stand at the frontier: its first word hides the run until the next reveal.
Bytes SegmentWriter::visible_part(const RunHead& head) const {
  return bytes_of(head).subspan(frontier_ == revealed_ ? sizeof(std::uint64_t) : 0);
}

std::uint64_t SegmentWriter::direct_room() const {
  const std::uint64_t room = this->room();
  if (file_.direct == nullptr || room < kDirectBytes + kMaxPadding) return 0;
  return room - kMaxPadding;
}

bool SegmentWriter::direct_worth(std::uint64_t bytes) const {
  return file_.direct != nullptr && bytes >= kDirectBytes;
}

bool SegmentWriter::takes_direct(Bytes blocks) const {
  return direct_worth(blocks.size()) && blocks.size() <= direct_room();
}

/// Head, padding and the first bytes up to a page's end through the page cache, whole pages to
/// disk, the rest through the page cache. The checksum is taken while the disk is at work.
void SegmentWriter::start_direct(RunHead head, Bytes blocks) {
  const std::vector<std::byte> padding = free_space(padding_before(blocks));
  head.bytes += padding.size();
  begin_run(head);
  const std::size_t lead = file_.direct->lead(blocks);
  store({visible_part(head), padding, blocks.first(lead)});
  tally_.add(padding);
  in_flight_ = blocks.subspan(lead, (blocks.size() - lead) & ~(kPageBytes - 1));
  behind_flight_ = blocks.subspan(lead + in_flight_.size());
  if (file_.reaches(segment_.size())) {
    file_.direct->start(in_flight_, file_.offset + write_);
  } else {
    store({std::exchange(in_flight_, {})});
  }
  tally_.add(blocks);
}

void SegmentWriter::finish_direct() {
  if (!in_flight_.empty() && file_.direct->finish()) {
    write_ += in_flight_.size();
    resident_ = std::max(resident_, write_);
  } else {
    store({in_flight_});
  }
  store({behind_flight_});
  in_flight_ = behind_flight_ = {};
}

/// So much that the first byte behind the lead comes to lie at the beginning of a page.
std::uint64_t SegmentWriter::padding_before(Bytes blocks) const {
  const std::uint64_t behind_lead = frontier_ + sizeof(RunHead) + file_.direct->lead(blocks);
  const std::uint64_t padding = round_up(behind_lead, kPageBytes) - behind_lead;
  return padding == 0 || padding >= kMinPadding ? padding : padding + kPageBytes;
}

/// By a call of the kernel: page faults would cost more. What is left of the last page is made
/// blank, so that nothing of it is read from disk. Where the file fails, the mapping tells the
/// fault guard.
void SegmentWriter::store(std::initializer_list<Bytes> parts) {
  std::uint64_t end = write_;
  for (const Bytes part : parts)
    end += part.size();
  if (end == write_) return;
  const std::uint64_t page_end = round_up(end, kPageBytes);
  const std::uint64_t blank = end > resident_ && page_end < segment_.size() ? page_end - end : 0;
  if (file_.reaches(segment_.size()) && file_.write(write_, parts, blank)) {
    resident_ = std::max(resident_, end + blank);
  } else {
    std::byte* to = segment_.data() + write_;
    for (const Bytes part : parts)
      to = std::copy(part.begin(), part.end(), to);
  }
  write_ = end;
}

/// A store to a page that is not in memory would read it from disk first. Where blanking fails the
/// store does just that.
void SegmentWriter::need_pages(std::uint64_t end) {
  if (end <= resident_ || !file_.reaches(segment_.size())) return;
  const std::uint64_t last_page = segment_.size() - kPageBytes;
  const std::uint64_t wanted = std::min<std::uint64_t>(round_up(end, kPageBytes), last_page);
  if (wanted > resident_ && !file_.blank(resident_, wanted - resident_)) {
    report_error(Error::from_errno("blank pages cannot be written to the ring").message());
  }
  resident_ = wanted == last_page ? segment_.size() : wanted;
}

void SegmentWriter::commit_run() {
  frontier_ = write_;
  publish_word(segment_.data() + kFrontierOffset, frontier_);
}

void SegmentWriter::mark_durable(std::uint64_t end) {
  if (end == durable_) return;
  publish_word(segment_.data() + kSyncedOffset, end);
  durable_ = end;
}

bool SegmentWriter::intact() const {
  return observe_word(segment_.data() + kSegmentHeadOffset) ==
         block_word(kSegmentHeadType, sizeof(SegmentHead));
}

bool SegmentWriter::add_interfaces(std::size_t count, std::uint64_t bytes) {
  const std::uint64_t statistics = close_bytes(count) - close_bytes(0);
  if (room() < bytes + statistics) return false;
  limit_ -= statistics;
  return true;
}

void SegmentWriter::reveal() {
  if (frontier_ == revealed_) return;
  touch_free_space();
  if (!split_free_space()) show_one_block();
  show_runs();
}

void SegmentWriter::reveal_last() {
  touch_free_space();
  show_one_block();
  show_runs();
}

void SegmentWriter::show_runs() {
  if (frontier_ == revealed_) return;
  publish_word(segment_.data() + revealed_, block_word(kRunHeadType, sizeof(RunHead)));
  revealed_ = frontier_;
}

/// The page faults of what follows come before anything changes: a sync may have cleaned the pages,
/// and a fault then waits for the disk.
void SegmentWriter::touch_free_space() {
  need_pages(frontier_ + sizeof(std::uint64_t));
  for (const std::uint64_t at : {revealed_, segment_.size() - sizeof(std::uint64_t)})
    publish_word(segment_.data() + at, observe_word(segment_.data() + at));
}

void SegmentWriter::show_one_block() {
  free_end_ = segment_.size();
  write_free_space(segment_, frontier_);
}

/// False: the file cannot be written, or one block is as good.
bool SegmentWriter::split_free_space() {
  const std::uint64_t end = free_space_end(segment_.size(), frontier_);
  if (end == segment_.size()) return false;
  publish_word(segment_.data() + frontier_, block_word(kFreeSpaceType, end - frontier_));
  if (free_end_ == segment_.size() && !write_blocks_behind(end)) return false;
  if (!write_free_space_end(frontier_, end)) return false;
  free_end_ = end;
  return true;
}

/// The blocks behind the one that ends at `end`, last one first. They stay until a run reaches
/// them.
bool SegmentWriter::write_blocks_behind(std::uint64_t end) {
  const std::uint64_t next = free_space_end(segment_.size(), end);
  if (next != segment_.size() && !write_blocks_behind(next)) return false;
  return write_free_space_end(end, next);
}

/// The trailer of the free-space block from `begin` to `end`, and the head of the next one in the
/// same page, which is written by the kernel, so that it need not be read.
bool SegmentWriter::write_free_space_end(std::uint64_t begin, std::uint64_t end) {
  const auto bytes = static_cast<std::uint32_t>(end - begin);
  if (end == segment_.size()) {
    put(segment_, end - sizeof bytes, bytes);
    return true;
  }
  std::array<std::byte, kPageBytes> page{};
  const std::uint64_t at = end & ~(kPageBytes - 1);
  put(page, end - at - sizeof bytes, bytes);
  put(page, end - at, block_word(kFreeSpaceType, free_space_end(segment_.size(), end) - end));
  return file_.reaches(segment_.size()) && file_.write(at, {page});
}

/// A run up to `end` is to be written behind the frontier: the block that hides it becomes as long.
void SegmentWriter::reach_free_space(std::uint64_t end) {
  if (free_end_ == segment_.size() || end <= free_end_ - kPageBytes) return;
  const std::uint64_t wanted = free_space_end(segment_.size(), end);
  touch_free_space();
  free_end_ = write_free_space_end(revealed_, wanted) ? wanted : segment_.size();
  if (free_end_ != wanted) return write_free_space(segment_, revealed_);
  publish_word(segment_.data() + revealed_, block_word(kFreeSpaceType, wanted - revealed_));
}

}  // namespace caprock::store
