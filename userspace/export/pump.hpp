// SPDX-License-Identifier: Apache-2.0
// Moves a window's blocks into a sink.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "export/gatherer.hpp"
#include "export/piece_writer.hpp"
#include "store/window.hpp"

namespace caprock::exporting {

/// One thread at a time; what it is given must outlive it.
class Pump {
 public:
  Pump(const store::RingView& view, Selection selection, std::string interface_prefix, Sink& sink);

  /// Head of the file, and for a pcapng the interfaces of these segments.
  Status begin(const std::vector<store::SegmentInfo>& segments);

  /// Everything up to the window's end.
  Status drain(store::Window& window);

  /// The same with a second thread that writes.
  Status drain_in_parallel(store::Window& window);

  /// Bytes that are not of the window.
  Status write(Bytes bytes) { return writer_.write(bytes); }

  const Figures& figures() const { return writer_.figures(); }
  std::uint64_t written_bytes() const { return writer_.written_bytes(); }

 private:
  PieceWriter writer_;
  Gatherer gatherer_;
  Piece piece_;
};

}  // namespace caprock::exporting
