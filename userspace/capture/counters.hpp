// SPDX-License-Identifier: Apache-2.0
// The programs' counters (bpf/abi/counters.h), read from mapped memory.
#pragma once

#include <cstdint>
#include <utility>

#include "abi/counters.h"
#include "abi/limits.h"

#include "capture/generation.hpp"
#include "core/mapping.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Element by element; what is read while packets flow may be a packet apart from field to field.
capture_counters operator+(const capture_counters& a, const capture_counters& b);

/// Any thread. Costs no syscall.
class Counters {
 public:
  static Result<Counters> map(const Generation& generation);

  /// Memory laid out as the map `counters`, `cpus` slots of it.
  Counters(Mapping memory, unsigned cpus) : memory_(std::move(memory)), cpus_(cpus) {}

  unsigned cpus() const { return cpus_; }
  capture_counters of(unsigned cpu, std::uint32_t interface_id, caprock_direction direction) const;

  /// Over all CPUs.
  capture_counters of(std::uint32_t interface_id, caprock_direction direction) const;

 private:
  Mapping memory_;
  unsigned cpus_;
};

}  // namespace caprock::capture
