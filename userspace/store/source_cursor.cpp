// SPDX-License-Identifier: Apache-2.0
#include "store/source_cursor.hpp"

namespace caprock::store {
namespace {

/// Bytes of the packets at the front of `blocks` that are before `limit_ns`: nearly all of most
/// records, which is why it is worth to look at nothing but what decides. A packet that is wrong in
/// any way is not counted, nor what is behind it.
std::size_t packets_before(Bytes blocks, std::int64_t limit_ns) {
  constexpr std::size_t kTrailerBytes = sizeof(std::uint32_t);
  std::size_t done = 0;
  while (blocks.size() - done >= sizeof(pcapng::PacketHead) + kTrailerBytes) {
    const auto head = load<pcapng::PacketHead>(blocks, done);
    const std::size_t total = head.block.total_bytes;
    const std::uint64_t time_ns = std::uint64_t{head.time_high} << 32 | head.time_low;
    if (head.block.type != pcapng::kEnhancedPacket ||
        static_cast<std::int64_t>(time_ns) >= limit_ns)
      break;
    if (total < sizeof head + kTrailerBytes || total % pcapng::kAlignment != 0 ||
        total > blocks.size() - done)
      break;
    if (load<std::uint32_t>(blocks, done + total - kTrailerBytes) != total) break;
    done += total;
  }
  return done;
}

}  // namespace

SourceCursor::SourceCursor(const RingView& view, const SegmentInfo& segment, const Run& first,
                           std::int64_t from_ns)
    : segment_(view.bytes(segment.index)),
      runs_end_(segment.runs_end),
      from_ns_(from_ns),
      run_(first),
      blocks_(view, segment) {
  skip_old_runs();
  enter(run_);
  advance();
}

std::optional<Run> SourceCursor::following_run() const {
  RunCursor runs(segment_, run_.end, runs_end_);
  auto run = runs.next();
  while (run && run->source != run_.source)
    run = runs.next();
  return run;
}

/// Everything in a run is before the window if the source's next run begins before it.
void SourceCursor::skip_old_runs() {
  auto next = following_run();
  while (next && next->first_ns != 0 && next->first_ns < from_ns_) {
    run_ = *next;
    next = following_run();
  }
}

void SourceCursor::enter(const Run& run) {
  run_ = run;
  blocks_.enter(run);
}

bool SourceCursor::next_in_run() {
  while ((block_ = blocks_.next())) {
    const auto time_ns = pcapng::block_time_ns(*block_);
    if (!time_ns || *time_ns < from_ns_) continue;
    time_ns_ = *time_ns;
    return true;
  }
  return false;
}

void SourceCursor::advance() {
  while (!next_in_run()) {
    const auto run = lost() ? std::nullopt : following_run();
    if (!run) return;
    enter(*run);
  }
}

pcapng::Block SourceCursor::take() {
  const pcapng::Block block = *block_;
  blocks_.release();
  advance();
  return block;
}

Bytes SourceCursor::take_stretch(std::int64_t limit_ns) {
  const std::byte* const begin = block_->bytes.data();
  const std::byte* end = begin;
  blocks_.release();
  do {
    const std::size_t packets = packets_before(blocks_.rest(), limit_ns);
    end += block_->bytes.size() + packets;
    blocks_.skip(packets);
    advance();
  } while (block_ && !blocks_.read_since_release() && block_->bytes.data() == end &&
           time_ns_ < limit_ns);
  return {begin, end};
}

void SourceCursor::extend(std::uint64_t runs_end) {
  runs_end_ = runs_end;
  if (at_end()) advance();
}

}  // namespace caprock::store
