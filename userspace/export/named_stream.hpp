// SPDX-License-Identifier: Apache-2.0
// Puts names for addresses into a capture stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "export/block_splitter.hpp"
#include "export/name_history.hpp"
#include "export/sink.hpp"
#include "pcapng/reader.hpp"

namespace caprock::exporting {

/// Takes a pcapng stream in pieces of any size, and gives on the same with name resolution blocks:
/// in front of the first block that is about packets, and where an address comes to have another
/// name. A reader that goes through the file once shows each packet with the name of its time; one
/// that has read it whole (Wireshark's window) shows the last.
class NamedStream final : public Sink {
 public:
  /// `namings`: in order of time.
  NamedStream(std::vector<Naming> namings, Sink& sink)
      : namings_(std::move(namings)), sink_(sink) {}

  Status write(Bytes piece) override;

  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  void put(const pcapng::Block& block);

  std::vector<Naming> namings_;
  std::size_t put_ = 0;  // of them
  Sink& sink_;
  BlockSplitter blocks_;
  std::vector<std::byte> out_;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace caprock::exporting
