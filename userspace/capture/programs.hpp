// SPDX-License-Identifier: Apache-2.0
// The capture programs and their maps, loaded into the kernel: the only place that knows the skeletons.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/finding.hpp"
#include "core/result.hpp"

namespace caprock::capture {

enum class Transport { kStage, kRingBuffer };

struct LoadOptions {
  Transport transport = Transport::kStage;
  std::uint64_t stage_bytes = 128u << 20;  // of all CPUs together
  bool xdp = false;                        // load capture_xdp as well
  std::string pin_directory;               // pins programs and maps there; empty: no pins
};

/// How the stage is laid out; the same numbers are read-only data of the programs.
struct StageGeometry {
  unsigned cpus = 0;            // slots, index = CPU number; covers every CPU that is online at load
  unsigned segment_shift = 0;   // segment bytes = 1 << shift
  unsigned segments = 0;        // per CPU, a power of two
  std::uint64_t segment_bytes() const { return std::uint64_t{1} << segment_shift; }
  std::uint64_t cpu_bytes() const { return segments * segment_bytes(); }
};

/// Pure: the geometry for so many bytes on so many CPUs. At least 4 segments and 8 MiB per CPU, 4 MiB a segment at most.
StageGeometry plan_stage(std::uint64_t stage_bytes, unsigned cpus);

/// Owner of the loaded BPF object. Control-plane thread.
class Programs {
 public:
  /// Raises RLIMIT_MEMLOCK where needed, loads, pins. An error names the program and the verifier's last line.
  static Result<std::unique_ptr<Programs>> load(const LoadOptions& options);

  virtual ~Programs() = default;

  virtual int tc_ingress_fd() const = 0;  // program descriptors, owned here
  virtual int tc_egress_fd() const = 0;
  virtual int xdp_fd() const = 0;  // -1: not loaded or not on this kernel

  /// Descriptor of a map by its name in bpf/abi, owned here; -1 if there is none (a transport not chosen).
  virtual int map_fd(std::string_view name) const = 0;

  virtual Transport transport() const = 0;
  virtual const StageGeometry& geometry() const = 0;
  virtual std::uint64_t instance() const = 0;  // monotonic ns of the load: SourceId::instance
};

}  // namespace caprock::capture
