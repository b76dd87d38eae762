// SPDX-License-Identifier: Apache-2.0
// Puts a window's blocks together to pieces.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "export/interface_table.hpp"
#include "export/piece.hpp"
#include "store/window.hpp"

namespace caprock::exporting {

/// One thread at a time; the view must outlive it.
class Gatherer {
 public:
  /// `describes`: new interfaces are to be described in the file, their names behind the prefix.
  Gatherer(const store::RingView& view, bool describes, std::string interface_prefix)
      : view_(view), describes_(describes), interface_prefix_(std::move(interface_prefix)) {}

  /// Descriptions of the interfaces of these segments.
  std::vector<std::byte> begin(const std::vector<store::SegmentInfo>& segments);

  /// Puts what comes next into the piece, in place of what was there. False: the window is at its
  /// end.
  bool fill(Piece& piece, store::Window& window);

 private:
  struct SegmentIds {
    std::uint64_t sequence = 0;
    std::uint64_t runs_end = 0;
    SharedInterfaceIds ids;
  };

  SharedInterfaceIds ids_of(const store::SegmentInfo& segment);
  bool next_stretch(store::Window& window);
  std::vector<std::byte> describe_new();

  const store::RingView& view_;
  bool describes_;
  std::string interface_prefix_;
  InterfaceTable table_;
  std::size_t described_ = 0;                  // interfaces that are in the file
  std::map<std::uint32_t, SegmentIds> lanes_;  // of each lane's segment met last
  Bytes stretch_;                              // given by the window, not yet in a piece
  SharedInterfaceIds stretch_ids_;
};

}  // namespace caprock::exporting
