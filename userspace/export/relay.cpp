// SPDX-License-Identifier: Apache-2.0
#include "export/relay.hpp"

#include <exception>
#include <tuple>
#include <utility>

namespace caprock::exporting {
namespace {

/// So much is put together ahead that neither thread waits for the other to wake up, and so little
/// that it stays in the cache that they share.
constexpr std::size_t kMostWaiting = 8;

}  // namespace

Relay::Relay(PieceWriter& writer) : writer_(writer), thread_([this] { run(); }) {}

Relay::~Relay() {
  if (thread_.joinable()) std::ignore = finish();
}

bool Relay::pass(Piece& piece) {
  std::unique_lock lock(mutex_);
  if (waiting_.size() == kMostWaiting)
    changed_.wait(lock, [&] { return waiting_.size() <= kMostWaiting / 2 || failed_; });
  if (failed_) return false;
  waiting_.push_back(std::move(piece));
  changed_.notify_one();
  piece = Piece();
  if (written_.empty()) return true;
  piece = std::move(written_.back());
  written_.pop_back();
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
  while (next(piece)) {
    auto written = write_guarded(piece);
    if (written) continue;
    const std::lock_guard lock(mutex_);
    result_ = std::move(written);
    failed_ = true;
    changed_.notify_one();
    return;
  }
}

/// The next piece in place of the one written last; false behind the last.
bool Relay::next(Piece& piece) {
  std::unique_lock lock(mutex_);
  written_.push_back(std::move(piece));
  changed_.wait(lock, [&] { return !waiting_.empty() || finished_; });
  if (waiting_.empty()) return false;
  piece = std::move(waiting_.front());
  waiting_.pop_front();
  if (waiting_.size() <= kMostWaiting / 2) changed_.notify_one();
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
