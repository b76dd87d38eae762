// SPDX-License-Identifier: Apache-2.0
#include "store/run_reader.hpp"

#include <algorithm>

namespace caprock::store {
namespace {

/// Little enough that a part is looked at, and copied on, in the core's nearest caches.
constexpr std::size_t kPartBytes = 64 << 10;

}  // namespace

void RunReader::enter(const Run& run) {
  run_ = run;
  read_part(run.begin, kPartBytes);
}

bool RunReader::read_part(std::uint64_t begin, std::size_t bytes) {
  current_ = 1 - held_;
  Part& part = parts_[current_];
  part.begin = begin;
  part.end = std::min(run_.end, begin + bytes);
  part.memory.with_room_for(part.end - part.begin);
  lost_ = lost_ || !view_.read(index_, sequence_, begin, part.blocks());
  blocks_ = pcapng::BlockCursor(lost_ ? Bytes() : part.blocks());
  return !lost_;
}

/// Behind the whole blocks of the part: the next one, larger where not even one block fitted. A
/// fault is one only in a part that nothing of the run is missing from.
bool RunReader::read_on() {
  const Part& part = parts_[current_];
  if (lost_) return false;
  if (part.end == run_.end) {
    if (blocks_.fault() && !fault_)
      fault_ = pcapng::Fault{part.begin + blocks_.fault()->offset, blocks_.fault()->what};
    return false;
  }
  const std::size_t read = part.end - part.begin;
  const std::size_t done = blocks_.offset();
  return read_part(part.begin + done, done == 0 ? 2 * read : kPartBytes);
}

std::optional<pcapng::Block> RunReader::next() {
  do {
    if (const auto block = blocks_.next()) return block;
  } while (read_on());
  return std::nullopt;
}

}  // namespace caprock::store
