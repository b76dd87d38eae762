// SPDX-License-Identifier: Apache-2.0
#include "insight/event_source.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock;
using namespace caprock::insight;

namespace {

/// Events in the kernel that nobody has made blocks of yet.
class KernelQueue final : public capture::PacketSource {
 public:
  std::uint64_t waiting = 0;

  PacketBatch peek() override { return {}; }
  const SourceId& id() const override { return id_; }
  void consume(std::uint64_t) override {}
  void resume(std::uint64_t) override {}
  int wake_fd() const override { return -1; }
  void clear_wake() override {}
  std::uint64_t used_bytes() const override { return waiting; }
  std::uint64_t capacity_bytes() const override { return 4096; }

 private:
  SourceId id_;
};

std::vector<std::byte> blocks(std::size_t bytes, int value) {
  return std::vector<std::byte>(bytes, std::byte(value));
}

constexpr SourceId kId{SourceKind::kEvents, 0, 1};

}  // namespace

TEST_CASE("event source: blocks come out in the order in which they went in") {
  KernelQueue kernel;
  EventSource source(kId, kernel);
  CHECK(source.peek().empty());
  source.put(blocks(16, 1));
  source.put(blocks(32, 2));
  const PacketBatch batch = source.peek();
  CHECK(batch.position == 0);
  REQUIRE(batch.pieces.size() == 2);
  CHECK(batch.pieces[0].end_position == 16);
  CHECK(batch.pieces[1].end_position == 48);
  CHECK(batch.pieces[1].bytes[0] == std::byte{2});
  source.consume(48);
  CHECK(source.peek().empty());
  CHECK(source.used_bytes() == 0);
}

TEST_CASE("event source: a batch that was cut goes on at the cut") {
  KernelQueue kernel;
  EventSource source(kId, kernel);
  source.put(blocks(32, 1));
  source.put(blocks(8, 2));
  source.consume(24);
  const PacketBatch batch = source.peek();
  CHECK(batch.position == 24);
  REQUIRE(batch.pieces.size() == 2);
  CHECK(batch.pieces[0].bytes.size() == 8);
  CHECK(batch.pieces[1].bytes.size() == 8);
}

TEST_CASE("event source: what is still in the kernel counts as waiting") {
  KernelQueue kernel;
  EventSource source(kId, kernel);
  kernel.waiting = 100;
  CHECK(source.used_bytes() == 100);
  CHECK(source.peek().empty());
  CHECK(source.peek().more);
  source.put(blocks(16, 1));
  CHECK(source.used_bytes() == 116);
}
