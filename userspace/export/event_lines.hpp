// SPDX-License-Identifier: Apache-2.0
// The events of a capture stream as JSON lines.
#pragma once

#include <cstdint>

#include "export/block_splitter.hpp"
#include "export/sink.hpp"

namespace caprock::exporting {

/// Takes a pcapng stream in pieces of any size; what is no journal entry is passed over. Each entry
/// becomes one line, an object of its fields, as `journalctl -o json` prints them.
class EventLines final : public Sink {
 public:
  explicit EventLines(Sink& lines) : lines_(lines) {}

  Status write(Bytes piece) override;

  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  Sink& lines_;
  BlockSplitter blocks_;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace caprock::exporting
