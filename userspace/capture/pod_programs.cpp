// SPDX-License-Identifier: Apache-2.0
#include "capture/pod_programs.hpp"

#include <bpf/libbpf.h>
#include <capture_pod_bpf.skel.h>
#include <fmt/format.h>

#include <utility>

#include "capture/libbpf_log.hpp"

namespace caprock::capture {
namespace {

struct SkeletonDeleter {
  void operator()(capture_pod_bpf* skeleton) const { capture_pod_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<capture_pod_bpf, SkeletonDeleter>;

class LoadedPodPrograms final : public PodPrograms {
 public:
  explicit LoadedPodPrograms(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}

  int loopback_fd() const override { return bpf_program__fd(skeleton_->progs.pod_ingress); }
  int end_fd() const override { return bpf_program__fd(skeleton_->progs.pod_end); }

 private:
  Skeleton skeleton_;
};

/// Nothing that passes a pod's loopback passes another device, and what is met at a pod's end is in
/// no record: neither has a part in what the host's programs do to record each packet once.
void set_constants(capture_pod_bpf& skeleton, const Generation& generation) {
  auto& constants = *skeleton.rodata;
  const StageGeometry& geometry = generation.geometry();
  constants.ringbuf_transport = generation.transport() == Transport::kRingBuffer;
  constants.recorded_once = false;
  constants.stage_shift = geometry.segment_shift;
  constants.stage_segments = geometry.segments;
  constants.cpu_slots = geometry.cpus;
  constants.queue_bytes = geometry.cpu_bytes();
}

Status share_maps(const capture_pod_bpf& skeleton, const Generation& generation) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton.obj) {
    if (bpf_map__is_internal(map)) continue;
    const int shared = generation.map_fd(bpf_map__name(map));
    const int error =
        shared < 0 ? bpf_map__set_autocreate(map, false) : bpf_map__reuse_fd(map, shared);
    if (error != 0)
      return Error::from_errno(fmt::format("share the map {}", bpf_map__name(map)), -error);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<PodPrograms>> PodPrograms::load(const Generation& generation) {
  const LibbpfLog log;
  Skeleton skeleton(capture_pod_bpf__open());
  if (!skeleton) return Error::from_errno("open the BPF object for pods");
  set_constants(*skeleton, generation);
  if (auto shared = share_maps(*skeleton, generation); !shared) return shared.error();
  if (const int code = capture_pod_bpf__load(skeleton.get()); code != 0)
    return Error::from_errno(fmt::format("load the BPF programs for pods ({})", log.summary()),
                             -code);
  return std::unique_ptr<PodPrograms>(std::make_unique<LoadedPodPrograms>(std::move(skeleton)));
}

}  // namespace caprock::capture
