// SPDX-License-Identifier: Apache-2.0
// The maps of one load of the programs: the packets on their way, and all that was told the
// programs.
#pragma once

#include <cstdint>
#include <string_view>

namespace caprock::capture {

enum class Transport { kStage, kRingBuffer };

/// How the stage is laid out; the same numbers are read-only data of the programs.
struct StageGeometry {
  unsigned cpus = 0;           // slots, index = CPU number; covers every CPU that is online at load
  unsigned segment_shift = 0;  // segment bytes = 1 << shift
  unsigned segments = 0;       // per CPU, a power of two
  std::uint64_t segment_bytes() const { return std::uint64_t{1} << segment_shift; }
  std::uint64_t cpu_bytes() const { return segments * segment_bytes(); }
};

/// Pure: the geometry for so many bytes on so many CPUs. At least 4 segments and 8 MiB per CPU,
/// 4 MiB a segment at most.
StageGeometry plan_stage(std::uint64_t stage_bytes, unsigned cpus);

/// Outlives the agent where it is pinned (pinned_generation.hpp). Control-plane thread.
class Generation {
 public:
  virtual ~Generation() = default;

  /// Descriptor of a map by its name in bpf/abi, owned here; -1 if there is none (a transport not
  /// chosen).
  virtual int map_fd(std::string_view name) const = 0;

  virtual Transport transport() const = 0;
  virtual const StageGeometry& geometry() const = 0;
  virtual std::uint64_t instance() const = 0;  // SourceId::instance
};

}  // namespace caprock::capture
