// SPDX-License-Identifier: Apache-2.0
#include "store/loss_entry.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string>

#include "pcapng/note.hpp"

namespace caprock::store {
namespace {

constexpr std::string_view kLostField = "CAPROCK_LOST";

}  // namespace

void write_loss_entry(std::vector<std::byte>& out, const LossEntry& entry) {
  const std::string_view direction = entry.received ? "received" : "sent";
  const std::string lost = std::to_string(entry.packets);
  const std::array fields{pcapng::JournalField{kLostField, lost},
                          pcapng::JournalField{"CAPROCK_INTERFACE", entry.interface},
                          pcapng::JournalField{"CAPROCK_DIRECTION", direction}};
  const std::string_view who =
      entry.interface.empty() ? "an interface that has gone" : entry.interface;
  pcapng::write_note(out, entry.time_ns,
                     fmt::format("{} packets lost that {} {}", lost, who, direction), fields);
}

std::uint64_t lost_by_entry(const pcapng::Block& block) {
  if (!pcapng::is_note(block)) return 0;
  const std::string_view digits = pcapng::journal_field(block, kLostField);
  std::uint64_t packets = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), packets);
  return packets;
}

}  // namespace caprock::store
