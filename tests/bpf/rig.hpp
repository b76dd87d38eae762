// SPDX-License-Identifier: Apache-2.0
// The real programs in the kernel, run on made-up packets (BPF_PROG_TEST_RUN) with nothing
// attached.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <vector>

#include "abi/counters.h"
#include "abi/filter.h"

#include "capture/counters.hpp"
#include "capture/packet_source.hpp"
#include "capture/programs.hpp"
#include "packet_builder.hpp"

namespace caprock::test {

enum class Hook { kTcIngress, kTcEgress, kXdp, kMirror };

std::ostream& operator<<(std::ostream& out, Hook hook);

/// One life of the programs with the smallest stage; kept for the whole process, since loading
/// takes long. The thread stays on CPU 0, so there is one queue.
class Rig {
 public:
  static constexpr std::uint32_t kInterface = 3;
  static constexpr std::uint8_t kPort = 2;  // its number as a mirror port
  static constexpr std::uint16_t kVxlanPort = 4789;
  static constexpr std::uint32_t kOtherIfindex = 77;  // of a device that need not exist

  /// Emptied and with default settings: everything of TCP and UDP on the interface is recorded,
  /// whole. Skips the test when there is no root to load programs.
  static Rig& fresh(capture::Transport transport);

  /// Runs the program of `hook` on a packet, `repeat` times. What the programs promise every packet
  /// is checked here: the verdict "next", of mirror_xdp "drop", and bytes as they were, of
  /// mirror_xdp from where it went on. Returns the time of a run in ns.
  std::uint32_t run(Hook hook, const ByteVector& packet, unsigned repeat = 1) {
    return run(hook, packet, __sk_buff{}, repeat);
  }
  std::uint32_t run_segmented(Hook hook, const ByteVector& packet) {
    __sk_buff context{};
    context.gso_size = 1448;
    return run(hook, packet, context, 1);
  }

  /// As a packet that came in by the device kOtherIfindex.
  std::uint32_t run_forwarded(Hook hook, const ByteVector& packet) {
    __sk_buff context{};
    context.ingress_ifindex = kOtherIfindex;
    return run(hook, packet, context, 1);
  }

  /// Whether the kernel takes such a packet for a test run.
  bool runs(Hook hook, const ByteVector& packet);

  /// Whether the lane has been called and not yet answered.
  bool wakes() const;

  /// Everything in the queue, block by block; empties it.
  std::vector<ByteVector> take_blocks();

  /// What was counted since fresh(). Checks the two identities of abi/counters.h.
  capture_counters counted(Hook hook) const;

  const capture_settings& settings() const { return settings_; }
  void set_settings(const capture_settings& settings);  // as a new generation
  void set_flags(std::uint32_t flags);
  void set_policy(interface_mode mode, interface_link link = LINK_ETHERNET,
                  unsigned roles = ROLE_INTERFACE);
  void set_other_policy(interface_mode mode);  // of kOtherIfindex, with ROLE_ONCE
  void remove_policy();
  void leave_policy_to_hash();  // as for an interface whose number is too high for the array

  /// Entries of the filter maps, removed by the next fresh(); those of addresses come with a new
  /// generation.
  void add_address(const std::string& address, std::uint32_t flags);
  void add_cidr(const std::string& address, unsigned prefix_bits, std::uint32_t flags);
  void add_port(std::uint16_t port, std::uint32_t flags);
  void add_own_endpoint(const std::string& address, std::uint16_t port);

  /// A TCP flow on this interface that NAT made of one that came in by kOtherIfindex. Removed by
  /// the next fresh().
  void add_translated(const std::string& near, std::uint16_t near_port, const std::string& far,
                      std::uint16_t far_port);
  bool is_translated(const std::string& near, std::uint16_t near_port, const std::string& far,
                     std::uint16_t far_port) const;

  capture::Programs& programs() const { return *programs_; }
  capture::PacketSource& source() { return *source_; }

 private:
  explicit Rig(capture::Transport transport);
  void reset();
  std::uint32_t run(Hook hook, const ByteVector& packet, __sk_buff context, unsigned repeat);
  int program(Hook hook) const;

  std::unique_ptr<capture::Programs> programs_;
  std::unique_ptr<capture::PacketSource> source_;  // of CPU 0
  std::unique_ptr<capture::Counters> counters_;
  capture_counters before_[2] = {};  // by direction, at fresh()
  capture_settings settings_ = {};
};

}  // namespace caprock::test
