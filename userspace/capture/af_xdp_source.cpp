// SPDX-License-Identifier: Apache-2.0
#include "capture/af_xdp_source.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "abi/block.h"
#include "abi/mirror.h"

namespace caprock::capture {
namespace {

constexpr std::uint64_t kPaddingMask = 3;

/// As much as the kernel copies into one socket; the memory should last twice as long as a rest.
constexpr std::uint64_t kPacketsPerMs = 1000;
constexpr int kLongestRestMs = 50;

/// Writes padding, options and trailing length behind a packet of `captured` bytes; returns the
/// length of the whole block.
std::uint32_t write_tail(std::byte* packet, std::uint32_t captured, std::uint64_t dropped) {
  const std::uint64_t padded = (captured + kPaddingMask) & ~kPaddingMask;
  std::fill(packet + captured, packet + padded, std::byte{});
  std::byte* at = packet + padded;
  const auto append = [&at](const auto& part) {
    std::memcpy(at, &part, sizeof part);
    at += sizeof part;
  };
  append(epb_flags_option{PCAPNG_EPB_FLAGS, 4, EPB_INBOUND});
  if (dropped != 0) append(epb_dropcount_option{PCAPNG_EPB_DROPCOUNT, 8, dropped});
  const auto length = [&] {
    return static_cast<std::uint32_t>(at - packet) + EPB_HEAD_BYTES + sizeof(std::uint32_t);
  };
  if (length() % 8 != 0) append(std::uint32_t{PCAPNG_OPT_END});
  const auto total = static_cast<std::uint32_t>(length());
  append(total);
  return total;
}

}  // namespace

AfXdpSource::AfXdpSource(SourceId id, std::unique_ptr<RxQueue> queue,
                         std::shared_ptr<const MirrorCounts> counts, std::uint32_t interface_id)
    : id_(id),
      queue_(std::move(queue)),
      counts_(std::move(counts)),
      interface_id_(interface_id),
      next_(*queue_->received().consumer) {
  pieces_.reserve(kMaxPieces);
  frames_.reserve(kMaxPieces);
}

PacketBatch AfXdpSource::peek() {
  const xsk_ring_cons& ring = queue_->received();
  const std::uint32_t produced = __atomic_load_n(ring.producer, __ATOMIC_ACQUIRE);
  for (; next_ != produced && pieces_.size() < kMaxPieces; ++next_)
    complete(*xsk_ring_cons__rx_desc(&ring, next_));
  return {.source = id_, .position = position_, .pieces = pieces_, .more = next_ != produced};
}

/// The head is there already. Where a driver puts packets further back than others, the end of a
/// long one makes room for what comes behind it. What was lost before the interface got another id
/// is not told by a block of the new one: Recorder tells it.
void AfXdpSource::complete(const xdp_desc& packet) {
  std::byte* const at = queue_->memory().data() + packet.addr;
  const std::uint64_t offset = packet.addr % MIRROR_FRAME_BYTES;
  auto head = load<mirror_head>(at - sizeof(mirror_head));
  const std::uint64_t room = MIRROR_FRAME_BYTES - MIRROR_TAIL_BYTES - offset;
  head.block.captured_bytes = static_cast<std::uint32_t>(
      std::min<std::uint64_t>({head.block.captured_bytes, packet.len, room}));
  if (std::exchange(interface_id_, head.block.interface_id) != head.block.interface_id)
    untold_.clear();
  const std::uint64_t dropped = head.dropped + take_losses_before(next_);
  head.block.total_bytes = write_tail(at, head.block.captured_bytes, dropped);
  std::byte* const begin = at - EPB_HEAD_BYTES;
  std::memcpy(begin, &head.block, sizeof head.block);
  const std::uint64_t end = position_ + (pieces_.size() + 1) * MIRROR_FRAME_BYTES;
  pieces_.push_back({.bytes = {begin, head.block.total_bytes}, .end_position = end});
  frames_.push_back({.address = packet.addr - offset, .dropped = dropped});
}

std::uint64_t AfXdpSource::take_losses_before(std::uint32_t entry) {
  std::uint64_t packets = 0;
  for (; !untold_.empty() && static_cast<std::int32_t>(entry - untold_.front().before) >= 0;
       untold_.pop_front())
    packets += untold_.front().packets;
  return packets;
}

/// What was lost so far is counted before anything can come behind it.
void AfXdpSource::consume(std::uint64_t position) {
  if (position <= position_) return;
  count_lost();
  const auto frames = static_cast<std::uint32_t>((position - position_) / MIRROR_FRAME_BYTES);
  count_written(frames);
  give_back(frames);
  pieces_.erase(pieces_.begin(), pieces_.begin() + frames);
  frames_.erase(frames_.begin(), frames_.begin() + frames);
  position_ = position;
  xsk_ring_cons__release(&queue_->received(), frames);
  queue_->wake_driver();
}

void AfXdpSource::give_back(std::uint32_t frames) {
  xsk_ring_prod& free = queue_->free_frames();
  __u32 at = 0;
  xsk_ring_prod__reserve(&free, frames, &at);
  for (std::uint32_t i = 0; i < frames; ++i)
    *xsk_ring_prod__fill_addr(&free, at + i) = frames_[i].address;
  xsk_ring_prod__submit(&free, frames);
}

/// A renamed interface gets another id, so there may be two in one batch.
void AfXdpSource::count_written(std::uint32_t frames) {
  capture_counters sum{};
  std::uint32_t id = interface_id_;
  for (std::uint32_t i = 0; i < frames; ++i) {
    const auto head = load<epb_head>(pieces_[i].bytes);
    if (head.interface_id != id) {
      counts_->add(id, std::exchange(sum, {}));
      id = head.interface_id;
    }
    sum.written++;
    sum.original_bytes += head.original_bytes;
    sum.captured_bytes += head.captured_bytes;
    sum.lost_reported += frames_[i].dropped;
  }
  counts_->add(id, sum);
}

/// Packets are lost while every frame holds one, and until the first of them is given back: behind
/// all that were received. (Those that the kernel takes in one go it shows together, so that the
/// loss may be told up to an interrupt's packets early.)
void AfXdpSource::count_lost() {
  const std::uint64_t lost = queue_->lost();
  if (lost == known_lost_) return;
  capture_counters more{};
  more.lost = lost - std::exchange(known_lost_, lost);
  untold_.push_back({.before = __atomic_load_n(queue_->received().producer, __ATOMIC_ACQUIRE),
                     .packets = more.lost});
  counts_->add(interface_id_, more);
}

Nanoseconds AfXdpSource::longest_rest() const {
  const std::uint64_t ms = capacity_bytes() / MIRROR_FRAME_BYTES / kPacketsPerMs / 2;
  return std::chrono::milliseconds(std::clamp<std::uint64_t>(ms, 1, kLongestRestMs));
}

std::uint64_t AfXdpSource::used_bytes() const {
  const xsk_ring_cons& ring = queue_->received();
  // First, as the producer is never behind it.
  const std::uint32_t consumed = __atomic_load_n(ring.consumer, __ATOMIC_ACQUIRE);
  const std::uint32_t packets = __atomic_load_n(ring.producer, __ATOMIC_ACQUIRE) - consumed;
  return std::uint64_t{packets} * MIRROR_FRAME_BYTES;
}

}  // namespace caprock::capture
