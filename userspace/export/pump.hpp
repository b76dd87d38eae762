// SPDX-License-Identifier: Apache-2.0
// Moves a window's blocks into a sink.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "export/block_rewriter.hpp"
#include "export/interface_table.hpp"
#include "export/sink.hpp"
#include "store/window.hpp"

namespace caprock::exporting {

/// Copies stretches until a piece is full, makes sure that the recorder did not reuse them
/// meanwhile, rewrites the copy in place and hands it on. One thread at a time; what it is given
/// must outlive it.
class Pump {
 public:
  Pump(const store::RingView& view, Selection selection, std::string interface_prefix, Sink& sink);

  /// Head of the file, and for a pcapng the interfaces of these segments.
  Status begin(const std::vector<store::SegmentInfo>& segments);

  /// Everything up to the window's end.
  Status drain(store::Window& window);

  /// Bytes that are not of the window.
  Status write(Bytes bytes);

  const Figures& figures() const { return rewriter_.figures(); }
  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  struct SegmentIds {
    std::uint64_t sequence = 0;
    std::uint64_t runs_end = 0;
    SharedInterfaceIds ids;
  };

  SharedInterfaceIds ids_of(const store::SegmentInfo& segment);
  Status take(Bytes stretch, const store::Window& window);
  Status flush();
  Status write_new_interfaces();

  const store::RingView& view_;
  std::string interface_prefix_;
  Sink& sink_;
  BlockRewriter rewriter_;
  InterfaceTable table_;
  std::size_t described_ = 0;                  // interfaces that are in the file
  std::map<std::uint32_t, SegmentIds> lanes_;  // of each lane's segment met last
  std::vector<std::byte> piece_;               // blocks as they are in the ring
  SharedInterfaceIds piece_ids_;               // of all of them
  std::uint64_t written_bytes_ = 0;
};

}  // namespace caprock::exporting
