// SPDX-License-Identifier: Apache-2.0
// The packet source over a mirror port's AF_XDP socket (bpf/abi/mirror.h).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "capture/mirror_counts.hpp"
#include "capture/packet_source.hpp"
#include "capture/rx_queue.hpp"

namespace caprock::capture {

/// Batches have one piece per packet: its block is completed where the kernel put the packet.
/// Positions count MIRROR_FRAME_BYTES per packet from 0, in one life of the socket. What the socket
/// lost is counted, and told by the block of the first packet behind it.
class AfXdpSource final : public PacketSource {
 public:
  static constexpr std::size_t kMaxPieces = 1024;  // of a batch

  /// Losses are counted for `interface_id` until a packet comes with another one.
  AfXdpSource(SourceId id, std::unique_ptr<RxQueue> queue,
              std::shared_ptr<const MirrorCounts> counts, std::uint32_t interface_id);

  PacketBatch peek() override;
  const SourceId& id() const override { return id_; }
  void consume(std::uint64_t position) override;
  void resume(std::uint64_t) override {}  // nothing waits in a socket that was just opened
  int wake_fd() const override { return -1; }
  void clear_wake() override {}
  Nanoseconds longest_rest() const override;
  bool drive() override { return queue_->poll_driver(); }
  std::uint64_t used_bytes() const override;
  std::uint64_t capacity_bytes() const override { return queue_->memory().size(); }

 private:
  /// What a piece's packet took and told.
  struct Frame {
    std::uint64_t address;
    std::uint64_t dropped;
  };

  /// Packets that found no free frame, as all in front of entry `before` of the ring were taken.
  struct Loss {
    std::uint32_t before;
    std::uint64_t packets;
  };

  void complete(const xdp_desc& packet);
  std::uint64_t take_losses_before(std::uint32_t entry);
  void give_back(std::uint32_t frames);
  void count_written(std::uint32_t frames);
  void count_lost();

  SourceId id_;
  std::unique_ptr<RxQueue> queue_;
  std::shared_ptr<const MirrorCounts> counts_;
  std::uint32_t interface_id_;
  std::uint64_t position_ = 0;
  std::uint32_t next_ = 0;          // entry of the ring, the first without a piece
  std::uint64_t known_lost_ = 0;    // as the socket last said
  std::deque<Loss> untold_;         // in no block yet, in order
  std::vector<BlockPiece> pieces_;  // from position_ on
  std::vector<Frame> frames_;       // one for each
};

}  // namespace caprock::capture
