// SPDX-License-Identifier: Apache-2.0
// A thread of lower priority that works in rounds until it is stopped.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "store/wake_signal.hpp"

namespace caprock::store {

/// Calls `round` when it is woken, and else when the time that the last round returned is over.
/// Stops and joins at the end of its life; a round that runs is finished.
class BackgroundThread {
 public:
  using Round = std::function<std::chrono::milliseconds()>;

  /// `name`: at most 15 characters.
  BackgroundThread(const char* name, WakeSignal& signal, Round round);
  ~BackgroundThread() { stop(); }

  void stop();

 private:
  void run(const char* name);

  WakeSignal& signal_;
  Round round_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace caprock::store
