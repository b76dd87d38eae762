// SPDX-License-Identifier: Apache-2.0
// A damaged ring: view, window, verify and export get through it, and what is exported is a valid
// pcapng.
#include <cstdlib>

#include "export/export.hpp"
#include "patched_ring.hpp"
#include "pcapng/validator.hpp"
#include "store/verify.hpp"
#include "store/window.hpp"

namespace {

using namespace caprock;

void read_blocks(const store::RingView& view) {
  auto window = store::Window::open(view, {});
  [[maybe_unused]] volatile std::int64_t last_ns = 0;
  while (const auto block = window->next())
    last_ns = block->time_ns;
  for (const store::SegmentInfo& segment : window->segments())
    (void)view.interfaces(segment);
}

/// Options and lengths of packets are the record's own and go through as they are; all else must be
/// right.
bool is_readable(Bytes file) {
  pcapng::BlockCursor cursor(file);
  std::size_t interfaces = 0;
  while (const auto block = cursor.next()) {
    if (block->type == pcapng::kInterfaceDescription) ++interfaces;
    const auto packet = pcapng::as_packet(*block);
    if (packet && packet->interface_id >= interfaces) return false;
    if (block->type == pcapng::kEnhancedPacket && !packet) return false;
  }
  return !cursor.fault();
}

void export_ring(const store::RingView& view) {
  std::vector<std::byte> file;
  exporting::FunctionSink sink([&](Bytes piece) -> Status {
    file.insert(file.end(), piece.begin(), piece.end());
    return {};
  });
  if (!exporting::export_window(view, {}, sink) || !is_readable(file)) std::abort();
  if (!exporting::export_window(view, {.format = exporting::Format::kPcap, .snaplen = 20}, sink))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::byte> seed = test::seed_ring();
  static const test::MemoryFile file(seed);
  file.restore(seed);
  FuzzedDataProvider input(data, size);
  for (std::size_t at = 0; at < seed.size(); at += store::kMinSegmentBytes) {
    test::damage_segment(file.bytes().subspan(at, store::kMinSegmentBytes), input);
  }
  const auto view = store::RingView::open(file.path());
  if (view) {
    read_blocks(*view);
    export_ring(*view);
  }
  if (!store::verify(file.path()) && view) std::abort();
  return 0;
}
