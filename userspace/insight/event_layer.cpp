// SPDX-License-Identifier: Apache-2.0
#include "insight/event_layer.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "capture/program_barrier.hpp"
#include "capture/ring_buffer_map.hpp"
#include "capture/ring_buffer_source.hpp"
#include "core/clock.hpp"
#include "core/log.hpp"
#include "insight/event_entry.hpp"

namespace caprock::insight {
namespace {

using namespace std::chrono_literals;

/// A CPU's share of the queue holds some 400 programs that start, and 3000 other events.
constexpr auto kRest = 50ms;
constexpr std::int64_t kTellIntervalNs = 1'000'000'000;
/// Namespaces that are asked, each by a thread of its own, before the queue is looked at again.
constexpr std::size_t kQuestionsInARow = 8;

Result<std::unique_ptr<capture::PacketSource>> open_queue(int fd) {
  auto map = capture::RingBufferMap::map(Fd(::dup(fd)));
  if (!map) return std::move(map).error();
  auto memory = std::make_shared<capture::RingBufferMap>(*std::move(map));
  const auto view = memory->view();
  return std::unique_ptr<capture::PacketSource>(std::make_unique<capture::RingBufferSource>(
      SourceId{}, view, capture::WakeSignal(), std::move(memory)));
}

std::string comm_of(std::uint32_t pid) {
  std::string comm;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), comm);
  return comm;
}

}  // namespace

Result<std::unique_ptr<EventLayer>> EventLayer::start(const EventSettings& settings,
                                                      std::int64_t wall_offset_ns) {
  KernelNames names = KernelNames::load();
  if (!names.knows_types())
    return Error(
        "events of the operating system are not recorded: the kernel does not tell its types "
        "(BTF); it takes one that is built with CONFIG_DEBUG_INFO_BTF");
  const std::int64_t begin_ns = monotonic_ns();
  auto programs = EventPrograms::load(names, settings.limits, settings.probes);
  if (!programs) return std::move(programs).error();
  auto kernel = open_queue((*programs)->events_fd());
  if (!kernel) return std::move(kernel).error();
  std::unique_ptr<EventLayer> layer(new EventLayer(*std::move(programs), std::move(names),
                                                   *std::move(kernel), settings, begin_ns,
                                                   wall_offset_ns));
  layer->take_inventory();
  layer->thread_ = std::thread([raw = layer.get()] { raw->loop(); });
  pthread_setname_np(layer->thread_.native_handle(), "caprock-events");
  return layer;
}

EventLayer::EventLayer(std::unique_ptr<EventPrograms> programs, KernelNames names,
                       std::unique_ptr<capture::PacketSource> kernel, const EventSettings& settings,
                       std::int64_t begin_ns, std::int64_t wall_offset_ns)
    : programs_(std::move(programs)),
      names_(std::move(names)),
      kernel_(std::move(kernel)),
      given_(std::make_unique<capture::BlockQueue>(
          SourceId{SourceKind::kEvents, 0, static_cast<std::uint64_t>(begin_ns)}, begin_ns)),
      source_(*given_),
      pods_(settings.pods),
      inventory_interval_ns_(settings.inventory_interval_ns),
      next_inventory_ns_(begin_ns + inventory_interval_ns_),
      wall_offset_ns_(wall_offset_ns) {
  tell_border(true, begin_ns);
  addresses_.see(own_network_, static_cast<std::uint32_t>(::getpid()), 0, begin_ns);
}

void EventLayer::set_wall_offset(std::int64_t wall_offset_ns) {
  const std::lock_guard lock(mutex_);
  take_what_came(HowMuch::kAll);
  wall_offset_ns_ = wall_offset_ns;
  last_ns_ = monotonic_ns();  // an event that was late belongs to the new time as a whole
}

/// Programs that were at work when they were taken off have told by the time the barrier has
/// passed.
void EventLayer::stop() {
  if (!thread_.joinable()) return;
  programs_->detach();
  capture::await_programs();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_one();
  thread_.join();
}

std::vector<EventStatus> EventLayer::status() const {
  auto all = programs_->status();
  EventStatus& drop = all[OS_DROP];
  if (!drop.hook.empty() && !names_.knows_functions()) {
    drop.reason =
        "without the place: /proc/kallsyms hides addresses; it takes CAP_SYSLOG, and "
        "kernel.kptr_restrict below 2";
  }
  return all;
}

void EventLayer::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, kRest, [this] { return stopped_; })) {
    if (source_.full()) continue;
    take_inventory();
    const std::int64_t now_ns = take_what_came();
    if (source_.full()) continue;
    if (inventory_interval_ns_ != 0 && now_ns >= next_inventory_ns_) begin_inventory(now_ns);
    look_at_networks(lock);
    if (now_ns >= next_tell_ns_) tell_what_is_missing(now_ns);
  }
  const std::int64_t now_ns = take_what_came(HowMuch::kAll);
  tell_what_is_missing(now_ns);
  tell_border(false, now_ns);
  source_.set_complete(INT64_MAX);
}

/// As far as there is room for what it tells: the rest comes when a lane has made some.
void EventLayer::take_inventory() {
  while (!inventoried_ && !source_.full()) {
    const auto taken = programs_->take_inventory();
    if (!taken) log_warning(taken.error().message());
    inventoried_ = !taken || *taken;
    take_what_came();
  }
}

/// All is told once more that a reader of a later time has to know.
void EventLayer::begin_inventory(std::int64_t now_ns) {
  next_inventory_ns_ = now_ns + inventory_interval_ns_;
  if (auto begun = programs_->begin_inventory(); !begun)
    return log_warning(begun.error().message());
  inventoried_ = false;
  addresses_.forget();
  addresses_.see(own_network_, static_cast<std::uint32_t>(::getpid()), 0, now_ns);
}

/// What is there now, which time is returned: what comes meanwhile is for the next one. As text it
/// is several times as large as in the kernel's queue, so that it is taken as a lane has room.
std::int64_t EventLayer::take_what_came(HowMuch how_much) {
  const std::int64_t now_ns = monotonic_ns();
  suspended_ns_ = suspended_ns();
  const std::uint64_t waiting = kernel_->used_bytes();
  std::uint64_t taken = 0;
  while (taken < waiting) {
    if (how_much == HowMuch::kAsThereIsRoom && source_.full()) return now_ns;
    const std::uint64_t bytes = take();
    if (bytes == 0) return now_ns;  // a program is still writing
    taken += bytes;
  }
  source_.set_complete(now_ns);
  return now_ns;
}

/// One batch; how many bytes of the kernel's queue that was.
std::uint64_t EventLayer::take() {
  const PacketBatch batch = kernel_->peek();
  if (batch.empty()) return 0;
  std::vector<std::byte> blocks;
  for (const BlockPiece& piece : batch.pieces)
    describe(blocks, piece.bytes);
  source_.put(std::move(blocks));
  const std::uint64_t end = batch.pieces.back().end_position;
  kernel_->consume(end);
  return end - batch.position;
}

void EventLayer::describe(std::vector<std::byte>& out, Bytes record) {
  os_event event{};
  std::memcpy(&event, record.data(), std::min(record.size(), sizeof event));
  EventContext context;
  if (sees_host_pids_) look_up(context, event);
  name_pod(context);
  if (event.flow.protocol != 0 && event.task.pid != 0)
    addresses_.see(event.task.network, event.task.pid,
                   static_cast<std::int64_t>(event.task.start_ns) - suspended_ns_,
                   static_cast<std::int64_t>(event.time_ns));
  write_event_entry(out, event, wall_time(event.time_ns), context, names_);
}

/// What /proc knows of the process, if it is still there.
void EventLayer::look_up(EventContext& context, const os_event& event) {
  if (event.task.cgroup != 0) {
    context.container = containers_.of(event.task);
  } else if (event.type == OS_OOM_KILL) {  // kernels that tell its pid alone
    context = {.comm = comm_of(event.task.pid), .container = containers_.of(event.task.pid)};
  }
}

void EventLayer::name_pod(EventContext& context) const {
  if (!pods_) return;
  auto pod = pods_->find(context.container.container, context.container.pod_uid);
  if (!pod) return;
  context.container.pod_uid = std::move(pod->uid);
  context.namespace_name = std::move(pod->namespace_name);
  context.pod = std::move(pod->name);
}

/// Asking takes its time, during which nobody is to wait for the lock.
void EventLayer::look_at_networks(std::unique_lock<std::mutex>& lock) {
  const auto questions = addresses_.take_questions();
  const std::int64_t begin_ns = monotonic_ns();
  std::vector<std::uint32_t> told = addresses_.take_told(begin_ns);
  std::erase(told, own_network_);
  const bool looks = !told.empty();
  lock.unlock();
  std::vector<std::pair<std::uint32_t, AddressList>> answers;
  for (const auto& [network, pid] : questions) {
    answers.emplace_back(network, addresses_of(network, pid));
    if (answers.size() % kQuestionsInARow != 0) continue;
    const std::lock_guard meanwhile(mutex_);
    take_what_came();
  }
  const auto deserted = deserted_of(std::move(told));
  lock.lock();
  const std::int64_t now_ns = take_what_came(HowMuch::kAll);  // which is older than the answers
  for (const auto& [network, list] : answers)
    if (addresses_.answer(network, list, now_ns)) tell_addresses(network, list, now_ns);
  if (!looks) return;
  for (const std::uint32_t network : addresses_.drop_deserted(deserted, begin_ns))
    tell_addresses(network, {}, now_ns);
}

void EventLayer::tell_addresses(std::uint32_t network, const AddressList& list,
                                std::int64_t time_ns) {
  std::vector<std::byte> block;
  write_addresses_entry(block, network, list, network == own_network_,
                        wall_time(static_cast<std::uint64_t>(time_ns)));
  source_.put(std::move(block));
}

/// Programs of two CPUs may tell in another order than they looked at the clock, some µs apart.
std::int64_t EventLayer::wall_time(std::uint64_t time_ns) {
  last_ns_ = std::max(last_ns_, static_cast<std::int64_t>(time_ns));
  return last_ns_ + wall_offset_ns_;
}

void EventLayer::tell_what_is_missing(std::int64_t now_ns) {
  next_tell_ns_ = now_ns + kTellIntervalNs;
  const std::int64_t wall_ns = wall_time(static_cast<std::uint64_t>(now_ns));
  std::vector<std::byte> blocks;
  const auto all = programs_->status();
  for (std::uint32_t type = 0; type < all.size(); ++type) {
    const std::uint64_t missing = all[type].suppressed + all[type].lost;
    const std::uint64_t more = missing - std::exchange(told_[type], missing);
    if (more != 0) write_suppressed_entry(blocks, type, more, wall_ns);
  }
  for (const auto& [hook, calls] : programs_->skipped()) {
    const std::uint64_t more = calls - std::exchange(told_skipped_[hook], calls);
    if (more != 0) write_skipped_entry(blocks, hook, more, wall_ns);
  }
  if (!blocks.empty()) source_.put(std::move(blocks));
}

void EventLayer::tell_border(bool begins, std::int64_t time_ns) {
  std::vector<std::byte> block;
  write_border_entry(block, begins, wall_time(static_cast<std::uint64_t>(time_ns)));
  source_.put(std::move(block));
}

}  // namespace caprock::insight
