// SPDX-License-Identifier: Apache-2.0
#include "store/source_cursor.hpp"

namespace caprock::store {
namespace {

constexpr std::ptrdiff_t kMaxStretchBytes = 256 << 10;  // what a reader copies stays in its cache

}  // namespace

SourceCursor::SourceCursor(Bytes segment, const Run& first, std::uint64_t runs_end,
                           std::int64_t from_ns)
    : segment_(segment),
      runs_end_(runs_end),
      from_ns_(from_ns),
      run_(first),
      blocks_(segment.first(first.end), first.begin) {
  skip_old_runs();
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
    enter(*next);
    next = following_run();
  }
}

void SourceCursor::enter(const Run& run) {
  run_ = run;
  blocks_ = pcapng::BlockCursor(segment_.first(run.end), run.begin);
}

bool SourceCursor::next_in_run() {
  while (const auto block = blocks_.next()) {
    const auto time_ns = pcapng::block_time_ns(*block);
    if (!time_ns || *time_ns < from_ns_) continue;
    block_ = block;
    time_ns_ = *time_ns;
    return true;
  }
  if (!fault_) fault_ = blocks_.fault();
  return false;
}

void SourceCursor::advance() {
  block_.reset();
  while (!next_in_run()) {
    const auto run = following_run();
    if (!run) return;
    enter(*run);
  }
}

Bytes SourceCursor::take_stretch(std::int64_t limit_ns) {
  const std::byte* const begin = block_->bytes.data();
  const std::byte* end = begin;
  while (block_ && block_->bytes.data() == end && end - begin < kMaxStretchBytes &&
         (end == begin || time_ns_ < limit_ns)) {
    end += block_->bytes.size();
    advance();
  }
  return {begin, end};
}

void SourceCursor::extend(std::uint64_t runs_end) {
  runs_end_ = runs_end;
  if (at_end()) advance();
}

}  // namespace caprock::store
