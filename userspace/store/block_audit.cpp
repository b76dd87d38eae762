// SPDX-License-Identifier: Apache-2.0
#include "store/block_audit.hpp"

#include <algorithm>
#include <utility>

#include "store/format.hpp"
#include "store/interface_naming.hpp"
#include "store/loss_entry.hpp"

namespace caprock::store {
namespace {

constexpr std::uint32_t kDirectionFlags = 3;  // epb_flags

}  // namespace

void PacketFigures::count(const pcapng::PacketView& packet, std::int64_t previous_ns) {
  const auto time_ns = static_cast<std::int64_t>(packet.time);
  const std::uint64_t lost = packet.dropped();
  count_time(time_ns);
  packets += 1;
  captured_bytes += packet.captured.size();
  original_bytes += packet.original_bytes;
  dropped += lost;
  count_loss(lost, previous_ns, time_ns);
}

void PacketFigures::count_entry(const pcapng::Block& journal) {
  const auto time_ns = pcapng::journal_time_ns(journal);
  if (!time_ns) return;
  count_time(*time_ns);
  count_loss(lost_by_entry(journal), 0, *time_ns);
  if (const auto account = as_account(journal)) accounts.push_back({*time_ns, *account});
}

void PacketFigures::count_time(std::int64_t time_ns) {
  first_ns = first_ns == 0 ? time_ns : std::min(first_ns, time_ns);
  last_ns = std::max(last_ns, time_ns);
}

void PacketFigures::count_loss(std::uint64_t lost, std::int64_t after_ns, std::int64_t until_ns) {
  if (lost == 0) return;
  loss.after_ns = loss.dropped == 0 ? after_ns : std::min(loss.after_ns, after_ns);
  loss.until_ns = std::max(loss.until_ns, until_ns);
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
    check_packet(*packet);
  } else if (block.type == pcapng::kJournalExport) {
    figures_.count_entry(block);
  } else if (const auto view = pcapng::as_statistics(block); view && statistics_) {
    check_statistics(*view, offset);
  } else if (block.type == kInterfaceNamingType) {
    check_naming(block, offset);
  }
}

void BlockAudit::check_packet(const pcapng::PacketView& packet) {
  std::int64_t previous_ns = 0;
  if (source_) {
    std::int64_t& latest_ns = latest_ns_[{source_->kind, source_->index, source_->instance,
                                          packet.interface_id, packet.flags() & kDirectionFlags}];
    previous_ns = std::exchange(latest_ns, static_cast<std::int64_t>(packet.time));
  }
  figures_.count(packet, previous_ns);
  interfaces_[packet.interface_id].packets += 1;
  interfaces_[packet.interface_id].dropped += packet.dropped();
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

void BlockAudit::check_naming(const pcapng::Block& block, std::uint64_t offset) {
  const auto naming = as_interface_naming(block);
  if (!naming || naming->id >= interfaces_.size())
    fail(offset, "it names an interface that is not there");
}

void BlockAudit::check_all_have_statistics(std::uint64_t offset) {
  if (!std::ranges::all_of(interfaces_, &PerInterface::told)) {
    fail(offset, "an interface has no statistics");
  }
}

}  // namespace caprock::store
