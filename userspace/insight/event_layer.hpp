// SPDX-License-Identifier: Apache-2.0
// The operating-system layer of the record: from hooks in the kernel to blocks for a lane.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "capture/block_queue.hpp"
#include "capture/packet_source.hpp"
#include "capture/privileges.hpp"
#include "core/network_namespace.hpp"
#include "core/pod_directory.hpp"
#include "core/result.hpp"
#include "insight/container.hpp"
#include "insight/event_entry.hpp"
#include "insight/event_programs.hpp"
#include "insight/kernel_names.hpp"
#include "insight/network_addresses.hpp"

namespace caprock::insight {

struct EventSettings {
  EventLimits limits;
  ProbeKind probes = ProbeKind::kAuto;
  std::int64_t inventory_interval_ns = 0;  // 0: at the start alone
  const PodDirectory* pods = nullptr;  // null: no cluster is followed; else it outlives the layer
};

/// Has a thread of its own, which makes blocks of what the programs tell. Control-plane thread.
class EventLayer {
 public:
  /// Times of the record are monotonic ones plus `wall_offset_ns`.
  static Result<std::unique_ptr<EventLayer>> start(const EventSettings& settings,
                                                   std::int64_t wall_offset_ns);
  ~EventLayer() { stop(); }

  /// For a lane, which empties it until stop() has returned and longer. Once.
  std::unique_ptr<capture::PacketSource> take_source() { return std::move(given_); }

  /// The wall clock was set: what comes from here on goes by the new time.
  void set_wall_offset(std::int64_t wall_offset_ns);

  /// Takes the programs off their hooks; all that they told is in the source when this returns.
  void stop();

  std::vector<EventStatus> status() const;

 private:
  EventLayer(std::unique_ptr<EventPrograms> programs, KernelNames names,
             std::unique_ptr<capture::PacketSource> kernel, const EventSettings& settings,
             std::int64_t begin_ns, std::int64_t wall_offset_ns);
  void loop();
  void take_inventory();
  void begin_inventory(std::int64_t now_ns);
  enum class HowMuch { kAsThereIsRoom, kAll };
  std::int64_t take_what_came(HowMuch how_much = HowMuch::kAsThereIsRoom);
  std::uint64_t take();
  void describe(std::vector<std::byte>& out, Bytes record);
  void look_up(EventContext& context, const os_event& event);
  void name_pod(EventContext& context) const;
  void look_at_networks(std::unique_lock<std::mutex>& lock);
  void tell_addresses(std::uint32_t network, const AddressList& list, std::int64_t time_ns);
  void tell_what_is_missing(std::int64_t now_ns);
  void tell_border(bool begins, std::int64_t time_ns);
  std::int64_t wall_time(std::uint64_t time_ns);

  std::unique_ptr<EventPrograms> programs_;
  KernelNames names_;
  std::unique_ptr<capture::PacketSource> kernel_;  // the ring buffer
  std::unique_ptr<capture::BlockQueue> given_;     // until it is taken
  capture::BlockQueue& source_;
  const PodDirectory* const pods_;

  std::mutex mutex_;  // of all below, and of the kernel's queue
  std::condition_variable stopping_;
  bool stopped_ = false;
  bool inventoried_ = false;
  const std::int64_t inventory_interval_ns_;
  std::int64_t next_inventory_ns_;  // monotonic time
  std::int64_t wall_offset_ns_;
  std::int64_t suspended_ns_ = 0;
  std::int64_t last_ns_ = 0;  // monotonic time of the last event
  std::int64_t next_tell_ns_ = 0;
  std::array<std::uint64_t, OS_EVENT_TYPES> told_{};   // suppressed and lost, by type
  std::map<std::string, std::uint64_t> told_skipped_;  // by hook
  const bool sees_host_pids_ = capture::sees_host_pids();
  Containers containers_;
  const std::uint32_t own_network_ = own_network();
  NetworkAddresses addresses_;
  std::thread thread_;
};

}  // namespace caprock::insight
