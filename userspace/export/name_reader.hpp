// SPDX-License-Identifier: Apache-2.0
// Reads the names of addresses out of a ring.
#pragma once

#include <cstdint>
#include <utility>

#include "core/result.hpp"
#include "export/name_history.hpp"
#include "store/ring_view.hpp"
#include "store/window.hpp"

namespace caprock::exporting {

/// One thread at a time; the view must outlive it.
class NameReader {
 public:
  /// Has read the entries up to `to_ns`, wall time, from the last inventory before `from_ns` on,
  /// which is looked for in an hour.
  static Result<NameReader> open(const store::RingView& view, std::int64_t from_ns,
                                 std::int64_t to_ns);

  /// Goes on to `to_ns`, over what was committed since.
  void extend(std::int64_t to_ns);

  NameHistory& history() { return history_; }

 private:
  explicit NameReader(store::Window window) : window_(std::move(window)) {}
  void drain();

  store::Window window_;
  NameHistory history_;
};

}  // namespace caprock::exporting
