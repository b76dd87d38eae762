// SPDX-License-Identifier: Apache-2.0
// Where in a source the wall clock was set: blocks in front of it have the time of before.
#pragma once

#include <cstdint>

#include "core/packet_batch.hpp"
#include "store/batch_split.hpp"

namespace caprock::agent {

/// Of wall minus monotonic time, in ns.
struct ClockStep {
  std::int64_t before_ns = 0;
  std::int64_t after_ns = 0;
  std::int64_t since_ns = 0;  // monotonic, by which the programs went by the former
};

/// Fed with all that one source has, in order. Behind a step forward the first time that could not
/// have been before tells it, behind one back the first that is earlier than one before it: what is
/// too small to be told so leaves the order as it is.
class ClockCut {
 public:
  /// What the source still has came at `earliest_ns`, monotonic, or later.
  ClockCut(const ClockStep& step, std::int64_t earliest_ns)
      : step_(step), latest_ns_(earliest_ns + step.before_ns) {}

  /// The first block of the new time; the batch's end: there is none.
  store::BatchPoint find(const PacketBatch& batch);

 private:
  bool is_new(std::int64_t time_ns);

  ClockStep step_;
  std::int64_t latest_ns_;
};

}  // namespace caprock::agent
