// SPDX-License-Identifier: Apache-2.0
#include "export/pump.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "export/file_frame.hpp"

namespace caprock::exporting {

Pump::Pump(const store::RingView& view, Selection selection, std::string interface_prefix,
           Sink& sink)
    : view_(view),
      interface_prefix_(std::move(interface_prefix)),
      sink_(sink),
      rewriter_(std::move(selection)) {
  piece_.reserve(Sink::kPieceBytes);
}

Status Pump::write(Bytes bytes) {
  if (bytes.empty()) return {};
  written_bytes_ += bytes.size();
  return sink_.write(bytes);
}

Status Pump::begin(const std::vector<store::SegmentInfo>& segments) {
  std::vector<InterfaceList> lists;
  for (const store::SegmentInfo& segment : segments) {
    InterfaceList list = view_.interfaces(segment);
    if (!view_.still_holds(segment.index, segment.sequence)) continue;
    table_.reserve(list.size());
    if (lists.empty() || lists.back() != list) lists.push_back(std::move(list));
  }
  for (const InterfaceList& list : lists)
    table_.add(list);
  const Selection& selection = rewriter_.selection();
  if (auto head = write(file_head(selection.format, selection.snaplen)); !head) return head;
  return write_new_interfaces();
}

Status Pump::write_new_interfaces() {
  const auto added = std::span(table_.interfaces()).subspan(described_);
  described_ = table_.interfaces().size();
  table_.freeze();
  if (rewriter_.selection().format != Format::kPcapng) return {};
  return write(interface_blocks(added, interface_prefix_));
}

/// Nothing if the segment was reused before its interfaces could be read.
SharedInterfaceIds Pump::ids_of(const store::SegmentInfo& segment) {
  SegmentIds& known = lanes_[segment.lane];
  if (known.ids && known.sequence == segment.sequence && known.runs_end == segment.runs_end)
    return known.ids;
  const InterfaceList list = view_.interfaces(segment);
  if (!view_.still_holds(segment.index, segment.sequence)) return nullptr;
  known = {segment.sequence, segment.runs_end, table_.add(list)};
  return known.ids;
}

Status Pump::drain(store::Window& window) {
  for (Bytes stretch = window.next_stretch(); !stretch.empty(); stretch = window.next_stretch()) {
    if (auto taken = take(stretch, window); !taken) return taken;
  }
  return flush();
}

Status Pump::take(Bytes stretch, const store::Window& window) {
  const SharedInterfaceIds ids = ids_of(window.segment());
  if (!ids) return {};
  if (ids != piece_ids_ || piece_.size() + stretch.size() > Sink::kPieceBytes) {
    if (auto flushed = flush(); !flushed) return flushed;
    piece_ids_ = ids;
  }
  const std::size_t before = piece_.size();
  piece_.insert(piece_.end(), stretch.begin(), stretch.end());
  if (!window.intact()) piece_.resize(before);
  return {};
}

Status Pump::flush() {
  if (piece_.empty()) return {};
  if (auto described = write_new_interfaces(); !described) return described;
  const std::size_t size = rewriter_.rewrite(piece_, *piece_ids_);
  piece_.resize(size);
  written_bytes_ += size;
  auto written = sink_.write(piece_);
  piece_.clear();
  return written;
}

}  // namespace caprock::exporting
