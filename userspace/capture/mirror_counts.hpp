// SPDX-License-Identifier: Apache-2.0
// What became of the packets that mirror_xdp redirected to sockets (map `mirror_counts`,
// bpf/abi/mirror.h).
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "abi/counters.h"
#include "abi/limits.h"

#include "capture/generation.hpp"
#include "core/mapping.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Outlives the agent where the map is pinned. Any thread; costs no syscall.
class MirrorCounts {
 public:
  /// Null: there is no such map, as earlier versions made it for mirror ports only.
  static Result<std::shared_ptr<const MirrorCounts>> map(const Generation& generation);

  /// Memory laid out as the map.
  explicit MirrorCounts(Mapping memory) : memory_(std::move(memory)) {}

  capture_counters of(std::uint32_t interface_id) const;

  /// Field by field.
  void add(std::uint32_t interface_id, const capture_counters& more) const;

  static constexpr std::size_t kBytes = sizeof(capture_counters) * CAPROCK_MAX_INTERFACES;

 private:
  std::byte* element(std::uint32_t interface_id) const {
    return memory_.data() + interface_id % CAPROCK_MAX_INTERFACES * sizeof(capture_counters);
  }

  Mapping memory_;
};

}  // namespace caprock::capture
