// SPDX-License-Identifier: Apache-2.0
#include "agent/lane.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>

#include <catch2/catch_test_macros.hpp>

#include "core/clock.hpp"

using namespace caprock;
using namespace std::chrono_literals;

namespace {

// A source whose bytes are a count: position n has been published once `head` is beyond it.
class CountingSource : public capture::PacketSource {
 public:
  PacketBatch peek() override {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    const std::uint64_t end = std::min(head, tail_ + kPieceBytes);
    if (tail_ == end) return {};
    piece_ = {.bytes = Bytes(memory_).first(end - tail_), .end_position = end};
    return {.source = id_, .position = tail_, .pieces = {&piece_, 1}, .more = end < head};
  }
  const SourceId& id() const override { return id_; }
  void consume(std::uint64_t position) override { tail_ = position; }
  void resume(std::uint64_t position) override { tail_ = position; }
  int wake_fd() const override { return wake_.get(); }
  void clear_wake() override {
    eventfd_t ignored = 0;
    eventfd_read(wake_.get(), &ignored);
  }
  std::uint64_t used_bytes() const override {
    return head_.load(std::memory_order_acquire) - tail_;
  }
  std::uint64_t capacity_bytes() const override { return 1 << 20; }

  void publish(std::uint64_t bytes) { head_.fetch_add(bytes, std::memory_order_release); }
  void wake() { eventfd_write(wake_.get(), 1); }
  bool drive() override {
    drives += driven ? 1 : 0;
    return driven;
  }

  bool driven = false;  // before the lane has it
  std::atomic<std::uint64_t> drives{0};

 private:
  static constexpr std::uint64_t kPieceBytes = 4096;
  const SourceId id_{.kind = SourceKind::kStage, .index = 0, .instance = 1};
  std::array<std::byte, kPieceBytes> memory_{};
  std::atomic<std::uint64_t> head_{0};
  std::atomic<std::uint64_t> tail_{0};
  BlockPiece piece_;
  Fd wake_{eventfd(0, EFD_NONBLOCK)};
};

struct CountingWriter : store::LaneWriter {
  void pin(std::span<const Bytes>) override {}
  bool holds_back(std::uint64_t) const override { return holds; }
  bool append(const PacketBatch& batch) override {
    while (stalled)
      std::this_thread::sleep_for(1ms);
    if (knows != nullptr) unknown += *knows > interfaces ? 1 : 0;
    in_order = in_order && batch.position == position;
    ++runs;
    begun = std::min(batch.pieces.back().end_position, limit);
    round_begun = lane != nullptr ? lane->rounds() : 0;
    return lane != nullptr;
  }
  std::uint64_t settle() override {
    if (lane != nullptr && lane->rounds() == round_begun) ++settled_at_once;
    position = begun;
    bytes.store(position, std::memory_order_release);
    return position;
  }
  void set_interfaces(SharedInterfaceList list) override { interfaces = list->size(); }
  bool append_control(Bytes) override { return true; }
  std::uint64_t packets() const override { return 0; }
  void set_wall_offset(std::int64_t wall_offset_ns) override {
    wall_offset = wall_offset_ns;
    bytes_at_step = bytes;
  }
  void reveal() override {
    ++reveals;
    if (source != nullptr) hidden_bytes = std::max(hidden_bytes, source->used_bytes());
  }
  void set_complete_until(std::int64_t wall_ns) override { complete_until = wall_ns; }

  const CountingSource* source = nullptr;  // of which hidden_bytes tells what a reveal left out
  std::uint64_t hidden_bytes = 0;
  const agent::Lane* lane = nullptr;  // whose runs are on their way for a while; none: for no time
  std::uint64_t round_begun = 0;
  std::atomic<int> settled_at_once{0};
  std::atomic<bool> holds{false};
  std::atomic<bool> stalled{false};
  const std::atomic<std::size_t>* knows = nullptr;  // interfaces whose packets may be in a batch
  int unknown = 0;                                  // batches that came before them
  std::uint64_t begun = 0;
  std::uint64_t position = 0;
  std::uint64_t limit = UINT64_MAX;
  bool in_order = true;
  int runs = 0;
  std::size_t interfaces = 0;
  std::int64_t wall_offset = 0;
  std::uint64_t bytes_at_step = 0;
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<int> reveals{0};
  std::atomic<std::int64_t> complete_until{0};
};

struct Fixture {
  CountingSource source;
  CountingWriter writer;
  std::unique_ptr<agent::Lane> lane =
      std::move(*agent::Lane::create(0, {&source}, writer, wall_offset_ns()));
};

template <class Condition>
bool within(std::chrono::milliseconds time, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// For what takes a certain time at the most: others may have the CPUs in the meantime, not always.
template <class Condition>
bool in_some_attempt(Condition condition) {
  for (int attempt = 0; attempt < 5; ++attempt)
    if (condition()) return true;
  return false;
}

}  // namespace

TEST_CASE("lane: everything published reaches the writer in order, the rest on stop") {
  Fixture f;
  f.lane->start();
  for (int i = 0; i < 1000; ++i)
    f.source.publish(1000);
  CHECK(within(2s, [&] { return f.writer.bytes == 1'000'000; }));
  f.source.publish(12345);
  f.lane->stop();
  CHECK(f.writer.bytes == 1'012'345);
  CHECK(f.writer.in_order);
  CHECK(f.source.used_bytes() == 0);
}

InterfaceList interfaces(std::size_t count) {
  return InterfaceList(count, {"eth0", ""});
}

TEST_CASE("lane: no packet comes to the writer before its interface does") {
  Fixture f;
  std::atomic<std::size_t> known = 0;
  f.writer.knows = &known;
  f.lane->start();
  for (std::size_t count = 1; count <= 500; ++count) {
    f.lane->set_interfaces(std::make_shared<const InterfaceList>(interfaces(count)));
    known = count;
    f.source.publish(64);
    f.source.wake();
    if (count % 50 == 0) std::this_thread::sleep_for(1ms);
  }
  f.lane->stop();
  CHECK(f.writer.bytes == 500 * 64);
  CHECK(f.writer.unknown == 0);
  CHECK(f.writer.interfaces == 500);
}

TEST_CASE("lane: a new interface does not wait for a disk that takes nothing") {
  Fixture f;
  f.writer.stalled = true;
  f.source.publish(2'000'000);
  f.lane->start();
  std::atomic<bool> set = false;
  std::thread control([&] {
    std::this_thread::sleep_for(50ms);  // the lane is in the writer by now
    f.lane->set_interfaces(std::make_shared<const InterfaceList>(interfaces(3)));
    set = true;
  });
  CHECK(within(2s, [&] { return set.load(); }));
  f.writer.stalled = false;
  control.join();
  f.lane->stop();
  CHECK(f.writer.interfaces == 3);
}

TEST_CASE("lane: what the writer holds back stays in the source until that fills") {
  Fixture f;
  f.writer.holds = true;
  f.source.publish(100'000);  // of 1 MiB
  f.lane->start();
  CHECK_FALSE(within(300ms, [&] { return f.writer.bytes != 0; }));
  f.source.publish(100'000);
  CHECK(within(500ms, [&] { return f.writer.bytes != 0; }));
  f.lane->stop();
  CHECK(f.writer.bytes == 200'000);
}

TEST_CASE("lane: a source that leaves that to us is driven all the time, without more rounds") {
  Fixture f;
  f.source.driven = true;
  f.lane->start();
  CHECK(within(2s, [&] { return f.source.drives > 1000; }));
  CHECK(f.source.drives > 100 * f.lane->rounds());
  f.source.publish(1000);
  CHECK(within(2s, [&] { return f.writer.bytes == 1000; }));
  f.lane->stop();
}

TEST_CASE("lane: what the writer holds back is shown to foreign readers nevertheless") {
  Fixture f;
  f.writer.holds = true;
  f.writer.source = &f.source;
  f.source.publish(100'000);
  f.lane->start();
  CHECK(within(2s, [&] { return f.writer.reveals != 0; }));
  f.lane->stop();
  CHECK(f.writer.hidden_bytes == 0);
}

TEST_CASE("lane: what the writer could not take stays in the source") {
  Fixture f;
  f.writer.limit = 5000;
  f.source.publish(10000);
  f.lane->start();
  CHECK(within(2s, [&] { return f.writer.bytes == 5000; }));
  f.lane->stop();
  CHECK(f.source.used_bytes() == 5000);
}

TEST_CASE("lane: a stop beside programs that go on takes what is there and ends") {
  Fixture f;
  std::atomic<bool> ended = false;
  f.lane->start();
  std::thread programs([&] {
    while (!ended)
      f.source.publish(8);
  });
  std::this_thread::sleep_for(20ms);
  f.lane->stop(agent::Drain::kPresent);
  ended = true;
  programs.join();
  CHECK(f.writer.bytes > 0);
  CHECK(f.writer.in_order);
}

TEST_CASE("lane: a source that is dropped is not looked at any more, the others are") {
  CountingSource kept;
  CountingSource dropped;
  CountingWriter writer;
  auto lane = std::move(*agent::Lane::create(0, {&dropped, &kept}, writer, wall_offset_ns()));
  lane->start();
  lane->drop({&dropped});
  dropped.publish(1000);
  dropped.wake();
  kept.publish(500);
  CHECK(within(2s, [&] { return writer.bytes == 500; }));
  lane->stop();
  CHECK(dropped.used_bytes() == 1000);
  CHECK(kept.used_bytes() == 0);
}

TEST_CASE("lane: a source that comes later is emptied too, and taken whole before it goes") {
  CountingSource first;
  CountingSource later;
  CountingWriter writer;
  auto lane = std::move(*agent::Lane::create(0, {&first}, writer, wall_offset_ns()));
  lane->start();
  REQUIRE(lane->add(later));
  later.publish(20'000);
  CHECK(within(2s, [&] { return later.used_bytes() == 0; }));
  writer.holds = true;
  later.publish(10'000);
  lane->finish({&later});
  CHECK(later.used_bytes() == 0);
  later.publish(8);
  lane->stop();
  CHECK(later.used_bytes() == 8);
}

TEST_CASE("lane: a wake-up is answered at once, also by an idle lane") {
  Fixture f;
  f.lane->start();
  std::this_thread::sleep_for(200ms);
  const auto wakeups = f.lane->wakeups();
  f.source.publish(100);
  f.source.wake();
  CHECK(within(2s, [&] { return f.lane->wakeups() > wakeups; }));
  CHECK(within(2s, [&] { return f.writer.bytes == 100; }));
}

TEST_CASE("lane: a trickle is in the ring within a tenth of a second") {
  Fixture f;
  f.lane->start();
  std::uint64_t published = 0;
  CHECK(in_some_attempt([&] {
    std::this_thread::sleep_for(100ms);
    f.source.publish(64);
    published += 64;
    return within(100ms, [&] { return f.writer.bytes == published; });
  }));
}

TEST_CASE("lane: small pieces are gathered, so that runs are long under load") {
  Fixture f;
  f.lane->start();
  for (int i = 0; i < 300; ++i) {
    f.source.publish(1000);
    std::this_thread::sleep_for(1ms);
  }
  f.lane->stop();
  CHECK(f.writer.bytes == 300'000);
  CHECK(f.writer.runs <= 300'000 / 4096 + 20);
}

TEST_CASE("lane: an idle lane looks after its sources some twenty times a second, not a thousand") {
  Fixture f;
  f.lane->start();
  std::this_thread::sleep_for(200ms);
  const auto before = f.lane->rounds();
  std::this_thread::sleep_for(1s);
  CHECK(f.lane->rounds() - before <= 25);
  CHECK(f.lane->rounds() - before >= 2);
}

TEST_CASE("lane: a run on its way is not waited for as long as nothing else is worth a run") {
  Fixture f;
  f.writer.lane = f.lane.get();
  f.source.publish(f.source.capacity_bytes() / 8);
  f.lane->start();
  CHECK(within(2s, [&] { return f.writer.bytes == 4096; }));
  CHECK(f.writer.settled_at_once == 0);
  CHECK(within(2s, [&] { return f.source.used_bytes() == 0; }));
  f.lane->stop();
  CHECK(f.writer.in_order);
}

TEST_CASE("lane: as much as a run is taken at once, however young it is") {
  Fixture f;
  f.lane->start();
  CHECK(in_some_attempt([&] {
    CHECK(within(2s, [&] { return f.source.used_bytes() == 0; }));
    std::this_thread::sleep_for(60ms);
    const std::uint64_t before = f.writer.bytes;
    f.source.publish(f.source.capacity_bytes() / 8);
    f.source.wake();
    return within(30ms, [&] { return f.writer.bytes >= before + 4096; });  // it is late 40 ms later
  }));
}

TEST_CASE("lane: a command runs on the lane and is done when execute returns") {
  Fixture f;
  f.lane->start();
  f.lane->execute([](store::LaneWriter& writer) {
    writer.set_interfaces(
        std::make_shared<const InterfaceList>(InterfaceList{{"lo", ""}, {"eth0", ""}}));
  });
  CHECK(f.writer.interfaces == 2);
}

TEST_CASE(
    "lane: held for a step of the clock, it leaves the source alone, then goes on behind it") {
  Fixture f;
  f.lane->start();
  f.source.publish(1000);
  f.lane->hold();
  CHECK(f.writer.bytes == 1000);
  f.source.publish(9000);
  f.source.wake();
  std::this_thread::sleep_for(100ms);
  CHECK(f.writer.bytes == 1000);
  f.lane->change_clock({.before_ns = 0, .after_ns = 77, .since_ns = monotonic_ns()},
                       monotonic_ns() + 1'000'000'000);
  CHECK(f.writer.wall_offset == 77);
  CHECK(f.writer.bytes_at_step == 10'000);  // without times they are of the old one
  f.source.publish(500);
  CHECK(within(2s, [&] { return f.writer.bytes == 10'500; }));
  f.lane->stop();
  CHECK(f.writer.in_order);
}

TEST_CASE("lane: complete-until follows the clock and never runs ahead of it") {
  Fixture f;
  f.lane->start();
  CHECK(within(2s, [&] { return f.writer.complete_until > 0; }));
  const std::int64_t first = f.writer.complete_until;
  CHECK(within(2s, [&] { return f.writer.complete_until > first; }));
  CHECK(f.writer.complete_until < wall_ns());
}

TEST_CASE("lane: foreign readers are shown the news once a second") {
  Fixture f;
  f.lane->start();
  std::this_thread::sleep_for(2500ms);
  f.lane->stop();
  CHECK(f.writer.reveals >= 2);
  CHECK(f.writer.reveals <= 4);
}

TEST_CASE("lane: what foreign readers are shown leaves no source behind a busier one") {
  CountingSource busy, quiet;
  CountingWriter writer;
  writer.source = &quiet;
  const auto lane = std::move(*agent::Lane::create(0, {&busy, &quiet}, writer, wall_offset_ns()));
  lane->start();
  for (int i = 0; i < 1200; ++i) {
    busy.publish(1000);
    busy.wake();
    quiet.publish(8);
    std::this_thread::sleep_for(2ms);
  }
  lane->stop();
  CHECK(writer.reveals >= 2);
  CHECK(writer.hidden_bytes <= 40);  // of up to 200
}
