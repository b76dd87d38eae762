// SPDX-License-Identifier: Apache-2.0
// The readers beside a recorder at work: nothing that they take for the record was half
// overwritten.
#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/reader.hpp"
#include "recorder.hpp"
#include "store/verify.hpp"
#include "store/window.hpp"

namespace caprock::store {
namespace {

constexpr int kLaps = 4;
constexpr std::size_t kBatches = kLaps * 16;  // of about half a MiB on each of two lanes

/// Records on two lanes, one CPU each, their times interleaved.
void record_laps(Ring& ring) {
  test::PacketStream even(0, 1'700'000'000'000'000'000);
  test::PacketStream odd(1, 1'700'000'000'000'000'500);
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    test::append_all(ring.lane(0), even.next(500));
    test::append_all(ring.lane(1), odd.next(500));
    ring.lane(0).reveal();
  }
}

/// What a reader of the whole ring saw.
struct Reading {
  std::uint64_t packets = 0;
  std::string fault;
};

void check_packet(const pcapng::Block& block, std::int64_t& last_ns, Reading& reading) {
  const auto packet = pcapng::as_packet(block);
  if (!packet || packet->captured.size() != 1000) {
    reading.fault = "a packet is not as it was recorded";
    return;
  }
  const auto time_ns = static_cast<std::int64_t>(packet->time);
  const auto changed = [](std::byte byte) { return byte != std::byte{0x5A}; };
  if (std::ranges::any_of(packet->captured, changed))
    reading.fault = "a packet's bytes are not as they were recorded";
  if (time_ns < last_ns) reading.fault = "packets are out of order";
  last_ns = time_ns;
  reading.packets += 1;
}

Reading read_ring(const std::filesystem::path& path) {
  Reading reading;
  std::int64_t last_ns = 0;
  const auto view = RingView::open(path);
  auto window = Window::open(*view, {});
  for (Bytes stretch = window->next_stretch(); !stretch.empty(); stretch = window->next_stretch()) {
    pcapng::BlockCursor cursor(stretch);
    while (const auto block = cursor.next())
      check_packet(*block, last_ns, reading);
    if (cursor.fault()) reading.fault = cursor.fault()->what;
  }
  for (const std::string& line : window->skipped()) {
    if (line.find("reused") == std::string::npos) reading.fault = line;
  }
  return reading;
}

}  // namespace

TEST_CASE("live: windows read beside a recorder that laps them hold whole packets in order") {
  const test::TemporaryDirectory directory;
  RingOptions options = test::small_ring(directory / "ring.pcapng");
  options.lanes = 2;
  const auto ring = test::open_ring(options);
  test::PacketStream first(3, 1'600'000'000'000'000'000);
  test::append_all(ring->lane(0), first.next(1));
  std::atomic<bool> done = false;
  std::vector<Reading> readings;
  std::thread reader([&] {
    while (!done)
      readings.push_back(read_ring(options.path));
  });
  record_laps(*ring);
  done = true;
  reader.join();
  for (const Reading& reading : readings)
    CHECK(reading.fault == "");
  CHECK(std::ranges::max_element(readings, {}, &Reading::packets)->packets > 1000);
}

TEST_CASE("live: a ring is found whole while it is recorded into, and afterwards") {
  const test::TemporaryDirectory directory;
  RingOptions options = test::small_ring(directory / "ring.pcapng");
  options.lanes = 2;
  auto ring = test::open_ring(options);
  test::PacketStream first(3, 1'600'000'000'000'000'000);
  test::append_all(ring->lane(0), first.next(1));
  std::atomic<bool> done = false;
  std::vector<VerifyReport> reports;
  std::thread reader([&] {
    while (!done)
      reports.push_back(*verify(options.path));
  });
  record_laps(*ring);
  done = true;
  reader.join();
  for (const VerifyReport& report : reports) {
    for (const Damage& damage : report.damage)
      UNSCOPED_INFO(damage.what << " at " << damage.offset);
    CHECK(report.whole());
  }
  REQUIRE(ring->close());
  ring.reset();
  const auto report = verify(options.path);
  REQUIRE(report);
  for (const Damage& damage : report->damage)
    UNSCOPED_INFO(damage.what << " at " << damage.offset);
  CHECK(report->whole());
  CHECK(report->active == 0);
  CHECK(report->packets == read_ring(options.path).packets);
}

}  // namespace caprock::store
