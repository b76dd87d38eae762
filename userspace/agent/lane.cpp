// SPDX-License-Identifier: Apache-2.0
#include "agent/lane.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <utility>

#include "core/clock.hpp"
#include "core/log.hpp"

namespace caprock::agent {
namespace {

constexpr std::int64_t kRevealIntervalNs = 1'000'000'000;
// A segment of the stage (capture/stage_geometry.cpp).
constexpr std::uint64_t kMostRunBytes = 4 << 20;
constexpr std::uint64_t kRunFraction = 8;
// From this fill on the page cache, if need be, takes what the disk cannot take at once.
constexpr std::uint64_t kUrgentEighths = 3;
// Up to this fill it waits for the end of a sync.
constexpr std::uint64_t kPatientEighths = 1;
constexpr int kShortestWaitMs = 1;
constexpr int kLongestWaitMs = 50;
// By then a direct write should be done.
constexpr int kDirectWaitMs = 2;
constexpr std::int64_t kPatienceNs = kLongestWaitMs * 1'000'000;
// A program reads the clock before it publishes its block; so long after, even a preempted virtual
// CPU has.
constexpr std::int64_t kInFlightNs = 10'000'000;
// Without any progress for so long at the end, the rest is given up.
constexpr std::int64_t kStuckNs = 10'000'000'000;
constexpr std::nullptr_t kCommandTag = nullptr;

std::uint64_t bytes_of(const PacketBatch& batch) {
  return batch.pieces.back().end_position - batch.position;
}

bool fills(const capture::PacketSource& source, std::uint64_t eighths) {
  return source.used_bytes() > source.capacity_bytes() / 8 * eighths;
}

int rest_ms_of(const capture::PacketSource& source) {
  return static_cast<int>(std::min<std::int64_t>(
      kLongestWaitMs,
      std::chrono::duration_cast<std::chrono::milliseconds>(source.longest_rest()).count()));
}

/// What is worth a run: less is left to grow for a while.
std::uint64_t run_bytes_of(const capture::PacketSource& source) {
  return std::min(kMostRunBytes, source.capacity_bytes() / kRunFraction);
}

/// How long a source that has `left` bytes, and got `arrived` bytes in `elapsed_ns`, takes until it
/// has `run` bytes.
int wait_for_run(std::uint64_t run, std::uint64_t left, std::uint64_t arrived,
                 std::int64_t elapsed_ns) {
  if (arrived == 0) return kLongestWaitMs;
  if (left >= run) return kShortestWaitMs;
  const double bytes_per_ms =
      static_cast<double>(arrived) / (static_cast<double>(elapsed_ns) / 1e6);
  const double ms = static_cast<double>(run - left) / bytes_per_ms;
  return static_cast<int>(std::clamp<double>(ms, kShortestWaitMs, kLongestWaitMs));
}

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
  for (Feed& feed : lane->feeds_) {
    const int fd = feed.source->wake_fd();
    if (fd < 0) continue;
    if (auto watched = lane->watch(fd, &feed); !watched) return std::move(watched).error();
  }
  return lane;
}

Lane::Lane(unsigned index, std::vector<capture::PacketSource*> sources, store::LaneWriter& writer,
           std::int64_t wall_offset_ns)
    : name_(fmt::format("caprock-lane-{}", index)),
      writer_(writer),
      wall_offset_ns_(wall_offset_ns),
      last_round_ns_(monotonic_ns()),
      next_reveal_ns_(last_round_ns_ + kRevealIntervalNs) {
  for (auto* source : sources)
    feeds_.push_back({source, run_bytes_of(*source), rest_ms_of(*source),
                      source->used_bytes() == 0 ? last_round_ns_ : 0});
}

Lane::~Lane() {
  stop();
}

/// No feed: commands.
Status Lane::watch(int fd, Feed* feed) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = feed;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return Error::from_errno(name_ + ": epoll");
  return {};
}

void Lane::start() {
  stopping_ = false;
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), name_.c_str());
}

void Lane::stop(Drain drain) {
  if (!thread_.joinable()) return;
  execute([this, drain](store::LaneWriter&) {
    rest_ = drain;
    stopping_ = true;
  });
  thread_.join();
}

Status Lane::add(capture::PacketSource& source) {
  Status watched;
  execute([&](store::LaneWriter&) {
    settle();
    feeds_.push_back({&source, run_bytes_of(source), rest_ms_of(source), monotonic_ns()});
    if (source.wake_fd() >= 0) watched = watch(source.wake_fd(), &feeds_.back());
    pin_memory();
  });
  return watched;
}

void Lane::finish(const std::vector<const capture::PacketSource*>& sources) {
  execute([&](store::LaneWriter&) {
    settle();
    for (Feed& feed : feeds_) {
      if (std::ranges::find(sources, feed.source) == sources.end()) continue;
      const std::int64_t deadline_ns = monotonic_ns() + kStuckNs;
      while (!put_all(feed) && monotonic_ns() < deadline_ns)
        std::this_thread::sleep_for(std::chrono::milliseconds(kShortestWaitMs));
      if (const std::uint64_t left = feed.source->used_bytes(); left != 0) {
        report_error(
            fmt::format("{}: {} bytes of a source that ends are lost: no segment was free for 10 s",
                        name_, left));
      }
    }
  });
  drop(sources);
}

void Lane::drop(const std::vector<const capture::PacketSource*>& sources) {
  execute([&](store::LaneWriter&) {
    settle();
    const auto unwanted = [&](const Feed& feed) {
      return std::ranges::find(sources, feed.source) != sources.end();
    };
    for (const Feed& feed : feeds_) {
      if (unwanted(feed)) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, feed.source->wake_fd(), nullptr);
    }
    if (std::erase_if(feeds_, unwanted) != 0) pin_memory();
  });
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

void Lane::set_interfaces(SharedInterfaceList list) {
  if (!thread_.joinable()) return writer_.set_interfaces(std::move(list));
  const std::lock_guard lock(command_mutex_);
  next_interfaces_ = std::move(list);
  interfaces_changed_.store(true, std::memory_order_release);
}

/// Between looking at a source and giving what it holds to the writer: whoever let a packet in with
/// a new id had made that known before.
void Lane::take_interfaces() {
  if (!interfaces_changed_.load(std::memory_order_acquire)) return;
  SharedInterfaceList list;
  {
    const std::lock_guard lock(command_mutex_);
    interfaces_changed_.store(false, std::memory_order_relaxed);
    list = std::move(next_interfaces_);
  }
  writer_.set_interfaces(std::move(list));
}

void Lane::hold() {
  execute([this](store::LaneWriter&) {
    do_work(0);
    settle();
    held_ = true;
  });
}

void Lane::change_clock(const ClockStep& step, std::int64_t deadline_ns) {
  execute([&](store::LaneWriter& writer) {
    for (Feed& feed : feeds_) {
      ClockCut cut(step, feed.emptied_ns - kInFlightNs);
      while (!take_old_time(feed, cut) && monotonic_ns() < deadline_ns)
        std::this_thread::sleep_for(std::chrono::milliseconds(kShortestWaitMs));
    }
    wall_offset_ns_ = step.after_ns;
    writer.set_wall_offset(step.after_ns);
    held_ = false;
  });
}

/// Of what is there now: nothing of the old time comes any more. False: the writer lacks room.
bool Lane::take_old_time(Feed& feed, ClockCut& cut) {
  const std::uint64_t waiting = feed.source->used_bytes();
  for (std::uint64_t taken = 0; taken < waiting;) {
    const PacketBatch batch = feed.source->peek();
    if (batch.empty()) return true;
    const ClockCut before = cut;
    const store::BatchPoint end = cut.find(batch);
    taken += bytes_of(batch);
    if (!put(feed, batch, end)) {
      cut = before;  // finds the rest anew
      return false;
    }
    if (end.piece != batch.pieces.size()) return true;
  }
  return true;
}

/// The batch up to `end`. False: the writer lacks room for all of it.
bool Lane::put(Feed& feed, const PacketBatch& batch, store::BatchPoint end) {
  const std::uint64_t end_position = store::position_at(batch, end);
  std::vector<BlockPiece> pieces(batch.pieces.begin(),
                                 batch.pieces.begin() + static_cast<std::ptrdiff_t>(end.piece));
  if (end.offset != 0)
    pieces.push_back({batch.pieces[end.piece].bytes.first(end.offset), end_position});
  if (pieces.empty()) return true;
  take_interfaces();
  writer_.append({.source = batch.source, .position = batch.position, .pieces = pieces});
  const std::uint64_t committed = writer_.settle();
  feed.source->consume(committed);
  return committed == end_position;
}

/// False: the writer lacks room.
bool Lane::put_all(Feed& feed) {
  for (PacketBatch batch = feed.source->peek(); !batch.empty(); batch = feed.source->peek()) {
    if (!put(feed, batch, {batch.pieces.size(), 0})) return false;
  }
  return true;
}

std::uint64_t Lane::lag_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& feed : feeds_)
    bytes += feed.source->used_bytes();
  return bytes;
}

std::uint64_t Lane::capacity_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& feed : feeds_)
    bytes += feed.source->capacity_bytes();
  return bytes;
}

void Lane::pin_memory() {
  std::vector<Bytes> memory;
  for (const auto& feed : feeds_) {
    if (const Bytes bytes = feed.source->memory(); !bytes.empty()) memory.push_back(bytes);
  }
  writer_.pin(memory);
}

void Lane::loop() {
  pin_memory();
  while (!stopping_) {
    if (!held_) do_work(kPatienceNs);
    rest(wait_ms_);
  }
  take_rest();
}

void Lane::take_rest() {
  if (rest_ == Drain::kAll) return take_all();
  do_work(0);
  settle();
}

/// The programs are detached: what the sources hold now is all there will be. No segment may be
/// free for a moment.
void Lane::take_all() {
  std::uint64_t lag = lag_bytes();
  std::int64_t deadline_ns = monotonic_ns() + kStuckNs;
  while (lag > 0 && monotonic_ns() < deadline_ns) {
    do_work(0);
    settle();
    const std::uint64_t before = std::exchange(lag, lag_bytes());
    if (lag != before) {
      deadline_ns = monotonic_ns() + kStuckNs;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(kShortestWaitMs));
    }
  }
  if (lag > 0) {
    report_error(fmt::format(
        "{}: {} bytes could not be written before the end: no segment was free for 10 s", name_,
        lag));
  }
}

/// One look at every source. In front of a reveal nothing is left to grow, so that readers who know
/// nothing of us are shown the same moment of every source.
void Lane::do_work(std::int64_t patience_ns) {
  settle();
  take_interfaces();
  const std::int64_t now_ns = monotonic_ns();
  const bool revealing = now_ns >= next_reveal_ns_;
  const std::int64_t elapsed_ns = now_ns - std::exchange(last_round_ns_, now_ns);
  wait_ms_ = kLongestWaitMs;
  for (auto& feed : feeds_) {
    const std::uint64_t waiting = left_bytes(feed);
    const std::uint64_t arrived = waiting - std::min(waiting, feed.left_bytes);
    const bool writable = drain(feed, now_ns, revealing ? 0 : patience_ns);
    feed.left_bytes = left_bytes(feed);
    const int run_ms = writable ? wait_for_run(feed.run_bytes, feed.left_bytes, arrived, elapsed_ns)
                                : kShortestWaitMs;
    wait_ms_ = std::min({wait_ms_, run_ms, feed.rest_ms});
  }
  if (revealing) reveal(now_ns);
  if (begun_.feed != nullptr) wait_ms_ = std::min(wait_ms_, kDirectWaitMs);
  tell_complete_until();
  rounds_.fetch_add(1, std::memory_order_relaxed);
}

/// Takes what is worth a run, and all there is where some of it has waited for too long. Under load
/// each run is a whole segment of the stage. False: the writer lacks room.
bool Lane::drain(Feed& feed, std::int64_t now_ns, std::int64_t patience_ns) {
  const bool late = now_ns - feed.emptied_ns >= patience_ns;
  now_ns = std::min(now_ns, feed.source->complete_ns());
  const std::uint64_t waiting = feed.source->used_bytes();
  if (waiting == 0) feed.emptied_ns = now_ns;
  std::uint64_t taken = 0;
  while (taken < waiting && (late || waiting - taken >= feed.run_bytes)) {
    if (!settle()) return false;
    if (patience_ns != 0 && held_back(feed, waiting - taken)) return true;
    PacketBatch batch = feed.source->peek();
    if (batch.empty()) {
      feed.emptied_ns = now_ns;
      return true;
    }
    batch.urgent = fills(*feed.source, kUrgentEighths);
    taken += bytes_of(batch);
    if (!begin(feed, batch, now_ns)) return false;
    if (!batch.more) return true;
  }
  return true;
}

/// While the disk syncs, a long run is cheaper a little later.
bool Lane::held_back(const Feed& feed, std::uint64_t bytes) const {
  return !fills(*feed.source, kPatientEighths) && writer_.holds_back(bytes);
}

/// A long run is left on its way: who needs the writer next waits for it. False: see settle().
bool Lane::begin(Feed& feed, const PacketBatch& batch, std::int64_t now_ns) {
  take_interfaces();
  begun_ = {&feed, batch.pieces.back().end_position, bytes_of(batch), batch.more ? 0 : now_ns};
  return writer_.append(batch) || settle();
}

/// Gives the source back what is in the file. False: not the whole batch is, since the writer lacks
/// room.
bool Lane::settle() {
  if (begun_.feed == nullptr) return true;
  const Begun begun = std::exchange(begun_, {});
  const std::uint64_t committed = writer_.settle();
  begun.feed->source->consume(committed);
  if (committed != begun.end_position) return false;
  if (begun.empties_ns != 0) begun.feed->emptied_ns = begun.empties_ns;
  return true;
}

/// What waits in a source and has not been begun with.
std::uint64_t Lane::left_bytes(const Feed& feed) const {
  const std::uint64_t used = feed.source->used_bytes();
  return used - (begun_.feed == &feed ? begun_.bytes : 0);
}

void Lane::tell_complete_until() {
  std::int64_t complete_ns = last_round_ns_;
  for (const auto& feed : feeds_)
    complete_ns = std::min(complete_ns, feed.emptied_ns);
  writer_.set_complete_until(complete_ns - kInFlightNs + wall_offset_ns_);
}

void Lane::reveal(std::int64_t now_ns) {
  settle();
  writer_.reveal();
  next_reveal_ns_ = now_ns + kRevealIntervalNs;
}

/// Sleeps, or drives what the kernel leaves to us. While the writer waits for the disk nobody does:
/// interrupts take over then.
void Lane::rest(int timeout_ms) {
  const std::int64_t end_ns = monotonic_ns() + timeout_ms * std::int64_t{1'000'000};
  while (drive_sources()) {
    if (wait(0) || monotonic_ns() >= end_ns) return;
  }
  wait(timeout_ms);
}

/// False: none is left to us.
bool Lane::drive_sources() {
  bool driven = false;
  for (const auto& feed : feeds_)
    driven |= feed.source->drive();
  return driven;
}

/// True: something happened before its end.
bool Lane::wait(int timeout_ms) {
  std::array<epoll_event, 16> events;
  const int ready =
      epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  bool commanded = false;  // last: a command may drop feeds
  for (int i = 0; i < ready; ++i) {
    auto* const feed = static_cast<Feed*>(events[static_cast<std::size_t>(i)].data.ptr);
    if (feed == kCommandTag) {
      commanded = true;
    } else {
      feed->source->clear_wake();
      wakeups_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (commanded) run_commands();
  return ready > 0;
}

void Lane::run_commands() {
  eventfd_t ignored = 0;
  eventfd_read(command_event_.get(), &ignored);
  std::vector<Command> commands;
  {
    const std::lock_guard lock(command_mutex_);
    commands.swap(commands_);
  }
  take_interfaces();
  for (auto& command : commands)
    command(writer_);
}

}  // namespace caprock::agent
