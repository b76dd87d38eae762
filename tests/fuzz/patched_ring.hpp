// SPDX-License-Identifier: Apache-2.0
// A ring in memory that a fuzzer's bytes damage: arbitrary bytes would rarely get past its
// checksums.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/fd.hpp"
#include "core/mapping.hpp"
#include "store/segment_layout.hpp"
#include "support/ring_builder.hpp"

namespace caprock::test {

/// A sealed segment and two active ones of two lanes; all that they hold is in their first 4 KiB.
inline std::vector<std::byte> seed_ring() {
  const InterfaceList interfaces{{"eth0", "uplink"}, {"veth1", ""}};
  const std::vector<TestPacket> packets{{100, "a"}, {200, "bb", 0, 3}, {300, "ccc"}};
  SegmentBuilder sealed(1, 0, interfaces);
  const store::SegmentFoot foot = foot_for(packets);
  sealed.run(cpu(0), packets).seal(foot, {statistics_for(foot)[0], {.interface_id = 1}});
  SegmentBuilder active(2, 0, interfaces);
  active.run(cpu(0), {{400, "d"}, {600, "f"}})
      .reveal()
      .run(cpu(1), {{500, "e", 1}})
      .run(cpu(0), {{700, "g"}});
  SegmentBuilder other(3, 1, interfaces);
  other.add_interface({"veth2", "late"}).run(cpu(2), {{450, "x", 2}, {650, "y"}});
  return ring_of({sealed, active, other});
}

inline constexpr std::size_t kHotBytes = 4096;

/// Overwrites a few of a segment's hot bytes as the input says, and may make its head's checksum
/// right again.
inline void damage_segment(MutableBytes segment, FuzzedDataProvider& input) {
  while (input.remaining_bytes() > 4 && input.ConsumeBool()) {
    const auto offset = input.ConsumeIntegralInRange<std::size_t>(0, kHotBytes - 8);
    const auto length = input.ConsumeIntegralInRange<std::size_t>(1, 8);
    const std::vector<std::uint8_t> bytes = input.ConsumeBytes<std::uint8_t>(length);
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(segment.data() + offset));
  }
  if (input.ConsumeBool()) {
    store::SegmentHead& head = store::head_of(segment);
    head.fixed_crc32c = store::fixed_checksum(head);
  }
}

/// A file that is gone with the process.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes contents) : fd_(::memfd_create("ring", MFD_CLOEXEC)) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(contents.size())) != 0) std::abort();
    mapping_ = *Mapping::shared(fd_.get(), contents.size(), PROT_READ | PROT_WRITE);
    std::copy(contents.begin(), contents.end(), mapping_.data());
  }

  /// Undoes the damage.
  void restore(Bytes contents) const {
    for (std::size_t at = 0; at < contents.size(); at += store::kMinSegmentBytes) {
      std::copy_n(contents.data() + at, kHotBytes, mapping_.data() + at);
    }
  }

  MutableBytes bytes() const { return mapping_.bytes(); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  Fd fd_;
  Mapping mapping_;
};

}  // namespace caprock::test
