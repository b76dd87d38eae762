// SPDX-License-Identifier: Apache-2.0
#include "capture/block_queue.hpp"

#include <utility>

namespace caprock::capture {
namespace {

constexpr std::uint64_t kCapacityBytes = 8 << 20;

}  // namespace

void BlockQueue::put(std::vector<std::byte> blocks) {
  const std::lock_guard lock(mutex_);
  end_ += blocks.size();
  chunks_.push_back({std::move(blocks), end_});
}

bool BlockQueue::full() const {
  return used_bytes() >= kCapacityBytes;
}

/// A chunk's memory stays where it is while others come behind it.
PacketBatch BlockQueue::peek() {
  const std::lock_guard lock(mutex_);
  pieces_.clear();
  for (const Chunk& chunk : chunks_) {
    Bytes bytes = chunk.blocks;
    if (pieces_.empty())
      bytes = bytes.last(chunk.end_position - position_);  // it may have been cut
    pieces_.push_back({.bytes = bytes, .end_position = chunk.end_position});
  }
  return {.source = id_, .position = position_, .pieces = pieces_, .more = false};
}

void BlockQueue::consume(std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  if (position <= position_) return;
  position_ = position;
  while (!chunks_.empty() && chunks_.front().end_position <= position_)
    chunks_.pop_front();
}

void BlockQueue::set_complete(std::int64_t monotonic_ns) {
  const std::lock_guard lock(mutex_);
  complete_ns_ = monotonic_ns;
}

std::int64_t BlockQueue::complete_ns() const {
  const std::lock_guard lock(mutex_);
  return complete_ns_;
}

std::uint64_t BlockQueue::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return end_ - position_;
}

std::uint64_t BlockQueue::capacity_bytes() const {
  return kCapacityBytes;
}

}  // namespace caprock::capture
