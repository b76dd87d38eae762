// SPDX-License-Identifier: Apache-2.0
// Recounts blocks: the rules of pcapng, the figures of the packets, and the statistics that claim
// to know them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pcapng/validator.hpp"
#include "store/verify.hpp"

namespace caprock::store {

/// What packets add up to.
struct PacketFigures {
  std::uint64_t packets = 0;
  std::uint64_t captured_bytes = 0;
  std::uint64_t original_bytes = 0;
  std::uint64_t dropped = 0;
  std::int64_t first_ns = 0;  // smallest and largest time; 0, 0 without packets
  std::int64_t last_ns = 0;
  Loss loss;

  void count(const pcapng::PacketView& packet);
};

/// Fed the blocks of one section (or of several) in order, it collects what is wrong with them.
class BlockAudit {
 public:
  /// `statistics`: ISBs are to tell of exactly the packets of their section.
  explicit BlockAudit(bool statistics) : statistics_(statistics) {}

  void check(const pcapng::Block& block, std::uint64_t offset);

  /// To be called at the section's end: every interface has had its statistics.
  void check_all_have_statistics(std::uint64_t offset);

  void fail(std::uint64_t offset, std::string_view what);

  const PacketFigures& figures() const { return figures_; }
  const std::vector<pcapng::Fault>& faults() const { return faults_; }

 private:
  struct PerInterface {
    std::uint64_t packets = 0;
    std::uint64_t dropped = 0;
    bool told = false;
  };

  void check_statistics(const pcapng::StatisticsView& view, std::uint64_t offset);

  bool statistics_;
  pcapng::Validator validator_;
  PacketFigures figures_;
  std::vector<PerInterface> interfaces_;  // of the section
  std::vector<pcapng::Fault> faults_;
};

}  // namespace caprock::store
