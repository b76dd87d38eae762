// SPDX-License-Identifier: Apache-2.0
// Recomputes everything that one segment says about itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "store/block_audit.hpp"
#include "store/segment_view.hpp"

namespace caprock::store {

/// What there is in a segment and what is wrong with it; offsets are in the segment.
struct SegmentAudit {
  PacketFigures figures;
  std::optional<SegmentFoot> foot;  // of a sealed segment
  std::vector<pcapng::Fault> faults;
};

/// Walks a segment whose head is whole: all of a sealed one, an active one up to its frontier.
SegmentAudit audit_segment(Bytes segment, const SegmentHead& head);

}  // namespace caprock::store
