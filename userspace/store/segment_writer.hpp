// SPDX-License-Identifier: Apache-2.0
// One active segment: runs are appended, committed, and now and then revealed to readers that know
// nothing of us.
#pragma once

#include <cstdint>

#include "core/byte_span.hpp"
#include "store/format.hpp"

namespace caprock::store {

/// Lane thread. Points into the ring's mapping; the bytes outlive it. Nothing here fails, allocates
/// or enters the kernel.
class SegmentWriter {
 public:
  /// Activates a blank segment. `opening`: from build_opening, for `interfaces` interfaces.
  SegmentWriter(MutableBytes segment, Bytes opening, std::size_t interfaces, std::uint64_t sequence,
                std::int64_t created_ns);

  /// Bytes of blocks that the next run may have; 0 where not even its head fits.
  std::uint64_t room() const;

  /// A run is begun with its complete head, copied piece by piece, and committed. It counts from
  /// the commit on.
  void begin_run(const RunHead& head);
  void copy(Bytes blocks);
  void commit_run();

  /// Keeps room for the statistics of so many more interfaces whose IDBs come as the next run, of
  /// `bytes`. False: there is not enough.
  bool add_interfaces(std::size_t count, std::uint64_t bytes);

  void reveal();

  bool has_runs() const { return frontier_ != first_run_; }

 private:
  MutableBytes segment_;
  std::uint64_t first_run_;
  std::uint64_t frontier_;  // behind the last committed run
  std::uint64_t revealed_;  // where the free-space block stands
  std::uint64_t write_;     // behind the last copied byte
  std::uint64_t limit_;     // of runs: behind it are ISBs, foot and free space
};

}  // namespace caprock::store
