// SPDX-License-Identifier: Apache-2.0
#include "export/plain_packets.hpp"

#include <algorithm>

#include "pcapng/format.hpp"

namespace caprock::exporting {
namespace {

/// What stands behind a plain packet: epb_flags, perhaps opt_endofopt, and the trailing length.
constexpr std::size_t kFlagsBytes = sizeof(pcapng::OptionHead) + sizeof(std::uint32_t);
constexpr std::size_t kShortTail = kFlagsBytes + sizeof(std::uint32_t);
constexpr std::size_t kLongTail = kShortTail + sizeof(pcapng::OptionHead);

/// Whether a plain packet with this head stands at the front of `blocks`.
bool is_plain(Bytes blocks, const pcapng::PacketHead& head) {
  if (head.block.type != pcapng::kEnhancedPacket || head.block.total_bytes > blocks.size())
    return false;
  const std::size_t options = sizeof head + round_up(head.captured_bytes, pcapng::kAlignment);
  const std::size_t tail = head.block.total_bytes - options;
  if (tail != kShortTail && tail != kLongTail) return false;
  const auto option = load<pcapng::OptionHead>(blocks, options);
  return option.code == pcapng::kPacketFlags && option.value_bytes == sizeof(std::uint32_t);
}

}  // namespace

std::size_t count_plain_packets(Bytes blocks, std::size_t ids, Figures& figures) {
  const std::size_t known = std::min(ids, figures.interfaces.size());
  std::size_t done = 0;
  while (blocks.size() - done >= sizeof(pcapng::PacketHead) + kShortTail) {
    const auto head = load<pcapng::PacketHead>(blocks, done);
    if (head.interface_id >= known || !is_plain(blocks.subspan(done), head)) break;
    figures.packets += 1;
    figures.interfaces[head.interface_id].packets += 1;
    figures.last_ns =
        static_cast<std::int64_t>(std::uint64_t{head.time_high} << 32 | head.time_low);
    done += head.block.total_bytes;
  }
  return done;
}

}  // namespace caprock::exporting
