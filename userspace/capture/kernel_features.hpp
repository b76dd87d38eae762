// SPDX-License-Identifier: Apache-2.0
// What the running kernel can do for the capture.
#pragma once

#include "core/finding.hpp"

namespace caprock::capture {

struct KernelFeatures {
  bool ring_buffer = false;     // 5.8
  bool tcx = false;             // 6.6
  bool xdp_load_bytes = false;  // 5.18
};

/// Asks the kernel. Needs the privilege to load BPF programs.
KernelFeatures probe_kernel_features();

/// One finding per feature, with the consequence where it is missing.
Findings describe(const KernelFeatures& features);

/// What /proc and /sys tell everybody: release, BTF, JIT.
Findings inspect_kernel_files();

}  // namespace caprock::capture
