// SPDX-License-Identifier: Apache-2.0
#include "export/gatherer.hpp"

#include <span>
#include <utility>

#include "export/file_frame.hpp"

namespace caprock::exporting {

std::vector<std::byte> Gatherer::begin(const std::vector<store::SegmentInfo>& segments) {
  std::vector<InterfaceList> lists;
  for (const store::SegmentInfo& segment : segments) {
    InterfaceList list = view_.interfaces(segment);
    if (!view_.still_holds(segment.index, segment.sequence)) continue;
    table_.reserve(list.size());
    if (lists.empty() || lists.back() != list) lists.push_back(std::move(list));
  }
  for (const InterfaceList& list : lists)
    table_.add(list);
  return describe_new();
}

std::vector<std::byte> Gatherer::describe_new() {
  const auto added = std::span(table_.interfaces()).subspan(described_);
  described_ = table_.interfaces().size();
  table_.freeze();
  if (!describes_) return {};
  return interface_blocks(added, interface_prefix_);
}

/// Nothing if the segment was reused before its interfaces could be read.
SharedInterfaceIds Gatherer::ids_of(const store::SegmentInfo& segment) {
  SegmentIds& known = lanes_[segment.lane];
  if (known.ids && known.sequence == segment.sequence && known.runs_end == segment.runs_end)
    return known.ids;
  const InterfaceList list = view_.interfaces(segment);
  if (!view_.still_holds(segment.index, segment.sequence)) return nullptr;
  known = {segment.sequence, segment.runs_end, table_.add(list)};
  return known.ids;
}

bool Gatherer::fill(Piece& piece, store::Window& window) {
  piece.blocks = {};
  while (!stretch_.empty() || next_stretch(window)) {
    if (!piece.has_room_for(stretch_.size(), stretch_ids_)) break;
    piece.append(std::exchange(stretch_, {}), stretch_ids_);
  }
  piece.preface = describe_new();
  return !piece.blocks.empty();
}

bool Gatherer::next_stretch(store::Window& window) {
  for (stretch_ = window.next_stretch(); !stretch_.empty(); stretch_ = window.next_stretch()) {
    stretch_ids_ = ids_of(window.segment());
    if (stretch_ids_) return true;
    window.lose_segment();
  }
  return false;
}

}  // namespace caprock::exporting
