// SPDX-License-Identifier: Apache-2.0
// The programs for devices inside the network namespaces of pods, upon the maps of those of the
// host.
#pragma once

#include <memory>

#include "capture/generation.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Owner of the loaded programs. They are an object of their own, since they read the kernel's
/// structures: without BTF of the kernel the host is recorded all the same. Control-plane thread.
class PodPrograms {
 public:
  /// What they record goes where the host's packets go. An error says what the kernel lacks.
  static Result<std::unique_ptr<PodPrograms>> load(const Generation& generation);

  virtual ~PodPrograms() = default;

  virtual int loopback_fd() const = 0;  // for its ingress
  virtual int end_fd() const = 0;       // for the ingress of a pod's end of a link
};

}  // namespace caprock::capture
