// SPDX-License-Identifier: Apache-2.0
// The one read path: (from, to) → blocks in the order of time, merged over CPUs and lanes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/byte_span.hpp"
#include "core/packet_batch.hpp"
#include "core/result.hpp"
#include "store/ring_view.hpp"

namespace caprock::store {

/// One block of the window.
struct WindowBlock {
  Bytes block;             // whole, type to trailing length; valid until the next call
  std::int64_t time_ns;    // wall time
  std::uint32_t type;      // EPB, journal block, …
  std::uint64_t sequence;  // of its segment
};

struct WindowOptions {
  std::int64_t from_ns = 0;               // wall time, by the clock as it was set last (BootClocks)
  std::int64_t to_ns = INT64_MAX;         // exclusive; the caller caps it at complete-until
  std::optional<SourceKind> source = {};  // only what came from sources of this kind
};

/// k-way merge of the runs of every (lane, source) by time, within a boot by monotonic time: a wall
/// clock that is set reorders nothing. The order among equal times is that of lanes and sources. A
/// segment is opened when the merge reaches its first time, and has one cursor a source, which
/// copies a part of a run at a time: memory does not grow with the window. Segments recycled or cut
/// off while reading are skipped from there on and told in skipped(). One thread at a time; the
/// view must outlive it.
class Window {
 public:
  static Result<Window> open(const RingView& view, WindowOptions options);

  Window(Window&&) noexcept;
  Window& operator=(Window&&) noexcept;
  ~Window();

  /// The next block, or nothing at the end.
  std::optional<WindowBlock> next();

  /// The next stretch of blocks that stand one behind the other in the file and in time (no other
  /// source's block belongs between them), up to some 64 KiB: the unit of bulk export. Valid until
  /// the next call, whatever the recorder does meanwhile; empty at the end.
  Bytes next_stretch();

  /// The segment of the bytes returned last: what their interface ids mean is in its interfaces.
  const SegmentInfo& segment() const;

  /// For a reader that needed more of that segment than the bytes, and found it reused: what is
  /// left of it is skipped and told.
  void lose_segment();

  /// Moves the end of the window on to `to_ns`, by the clock at its opening, over what was
  /// committed since: how a live ring is followed.
  void extend(std::int64_t to_ns);

  /// All segments that reach into the window, by sequence, as they were at open().
  const std::vector<SegmentInfo>& segments() const;

  /// Lines about segments that were lost to the writer or damaged, so far.
  const std::vector<std::string>& skipped() const;

 private:
  struct State;
  explicit Window(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace caprock::store
