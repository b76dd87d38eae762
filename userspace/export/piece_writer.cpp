// SPDX-License-Identifier: Apache-2.0
#include "export/piece_writer.hpp"

namespace caprock::exporting {

Status PieceWriter::write(Bytes bytes) {
  if (bytes.empty()) return {};
  written_bytes_ += bytes.size();
  return sink_.write(bytes);
}

void PieceWriter::prepare(Piece& piece) {
  if (selection().filter.takes_all()) rewrite(piece);
}

Status PieceWriter::write(Piece& piece) {
  if (auto described = write(piece.preface); !described) return described;
  if (!selection().filter.takes_all()) rewrite(piece);
  written_bytes_ += piece.blocks.size();
  return sink_.write(piece.blocks);
}

void PieceWriter::rewrite(Piece& piece) {
  piece.blocks = piece.blocks.first(rewriter_.rewrite(piece.blocks, *piece.ids, figures_));
}

}  // namespace caprock::exporting
