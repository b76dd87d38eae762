// SPDX-License-Identifier: Apache-2.0
// Puts the process on every packet of a capture stream.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "export/flow_owners.hpp"
#include "export/sink.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// Takes a pcapng stream in pieces of any size, and gives on the same with two more options on each
/// packet of a connection whose process is known: a comment ("from curl[1234] to nginx[88]") and
/// epb_processid_threadid (of this host's end: the sender of what goes out, else the receiver).
class ProcessNotes final : public Sink {
 public:
  ProcessNotes(FlowOwners owners, Sink& sink) : owners_(std::move(owners)), sink_(sink) {}

  Status write(Bytes piece) override;

  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  void put(const pcapng::Block& block);

  FlowOwners owners_;
  Sink& sink_;
  std::vector<std::byte> rest_;  // the beginning of a block of which more is to come
  std::vector<std::byte> out_;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace caprock::exporting
