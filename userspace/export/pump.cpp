// SPDX-License-Identifier: Apache-2.0
#include "export/pump.hpp"

#include <utility>

#include "export/file_frame.hpp"
#include "export/relay.hpp"

namespace caprock::exporting {

Pump::Pump(const store::RingView& view, Selection selection, std::string interface_prefix,
           Sink& sink)
    : writer_(std::move(selection), sink),
      gatherer_(view, writer_.selection().format == Format::kPcapng, std::move(interface_prefix)) {}

Status Pump::begin(const std::vector<store::SegmentInfo>& segments) {
  const Selection& selection = writer_.selection();
  if (auto head = write(file_head(selection.format, selection.snaplen)); !head) return head;
  return write(gatherer_.begin(segments));
}

Status Pump::drain(store::Window& window) {
  while (gatherer_.fill(piece_, window)) {
    if (auto written = writer_.write(piece_); !written) return written;
  }
  return {};
}

Status Pump::drain_in_parallel(store::Window& window) {
  Relay relay(writer_);
  while (gatherer_.fill(piece_, window)) {
    if (!relay.pass(piece_)) break;
  }
  return relay.finish();
}

}  // namespace caprock::exporting
