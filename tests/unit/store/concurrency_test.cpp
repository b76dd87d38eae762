// SPDX-License-Identifier: Apache-2.0
// Lanes, housekeeping, flusher and readers at once.
#include <stop_token>

#include "recorder.hpp"
#include "store/window.hpp"
#include "walker.hpp"

namespace caprock::store::test {
namespace {

/// Appends 1 KB packets for a while, as an agent's lane does.
void run_lane(const std::stop_token& stop, Ring& ring, unsigned index, std::uint64_t& count) {
  PacketStream packets(index, wall_ns());
  while (!stop.stop_requested()) {
    append_all(ring.lane(index), packets.next(64));
    ring.lane(index).set_complete_until(wall_ns());
    if (packets.count() % 1024 == 0) ring.lane(index).reveal();
  }
  count = packets.count();
}

TEST_CASE("ring: two lanes, their helpers and a reader at once") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.lanes = 2;
  const auto ring = open_ring(options);
  std::uint64_t counts[2] = {};
  std::jthread lanes[2];
  for (unsigned i = 0; i < 2; ++i) {
    lanes[i] =
        std::jthread([&, i](const std::stop_token& stop) { run_lane(stop, *ring, i, counts[i]); });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
  std::uint64_t seen = 0;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto view = RingView::open(options.path);
    if (!view) FAIL(view.error().message());
    auto window = Window::open(*view, {});
    REQUIRE(window);
    std::int64_t last_ns = 0;
    while (const auto block = window->next()) {
      REQUIRE(block->time_ns >= last_ns);
      last_ns = block->time_ns;
      ++seen;
    }
    static_cast<void>(ring->status());
  }
  for (std::jthread& lane : lanes)
    lane = {};  // stops and joins
  REQUIRE(ring->close());
  CHECK(seen > 0);
  const RingStatus status = ring->status();
  CHECK(status.laps >= 1);
  CHECK(status.lanes[0].packets == counts[0]);
  CHECK(status.lanes[1].packets == counts[1]);
  CHECK(walk(read_file(options.path)).fault.empty());
}

TEST_CASE("ring: at rest, everything complete is durable") {
  const TemporaryDirectory directory;
  const auto ring = open_ring(small_ring(directory / "ring.pcapng"));
  PacketStream packets;
  append_all(ring->lane(0), packets.next(10));
  ring->lane(0).set_complete_until(12345);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (ring->status().durable_until_ns != 12345) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ring->lane(0).settle();
  }
  CHECK(ring->status().complete_until_ns == 12345);
}

}  // namespace
}  // namespace caprock::store::test
