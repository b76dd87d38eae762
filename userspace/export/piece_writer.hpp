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

/// One thread at a time; the sink must outlive it.
class PieceWriter {
 public:
  PieceWriter(Selection selection, Sink& sink) : rewriter_(std::move(selection)), sink_(sink) {}

  /// Rewrites the piece in its own memory first.
  Status write(Piece& piece);

  /// Bytes that are not of the window.
  Status write(Bytes bytes);

  const Selection& selection() const { return rewriter_.selection(); }
  const Figures& figures() const { return figures_; }
  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  BlockRewriter rewriter_;
  Sink& sink_;
  Figures figures_;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace caprock::exporting
