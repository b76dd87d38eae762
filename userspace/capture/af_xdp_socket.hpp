// SPDX-License-Identifier: Apache-2.0
// An AF_XDP socket bound to one receive queue, with memory of its own.
#pragma once

#include <cstdlib>
#include <memory>

#include "capture/device.hpp"
#include "capture/rx_queue.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// Unbinds when destroyed; the map of sockets forgets it by itself then. Stays where it is: the
/// library keeps pointers to the rings.
class AfXdpSocket final : public RxQueue {
 public:
  /// Zero copy where the driver has it and every frame of the device fits, else by copying. `bytes`
  /// of memory, rounded down to a power of two.
  static Result<std::unique_ptr<AfXdpSocket>> open(const Device& device, unsigned queue,
                                                   std::uint64_t bytes);

  AfXdpSocket(const AfXdpSocket&) = delete;
  AfXdpSocket& operator=(const AfXdpSocket&) = delete;

  /// From now on poll_driver() takes packets from the NIC. Linux 5.11.
  Status busy_poll();

  int fd() const { return xsk_socket__fd(socket_.get()); }
  bool zero_copy() const;

  MutableBytes memory() const override { return {memory_.get(), bytes_}; }
  xsk_ring_cons& received() override { return received_; }
  const xsk_ring_cons& received() const override { return received_; }
  xsk_ring_prod& free_frames() override { return free_; }
  std::uint64_t lost() const override;
  void wake_driver() override;
  bool poll_driver() override;

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
    void operator()(xsk_umem* umem) const { xsk_umem__delete(umem); }
    void operator()(xsk_socket* socket) const { xsk_socket__delete(socket); }
  };

  explicit AfXdpSocket(std::uint64_t bytes);
  Status register_memory();
  Status bind(const Device& device, unsigned queue);
  void give_all_frames();

  std::uint64_t bytes_;
  bool busy_polled_ = false;
  xsk_ring_cons received_{};
  xsk_ring_prod free_{};
  xsk_ring_cons sent_{};  // the library wants it; nothing is ever sent
  std::unique_ptr<std::byte, Free> memory_;
  std::unique_ptr<xsk_umem, Free> umem_;
  std::unique_ptr<xsk_socket, Free> socket_;
};

}  // namespace caprock::capture
