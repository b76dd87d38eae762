// SPDX-License-Identifier: Apache-2.0
#include "export/named_stream.hpp"

#include <span>

namespace caprock::exporting {
namespace {

bool is_head(const pcapng::Block& block) {
  return block.type == pcapng::kSectionHeader || block.type == pcapng::kInterfaceDescription;
}

}  // namespace

Status NamedStream::write(Bytes piece) {
  const bool done = put_ == namings_.size() && blocks_.at_border();
  if (!done) {
    out_.clear();
    blocks_.split(piece, [this](const pcapng::Block& block) { put(block); });
    piece = out_;
  }
  written_bytes_ += piece.size();
  return sink_.write(piece);
}

void NamedStream::put(const pcapng::Block& block) {
  if (put_ != namings_.size() && !is_head(block)) {
    const std::int64_t time_ns = pcapng::block_time_ns(block).value_or(namings_.front().begin_ns);
    std::size_t end = put_;
    while (end != namings_.size() && namings_[end].begin_ns <= time_ns)
      ++end;
    const auto names = name_blocks(std::span(namings_).subspan(put_, end - put_));
    out_.insert(out_.end(), names.begin(), names.end());
    put_ = end;
  }
  out_.insert(out_.end(), block.bytes.begin(), block.bytes.end());
}

}  // namespace caprock::exporting
