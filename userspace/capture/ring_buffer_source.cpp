// SPDX-License-Identifier: Apache-2.0
#include "capture/ring_buffer_source.hpp"

#include <linux/bpf.h>

#include <utility>

#include "abi/block.h"

#include "capture/shared_position.hpp"

namespace caprock::capture {
namespace {

/// A record's header says how long it is and whether it is still being written or was given up.
struct Record {
  bool busy;
  bool discarded;
  std::uint64_t bytes;  // header included
  const std::byte* data;
};

Record read_record(const RingBufferView& view, std::uint64_t position) {
  const std::byte* at = view.data + (position & (view.bytes - 1));
  const auto header = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(at), __ATOMIC_ACQUIRE);
  const std::uint32_t data_bytes = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
  return {.busy = (header & BPF_RINGBUF_BUSY_BIT) != 0,
          .discarded = (header & BPF_RINGBUF_DISCARD_BIT) != 0,
          .bytes = round_up(BPF_RINGBUF_HDR_SZ + data_bytes, 8),
          .data = at + BPF_RINGBUF_HDR_SZ};
}

Bytes block_of(const Record& record) {
  return {record.data, load<std::uint32_t>(record.data + offsetof(epb_head, total_bytes))};
}

}  // namespace

RingBufferSource::RingBufferSource(SourceId id, RingBufferView view, WakeSignal wake,
                                   std::shared_ptr<const void> memory)
    : id_(id),
      view_(view),
      wake_(std::move(wake)),
      memory_(std::move(memory)),
      position_(*view.consumer) {
  pieces_.reserve(kMaxPieces);
}

PacketBatch RingBufferSource::peek() {
  pieces_.clear();
  const std::uint64_t produced = load_acquire(*view_.producer);
  std::uint64_t at = position_;
  while (at < produced && pieces_.size() < kMaxPieces) {
    const Record record = read_record(view_, at);
    if (record.busy) break;
    at += record.bytes;
    if (!record.discarded) {
      pieces_.push_back({.bytes = block_of(record), .end_position = at});
    } else if (pieces_.empty()) {
      consume(at);  // nothing in front of it waits to be kept
    }
  }
  return {.source = id_,
          .position = position_,
          .pieces = pieces_,
          .more = pieces_.size() == kMaxPieces};
}

void RingBufferSource::consume(std::uint64_t position) {
  if (position <= position_) return;
  position_ = position;
  store_release(*view_.consumer, position_);
}

void RingBufferSource::resume(std::uint64_t position) {
  if (position <= load_acquire(*view_.producer)) consume(position);
}

std::uint64_t RingBufferSource::used_bytes() const {
  const std::uint64_t consumed =
      load_acquire(*view_.consumer);  // first, as the producer is never behind it
  return load_acquire(*view_.producer) - consumed;
}

}  // namespace caprock::capture
