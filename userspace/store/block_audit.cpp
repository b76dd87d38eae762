// SPDX-License-Identifier: Apache-2.0
#include "store/block_audit.hpp"

#include <algorithm>

namespace caprock::store {

void PacketFigures::count(const pcapng::PacketView& packet) {
  const auto time_ns = static_cast<std::int64_t>(packet.time);
  const std::uint64_t lost = packet.dropped();
  first_ns = packets == 0 ? time_ns : std::min(first_ns, time_ns);
  last_ns = packets == 0 ? time_ns : std::max(last_ns, time_ns);
  packets += 1;
  captured_bytes += packet.captured.size();
  original_bytes += packet.original_bytes;
  dropped += lost;
  if (lost == 0) return;
  loss.first_ns = loss.dropped == 0 ? time_ns : std::min(loss.first_ns, time_ns);
  loss.last_ns = std::max(loss.last_ns, time_ns);
  loss.dropped += lost;
}

void BlockAudit::fail(std::uint64_t offset, std::string_view what) {
  if (faults_.size() < kMaxDamage) faults_.push_back({offset, what});
}

void BlockAudit::check(const pcapng::Block& block, std::uint64_t offset) {
  const auto what = validator_.check(block);
  if (block.type == pcapng::kSectionHeader) interfaces_.clear();
  interfaces_.resize(validator_.interfaces());
  if (what) return fail(offset, *what);
  if (const auto packet = pcapng::as_packet(block)) {
    figures_.count(*packet);
    interfaces_[packet->interface_id].packets += 1;
    interfaces_[packet->interface_id].dropped += packet->dropped();
  } else if (const auto view = pcapng::as_statistics(block); view && statistics_) {
    check_statistics(*view, offset);
  }
}

void BlockAudit::check_statistics(const pcapng::StatisticsView& view, std::uint64_t offset) {
  PerInterface& interface = interfaces_[view.interface_id];
  interface.told = true;
  const auto received =
      pcapng::number_option<std::uint64_t>(view.options, pcapng::kInterfaceReceived);
  const auto dropped =
      pcapng::number_option<std::uint64_t>(view.options, pcapng::kInterfaceDropped);
  if (received != interface.packets + interface.dropped || dropped != interface.dropped) {
    fail(offset, "the interface statistics differ from the packets");
  }
}

void BlockAudit::check_all_have_statistics(std::uint64_t offset) {
  if (!std::ranges::all_of(interfaces_, &PerInterface::told)) {
    fail(offset, "an interface has no statistics");
  }
}

}  // namespace caprock::store
