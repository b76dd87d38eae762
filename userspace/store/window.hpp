// SPDX-License-Identifier: Apache-2.0
// The one read path: (from, to) → blocks in timestamp order, merged over CPUs and lanes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/byte_span.hpp"
#include "core/result.hpp"
#include "store/ring_view.hpp"

namespace caprock::store {

/// One block of the window. Bytes point into the ring's mapping and are valid until the next call of next().
struct WindowBlock {
  Bytes block;            // whole, type to trailing length
  std::int64_t time_ns;   // wall time
  std::uint32_t type;     // EPB, journal block, …
  std::uint64_t sequence; // of its segment
};

struct WindowOptions {
  std::int64_t from_ns = 0;
  std::int64_t to_ns = INT64_MAX;  // exclusive; the caller caps it at complete-until
};

/// k-way merge of the runs of every (lane, source) by time; the order among equal times is that of sources. Constant memory:
/// one cursor a source. Segments recycled while reading are skipped from there on and told in skipped().
class Window {
 public:
  static Result<Window> open(const RingView& view, WindowOptions options);

  Window(Window&&) noexcept;
  Window& operator=(Window&&) noexcept;
  ~Window();

  /// The next block, or nothing at the end.
  std::optional<WindowBlock> next();

  /// The next stretch of blocks that stand one behind the other in the file and in time (no other source's block belongs
  /// between them): the unit of bulk export. Empty at the end.
  Bytes next_stretch();

  /// Interfaces of all segments of the window, by id: the latest description of each.
  const InterfaceList& interfaces() const;

  /// Lines about segments that were lost to the writer or damaged, so far.
  const std::vector<std::string>& skipped() const;

 private:
  struct State;
  explicit Window(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace caprock::store
