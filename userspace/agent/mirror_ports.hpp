// SPDX-License-Identifier: Apache-2.0
// The ports that are given to caprock, from the interfaces' side to the lanes.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/recorder.hpp"
#include "capture/mirror_port.hpp"

namespace caprock::agent {

/// Opens and closes the sockets of ports that have mirror_xdp on them. Control-plane thread.
class MirrorPorts {
 public:
  /// `memory_bytes`: of each port's sockets.
  MirrorPorts(Recorder& recorder, std::uint64_t memory_bytes, bool busy_poll)
      : recorder_(&recorder), memory_bytes_(memory_bytes), busy_poll_(busy_poll) {}

  /// A number that no other port has, for interface_policy::port; 0, which stands for no port, when
  /// all are taken.
  std::uint8_t acquire();
  void release(std::uint8_t number) { taken_.erase(number); }

  /// From now on the port's packets come by sockets. An error says which go through the stage, or
  /// what else is not as it was asked for, and why.
  Status open(std::uint8_t number, const capture::Device& device, std::uint32_t interface_id);

  /// The port's packets come with this id from some time on.
  void renamed(std::uint8_t number, std::uint32_t interface_id);

  /// From now on they go through the stage. All that came by sockets is in the ring, and what of it
  /// was lost is told. One that is not open is left as it is.
  void close(std::uint8_t number);

  bool is_open(std::uint8_t number) const { return open_.contains(number); }

  /// As capture::MirrorPort says it; empty: no sockets.
  std::string mode(std::uint8_t number) const;

 private:
  struct Open {
    capture::MirrorPort port;
    std::vector<std::uint32_t> interface_ids;  // that it has had
    std::vector<const capture::PacketSource*> sources;
  };

  Recorder* recorder_;
  std::uint64_t memory_bytes_;
  bool busy_poll_;
  std::set<std::uint8_t> taken_;
  std::map<std::uint8_t, Open> open_;
};

}  // namespace caprock::agent
