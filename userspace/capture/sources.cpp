// SPDX-License-Identifier: Apache-2.0
#include "capture/sources.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <tuple>
#include <utility>
#include <vector>

#include "capture/ring_buffer_source.hpp"
#include "capture/stage_source.hpp"

namespace caprock::capture {
namespace {

using Sources = std::vector<std::unique_ptr<PacketSource>>;

/// The stage maps in this process's memory, of all CPUs.
struct StageMappings {
  Mapping segments;
  Mapping heads;
  Mapping tails;
};

Result<RingBufferMap> map_inner_ring(const Generation& generation, const char* outer, __u32 cpu) {
  const std::string what = fmt::format("ring buffer of CPU {} in map {}", cpu, outer);
  __u32 id = 0;
  if (bpf_map_lookup_elem(generation.map_fd(outer), &cpu, &id) != 0) return Error::from_errno(what);
  Fd fd(bpf_map_get_fd_by_id(id));
  if (!fd) return Error::from_errno(what);
  auto ring = RingBufferMap::map(std::move(fd));
  if (!ring) return std::move(ring).error().context(what);
  return ring;
}

Result<StageMappings> map_stage(const Generation& generation) {
  const StageGeometry& geometry = generation.geometry();
  // Nobody writes here, but the kernel pins for direct I/O (store/direct_writer) only what could
  // be.
  auto segments = Mapping::shared(generation.map_fd("stage"), geometry.cpus * geometry.cpu_bytes(),
                                  PROT_READ | PROT_WRITE);
  if (!segments) return std::move(segments).error().context("map stage");
  auto heads = Mapping::shared(generation.map_fd("stage_head"), geometry.cpus * sizeof(stage_head),
                               PROT_READ);
  if (!heads) return std::move(heads).error().context("map stage_head");
  auto tails = Mapping::shared(generation.map_fd("stage_tail"), geometry.cpus * sizeof(stage_tail),
                               PROT_READ | PROT_WRITE);
  if (!tails) return std::move(tails).error().context("map stage_tail");
  return StageMappings{*std::move(segments), *std::move(heads), *std::move(tails)};
}

StageView view_of_cpu(const StageMappings& mappings, const StageGeometry& geometry, unsigned cpu) {
  return {.segments = Bytes(mappings.segments.bytes())
                          .subspan(cpu * geometry.cpu_bytes(), geometry.cpu_bytes()),
          .segment_shift = geometry.segment_shift,
          .head = reinterpret_cast<const stage_head*>(mappings.heads.data()) + cpu,
          .tail = reinterpret_cast<stage_tail*>(mappings.tails.data()) + cpu};
}

Result<Sources> make_stage_sources(const Generation& generation) {
  auto mapped = map_stage(generation);
  if (!mapped) return std::move(mapped).error();
  const auto mappings = std::make_shared<const StageMappings>(*std::move(mapped));
  Sources sources;
  for (unsigned cpu = 0; cpu < generation.geometry().cpus; ++cpu) {
    auto wake = map_inner_ring(generation, "wake", cpu);
    if (!wake) return std::move(wake).error();
    const SourceId id{SourceKind::kStage, cpu, generation.instance()};
    sources.push_back(
        std::make_unique<StageSource>(id, view_of_cpu(*mappings, generation.geometry(), cpu),
                                      WakeSignal(*std::move(wake)), mappings));
  }
  return sources;
}

Result<Sources> make_ring_buffer_sources(const Generation& generation) {
  Sources sources;
  for (unsigned cpu = 0; cpu < generation.geometry().cpus; ++cpu) {
    auto wake = map_inner_ring(generation, "wake", cpu);
    if (!wake) return std::move(wake).error();
    auto ring = map_inner_ring(generation, "rings", cpu);
    if (!ring) return std::move(ring).error();
    const SourceId id{SourceKind::kRingBuffer, cpu, generation.instance()};
    const RingBufferView view = ring->view();
    sources.push_back(std::make_unique<RingBufferSource>(
        id, view, WakeSignal(*std::move(wake)), std::make_shared<RingBufferMap>(*std::move(ring))));
  }
  return sources;
}

}  // namespace

Result<Sources> make_sources(const Generation& generation) {
  return generation.transport() == Transport::kStage ? make_stage_sources(generation)
                                                     : make_ring_buffer_sources(generation);
}

void touch_stage(const Generation& generation) {
  if (generation.transport() != Transport::kStage) return;
  const StageGeometry& geometry = generation.geometry();
  std::vector<std::byte> segment(geometry.segment_bytes());
  for (std::uint32_t key = 0; key < geometry.cpus * geometry.segments; ++key)
    std::ignore = bpf_map_lookup_elem(generation.map_fd("stage"), &key, segment.data());
}

}  // namespace caprock::capture
