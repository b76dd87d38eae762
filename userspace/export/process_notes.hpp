// SPDX-License-Identifier: Apache-2.0
// Puts the process on every packet of a capture stream.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "export/block_splitter.hpp"
#include "export/flow_owners.hpp"
#include "export/sink.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// Takes a pcapng stream in pieces of any size, and gives on the same with more options on each
/// packet of a flow whose process is known: a comment ("from curl[1234] of shop/client to
/// nginx[88]"), and for this host's end (the sender of what goes out, else the receiver)
/// epb_processid_threadid and the index of a Darwin process block, which is written in front of the
/// first packet that refers to it.
class ProcessNotes final : public Sink {
 public:
  ProcessNotes(FlowOwners owners, Sink& sink) : owners_(std::move(owners)), sink_(sink) {}

  Status write(Bytes piece) override;

  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  void put(const pcapng::Block& block);
  std::optional<Flow> owned_flow_of(const pcapng::PacketView& packet) const;
  void put_noted(const pcapng::Block& block, const pcapng::PacketView& packet,
                 const std::string& comment, const Process& process);
  std::uint32_t index_of(const Process& process);

  FlowOwners owners_;
  Sink& sink_;
  BlockSplitter blocks_;
  std::vector<std::byte> out_;
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t>
      indices_;                       // of the section's blocks
  std::vector<bool> pods_loopbacks_;  // of the section's interfaces
  std::uint64_t written_bytes_ = 0;
};

}  // namespace caprock::exporting
