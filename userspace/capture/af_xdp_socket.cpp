// SPDX-License-Identifier: Apache-2.0
#include "capture/af_xdp_socket.hpp"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_xdp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <utility>

#include "abi/mirror.h"

namespace caprock::capture {
namespace {

constexpr std::uint32_t kVlanTagsBytes = 2 * 4;

// A call looks at the queue once, whatever the time; without one it does not.
constexpr int kBusyPollMicroseconds = 20;
// Packets of a call, as many as a driver takes in one interrupt (NAPI_POLL_WEIGHT).
constexpr int kBusyPollPackets = 64;

/// With zero copy the NIC writes into our frames, and one that is too long is lost there.
bool fits_a_frame(const Device& device) {
  return device.mtu + ETH_HLEN + kVlanTagsBytes <= MIRROR_PACKET_BYTES;
}

Error socket_error(const char* what, int error) {
  if (error == EINVAL) return Error(fmt::format("{}: the device has no such queue", what));
  if (error == EBUSY) return Error(fmt::format("{}: another socket has the queue", what));
  return Error::from_errno(what, error);
}

/// To which the kernel charges the memory of AF_XDP, of every process without CAP_IPC_LOCK. It may
/// not be allowed: then registering says so.
void raise_locked_memory_limit() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

Error memory_error(int error) {
  constexpr const char* kWhat = "give memory to AF_XDP";
  if (error == EPERM)  // the socket that is to have it is not even made
    return Error::from_errno(fmt::format("{} (it takes CAP_NET_RAW)", kWhat), error);
  if (error != ENOBUFS) return Error::from_errno(kWhat, error);
  return Error(
      fmt::format("{}: the limit of locked memory is lower; LimitMEMLOCK=infinity in the "
                  "unit, ulimit -l unlimited, or CAP_SYS_RESOURCE",
                  kWhat));
}

}  // namespace

Result<std::unique_ptr<AfXdpSocket>> AfXdpSocket::open(const Device& device, unsigned queue,
                                                       std::uint64_t bytes) {
  std::unique_ptr<AfXdpSocket> socket(new AfXdpSocket(std::bit_floor(bytes)));
  if (auto registered = socket->register_memory(); !registered)
    return std::move(registered).error();
  if (auto bound = socket->bind(device, queue); !bound) return std::move(bound).error();
  return socket;
}

AfXdpSocket::AfXdpSocket(std::uint64_t bytes)
    : bytes_(bytes),
      memory_(static_cast<std::byte*>(
          std::aligned_alloc(static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), bytes))) {}

Status AfXdpSocket::register_memory() {
  if (!memory_) return Error::from_errno("memory for AF_XDP", ENOMEM);
  const auto frames = static_cast<__u32>(bytes_ / MIRROR_FRAME_BYTES);
  const xsk_umem_config config{.fill_size = places_for(frames),
                               .comp_size = 1,
                               .frame_size = MIRROR_FRAME_BYTES,
                               .frame_headroom = 0,
                               .flags = 0};
  raise_locked_memory_limit();
  xsk_umem* umem = nullptr;
  const int code = xsk_umem__create(&umem, memory_.get(), bytes_, &free_, &sent_, &config);
  if (code != 0) return memory_error(-code);
  umem_.reset(umem);
  give_all_frames();
  return {};
}

Status AfXdpSocket::bind(const Device& device, unsigned queue) {
  xsk_socket_config config{};
  config.rx_size = static_cast<__u32>(bytes_ / MIRROR_FRAME_BYTES);
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  config.bind_flags =
      static_cast<__u16>(XDP_USE_NEED_WAKEUP | (fits_a_frame(device) ? 0 : XDP_COPY));
  xsk_socket* socket = nullptr;
  const int code = xsk_socket__create(&socket, device.name.c_str(), queue, umem_.get(), &received_,
                                      nullptr, &config);
  if (code != 0) return socket_error("bind an AF_XDP socket", -code);
  socket_.reset(socket);
  return {};
}

void AfXdpSocket::give_all_frames() {
  const auto frames = static_cast<__u32>(bytes_ / MIRROR_FRAME_BYTES);
  __u32 at = 0;
  xsk_ring_prod__reserve(&free_, frames, &at);
  for (__u32 i = 0; i < frames; ++i)
    *xsk_ring_prod__fill_addr(&free_, at + i) = std::uint64_t{i} * MIRROR_FRAME_BYTES;
  xsk_ring_prod__submit(&free_, frames);
}

bool AfXdpSocket::zero_copy() const {
  xdp_options options{};
  socklen_t bytes = sizeof options;
  return ::getsockopt(fd(), SOL_XDP, XDP_OPTIONS, &options, &bytes) == 0 &&
         (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

/// rx_dropped: no free frame was left (or the packet too long), rx_ring_full: no place in the ring.
std::uint64_t AfXdpSocket::lost() const {
  xdp_statistics statistics{};
  socklen_t bytes = sizeof statistics;
  ::getsockopt(fd(), SOL_XDP, XDP_STATISTICS, &statistics, &bytes);
  return statistics.rx_dropped + statistics.rx_ring_full;
}

void AfXdpSocket::wake_driver() {
  if (xsk_ring_prod__needs_wakeup(&free_))
    ::recvfrom(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

Status AfXdpSocket::busy_poll() {
  constexpr int kOn = 1;
  for (const auto& [option, value] : {std::pair{SO_PREFER_BUSY_POLL, kOn},
                                      {SO_BUSY_POLL, kBusyPollMicroseconds},
                                      {SO_BUSY_POLL_BUDGET, kBusyPollPackets}}) {
    if (::setsockopt(fd(), SOL_SOCKET, option, &value, sizeof value) == 0) continue;
    if (errno == ENOPROTOOPT)
      return Error("the kernel has none (Linux 5.11, CONFIG_NET_RX_BUSY_POLL)");
    return Error::from_errno("set it for an AF_XDP socket");
  }
  busy_polled_ = true;
  return {};
}

bool AfXdpSocket::poll_driver() {
  if (busy_polled_) ::recvfrom(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
  return busy_polled_;
}

}  // namespace caprock::capture
