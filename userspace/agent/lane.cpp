// SPDX-License-Identifier: Apache-2.0
#include "agent/lane.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <future>
#include <utility>

#include "core/clock.hpp"

namespace caprock::agent {
namespace {

constexpr std::int64_t kRevealIntervalNs = 1'000'000'000;
constexpr int kBusyWaitMs = 1;
constexpr int kIdleWaitMs = 50;
// A round that brought less than this was hardly worth its wake-up: the next one waits twice as
// long.
constexpr std::uint64_t kBusyRoundBytes = 64 << 10;
// A program reads the clock before it publishes its block; so long after, even a preempted virtual
// CPU has.
constexpr std::int64_t kInFlightNs = 10'000'000;
constexpr std::uint32_t kCommandTag = UINT32_MAX;

}  // namespace

Result<std::unique_ptr<Lane>> Lane::create(unsigned index,
                                           std::vector<capture::PacketSource*> sources,
                                           store::LaneWriter& writer, std::int64_t wall_offset_ns) {
  std::unique_ptr<Lane> lane(new Lane(index, std::move(sources), writer, wall_offset_ns));
  lane->epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  lane->command_event_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!lane->epoll_ || !lane->command_event_) return Error::from_errno(lane->name_);
  if (auto watched = lane->watch(lane->command_event_.get(), kCommandTag); !watched)
    return std::move(watched).error();
  for (std::uint32_t i = 0; i < lane->sources_.size(); ++i) {
    const int fd = lane->sources_[i]->wake_fd();
    if (fd < 0) continue;
    if (auto watched = lane->watch(fd, i); !watched) return std::move(watched).error();
  }
  return lane;
}

Lane::Lane(unsigned index, std::vector<capture::PacketSource*> sources, store::LaneWriter& writer,
           std::int64_t wall_offset_ns)
    : name_(fmt::format("caprock-lane-{}", index)),
      sources_(std::move(sources)),
      writer_(writer),
      wall_offset_ns_(wall_offset_ns) {}

Lane::~Lane() {
  stop();
}

Status Lane::watch(int fd, std::uint32_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = tag;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return Error::from_errno(name_ + ": epoll");
  return {};
}

void Lane::start() {
  stopping_ = false;
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), name_.c_str());
}

void Lane::stop() {
  if (!thread_.joinable()) return;
  execute([this](store::LaneWriter&) { stopping_ = true; });
  thread_.join();
}

void Lane::execute(Command command) {
  if (!thread_.joinable()) return command(writer_);
  std::promise<void> done;
  {
    const std::lock_guard lock(command_mutex_);
    commands_.push_back([&](store::LaneWriter& writer) {
      command(writer);
      done.set_value();
    });
  }
  eventfd_write(command_event_.get(), 1);
  done.get_future().wait();
}

void Lane::set_wall_offset(std::int64_t wall_offset_ns) {
  execute([this, wall_offset_ns](store::LaneWriter& writer) {
    do_work();
    wall_offset_ns_ = wall_offset_ns;
    writer.set_wall_offset(wall_offset_ns);
  });
}

std::uint64_t Lane::lag_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto* source : sources_)
    bytes += source->used_bytes();
  return bytes;
}

std::uint64_t Lane::capacity_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto* source : sources_)
    bytes += source->capacity_bytes();
  return bytes;
}

void Lane::loop() {
  int timeout_ms = kBusyWaitMs;
  while (!stopping_) {
    const std::uint64_t bytes = do_work();
    timeout_ms = bytes >= kBusyRoundBytes ? kBusyWaitMs : std::min(2 * timeout_ms, kIdleWaitMs);
    wait(timeout_ms);
  }
  while (do_work() > 0) {
  }
}

std::uint64_t Lane::do_work() {
  const std::int64_t now_ns = monotonic_ns();
  std::uint64_t bytes = 0;
  for (auto* source : sources_)
    bytes += drain(*source);
  writer_.set_complete_until(now_ns - kInFlightNs + wall_offset_ns_);
  reveal_if_due(now_ns);
  rounds_.fetch_add(1, std::memory_order_relaxed);
  return bytes;
}

// Takes what was there when the round began, so that one busy CPU cannot keep the lane from the
// others.
std::uint64_t Lane::drain(capture::PacketSource& source) {
  const std::uint64_t wanted = source.used_bytes();
  std::uint64_t taken = 0;
  while (taken < wanted) {
    const PacketBatch batch = source.peek();
    if (batch.empty()) break;
    const std::uint64_t committed = writer_.append(batch);
    source.consume(committed);
    taken += committed - batch.position;
    if (committed != batch.pieces.back().end_position) break;
  }
  return taken;
}

void Lane::reveal_if_due(std::int64_t now_ns) {
  if (now_ns < next_reveal_ns_) return;
  writer_.reveal();
  next_reveal_ns_ = now_ns + kRevealIntervalNs;
}

void Lane::wait(int timeout_ms) {
  std::array<epoll_event, 16> events;
  const int ready =
      epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < ready; ++i) {
    const std::uint32_t tag = events[static_cast<std::size_t>(i)].data.u32;
    if (tag == kCommandTag) {
      run_commands();
    } else {
      sources_[tag]->clear_wake();
      wakeups_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

void Lane::run_commands() {
  eventfd_t ignored = 0;
  eventfd_read(command_event_.get(), &ignored);
  std::vector<Command> commands;
  {
    const std::lock_guard lock(command_mutex_);
    commands.swap(commands_);
  }
  for (auto& command : commands)
    command(writer_);
}

}  // namespace caprock::agent
