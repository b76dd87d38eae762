// SPDX-License-Identifier: Apache-2.0
// From what a recorder left behind, cleanly or not, to a ring that can be recorded into.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "store/catalog.hpp"
#include "store/ring_file.hpp"
#include "store/ring_scan.hpp"
#include "store/seal.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {

struct RecoveredRing {
  RecoveryReport report;
  std::unique_ptr<Catalog> catalog;
  std::vector<LaneTotals> totals;      // by lane, of all lanes there ever were and at least `lanes`
  std::uint32_t clock_generation = 0;  // for the segments to come
};

struct RecoveryContext {
  BootId boot_id{};
  std::int64_t wall_offset_ns = 0;
  unsigned lanes = 1;
  std::uint64_t recycled_before = 0;  // see RecycleMark
};

/// Seals what was open: in the same boot up to the frontier, in another up to the synced frontier.
/// `found`: by place; what lies beyond the file's geometry was dropped.
RecoveredRing recover(RingFile& file, std::vector<FoundSegment> found,
                      const RecoveryContext& context);

/// Cuts an open segment behind its last whole block before `limit`, and shows all of it to every
/// reader. The offset of the cut; 0 if not even the interfaces are whole, or there is no room to
/// seal it.
std::uint64_t cut_torn_tail(MutableBytes segment, std::uint64_t limit);

}  // namespace caprock::store
