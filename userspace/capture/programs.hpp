// SPDX-License-Identifier: Apache-2.0
// The capture programs and their maps, loaded into the kernel: the only place that knows the
// skeletons.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capture/generation.hpp"
#include "core/quantity.hpp"
#include "core/result.hpp"

namespace caprock::capture {

struct LoadOptions {
  Transport transport = Transport::kStage;
  std::uint64_t stage_bytes = 128u << 20;  // of all CPUs together
  bool xdp = false;                        // load capture_xdp as well
  bool mirror = false;                     // load mirror_xdp as well
  bool recorded_once = false;              // ROLE_ONCE has a meaning
  std::uint16_t mirror_vxlan_port = 0;     // it takes out what comes in VXLAN to this port; 0: not
  std::string pin_directory;               // pins programs and maps there; empty: no pins
  Nanoseconds pin_wait{0};                 // for another agent to let go of that directory
};

/// Owner of the loaded BPF object. Where maps are pinned that fit what is asked for, the programs
/// go on with them: nothing that waits there is lost. Others that are pinned are set aside
/// (capture/pins.hpp). Control-plane thread.
class Programs : public Generation {
 public:
  /// Raises RLIMIT_MEMLOCK where needed, loads, pins. An error names the program and the verifier's
  /// last line.
  static Result<std::unique_ptr<Programs>> load(const LoadOptions& options);

  virtual int tc_ingress_fd() const = 0;  // program descriptors, owned here
  virtual int tc_egress_fd() const = 0;
  virtual int xdp_fd() const = 0;     // -1: not loaded or not on this kernel
  virtual int mirror_fd() const = 0;  // the same

  /// Whether the maps are those of the agent before.
  virtual bool adopted() const = 0;

  /// The pins stay when this is destroyed, for the next agent. Those of adopted maps do anyway.
  virtual void keep_pins() = 0;

  /// No other agent finds anything of these programs from here on.
  virtual void remove_pins() = 0;
};

}  // namespace caprock::capture
