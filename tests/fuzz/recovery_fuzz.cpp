// SPDX-License-Identifier: Apache-2.0
// A segment torn in any way is cut, sealed, and then readable from its first byte to its last.
#include <cstdlib>

#include "patched_ring.hpp"
#include "pcapng/reader.hpp"
#include "store/recovery.hpp"
#include "store/seal.hpp"
#include "store/segment_view.hpp"

namespace {

using namespace caprock;

bool is_walkable(Bytes segment) {
  pcapng::BlockCursor cursor(segment);
  while (cursor.next()) {
  }
  return !cursor.fault();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::byte> seed = test::seed_ring();
  static std::vector<std::byte> segment(store::kMinSegmentBytes);
  FuzzedDataProvider input(data, size);
  const std::size_t at = input.ConsumeIntegralInRange<std::size_t>(0, 2) * store::kMinSegmentBytes;
  std::copy_n(seed.begin() + static_cast<std::ptrdiff_t>(at), segment.size(), segment.begin());
  test::damage_segment(segment, input);
  const auto head = store::read_head(segment);
  if (!head || store::foot_offset(segment) != 0) return 0;
  const auto limit = input.ConsumeIntegralInRange<std::uint64_t>(0, segment.size());
  if (store::cut_torn_tail(segment, limit) == 0) return 0;
  store::seal_segment(segment, store::tally_of(segment, store::head_of(segment).frontier), {}, 1);
  if (!store::read_foot(segment, head->sequence) || !is_walkable(segment)) std::abort();
  return 0;
}
