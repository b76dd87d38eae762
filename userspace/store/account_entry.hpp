// SPDX-License-Identifier: Apache-2.0
// What became of every packet that the programs of an agent met, as a journal entry at the end of
// its record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pcapng/reader.hpp"

namespace caprock::store {

/// Packets, over all interfaces; the counters of bpf/abi/counters.h since their maps were made.
struct Account {
  std::uint64_t seen = 0;
  std::uint64_t not_l4 = 0;
  std::uint64_t filtered = 0;
  std::uint64_t malformed = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t lost = 0;
  std::uint64_t written = 0;
  std::optional<std::uint64_t> recorded;  // that came into the ring, by whatever agents; nothing:
                                          // that cannot be told

  bool operator==(const Account&) const = default;
};

/// Packets that the account leaves open: 0, unless somebody counted wrong, or written ones did not
/// come into the file: where a disk failed for good, or somebody cut the file.
std::uint64_t unexplained(const Account& account);

/// In words.
std::string describe(const Account& account);

/// Appends the entry to `out`, as one block.
void write_account_entry(std::vector<std::byte>& out, const Account& account, std::int64_t time_ns);

/// What such an entry says; nothing if the block is none.
std::optional<Account> as_account(const pcapng::Block& block);

}  // namespace caprock::store
