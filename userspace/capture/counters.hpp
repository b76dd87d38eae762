// SPDX-License-Identifier: Apache-2.0
// The programs' counters (bpf/abi/counters.h), read from mapped memory.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "abi/counters.h"
#include "abi/limits.h"

#include "capture/generation.hpp"
#include "capture/mirror_counts.hpp"
#include "core/mapping.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Element by element; what is read while packets flow may be a packet apart from field to field.
capture_counters operator+(const capture_counters& a, const capture_counters& b);

/// Any thread. Costs no syscall.
class Counters {
 public:
  static Result<Counters> map(const Generation& generation);

  /// Memory laid out as the map `counters`, `slots` of it; null: nothing was redirected.
  Counters(Mapping memory, unsigned slots, std::shared_ptr<const MirrorCounts> mirror = nullptr)
      : memory_(std::move(memory)), slots_(slots), mirror_(std::move(mirror)) {}

  capture_counters of(unsigned slot, std::uint32_t interface_id, caprock_direction direction) const;

  /// Over all slots, and with what became of redirected packets.
  capture_counters of(std::uint32_t interface_id, caprock_direction direction) const;

  /// Null: nothing was redirected.
  const std::shared_ptr<const MirrorCounts>& mirror() const { return mirror_; }

  /// For an interface that has no socket now: what was redirected and has not come by now is lost.
  void settle_redirected(std::uint32_t interface_id) const;

 private:
  Mapping memory_;
  unsigned slots_;  // of CPUs, the last of those that came later
  std::shared_ptr<const MirrorCounts> mirror_;
};

}  // namespace caprock::capture
