// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "capture/bpf_file_system.hpp"
#include "capture/sources.hpp"
#include "core/clock.hpp"
#include "store/geometry.hpp"

namespace caprock::agent {
namespace {

constexpr unsigned kCpusPerLane = 8;
constexpr std::uint64_t kSegmentsPerLane = 8;

capture::LoadOptions load_options(const config::Agent& agent) {
  return {.transport = agent.transport == config::Transport::kRingBuffer
                           ? capture::Transport::kRingBuffer
                           : capture::Transport::kStage,
          .stage_bytes = agent.stage_bytes,
          .xdp = agent.hook == config::Hook::kXdp,
          .pin_directory = agent.pin_dir};
}

}  // namespace

unsigned lane_count(unsigned configured, unsigned cpus, std::uint64_t segments) {
  const unsigned wanted = configured > 0 ? configured : (cpus + kCpusPerLane - 1) / kCpusPerLane;
  const auto most = static_cast<unsigned>(std::max<std::uint64_t>(1, segments / kSegmentsPerLane));
  return std::clamp(wanted, 1u, std::min(most, cpus));
}

Result<std::unique_ptr<Recorder>> Recorder::create(const config::Config& config,
                                                   const std::string& node) {
  const auto geometry = store::plan_geometry(config.tap.raw_storage_bytes);
  if (!geometry) return geometry.error();
  const auto cpus = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
  const unsigned lanes = lane_count(config.agent.lanes, cpus, geometry->segments);
  const std::int64_t wall_offset = wall_offset_ns();

  // The ring comes first: its lock keeps a second agent from the pins of the first one.
  auto ring = store::Ring::open({.path = config.agent.data_dir / "ring.pcapng",
                                 .storage_bytes = config.tap.raw_storage_bytes,
                                 .lanes = lanes,
                                 .node = node,
                                 .interfaces = {},
                                 .wall_offset_ns = wall_offset});
  if (!ring) return std::move(ring).error();
  if (auto mounted = capture::ensure_bpf_file_system(config.agent.pin_dir); !mounted)
    return std::move(mounted).error();
  auto programs = capture::Programs::load(load_options(config.agent));
  if (!programs) return std::move(programs).error();
  auto counters = capture::Counters::map(**programs);
  if (!counters) return std::move(counters).error();

  std::unique_ptr<Recorder> recorder(
      new Recorder(std::move(*ring), std::move(*programs), std::move(*counters)));
  if (auto started = recorder->start_lanes(lanes, wall_offset); !started)
    return std::move(started).error();
  return recorder;
}

Recorder::Recorder(std::unique_ptr<store::Ring> ring, std::unique_ptr<capture::Programs> programs,
                   capture::Counters counters)
    : ring_(std::move(ring)),
      programs_(std::move(programs)),
      counters_(std::move(counters)),
      settings_(*programs_) {}

Recorder::~Recorder() {
  for (auto& lane : lanes_)
    lane->stop();
}

Status Recorder::start_lanes(unsigned count, std::int64_t wall_offset_ns) {
  if (auto written = settings_.write_wall_offset(wall_offset_ns); !written) return written;
  auto sources = capture::make_sources(*programs_);
  if (!sources) return std::move(sources).error();
  sources_ = std::move(*sources);
  std::vector<std::vector<capture::PacketSource*>> shares(count);
  for (std::size_t cpu = 0; cpu < sources_.size(); ++cpu)
    shares[cpu % count].push_back(sources_[cpu].get());
  for (unsigned i = 0; i < count; ++i) {
    auto lane = Lane::create(i, std::move(shares[i]), ring_->lane(i), wall_offset_ns);
    if (!lane) return std::move(lane).error();
    lanes_.push_back(std::move(*lane));
    lanes_.back()->start();
  }
  return {};
}

void Recorder::set_interfaces(const SharedInterfaceList& list) {
  for (auto& lane : lanes_)
    lane->execute([&](store::LaneWriter& writer) { writer.set_interfaces(list); });
}

Status Recorder::set_wall_offset(std::int64_t wall_offset_ns) {
  auto written = settings_.write_wall_offset(wall_offset_ns);
  for (auto& lane : lanes_)
    lane->set_wall_offset(wall_offset_ns);
  return written;
}

Status Recorder::stop() {
  for (auto& lane : lanes_)
    lane->stop();
  lanes_.clear();
  return ring_->close();
}

}  // namespace caprock::agent
