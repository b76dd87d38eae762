// SPDX-License-Identifier: Apache-2.0
// Turns blocks of the ring into what an exported file holds, in place.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "export/export.hpp"
#include "export/interface_table.hpp"
#include "export/pcap_filter.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// What of the record is wanted, and in which form.
struct Selection {
  PcapFilter filter = {};
  Format format = Format::kPcapng;
  std::uint32_t snaplen = 0;  // 0: as recorded
  bool events = true;
};

/// What was written.
struct Figures {
  struct PerInterface {
    std::uint64_t packets = 0;
    std::uint64_t dropped = 0;
  };

  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;
  std::int64_t first_ns = 0;
  std::int64_t last_ns = 0;
  std::uint64_t unknown_interface =
      0;  // packets left out because their segment does not describe their interface
  std::vector<PerInterface> interfaces;

  void count(const pcapng::PacketView& packet, std::uint32_t interface_id);
};

/// One thread at a time.
class BlockRewriter {
 public:
  explicit BlockRewriter(Selection selection) : selection_(std::move(selection)) {}

  /// Puts what is to be written of the blocks at the front of `blocks` and returns its length: no
  /// form is longer than the block of the ring.
  std::size_t rewrite(MutableBytes blocks, const InterfaceIds& ids);

  const Selection& selection() const { return selection_; }
  const Figures& figures() const { return figures_; }

 private:
  std::size_t rewrite_packet(std::byte* to, const pcapng::Block& block, const InterfaceIds& ids);

  Selection selection_;
  Figures figures_;
};

}  // namespace caprock::exporting
