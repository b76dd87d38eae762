// SPDX-License-Identifier: Apache-2.0
// What an exported file holds, as its statistics and the report tell it.
#pragma once

#include <cstdint>
#include <vector>

#include "pcapng/reader.hpp"

namespace caprock::exporting {

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

}  // namespace caprock::exporting
