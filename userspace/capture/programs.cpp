// SPDX-License-Identifier: Apache-2.0
#include "capture/programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <capture_bpf.skel.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "abi/generation.h"
#include "abi/limits.h"

#include "capture/cpu_slots.hpp"
#include "capture/libbpf_log.hpp"
#include "capture/pin_lock.hpp"
#include "capture/pinned_generation.hpp"
#include "capture/pins.hpp"
#include "core/clock.hpp"
#include "core/fd.hpp"
#include "core/log.hpp"

namespace caprock::capture {
namespace {

constexpr std::uint32_t kWakeRingBytes = 4096;

struct SkeletonDeleter {
  void operator()(capture_bpf* skeleton) const { capture_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<capture_bpf, SkeletonDeleter>;

void set_constants(capture_bpf& skeleton, const LoadOptions& options,
                   const StageGeometry& geometry) {
  auto& constants = *skeleton.rodata;
  constants.ringbuf_transport = options.transport == Transport::kRingBuffer;
  constants.mirror_vxlan_port = options.mirror_vxlan_port;
  constants.recorded_once = options.recorded_once;
  constants.stage_shift = geometry.segment_shift;
  constants.stage_segments = geometry.segments;
  constants.cpu_slots = geometry.cpus;
  constants.queue_bytes = geometry.cpu_bytes();
  constants.has_xdp_load_bytes =
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, nullptr) == 1;
}

void size_maps(const capture_bpf& skeleton, const StageGeometry& geometry) {
  const auto& maps = skeleton.maps;
  bpf_map__set_value_size(maps.stage, static_cast<std::uint32_t>(geometry.segment_bytes()));
  bpf_map__set_max_entries(maps.stage, geometry.cpus * geometry.segments);
  bpf_map__set_max_entries(maps.addr_memo, geometry.cpus * bpf_map__max_entries(maps.addr_memo));
  bpf_map__set_max_entries(maps.counters,
                           (geometry.cpus + 1) * CAPROCK_MAX_INTERFACES * CAPROCK_DIRECTIONS);
  for (bpf_map* per_cpu : {maps.packets, maps.stage_head, maps.stage_tail, maps.rings, maps.wake})
    bpf_map__set_max_entries(per_cpu, geometry.cpus);
}

void choose_maps(const capture_bpf& skeleton, const LoadOptions& options) {
  const auto& maps = skeleton.maps;
  bpf_map__set_autocreate(maps.stage, options.transport == Transport::kStage);
  bpf_map__set_autocreate(maps.rings, options.transport == Transport::kRingBuffer);
  for (bpf_map* of_once : {maps.arrivals, maps.translated})
    bpf_map__set_autocreate(of_once, options.recorded_once);
}

/// Frames of several buffers are handed to XDP only where it says that it can cope with them.
void choose_xdp_program(const capture_bpf& skeleton, bpf_program* program, bool wanted) {
  bpf_program__set_autoload(program, wanted);
  if (skeleton.rodata->has_xdp_load_bytes) bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
}

/// A kernel without AF_XDP has no map of sockets. The account of what went to one is kept in any
/// case: it belongs to the counters, and a port may be an ordinary interface to the next agent.
void choose_programs(const capture_bpf& skeleton, const LoadOptions& options) {
  const bool mirror =
      options.mirror && libbpf_probe_bpf_map_type(BPF_MAP_TYPE_XSKMAP, nullptr) == 1;
  choose_xdp_program(skeleton, skeleton.progs.capture_xdp, options.xdp);
  choose_xdp_program(skeleton, skeleton.progs.mirror_xdp, mirror);
  bpf_map__set_autocreate(skeleton.maps.mirror_sockets, mirror);
}

Status put_rings(const bpf_map* outer, unsigned cpus, std::uint32_t ring_bytes) {
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    const Fd ring(
        bpf_map_create(BPF_MAP_TYPE_RINGBUF, bpf_map__name(outer), 0, 0, ring_bytes, nullptr));
    const int fd = ring.get();
    if (!ring || bpf_map_update_elem(bpf_map__fd(outer), &cpu, &fd, BPF_ANY) != 0)
      return Error::from_errno(
          fmt::format("BPF ring buffer of {} bytes for CPU {}", ring_bytes, cpu));
  }
  return {};
}

class LoadedPrograms final : public Programs {
 public:
  LoadedPrograms(Skeleton skeleton, std::optional<PinLock> lock, const LoadOptions& options,
                 const StageGeometry& geometry, std::uint64_t instance, bool adopted)
      : lock_(std::move(lock)),
        skeleton_(std::move(skeleton)),
        pin_directory_(options.pin_directory),
        transport_(options.transport),
        geometry_(geometry),
        instance_(instance),
        adopted_(adopted),
        pins_stay_(adopted) {}
  LoadedPrograms(const LoadedPrograms&) = delete;
  LoadedPrograms& operator=(const LoadedPrograms&) = delete;
  ~LoadedPrograms() override {
    if (!pins_stay_) LoadedPrograms::remove_pins();
  }

  int tc_ingress_fd() const override { return bpf_program__fd(skeleton_->progs.tc_ingress); }
  int tc_egress_fd() const override { return bpf_program__fd(skeleton_->progs.tc_egress); }
  int xdp_fd() const override {
    return std::max(bpf_program__fd(skeleton_->progs.capture_xdp), -1);  // libbpf: -errno
  }
  int mirror_fd() const override {
    return std::max(bpf_program__fd(skeleton_->progs.mirror_xdp), -1);
  }
  int map_fd(std::string_view name) const override {
    const bpf_map* map = bpf_object__find_map_by_name(skeleton_->obj, std::string(name).c_str());
    return map != nullptr && bpf_map__autocreate(map) ? bpf_map__fd(map) : -1;
  }
  Transport transport() const override { return transport_; }
  const StageGeometry& geometry() const override { return geometry_; }
  std::uint64_t instance() const override { return instance_; }
  bool adopted() const override { return adopted_; }
  void keep_pins() override { pins_stay_ = true; }
  void remove_pins() override {
    if (pin_directory_.empty()) return;
    remove_generation(generation_directory(pin_directory_));
    ::rmdir(pin_directory_.c_str());  // stays while others keep pins in it
    pins_stay_ = true;                // what is there by now is another agent's
  }

 private:
  std::optional<PinLock> lock_;
  Skeleton skeleton_;
  std::filesystem::path pin_directory_;
  Transport transport_;
  StageGeometry geometry_;
  std::uint64_t instance_;
  bool adopted_;
  bool pins_stay_;
};

bool fits(const bpf_map* wanted, int pinned) {
  bpf_map_info info{};
  __u32 bytes = sizeof info;
  return bpf_map_get_info_by_fd(pinned, &info, &bytes) == 0 && info.type == bpf_map__type(wanted) &&
         info.key_size == bpf_map__key_size(wanted) &&
         info.value_size == bpf_map__value_size(wanted) &&
         info.max_entries == bpf_map__max_entries(wanted) &&
         info.map_flags == bpf_map__map_flags(wanted);
}

bool same_queues(const PinnedGeneration& pinned, Transport transport,
                 const StageGeometry& geometry) {
  return pinned.transport() == transport && pinned.geometry().cpus == geometry.cpus &&
         pinned.geometry().cpu_bytes() == geometry.cpu_bytes();
}

/// Makes the object's maps those that are pinned, all or none of them.
bool adopt_maps(const capture_bpf& skeleton, const std::filesystem::path& directory) {
  std::vector<std::pair<bpf_map*, Fd>> found;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton.obj) {
    if (bpf_map__is_internal(map) || !bpf_map__autocreate(map)) continue;
    Fd pinned(bpf_obj_get((directory / bpf_map__name(map)).c_str()));
    if (!pinned || !fits(map, pinned.get())) return false;
    found.emplace_back(map, std::move(pinned));
  }
  return std::all_of(found.begin(), found.end(), [](const auto& one) {
    return bpf_map__reuse_fd(one.first, one.second.get()) == 0;
  });
}

/// What is pinned and cannot be gone on with makes room. True: the object's maps are the pinned
/// ones.
Result<bool> take_over(const capture_bpf& skeleton, const LoadOptions& options,
                       const StageGeometry& geometry, std::uint64_t& instance) {
  const std::filesystem::path pins = options.pin_directory;
  const auto directory = generation_directory(pins);
  if (pins.empty() || !std::filesystem::exists(directory)) return false;
  const auto pinned = PinnedGeneration::open(directory);
  if (!pinned) {
    log_warning(
        fmt::format("{}; what waits in {} is lost", pinned.error().message(), directory.native()));
    remove_generation(directory);
    return false;
  }
  if (same_queues(*pinned, options.transport, geometry) && adopt_maps(skeleton, directory)) {
    instance = pinned->instance();
    return true;
  }
  if (auto aside = set_generation_aside(pins, pinned->instance()); !aside)
    return std::move(aside).error();
  return false;
}

/// An object that is ready to be loaded.
Result<Skeleton> open_skeleton(const LoadOptions& options, const StageGeometry& geometry) {
  Skeleton skeleton(capture_bpf__open());
  if (!skeleton) return Error::from_errno("open the BPF object");
  set_constants(*skeleton, options, geometry);
  size_maps(*skeleton, geometry);
  choose_maps(*skeleton, options);
  choose_programs(*skeleton, options);
  return skeleton;
}

Status fill_outer_maps(const capture_bpf& skeleton, Transport transport,
                       const StageGeometry& geometry) {
  auto filled = put_rings(skeleton.maps.wake, geometry.cpus, kWakeRingBytes);
  if (!filled || transport != Transport::kRingBuffer) return filled;
  return put_rings(skeleton.maps.rings, geometry.cpus,
                   static_cast<std::uint32_t>(geometry.cpu_bytes()));
}

Status write_instance(const capture_bpf& skeleton, std::uint64_t instance) {
  constexpr __u32 kOnly = 0;
  const capture_generation generation{.instance = instance};
  if (bpf_map_update_elem(bpf_map__fd(skeleton.maps.generation), &kOnly, &generation, BPF_ANY) != 0)
    return Error::from_errno("map generation");
  return {};
}

Status make_first_contents(const capture_bpf& skeleton, Transport transport,
                           const StageGeometry& geometry, std::uint64_t instance) {
  auto filled = fill_outer_maps(skeleton, transport, geometry);
  return filled ? write_instance(skeleton, instance) : std::move(filled);
}

}  // namespace

Result<std::unique_ptr<Programs>> Programs::load(const LoadOptions& options) {
  const auto cpus = count_cpu_slots();
  if (!cpus) return cpus.error();
  const StageGeometry geometry = plan_stage(options.stage_bytes, *cpus);
  std::optional<PinLock> lock;
  if (!options.pin_directory.empty()) {
    auto acquired = PinLock::acquire(options.pin_directory, options.pin_wait);
    if (!acquired) return std::move(acquired).error();
    lock.emplace(*std::move(acquired));
  }
  const LibbpfLog log;
  auto skeleton = open_skeleton(options, geometry);
  if (!skeleton) return std::move(skeleton).error();
  auto instance = static_cast<std::uint64_t>(monotonic_ns());
  const auto adopted = take_over(**skeleton, options, geometry, instance);
  if (!adopted) return adopted.error();
  if (const int code = capture_bpf__load(skeleton->get());
      code != 0)  // raises RLIMIT_MEMLOCK on 5.10
    return Error::from_errno(fmt::format("load the BPF programs ({})", log.summary()), -code);
  if (!*adopted) {
    auto made = make_first_contents(**skeleton, options.transport, geometry, instance);
    if (!made) return std::move(made).error();
  }
  if (!options.pin_directory.empty()) {
    auto pinned = pin_generation((*skeleton)->obj, options.pin_directory, *adopted);
    if (!pinned) return std::move(pinned).error();
  }
  return std::unique_ptr<Programs>(std::make_unique<LoadedPrograms>(
      *std::move(skeleton), std::move(lock), options, geometry, instance, *adopted));
}

}  // namespace caprock::capture
