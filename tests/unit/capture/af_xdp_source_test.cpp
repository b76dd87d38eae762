// SPDX-License-Identifier: Apache-2.0
#include "capture/af_xdp_source.hpp"

#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "abi/block.h"
#include "abi/mirror.h"

#include "core/fd.hpp"

using namespace caprock;
using namespace caprock::capture;

namespace {

constexpr SourceId kId{SourceKind::kAfXdp, 64, 5};
constexpr std::uint32_t kInterface = 3;
constexpr std::uint32_t kFrames = 16;

/// Rings and memory as the kernel shares them, and the kernel's part in it.
class FakeQueue final : public RxQueue {
 public:
  explicit FakeQueue(std::uint32_t frames) : frames_(frames) {
    received_ = {.cached_prod = 0,
                 .cached_cons = 0,
                 .mask = frames - 1,
                 .size = frames,
                 .producer = &rx_producer_,
                 .consumer = &rx_consumer_,
                 .ring = rx_.data(),
                 .flags = &flags_};
    free_ = {.cached_prod = frames,
             .cached_cons = places_for(frames),
             .mask = places_for(frames) - 1,
             .size = places_for(frames),
             .producer = &fill_producer_,
             .consumer = &shown_fill_consumer_,
             .ring = fill_.data(),
             .flags = &flags_};
    for (std::uint32_t i = 0; i < frames; ++i)
      fill_[i] = std::uint64_t{i} * MIRROR_FRAME_BYTES;
  }

  MutableBytes memory() const override { return memory_; }
  xsk_ring_cons& received() override { return received_; }
  const xsk_ring_cons& received() const override { return received_; }
  xsk_ring_prod& free_frames() override { return free_; }
  std::uint64_t lost() const override { return lost_; }
  void wake_driver() override { ++wakes_; }
  bool poll_driver() override { return false; }

  /// A packet of `bytes` bytes of value `bytes`, `further` bytes behind its usual place.
  bool receive(std::uint32_t bytes, std::uint32_t further = 0, std::uint32_t dropped = 0,
               std::uint32_t interface_id = kInterface) {
    if (fill_consumer_ == fill_producer_) {
      ++lost_;
      return false;
    }
    const std::uint64_t frame = fill_[fill_consumer_++ % fill_.size()];
    if (!holds_places_) shown_fill_consumer_ = fill_consumer_;
    const std::uint64_t at = frame + MIRROR_HEADROOM_BYTES + further;
    const mirror_head head{.dropped = dropped,
                           .block = {.type = PCAPNG_EPB,
                                     .total_bytes = 0,
                                     .interface_id = interface_id,
                                     .time_high = 1,
                                     .time_low = 2,
                                     .captured_bytes = bytes,
                                     .original_bytes = bytes}};
    std::fill_n(memory_.begin() + static_cast<std::ptrdiff_t>(frame), MIRROR_FRAME_BYTES,
                std::byte{0xee});
    put(memory_, at - sizeof head, head);
    std::fill_n(memory_.begin() + static_cast<std::ptrdiff_t>(at), bytes,
                static_cast<std::byte>(bytes));
    rx_[rx_producer_++ % frames_] = {.addr = at, .len = bytes, .options = 0};
    return true;
  }

  /// From now on the places of frames that were taken are not cleared: the kernel does it last.
  void hold_places() { holds_places_ = true; }

  /// Each frame is in one ring, at one place.
  bool has_each_frame_once() const {
    std::vector<std::uint64_t> frames;
    for (std::uint32_t at = fill_consumer_; at != fill_producer_; ++at)
      frames.push_back(fill_[at % fill_.size()]);
    for (std::uint32_t at = rx_consumer_; at != rx_producer_; ++at)
      frames.push_back(rx_[at % frames_].addr / MIRROR_FRAME_BYTES * MIRROR_FRAME_BYTES);
    std::ranges::sort(frames);
    return frames.size() == frames_ && std::ranges::adjacent_find(frames) == frames.end();
  }

  std::uint32_t free_now() const { return fill_producer_ - fill_consumer_; }
  unsigned wakes() const { return wakes_; }

 private:
  std::uint32_t frames_;
  mutable std::vector<std::byte> memory_ =
      std::vector<std::byte>(std::size_t{frames_} * MIRROR_FRAME_BYTES);
  std::vector<xdp_desc> rx_ = std::vector<xdp_desc>(frames_);
  std::vector<std::uint64_t> fill_ = std::vector<std::uint64_t>(places_for(frames_));
  std::uint32_t rx_producer_ = 0, rx_consumer_ = 0, flags_ = 0;
  std::uint32_t fill_producer_ = frames_, fill_consumer_ = 0, shown_fill_consumer_ = 0;
  bool holds_places_ = false;
  xsk_ring_cons received_{};
  xsk_ring_prod free_{};
  std::uint64_t lost_ = 0;
  unsigned wakes_ = 0;
};

std::shared_ptr<const MirrorCounts> make_counts() {
  const Fd memory(memfd_create("mirror_counts", MFD_CLOEXEC));
  REQUIRE(ftruncate(memory.get(), MirrorCounts::kBytes) == 0);
  auto mapping = Mapping::shared(memory.get(), MirrorCounts::kBytes, PROT_READ | PROT_WRITE);
  REQUIRE(mapping);
  return std::make_shared<const MirrorCounts>(*std::move(mapping));
}

struct Fixture {
  explicit Fixture(std::uint32_t frames = kFrames) : queue(new FakeQueue(frames)) {}

  FakeQueue* queue;
  std::shared_ptr<const MirrorCounts> counts = make_counts();
  AfXdpSource source{kId, std::unique_ptr<RxQueue>(queue), counts, kInterface};

  void consume_all() {
    for (auto batch = source.peek(); !batch.empty(); batch = source.peek())
      source.consume(batch.pieces.back().end_position);
  }
};

}  // namespace

TEST_CASE("af_xdp: a packet of any length becomes a whole block where it is, padded with zeros") {
  Fixture fixture;
  for (std::uint32_t bytes = 60; bytes < 90; ++bytes) {
    REQUIRE(fixture.queue->receive(bytes));
    const auto batch = fixture.source.peek();
    REQUIRE(batch.pieces.size() == 1);
    const Bytes block = batch.pieces[0].bytes;
    const auto head = load<epb_head>(block);
    CHECK(head.total_bytes == block.size());
    CHECK(block.size() % 8 == 0);
    CHECK(head.captured_bytes == bytes);
    CHECK(load<std::uint32_t>(block, block.size() - 4) == block.size());
    const std::size_t padded = EPB_HEAD_BYTES + round_up(bytes, 4);
    for (std::size_t at = EPB_HEAD_BYTES + bytes; at < padded; ++at)
      CHECK(block[at] == std::byte{});
    CHECK(load<epb_flags_option>(block, padded).code == PCAPNG_EPB_FLAGS);
    CHECK(load<epb_flags_option>(block, padded).flags == EPB_INBOUND);
    fixture.source.consume(batch.pieces[0].end_position);
  }
}

TEST_CASE("af_xdp: what is not consumed is handed out again, unchanged") {
  Fixture fixture;
  for (const std::uint32_t bytes : {100u, 101u, 102u})
    REQUIRE(fixture.queue->receive(bytes));
  const auto first = fixture.source.peek();
  REQUIRE(first.pieces.size() == 3);
  const std::byte* const third = first.pieces[2].bytes.data();
  const std::uint64_t behind_second = first.pieces[1].end_position;
  fixture.source.consume(behind_second);
  REQUIRE(fixture.queue->receive(103));
  const auto second = fixture.source.peek();
  REQUIRE(second.pieces.size() == 2);
  CHECK(second.pieces[0].bytes.data() == third);
  CHECK(second.position == behind_second);
  CHECK(load<epb_head>(second.pieces[0].bytes).captured_bytes == 102);
  CHECK(load<epb_head>(second.pieces[1].bytes).captured_bytes == 103);
}

TEST_CASE("af_xdp: frames go back to the kernel when they are consumed, and the driver is woken") {
  Fixture fixture;
  for (int lap = 0; lap < 5; ++lap) {
    for (std::uint32_t i = 0; i < kFrames; ++i)
      REQUIRE(fixture.queue->receive(100 + i));
    CHECK(fixture.source.used_bytes() == kFrames * MIRROR_FRAME_BYTES);
    const auto batch = fixture.source.peek();
    CHECK_FALSE(batch.more);
    CHECK(fixture.queue->free_now() == 0);
    fixture.source.consume(batch.pieces.back().end_position);
    CHECK(fixture.queue->free_now() == kFrames);
    CHECK(fixture.source.used_bytes() == 0);
  }
  CHECK(fixture.queue->wakes() == 5);
  CHECK(fixture.counts->of(kInterface).written == 5 * kFrames);
}

TEST_CASE("af_xdp: what the socket lost is counted, and told once by the next block") {
  Fixture fixture;
  for (std::uint32_t i = 0; i < kFrames + 7; ++i)
    fixture.queue->receive(100);
  fixture.consume_all();
  CHECK(fixture.counts->of(kInterface).lost == 7);
  CHECK(fixture.counts->of(kInterface).lost_reported == 0);
  fixture.queue->receive(100);
  fixture.queue->receive(100);
  const auto batch = fixture.source.peek();
  REQUIRE(batch.pieces.size() == 2);
  const auto told =
      load<epb_dropcount_option>(batch.pieces[0].bytes, EPB_HEAD_BYTES + 100 + EPB_FLAGS_BYTES);
  CHECK(told.code == PCAPNG_EPB_DROPCOUNT);
  CHECK(told.packets == 7);
  CHECK(batch.pieces[0].bytes.size() > batch.pieces[1].bytes.size());
  fixture.consume_all();
  CHECK(fixture.counts->of(kInterface).lost_reported == 7);
}

TEST_CASE("af_xdp: a frame is given back while the kernel has not cleared the place it came from") {
  Fixture fixture;
  fixture.queue->hold_places();
  for (std::uint32_t i = 0; i < kFrames; ++i)
    REQUIRE(fixture.queue->receive(100));
  const auto batch = fixture.source.peek();
  for (const std::size_t piece : {2u, 7u, 15u}) {
    fixture.source.consume(batch.pieces[piece].end_position);
    CHECK(fixture.queue->has_each_frame_once());
  }
}

TEST_CASE("af_xdp: a loss is told behind all that was received in front of it") {
  constexpr std::uint32_t kMany = 4 * AfXdpSource::kMaxPieces;
  constexpr std::uint64_t kOften = 2 * std::uint64_t{kMany};
  Fixture fixture(kMany);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> told;  // number of the packet, packets lost
  std::uint64_t taken = 0;
  while (taken < kOften) {
    while (fixture.queue->receive(100)) {
    }
    fixture.queue->receive(100);
    const auto batch = fixture.source.peek();
    for (const BlockPiece& piece : batch.pieces) {
      const auto option =
          load<epb_dropcount_option>(piece.bytes, EPB_HEAD_BYTES + 100 + EPB_FLAGS_BYTES);
      if (option.code == PCAPNG_EPB_DROPCOUNT) told.emplace_back(taken, option.packets);
      ++taken;
    }
    fixture.source.consume(batch.pieces.back().end_position);
  }
  // Of each two one is the packet that found the ring full; each batch that is given back lets in
  // as many.
  CHECK(told == std::vector<std::pair<std::uint64_t, std::uint64_t>>{
                    {kMany, 2},
                    {kMany + AfXdpSource::kMaxPieces, 2},
                    {kMany + 2 * AfXdpSource::kMaxPieces, 2},
                    {kMany + 3 * AfXdpSource::kMaxPieces, 2}});
}

TEST_CASE("af_xdp: a block of a renamed port does not tell what was lost under its former name") {
  Fixture fixture;
  for (std::uint32_t i = 0; i < kFrames + 7; ++i)
    fixture.queue->receive(100);
  fixture.consume_all();
  fixture.queue->receive(100, 0, 0, kInterface + 1);
  fixture.consume_all();
  CHECK(fixture.counts->of(kInterface).lost == 7);
  CHECK(fixture.counts->of(kInterface).lost_reported == 0);
  CHECK(fixture.counts->of(kInterface + 1).lost_reported == 0);
}

TEST_CASE("af_xdp: a loss that the program hands over is told by that packet's block") {
  Fixture fixture;
  fixture.queue->receive(100, 0, 9);
  const auto batch = fixture.source.peek();
  REQUIRE(batch.pieces.size() == 1);
  CHECK(load<epb_dropcount_option>(batch.pieces[0].bytes, EPB_HEAD_BYTES + 100 + EPB_FLAGS_BYTES)
            .packets == 9);
  fixture.source.consume(batch.pieces[0].end_position);
  CHECK(fixture.counts->of(kInterface).lost_reported == 9);
  CHECK(fixture.counts->of(kInterface).lost == 0);
}

TEST_CASE("af_xdp: a packet too near to its frame's end is cut there, and its length is told") {
  Fixture fixture;
  fixture.queue->receive(MIRROR_PACKET_BYTES, 16, 1);
  const auto batch = fixture.source.peek();
  REQUIRE(batch.pieces.size() == 1);
  const auto head = load<epb_head>(batch.pieces[0].bytes);
  CHECK(head.captured_bytes == MIRROR_PACKET_BYTES - 16);
  CHECK(head.original_bytes == MIRROR_PACKET_BYTES);
}
