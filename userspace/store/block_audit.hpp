// SPDX-License-Identifier: Apache-2.0
// Recounts blocks: the rules of pcapng, the figures of the packets, and the statistics that claim
// to know them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/packet_batch.hpp"
#include "pcapng/validator.hpp"
#include "store/verify.hpp"

namespace caprock::store {

/// What packets add up to.
struct PacketFigures {
  std::uint64_t packets = 0;
  std::uint64_t captured_bytes = 0;
  std::uint64_t original_bytes = 0;
  std::uint64_t dropped = 0;
  std::int64_t first_ns = 0;  // smallest and largest time, journal entries included; 0: none
  std::int64_t last_ns = 0;
  Loss loss;
  std::vector<ToldAccount> accounts;

  /// `previous_ns`: of the packet of the same CPU, interface and direction before; 0: not known.
  void count(const pcapng::PacketView& packet, std::int64_t previous_ns);
  void count_entry(const pcapng::Block& journal);

 private:
  void count_time(std::int64_t time_ns);
  void count_loss(std::uint64_t lost, std::int64_t after_ns, std::int64_t until_ns);
};

/// Fed the blocks of one section (or of several) in order, it collects what is wrong with them.
class BlockAudit {
 public:
  /// `statistics`: ISBs are to tell of exactly the packets of their section.
  explicit BlockAudit(bool statistics) : statistics_(statistics) {}

  /// The packets to come are this source's.
  void enter(const SourceId& source) { source_ = source; }

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

  /// Source, interface and direction of a packet.
  using Place = std::tuple<SourceKind, std::uint32_t, std::uint64_t, std::uint32_t, std::uint32_t>;

  void check_packet(const pcapng::PacketView& packet);
  void check_statistics(const pcapng::StatisticsView& view, std::uint64_t offset);
  void check_naming(const pcapng::Block& block, std::uint64_t offset);

  bool statistics_;
  pcapng::Validator validator_;
  PacketFigures figures_;
  std::vector<PerInterface> interfaces_;  // of the section
  std::optional<SourceId> source_;
  std::map<Place, std::int64_t> latest_ns_;
  std::vector<pcapng::Fault> faults_;
};

}  // namespace caprock::store
