// SPDX-License-Identifier: Apache-2.0
// Turns blocks of the ring into what an exported file holds, in place.
#pragma once

#include <cstdint>
#include <utility>

#include "export/export.hpp"
#include "export/figures.hpp"
#include "export/interface_table.hpp"
#include "export/pcap_filter.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// What of the record is wanted, and in which form.
struct Selection {
  PcapFilter filter = {};
  Format format = Format::kPcapng;
  std::uint32_t snaplen = 0;  // 0: as recorded
  bool packets = true;
  bool events = true;
};

/// Any thread.
class BlockRewriter {
 public:
  explicit BlockRewriter(Selection selection) : selection_(std::move(selection)) {}

  /// Puts what is to be written of the blocks at the front of `blocks`, counts it, and returns its
  /// length: no form is longer than the block of the ring.
  std::size_t rewrite(MutableBytes blocks, const InterfaceIds& ids, Figures& figures) const;

  const Selection& selection() const { return selection_; }

 private:
  bool keeps_blocks(const InterfaceIds& ids) const;
  std::size_t rewrite_block(std::byte* to, const pcapng::Block& block, const InterfaceIds& ids,
                            Figures& figures) const;
  std::size_t rewrite_packet(std::byte* to, const pcapng::Block& block, const InterfaceIds& ids,
                             Figures& figures) const;

  Selection selection_;
};

}  // namespace caprock::exporting
