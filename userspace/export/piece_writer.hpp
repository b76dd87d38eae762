// SPDX-License-Identifier: Apache-2.0
// Writes pieces to the sink, in the form that is wanted.
#pragma once

#include <cstdint>
#include <utility>

#include "export/block_rewriter.hpp"
#include "export/figures.hpp"
#include "export/piece.hpp"
#include "export/sink.hpp"

namespace caprock::exporting {

/// One thread prepares, one writes, at the same time or not; the sink must outlive it.
class PieceWriter {
 public:
  PieceWriter(Selection selection, Sink& sink) : rewriter_(std::move(selection)), sink_(sink) {}

  /// To be called before write(). Rewrites where all packets are wanted: then writing is most of
  /// the work, and the bytes are in the cache of the thread that has read them.
  void prepare(Piece& piece);

  /// Rewrites where a filter leaves less to write than to look at.
  Status write(Piece& piece);

  /// Bytes that are not of the window.
  Status write(Bytes bytes);

  const Selection& selection() const { return rewriter_.selection(); }
  const Figures& figures() const { return figures_; }
  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  void rewrite(Piece& piece);

  BlockRewriter rewriter_;
  Sink& sink_;
  Figures figures_;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace caprock::exporting
