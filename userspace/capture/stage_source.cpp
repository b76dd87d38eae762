// SPDX-License-Identifier: Apache-2.0
#include "capture/stage_source.hpp"

#include <utility>

#include "capture/shared_position.hpp"

namespace caprock::capture {

StageSource::StageSource(SourceId id, StageView view, WakeSignal wake,
                         std::shared_ptr<const void> memory)
    : id_(id),
      view_(view),
      wake_(std::move(wake)),
      memory_(std::move(memory)),
      position_(view.tail->position) {}

PacketBatch StageSource::peek() {
  const std::uint64_t published = head();
  position_ = leave_closed_segment(position_, published);
  if (position_ == published) return {.source = id_, .position = position_, .pieces = {}};

  const bool closed = segment_number(position_) != segment_number(published);
  const std::uint64_t end = closed ? end_of_closed_segment(position_) : published;
  const std::uint64_t offset = position_ & ((std::uint64_t{1} << view_.segment_shift) - 1);
  piece_ = {.bytes = segment(position_).subspan(offset, end - position_), .end_position = end};
  return {.source = id_, .position = position_, .pieces = {&piece_, 1}, .more = closed};
}

void StageSource::consume(std::uint64_t position) {
  if (position <= position_) return;
  position_ = leave_closed_segment(position, head());
  store_release(view_.tail->position, position_);
}

void StageSource::resume(std::uint64_t position) {
  if (position <= head()) consume(position);
}

std::uint64_t StageSource::used_bytes() const {
  const std::uint64_t tail =
      load_acquire(view_.tail->position);  // first, as the head is never behind it
  return head() - tail;
}

std::uint64_t StageSource::head() const {
  return load_acquire(view_.head->position);
}

Bytes StageSource::segment(std::uint64_t position) const {
  const std::uint64_t bytes = std::uint64_t{1} << view_.segment_shift;
  const std::uint64_t index = segment_number(position) & (view_.segments.size() / bytes - 1);
  return view_.segments.subspan(index * bytes, bytes);
}

std::uint64_t StageSource::end_of_closed_segment(std::uint64_t position) const {
  const Bytes bytes = segment(position);
  const auto end_offset = load<std::uint64_t>(bytes, bytes.size() - STAGE_END_BYTES);
  return (segment_number(position) << view_.segment_shift) + end_offset;
}

// The programs may write a segment again only once the tail has left it, so a tail never rests at
// the end of a closed one.
std::uint64_t StageSource::leave_closed_segment(std::uint64_t position, std::uint64_t head) const {
  const std::uint64_t number = segment_number(position);
  if (number == segment_number(head) || position != end_of_closed_segment(position))
    return position;
  return (number + 1) << view_.segment_shift;
}

}  // namespace caprock::capture
