// SPDX-License-Identifier: Apache-2.0
// Recomputes everything that a ring, or any other pcapng file, says about itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "store/account_entry.hpp"
#include "store/ring_view.hpp"

namespace caprock::store {

inline constexpr std::size_t kMaxDamage = 20;  // lines of one segment, or of a plain file

/// Something that is not as it should be. In a plain pcapng file index and sequence are 0.
struct Damage {
  std::uint64_t index = 0;     // of the segment in the file
  std::uint64_t sequence = 0;  // 0 where the head cannot be read
  std::uint64_t offset = 0;    // in the file
  std::string what;
};

/// Where packets were lost, as later packets and journal entries of a segment tell.
struct Loss {
  std::uint64_t sequence = 0;
  std::int64_t after_ns =
      0;  // of the packet that the same CPU took before them from that interface
          // and direction; 0: it is not in the segment, or the file is no ring
  std::int64_t until_ns = 0;  // of what tells of the last ones
  std::uint64_t dropped = 0;
};

/// What an agent told of all packets when it took its programs off the devices.
struct ToldAccount {
  std::int64_t time_ns = 0;
  Account account;
};

struct VerifyReport {
  bool ring = false;         // false: a plain pcapng file
  std::uint64_t sealed = 0;  // segments walked, by state
  std::uint64_t active = 0;
  std::uint64_t unused = 0;  // segments that were never written
  std::uint64_t overtaken =
      0;  // segments that a live recorder kept changing; they could not be judged
  std::uint64_t packets = 0;
  std::uint64_t captured_bytes = 0;
  std::uint64_t original_bytes = 0;
  std::uint64_t dropped = 0;
  std::vector<Loss> losses;  // one a segment at the most
  std::vector<ToldAccount> accounts;
  std::vector<Damage> damage;  // at most kMaxDamage of a segment

  bool whole() const { return damage.empty(); }
};

/// Block structure, run order, CRC-32C, feet and statistics against the blocks, the cumulative
/// figures from foot to foot of each lane, and whether all of the file is there. A ring may be in
/// use: a segment that changed under the walk is read again. Fails only when the file cannot be
/// read or is no pcapng file at all.
Result<VerifyReport> verify(const std::filesystem::path& path);

/// The same of a ring that is open already.
VerifyReport verify(const RingView& ring);

}  // namespace caprock::store
