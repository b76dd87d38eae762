// SPDX-License-Identifier: Apache-2.0
// The sockets of a port that is given to caprock, one per receive queue.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capture/device.hpp"
#include "capture/generation.hpp"
#include "capture/mirror_counts.hpp"
#include "capture/packet_source.hpp"
#include "core/result.hpp"

namespace caprock::capture {

struct MirrorPortOptions {
  Device device;
  std::uint32_t interface_id = 0;
  unsigned number = 0;             // interface_policy::port
  std::uint64_t memory_bytes = 0;  // of all queues together; each gets 8 MiB at least
  bool busy_poll = false;          // where the kernel has it
};

/// The sockets belong to the sources, which the caller takes and lanes empty: connect() when they
/// do, and before they end disconnect(). A queue without a socket goes through the stage.
/// Control-plane thread.
class MirrorPort {
 public:
  static MirrorPort open(const Generation& generation, std::shared_ptr<const MirrorCounts> counts,
                         const MirrorPortOptions& options);

  std::vector<std::unique_ptr<PacketSource>> take_sources() { return std::move(sources_); }

  /// From now on packets go to the sockets.
  void connect();

  /// From now on they go into the stage, and none is on its way to a socket any more: what was is
  /// in the sources. Takes some 10 ms.
  void disconnect();

  /// "af_xdp", "af_xdp (zero copy)", "af_xdp (busy poll)"; empty: no queue has a socket.
  const std::string& mode() const { return mode_; }

  /// How many queues go through the stage, and why the first of them, or why none is busy polled;
  /// empty: all is as it was asked for.
  const std::string& note() const { return note_; }

 private:
  struct Place {
    std::uint32_t index;  // in the map of sockets
    int socket;           // the source's
  };

  MirrorPort() = default;
  Status open_queue(const MirrorPortOptions& options, unsigned queue, std::uint64_t bytes);
  void add_note(const std::string& note);

  int map_ = -1;  // the generation's
  std::shared_ptr<const MirrorCounts> counts_;
  std::vector<std::unique_ptr<PacketSource>> sources_;
  std::vector<Place> places_;
  std::string mode_;
  std::string note_;
};

}  // namespace caprock::capture
