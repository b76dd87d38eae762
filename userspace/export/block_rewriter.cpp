// SPDX-License-Identifier: Apache-2.0
#include "export/block_rewriter.hpp"

#include <algorithm>
#include <cstring>

#include "export/pcap_format.hpp"
#include "export/plain_packets.hpp"

namespace caprock::exporting {
namespace {

constexpr std::size_t kTrailerBytes = sizeof(std::uint32_t);

std::size_t copy_blocks(std::byte* to, Bytes blocks) {
  if (to != blocks.data()) std::memmove(to, blocks.data(), blocks.size());
  return blocks.size();
}

bool maps_to_itself(const InterfaceIds& ids) {
  for (std::size_t id = 0; id < ids.size(); ++id) {
    if (ids[id] != id) return false;
  }
  return true;
}

/// The block with so many bytes of its packet, and its options.
std::size_t cut_block(std::byte* to, const pcapng::Block& block, const pcapng::PacketView& packet,
                      std::uint32_t bytes) {
  auto head = load<pcapng::PacketHead>(block.bytes);
  const std::size_t padded = round_up(bytes, pcapng::kAlignment);
  const std::size_t total = sizeof head + padded + packet.options.size() + kTrailerBytes;
  head.captured_bytes = bytes;
  head.block.total_bytes = static_cast<std::uint32_t>(total);
  std::byte* const data = to + sizeof head;
  std::memmove(data, packet.captured.data(), bytes);
  std::memset(data + bytes, 0, padded - bytes);
  std::memmove(data + padded, packet.options.data(), packet.options.size());
  std::memcpy(to, &head, sizeof head);
  std::memcpy(to + total - kTrailerBytes, &head.block.total_bytes, kTrailerBytes);
  return total;
}

std::size_t put_record(std::byte* to, const pcapng::PacketView& packet, std::uint32_t bytes,
                       std::uint32_t ns_per_unit) {
  constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
  const pcap::RecordHead head{static_cast<std::uint32_t>(packet.time / kNsPerSecond),
                              static_cast<std::uint32_t>(packet.time % kNsPerSecond / ns_per_unit),
                              bytes, packet.original_bytes};
  std::memmove(to + sizeof head, packet.captured.data(), bytes);
  std::memcpy(to, &head, sizeof head);
  return sizeof head + bytes;
}

}  // namespace

std::size_t BlockRewriter::rewrite(MutableBytes blocks, const InterfaceIds& ids,
                                   Figures& figures) const {
  const bool keeps = keeps_blocks(ids);
  std::byte* to = blocks.data();
  pcapng::BlockCursor cursor(blocks);
  for (;;) {
    if (keeps) {
      const Bytes rest = blocks.subspan(cursor.offset());
      const std::size_t plain = count_plain_packets(rest, ids.size(), figures);
      to += copy_blocks(to, rest.first(plain));
      cursor.skip(plain);
    }
    const auto block = cursor.next();
    if (!block) return static_cast<std::size_t>(to - blocks.data());
    to += rewrite_block(to, *block, ids, figures);
  }
}

/// Whether packets of these ids come out as they are in the ring.
bool BlockRewriter::keeps_blocks(const InterfaceIds& ids) const {
  return selection_.packets && selection_.format == Format::kPcapng && selection_.snaplen == 0 &&
         selection_.filter.takes_all() && maps_to_itself(ids);
}

std::size_t BlockRewriter::rewrite_block(std::byte* to, const pcapng::Block& block,
                                         const InterfaceIds& ids, Figures& figures) const {
  if (block.type == pcapng::kEnhancedPacket)
    return selection_.packets ? rewrite_packet(to, block, ids, figures) : 0;
  if (!selection_.events || selection_.format != Format::kPcapng) return 0;
  return copy_blocks(to, block.bytes);
}

std::size_t BlockRewriter::rewrite_packet(std::byte* to, const pcapng::Block& block,
                                          const InterfaceIds& ids, Figures& figures) const {
  const auto packet = pcapng::as_packet(block);
  if (!packet || !selection_.filter.matches(packet->captured, packet->original_bytes)) return 0;
  if (packet->interface_id >= ids.size()) {
    figures.unknown_interface += 1;
    return 0;
  }
  const std::uint32_t id = ids[packet->interface_id];
  figures.count(*packet, id);
  const auto captured = static_cast<std::uint32_t>(packet->captured.size());
  const std::uint32_t bytes =
      selection_.snaplen == 0 ? captured : std::min(captured, selection_.snaplen);
  if (selection_.format == Format::kPcap)
    return put_record(to, *packet, bytes, pcap::kNsPerMicrosecond);
  if (selection_.format == Format::kPcapNs) return put_record(to, *packet, bytes, 1);
  const std::size_t size =
      bytes == captured ? copy_blocks(to, block.bytes) : cut_block(to, block, *packet, bytes);
  if (id != packet->interface_id)
    std::memcpy(to + offsetof(pcapng::PacketHead, interface_id), &id, sizeof id);
  return size;
}

}  // namespace caprock::exporting
