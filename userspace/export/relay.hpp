// SPDX-License-Identifier: Apache-2.0
// Writes pieces while the next are put together.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "export/piece.hpp"
#include "export/piece_writer.hpp"

namespace caprock::exporting {

/// A thread that writes the pieces it is passed, in order. After an error it writes no more. The
/// writer belongs to it until finish() returns.
class Relay {
 public:
  explicit Relay(PieceWriter& writer);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  /// Takes the piece, as soon as there is room, and leaves one that was written in its place.
  /// False: a piece could not be written.
  bool pass(Piece& piece);

  /// Waits until everything is written; the error, if there was one.
  Status finish();

 private:
  void run();
  Status write_guarded(Piece& piece);
  bool next(Piece& piece);

  PieceWriter& writer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> waiting_;
  std::vector<Piece> written_;  // for their memory: the one used last at the back
  bool finished_ = false;
  bool failed_ = false;
  Status result_;
  std::thread thread_;
};

}  // namespace caprock::exporting
