// SPDX-License-Identifier: Apache-2.0
#include "export/process_notes.hpp"

#include <fmt/format.h>

#include <cstring>
#include <string>

#include "pcapng/format.hpp"

namespace caprock::exporting {
namespace {

constexpr std::uint32_t kOutbound = 2;
constexpr std::uint32_t kDirection = 3;  // of epb_flags

std::string comment_of(const Owner* sender, const Owner* receiver) {
  const auto name = [](const Owner& owner) { return fmt::format("{}[{}]", owner.comm, owner.pid); };
  if (sender == nullptr) return fmt::format("to {}", name(*receiver));
  if (receiver == nullptr) return fmt::format("from {}", name(*sender));
  return fmt::format("from {} to {}", name(*sender), name(*receiver));
}

class OptionWriter {
 public:
  explicit OptionWriter(std::vector<std::byte>& out) : out_(out) {}

  void put(std::uint16_t code, Bytes value) {
    number(pcapng::OptionHead{code, static_cast<std::uint16_t>(value.size())});
    raw(value);
    out_.resize(round_up(out_.size(), pcapng::kAlignment));
  }
  template <class T>
  void number(const T& value) {
    raw(std::as_bytes(std::span(&value, 1)));
  }
  void raw(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

 private:
  std::vector<std::byte>& out_;
};

/// The block with the options in front of those that it has.
void put_with_options(std::vector<std::byte>& out, const pcapng::Block& block,
                      const pcapng::PacketView& packet, const std::string& comment,
                      const Owner& owner) {
  const std::size_t begin = out.size();
  const auto head_bytes = static_cast<std::size_t>(packet.options.data() - block.bytes.data());
  OptionWriter writer(out);
  writer.raw(block.bytes.first(head_bytes));  // with the packet
  writer.put(pcapng::kComment, std::as_bytes(std::span(comment)));
  const std::uint32_t ids[2] = {owner.pid, owner.tid};
  writer.put(pcapng::kProcessAndThread, std::as_bytes(std::span(ids)));
  writer.raw(packet.options);
  const auto total = static_cast<std::uint32_t>(out.size() - begin + sizeof(std::uint32_t));
  writer.number(total);
  std::memcpy(&out[begin + offsetof(pcapng::BlockHead, total_bytes)], &total, sizeof total);
}

}  // namespace

Status ProcessNotes::write(Bytes piece) {
  rest_.insert(rest_.end(), piece.begin(), piece.end());
  out_.clear();
  pcapng::BlockCursor cursor(rest_);
  while (const auto block = cursor.next())
    put(*block);
  rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(cursor.offset()));
  written_bytes_ += out_.size();
  return sink_.write(out_);
}

void ProcessNotes::put(const pcapng::Block& block) {
  const auto packet = pcapng::as_packet(block);
  const auto flow = packet ? tcp_flow_of(packet->captured) : std::nullopt;
  const auto time_ns = static_cast<std::int64_t>(packet ? packet->time : 0);
  const Owner* sender = flow ? owners_.of(*flow, time_ns) : nullptr;
  const Owner* receiver = flow ? owners_.of({flow->destination, flow->source}, time_ns) : nullptr;
  if (sender == nullptr && receiver == nullptr) {
    out_.insert(out_.end(), block.bytes.begin(), block.bytes.end());
    return;
  }
  const bool outbound = (packet->flags() & kDirection) == kOutbound;
  const bool of_sender = receiver == nullptr || (outbound && sender != nullptr);
  put_with_options(out_, block, *packet, comment_of(sender, receiver),
                   of_sender ? *sender : *receiver);
}

}  // namespace caprock::exporting
