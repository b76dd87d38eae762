// SPDX-License-Identifier: Apache-2.0
// The circular file as a reader sees it, beside a writer that may be at work on it, or without one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/byte_span.hpp"
#include "core/interface_list.hpp"
#include "core/result.hpp"
#include "store/format.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {

/// What a reader knows of one segment without walking it.
struct SegmentInfo {
  std::uint64_t index = 0;     // its place in the file
  std::uint64_t sequence = 0;  // its use
  std::uint32_t lane = 0;
  bool sealed = false;
  std::uint64_t previous_sequence = 0;  // of its lane, as the foot of a sealed one tells
  std::uint64_t runs_end = 0;           // offset in the segment behind the last committed run
  std::uint64_t end = 0;                // the same, or behind the foot of a sealed one
  std::int64_t first_ns = 0;  // of an active one from its run heads; INT64_MAX: nothing timed in it
  std::int64_t last_ns = 0;   // INT64_MAX where it is not known: active, or without a time
  std::int64_t wall_offset_ns = 0;
  std::uint32_t clock_generation = 0;
  BootId boot_id{};
  std::string node;
};

/// Read-only mapping of a ring file. Any thread, one at a time. Segments can be recycled under the
/// reader's hands: after copying or using bytes of a segment, still_holds() says whether they were
/// the ones asked for. It survives that the file is cut or its disk fails: see unreadable().
class RingView {
 public:
  /// Refuses what is not a ring of ours, naming what it is instead.
  static Result<RingView> open(const std::filesystem::path& path);

  RingView(RingView&&) noexcept;
  RingView& operator=(RingView&&) noexcept;
  ~RingView();

  std::uint64_t segment_bytes() const;
  std::uint64_t segment_count() const;

  /// All segments that hold a record, by sequence; looked up anew at each call, but of a sealed one
  /// only whether it is still in the same use. Damaged ones are left out and named in `damaged`,
  /// one line each, when it is given, and so are those of which something tells that they are gone.
  std::vector<SegmentInfo> segments(std::vector<std::string>* damaged = nullptr) const;

  /// The whole segment's bytes.
  Bytes bytes(std::uint64_t index) const;

  /// What stands behind the last whole segment: nothing, unless the file was cut.
  Bytes torn_end() const;

  /// Copies what stands at `offset` of the segment at `index`. False: it is no longer in its use
  /// `sequence`, or cannot be read.
  bool read(std::uint64_t index, std::uint64_t sequence, std::uint64_t offset,
            MutableBytes to) const;

  /// Whether reading the segment at `index` met the end of the file or an error of its disk. Its
  /// bytes are zeros since then.
  bool unreadable(std::uint64_t index) const;

  /// Whether the segment at `index` is still in its use `sequence`.
  bool still_holds(std::uint64_t index, std::uint64_t sequence) const;

  /// The IDBs of a segment, in id order, including those appended later.
  InterfaceList interfaces(const SegmentInfo& segment) const;

 private:
  struct State;
  explicit RingView(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace caprock::store
