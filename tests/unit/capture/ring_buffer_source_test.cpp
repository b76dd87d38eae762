// SPDX-License-Identifier: Apache-2.0
#include "capture/ring_buffer_source.hpp"

#include <linux/bpf.h>

#include <array>

#include <catch2/catch_test_macros.hpp>

#include "abi/block.h"

using namespace caprock;
using namespace caprock::capture;

namespace {

constexpr SourceId kId{SourceKind::kRingBuffer, 1, 5};

/// Memory as kernel/bpf/ringbuf.c lays it out; what is written shows up in both mappings of the
/// data.
class FakeRing {
 public:
  static constexpr std::uint64_t kBytes = 1u << 17;

  RingBufferView view() {
    return {.consumer = &consumer_, .producer = &producer_, .data = data_.data(), .bytes = kBytes};
  }

  /// A record of `record_bytes` that begins with a block of `block_bytes`. Returns the position of
  /// the record.
  std::uint64_t put(std::uint32_t record_bytes, std::uint32_t block_bytes,
                    std::uint32_t flags = 0) {
    const std::uint64_t position = producer_;
    write(position, record_bytes | flags);
    const std::uint64_t block = position + BPF_RINGBUF_HDR_SZ;
    write(block + offsetof(epb_head, type), PCAPNG_EPB);
    write(block + offsetof(epb_head, total_bytes), block_bytes);
    write(block + block_bytes - 4, block_bytes);
    producer_ += round_up(BPF_RINGBUF_HDR_SZ + record_bytes, 8);
    return position;
  }

  void finish(std::uint64_t position, std::uint32_t record_bytes) { write(position, record_bytes); }
  std::uint64_t consumer() const { return consumer_; }

 private:
  void write(std::uint64_t position, std::uint32_t value) {
    const std::uint64_t at = position & (kBytes - 1);
    caprock::put(data_, at, value);
    caprock::put(data_, at < kBytes ? at + kBytes : at - kBytes, value);
  }

  std::uint64_t consumer_ = 0;
  std::uint64_t producer_ = 0;
  std::vector<std::byte> data_ = std::vector<std::byte>(2 * kBytes);
};

}  // namespace

TEST_CASE(
    "ring buffer source: a record is a piece: its block, and the position behind the record") {
  FakeRing ring;
  RingBufferSource source(kId, ring.view());
  CHECK(source.peek().empty());

  ring.put(250, 112);
  ring.put(256, 200);
  const PacketBatch batch = source.peek();
  CHECK(batch.source == kId);
  CHECK(batch.position == 0);
  REQUIRE(batch.pieces.size() == 2);
  CHECK(batch.pieces[0].bytes.size() == 112);
  CHECK(load<std::uint32_t>(batch.pieces[0].bytes, 108) == 112);
  CHECK(batch.pieces[0].end_position == 264);  // 8 + 250, rounded up
  CHECK(batch.pieces[1].bytes.size() == 200);
  CHECK(batch.pieces[1].end_position == 264 + 264);
  CHECK(source.used_bytes() == 528);
}

TEST_CASE("ring buffer source: a record that is still being written holds back what is behind it") {
  FakeRing ring;
  RingBufferSource source(kId, ring.view());
  ring.put(256, 104);
  const std::uint64_t busy = ring.put(256, 104, BPF_RINGBUF_BUSY_BIT);
  ring.put(256, 104);
  CHECK(source.peek().pieces.size() == 1);
  ring.finish(busy, 256);
  CHECK(source.peek().pieces.size() == 3);
}

TEST_CASE(
    "ring buffer source: discarded records are passed over, and given back where nothing is before "
    "them") {
  FakeRing ring;
  RingBufferSource source(kId, ring.view());
  ring.put(256, 104, BPF_RINGBUF_DISCARD_BIT);
  CHECK(source.peek().empty());
  CHECK(ring.consumer() == 264);

  ring.put(256, 104);
  ring.put(256, 104, BPF_RINGBUF_DISCARD_BIT);
  ring.put(256, 112);
  const PacketBatch batch = source.peek();
  CHECK(batch.position == 264);
  REQUIRE(batch.pieces.size() == 2);
  CHECK(batch.pieces[1].bytes.size() == 112);
  CHECK(ring.consumer() == 264);
}

TEST_CASE("ring buffer source: consuming a piece gives its record back and keeps the next") {
  FakeRing ring;
  RingBufferSource source(kId, ring.view());
  ring.put(256, 104);
  ring.put(256, 112);
  source.consume(source.peek().pieces[0].end_position);
  CHECK(ring.consumer() == 264);
  const PacketBatch rest = source.peek();
  CHECK(rest.position == 264);
  CHECK(rest.pieces[0].bytes.size() == 112);
}

TEST_CASE("ring buffer source: a record across the end of the ring is one piece") {
  FakeRing ring;
  RingBufferSource source(kId, ring.view());
  const std::uint32_t most = FakeRing::kBytes - 64;
  ring.put(most, most);
  source.consume(source.peek().pieces[0].end_position);
  ring.put(256, 104);
  const PacketBatch batch = source.peek();
  REQUIRE(batch.pieces.size() == 1);
  CHECK(load<std::uint32_t>(batch.pieces[0].bytes, 100) == 104);
}

TEST_CASE("ring buffer source: a batch is bounded, and the rest comes with the next") {
  FakeRing ring;
  RingBufferSource source(kId, ring.view());
  for (std::size_t n = 0; n < RingBufferSource::kMaxPieces + 5; ++n)
    ring.put(96, 72);
  const PacketBatch first = source.peek();
  CHECK(first.pieces.size() == RingBufferSource::kMaxPieces);
  source.consume(first.pieces.back().end_position);
  CHECK(source.peek().pieces.size() == 5);
}
