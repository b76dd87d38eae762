// SPDX-License-Identifier: Apache-2.0
// How far a transfer is, on standard error while it is a terminal.
#pragma once

#include <chrono>
#include <cstdint>

namespace caprock::cli {

/// Silent during the first second; then one line that is rewritten a few times a second and removed
/// at the end.
class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void add(std::uint64_t bytes);

 private:
  using Clock = std::chrono::steady_clock;

  bool terminal_;
  bool shown_ = false;
  std::uint64_t bytes_ = 0;
  Clock::time_point begin_;
  Clock::time_point next_;
};

}  // namespace caprock::cli
