// SPDX-License-Identifier: Apache-2.0
#include "capture/mirror_port.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/limits.h"
#include "abi/mirror.h"

#include "capture/af_xdp_socket.hpp"
#include "capture/af_xdp_source.hpp"
#include "capture/program_barrier.hpp"
#include "core/clock.hpp"
#include "core/fd.hpp"

namespace caprock::capture {
namespace {

constexpr std::uint64_t kLeastQueueBytes = 8 << 20;

/// Of a driver that does not tell: one.
unsigned count_receive_queues(const Device& device) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  ifreq request{};
  device.name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&channels);
  if (!socket || ::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return 1;
  return std::max(1u, channels.rx_count + channels.combined_count);
}

std::string mode_of(bool zero_copy, bool busy_poll) {
  if (zero_copy) return busy_poll ? "af_xdp (zero copy, busy poll)" : "af_xdp (zero copy)";
  return busy_poll ? "af_xdp (busy poll)" : "af_xdp";
}

}  // namespace

MirrorPort MirrorPort::open(const Generation& generation,
                            std::shared_ptr<const MirrorCounts> counts,
                            const MirrorPortOptions& options) {
  MirrorPort port;
  port.map_ = generation.map_fd("mirror_sockets");
  port.counts_ = std::move(counts);
  const unsigned queues = count_receive_queues(options.device);
  const std::uint64_t bytes = std::max(options.memory_bytes / queues, kLeastQueueBytes);
  unsigned left = 0;  // to the stage
  std::string why;    // of the first one
  for (unsigned queue = 0; queue < queues; ++queue) {
    const auto opened =
        queue < CAPROCK_PORT_QUEUES
            ? port.open_queue(options, queue, bytes)
            : Error(fmt::format("no more than {} have a socket", int{CAPROCK_PORT_QUEUES}));
    if (opened) continue;
    if (left++ == 0) why = fmt::format("queue {}: {}", queue, opened.error().message());
  }
  if (left != 0) {
    port.add_note(
        fmt::format("{} of {} receive queues go through the stage: {}", left, queues, why));
  }
  return port;
}

Status MirrorPort::open_queue(const MirrorPortOptions& options, unsigned queue,
                              std::uint64_t bytes) {
  auto socket = AfXdpSocket::open(options.device, queue, bytes);
  if (!socket) return std::move(socket).error();
  const std::uint32_t index = options.number * CAPROCK_PORT_QUEUES + queue;
  places_.push_back({index, (*socket)->fd()});
  const Status polled = options.busy_poll ? (*socket)->busy_poll() : Status();
  if (!polled && note_.empty()) add_note("no busy poll: " + polled.error().message());
  mode_ = mode_of((*socket)->zero_copy(), options.busy_poll && polled);
  const SourceId id{SourceKind::kAfXdp, index, static_cast<std::uint64_t>(monotonic_ns())};
  sources_.push_back(
      std::make_unique<AfXdpSource>(id, *std::move(socket), counts_, options.interface_id));
  return {};
}

void MirrorPort::add_note(const std::string& note) {
  note_ += (note_.empty() ? "" : "; ") + note;
}

void MirrorPort::connect() {
  for (const Place& place : places_) {
    if (bpf_map_update_elem(map_, &place.index, &place.socket, BPF_ANY) != 0)
      note_ =
          Error::from_errno("receive queues go through the stage: map mirror_sockets").message();
  }
}

/// A program that has looked a socket up runs with bottom halves disabled, and the driver delivers
/// what it redirected before it enables them: the barrier waits for that too.
void MirrorPort::disconnect() {
  for (const Place& place : places_)
    bpf_map_delete_elem(map_, &place.index);
  if (!places_.empty()) await_programs();
}

}  // namespace caprock::capture
