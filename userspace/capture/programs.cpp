// SPDX-License-Identifier: Apache-2.0
#include "capture/programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <capture_bpf.skel.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "abi/limits.h"

#include "capture/libbpf_log.hpp"
#include "capture/pins.hpp"
#include "core/clock.hpp"
#include "core/fd.hpp"

namespace caprock::capture {
namespace {

constexpr std::uint32_t kWakeRingBytes = 4096;

/// One more than the highest number of a CPU that is online, from a list like "0-3,6".
Result<unsigned> count_cpu_slots() {
  const char* const path = "/sys/devices/system/cpu/online";
  std::string online;
  std::ifstream(path) >> online;
  if (online.empty()) return Error(fmt::format("{} cannot be read; is /sys mounted?", path));
  const std::size_t last = online.find_last_of("-,") + 1;  // npos + 1 is 0: a single number
  return static_cast<unsigned>(std::stoul(online.substr(last))) + 1;
}

struct SkeletonDeleter {
  void operator()(capture_bpf* skeleton) const { capture_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<capture_bpf, SkeletonDeleter>;

void set_constants(capture_bpf& skeleton, Transport transport, const StageGeometry& geometry) {
  auto& constants = *skeleton.rodata;
  constants.ringbuf_transport = transport == Transport::kRingBuffer;
  constants.stage_shift = geometry.segment_shift;
  constants.stage_segments = geometry.segments;
  constants.queue_bytes = geometry.cpu_bytes();
  constants.has_xdp_load_bytes =
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, nullptr) == 1;
}

void size_maps(const capture_bpf& skeleton, Transport transport, const StageGeometry& geometry) {
  const auto& maps = skeleton.maps;
  bpf_map__set_value_size(maps.stage, static_cast<std::uint32_t>(geometry.segment_bytes()));
  bpf_map__set_max_entries(maps.stage, geometry.cpus * geometry.segments);
  bpf_map__set_max_entries(maps.addr_memo,
                           geometry.cpus * bpf_map__max_entries(maps.addr_memo));
  bpf_map__set_max_entries(maps.counters,
                           geometry.cpus * CAPROCK_MAX_INTERFACES * CAPROCK_DIRECTIONS);
  for (bpf_map* per_cpu : {maps.packets, maps.stage_head, maps.stage_tail, maps.rings, maps.wake})
    bpf_map__set_max_entries(per_cpu, geometry.cpus);
  bpf_map__set_autocreate(maps.stage, transport == Transport::kStage);
  bpf_map__set_autocreate(maps.rings, transport == Transport::kRingBuffer);
}

/// Frames of several buffers are handed to XDP only where it says that it can cope with them.
void choose_programs(const capture_bpf& skeleton, bool xdp) {
  bpf_program* const program = skeleton.progs.capture_xdp;
  bpf_program__set_autoload(program, xdp);
  if (skeleton.rodata->has_xdp_load_bytes) bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
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
  LoadedPrograms(Skeleton skeleton, Pins pins, Transport transport, const StageGeometry& geometry)
      : skeleton_(std::move(skeleton)),
        pins_(std::move(pins)),
        transport_(transport),
        geometry_(geometry),
        instance_(static_cast<std::uint64_t>(monotonic_ns())) {}

  int tc_ingress_fd() const override { return bpf_program__fd(skeleton_->progs.tc_ingress); }
  int tc_egress_fd() const override { return bpf_program__fd(skeleton_->progs.tc_egress); }
  int xdp_fd() const override {
    return std::max(bpf_program__fd(skeleton_->progs.capture_xdp), -1);  // libbpf: -errno
  }
  int map_fd(std::string_view name) const override {
    const bpf_map* map = bpf_object__find_map_by_name(skeleton_->obj, std::string(name).c_str());
    return map != nullptr && bpf_map__autocreate(map) ? bpf_map__fd(map) : -1;
  }
  Transport transport() const override { return transport_; }
  const StageGeometry& geometry() const override { return geometry_; }
  std::uint64_t instance() const override { return instance_; }

 private:
  Skeleton skeleton_;
  Pins pins_;
  Transport transport_;
  StageGeometry geometry_;
  std::uint64_t instance_;
};

Result<Skeleton> load_skeleton(const LoadOptions& options, const StageGeometry& geometry) {
  const LibbpfLog log;
  Skeleton skeleton(capture_bpf__open());
  if (!skeleton) return Error::from_errno("open the BPF object");
  set_constants(*skeleton, options.transport, geometry);
  size_maps(*skeleton, options.transport, geometry);
  choose_programs(*skeleton, options.xdp);
  if (const int code = capture_bpf__load(skeleton.get());
      code != 0)  // raises RLIMIT_MEMLOCK on 5.10
    return Error::from_errno(fmt::format("load the BPF programs ({})", log.summary()), -code);
  return skeleton;
}

Status fill_outer_maps(const capture_bpf& skeleton, Transport transport,
                       const StageGeometry& geometry) {
  auto filled = put_rings(skeleton.maps.wake, geometry.cpus, kWakeRingBytes);
  if (!filled || transport != Transport::kRingBuffer) return filled;
  return put_rings(skeleton.maps.rings, geometry.cpus,
                   static_cast<std::uint32_t>(geometry.cpu_bytes()));
}

}  // namespace

Result<std::unique_ptr<Programs>> Programs::load(const LoadOptions& options) {
  const auto cpus = count_cpu_slots();
  if (!cpus) return cpus.error();
  const StageGeometry geometry = plan_stage(options.stage_bytes, *cpus);
  auto skeleton = load_skeleton(options, geometry);
  if (!skeleton) return std::move(skeleton).error();
  if (auto filled = fill_outer_maps(**skeleton, options.transport, geometry); !filled)
    return std::move(filled).error();
  Pins pins;
  if (!options.pin_directory.empty()) {
    auto created = Pins::create((*skeleton)->obj, options.pin_directory);
    if (!created) return std::move(created).error();
    pins = *std::move(created);
  }
  return std::unique_ptr<Programs>(std::make_unique<LoadedPrograms>(
      *std::move(skeleton), std::move(pins), options.transport, geometry));
}

}  // namespace caprock::capture
