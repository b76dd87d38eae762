// SPDX-License-Identifier: Apache-2.0
#include "export/relay.hpp"

#include <exception>
#include <tuple>
#include <utility>

namespace caprock::exporting {

Relay::Relay(PieceWriter& writer) : writer_(writer), thread_([this] { run(); }) {}

Relay::~Relay() {
  if (thread_.joinable()) std::ignore = finish();
}

bool Relay::pass(Piece& piece) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !has_waiting_ || failed_; });
  if (failed_) return false;
  std::swap(waiting_, piece);
  has_waiting_ = true;
  changed_.notify_one();
  return true;
}

Status Relay::finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    changed_.notify_one();
  }
  thread_.join();
  return result_;
}

void Relay::run() {
  Piece piece;
  while (take(piece)) {
    auto written = write_guarded(piece);
    if (written) continue;
    const std::lock_guard lock(mutex_);
    result_ = std::move(written);
    failed_ = true;
    changed_.notify_one();
    return;
  }
}

/// The next piece; false behind the last.
bool Relay::take(Piece& piece) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return has_waiting_ || finished_; });
  if (!has_waiting_) return false;
  std::swap(waiting_, piece);
  has_waiting_ = false;
  changed_.notify_one();
  return true;
}

/// Exceptions end at a thread's boundary.
Status Relay::write_guarded(Piece& piece) {
  try {
    return writer_.write(piece);
  } catch (const std::exception& failure) {
    return Error(failure.what());
  }
}

}  // namespace caprock::exporting
