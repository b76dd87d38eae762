// SPDX-License-Identifier: Apache-2.0
// A lane: the thread that carries blocks from the packet sources of several CPUs into the ring.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/clock_cut.hpp"
#include "capture/packet_source.hpp"
#include "core/fd.hpp"
#include "core/result.hpp"
#include "store/lane_writer.hpp"

namespace caprock::agent {

/// What a stop still takes from the sources.
enum class Drain {
  kAll,      // until they are empty: the programs have been detached
  kPresent,  // what they hold now: the programs go on
};

/// Loops on do_work() in a thread of its own from start() to stop(). Sources and writer are the
/// caller's and must outlive the lane; between start() and stop() only the lane's thread touches
/// them.
class Lane {
 public:
  using Command = std::function<void(store::LaneWriter&)>;

  static Result<std::unique_ptr<Lane>> create(unsigned index,
                                              std::vector<capture::PacketSource*> sources,
                                              store::LaneWriter& writer,
                                              std::int64_t wall_offset_ns);
  ~Lane();

  void start();

  /// Takes what the sources still hold, then ends the thread.
  void stop(Drain drain = Drain::kAll);

  /// From now on with this source too. Control-plane thread.
  Status add(capture::PacketSource& source);

  /// Takes all that these sources hold, and goes on without them. What fills them has ended.
  /// Control-plane thread.
  void finish(const std::vector<const capture::PacketSource*>& sources);

  /// From now on without these sources; what they hold stays there. Control-plane thread.
  void drop(const std::vector<const capture::PacketSource*>& sources);

  /// Runs `command` on the lane's thread between two rounds and returns when it is done.
  /// Control-plane thread.
  void execute(Command command);

  /// Has the writer know these interfaces before it is given any packet that comes from now on, and
  /// does not wait for that: a disk may stall. Control-plane thread.
  void set_interfaces(SharedInterfaceList list);

  /// The wall clock was set, and the programs do not know yet: what comes from now on stays in the
  /// sources until change_clock(). Control-plane thread, as that.
  void hold();

  /// The programs know, and nothing of the old time is on its way: takes what is of the old time,
  /// and begins a new generation with the rest. Where the writer has no room until then
  /// (monotonic), the rest of the old time comes into it too.
  void change_clock(const ClockStep& step, std::int64_t deadline_ns);

  /// Any thread: bytes waiting in the sources, and rounds made so far.
  std::uint64_t lag_bytes() const;
  std::uint64_t capacity_bytes() const;
  std::uint64_t rounds() const { return rounds_.load(std::memory_order_relaxed); }
  std::uint64_t wakeups() const { return wakeups_.load(std::memory_order_relaxed); }

 private:
  Lane(unsigned index, std::vector<capture::PacketSource*> sources, store::LaneWriter& writer,
       std::int64_t wall_offset_ns);

  struct Feed {
    capture::PacketSource* source;
    std::uint64_t run_bytes;       // worth a run, however young
    int rest_ms;                   // until the next look, at the most
    std::int64_t emptied_ns = 0;   // monotonic: what it held before then is committed
    std::uint64_t left_bytes = 0;  // by the last look, for the sake of a longer run
  };

  /// The batch that the writer has on its way.
  struct Begun {
    Feed* feed = nullptr;  // none: there is none
    std::uint64_t end_position = 0;
    std::uint64_t bytes = 0;
    std::int64_t empties_ns = 0;  // 0: it is not the last of what the source held
  };

  Status watch(int fd, Feed* feed);
  bool take_old_time(Feed& feed, ClockCut& cut);
  bool put(Feed& feed, const PacketBatch& batch, store::BatchPoint end);
  bool put_all(Feed& feed);
  void pin_memory();
  void loop();
  void take_rest();
  void take_all();
  void do_work(std::int64_t patience_ns);
  bool drain(Feed& feed, std::int64_t now_ns, std::int64_t patience_ns);
  bool held_back(const Feed& feed, std::uint64_t bytes) const;
  bool begin(Feed& feed, const PacketBatch& batch, std::int64_t now_ns);
  bool settle();
  std::uint64_t left_bytes(const Feed& feed) const;
  void tell_complete_until();
  void reveal(std::int64_t now_ns);
  void rest(int timeout_ms);
  bool drive_sources();
  bool wait(int timeout_ms);
  void run_commands();
  void take_interfaces();

  const std::string name_;
  std::list<Feed> feeds_;  // where they stay: events and begun_ point to them
  store::LaneWriter& writer_;
  std::int64_t wall_offset_ns_;
  std::int64_t last_round_ns_;
  int wait_ms_ = 0;  // until the next round
  bool held_ = false;
  Begun begun_;
  std::int64_t next_reveal_ns_;

  Fd epoll_;
  Fd command_event_;
  std::mutex command_mutex_;
  std::vector<Command> commands_;
  SharedInterfaceList next_interfaces_;
  std::atomic<bool> interfaces_changed_{false};
  std::atomic<bool> stopping_{false};
  Drain rest_ = Drain::kAll;
  std::atomic<std::uint64_t> rounds_{0};
  std::atomic<std::uint64_t> wakeups_{0};
  std::thread thread_;
};

}  // namespace caprock::agent
