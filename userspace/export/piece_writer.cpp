// SPDX-License-Identifier: Apache-2.0
#include "export/piece_writer.hpp"

namespace caprock::exporting {

Status PieceWriter::write(Bytes bytes) {
  if (bytes.empty()) return {};
  written_bytes_ += bytes.size();
  return sink_.write(bytes);
}

Status PieceWriter::write(Piece& piece) {
  if (auto described = write(piece.preface); !described) return described;
  const std::size_t bytes = rewriter_.rewrite(piece.blocks, *piece.ids, figures_);
  written_bytes_ += bytes;
  return sink_.write(piece.blocks.first(bytes));
}

}  // namespace caprock::exporting
