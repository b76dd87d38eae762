// SPDX-License-Identifier: Apache-2.0
#include "export/process_notes.hpp"

#include <fmt/format.h>

#include <cstring>
#include <string>

#include "export/own_loopback.hpp"
#include "pcapng/format.hpp"
#include "pcapng/writer.hpp"

namespace caprock::exporting {
namespace {

constexpr std::uint32_t kOutbound = 2;
constexpr std::uint32_t kDirection = 3;  // of epb_flags

std::string comment_of(const Process* sender, const Process* receiver) {
  const auto name = [](const Process& owner) {
    if (owner.pod.empty()) return fmt::format("{}[{}]", owner.comm, owner.pid);
    return fmt::format("{}[{}] of {}", owner.comm, owner.pid, owner.pod);
  };
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

}  // namespace

Status ProcessNotes::write(Bytes piece) {
  out_.clear();
  blocks_.split(piece, [this](const pcapng::Block& block) { put(block); });
  written_bytes_ += out_.size();
  return sink_.write(out_);
}

void ProcessNotes::put(const pcapng::Block& block) {
  if (block.type == pcapng::kSectionHeader) {
    indices_.clear();
    pods_loopbacks_.clear();
  }
  if (const auto interface = pcapng::as_interface(block))
    pods_loopbacks_.push_back(is_pods_loopback(*interface));
  const auto packet = pcapng::as_packet(block);
  const auto flow = packet ? owned_flow_of(*packet) : std::nullopt;
  const auto time_ns = static_cast<std::int64_t>(packet ? packet->time : 0);
  const Process* sender = flow ? owners_.of(*flow, time_ns) : nullptr;
  const Process* receiver = flow ? owners_.of(flow->reversed(), time_ns) : nullptr;
  if (sender == nullptr && receiver == nullptr) {
    out_.insert(out_.end(), block.bytes.begin(), block.bytes.end());
    return;
  }
  const bool outbound = (packet->flags() & kDirection) == kOutbound;
  const bool of_sender = receiver == nullptr || (outbound && sender != nullptr);
  put_noted(block, *packet, comment_of(sender, receiver), of_sender ? *sender : *receiver);
}

/// Nothing where events do not tell whose it is.
std::optional<Flow> ProcessNotes::owned_flow_of(const pcapng::PacketView& packet) const {
  const auto flow = flow_of(packet.captured);
  const bool of_pod =
      packet.interface_id < pods_loopbacks_.size() && pods_loopbacks_[packet.interface_id];
  return flow && of_pod && is_of_every_namespace(*flow) ? std::nullopt : flow;
}

/// The block with the options in front of those that it has.
void ProcessNotes::put_noted(const pcapng::Block& block, const pcapng::PacketView& packet,
                             const std::string& comment, const Process& process) {
  const std::uint32_t index = index_of(process);
  const std::size_t begin = out_.size();
  const auto head_bytes = static_cast<std::size_t>(packet.options.data() - block.bytes.data());
  OptionWriter writer(out_);
  writer.raw(block.bytes.first(head_bytes));  // with the packet
  writer.put(pcapng::kComment, std::as_bytes(std::span(comment)));
  const std::uint32_t ids[2] = {process.pid, process.tid};
  writer.put(pcapng::kProcessAndThread, std::as_bytes(std::span(ids)));
  writer.put(pcapng::kDarwinProcess, std::as_bytes(std::span(&index, 1)));
  writer.raw(packet.options);
  const auto total = static_cast<std::uint32_t>(out_.size() - begin + sizeof(std::uint32_t));
  writer.number(total);
  std::memcpy(&out_[begin + offsetof(pcapng::BlockHead, total_bytes)], &total, sizeof total);
}

/// Of its block in the section, which is written if there is none yet.
std::uint32_t ProcessNotes::index_of(const Process& process) {
  const auto next = static_cast<std::uint32_t>(indices_.size());
  const auto [place, added] = indices_.try_emplace({process.pid, process.comm}, next);
  if (added) pcapng::Writer(out_).darwin_process({.pid = process.pid, .name = process.comm});
  return place->second;
}

}  // namespace caprock::exporting
