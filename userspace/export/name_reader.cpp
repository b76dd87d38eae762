// SPDX-License-Identifier: Apache-2.0
#include "export/name_reader.hpp"

#include <algorithm>
#include <optional>

namespace caprock::exporting {
namespace {

constexpr std::int64_t kFirstLookNs = 60'000'000'000;
constexpr std::int64_t kLastLookNs = 64 * kFirstLookNs;
/// Where there is no sign of a cluster: unless told otherwise (agent.os.inventoryInterval), there
/// is an inventory every ten minutes.
constexpr std::int64_t kQuietLookNs = 16 * kFirstLookNs;

Result<store::Window> open_entries(const store::RingView& view, std::int64_t from_ns,
                                   std::int64_t to_ns) {
  return store::Window::open(
      view, {.from_ns = from_ns, .to_ns = to_ns, .source = SourceKind::kKubernetes});
}

template <class Take>
void for_each_entry(store::Window& window, Take take) {
  for (Bytes stretch = window.next_stretch(); !stretch.empty(); stretch = window.next_stretch()) {
    pcapng::BlockCursor cursor(stretch);
    while (const auto block = cursor.next())
      take(*block);
  }
}

/// Looks back in growing steps: mostly the last minutes are enough.
Result<std::int64_t> last_inventory(const store::RingView& view, std::int64_t from_ns) {
  bool quiet = true;
  std::int64_t to_ns = from_ns;
  for (std::int64_t look_ns = kFirstLookNs;; look_ns *= 4) {
    const std::int64_t begin_ns = std::max(from_ns, look_ns) - look_ns;
    std::optional<std::int64_t> inventory_ns;
    auto window = open_entries(view, begin_ns, to_ns);
    if (!window) return std::move(window).error();
    for_each_entry(*window, [&](const pcapng::Block& block) {
      quiet = false;
      if (is_inventory(block)) inventory_ns = pcapng::journal_time_ns(block);
    });
    if (inventory_ns) return *inventory_ns;
    if (begin_ns == 0 || look_ns >= (quiet ? kQuietLookNs : kLastLookNs)) return begin_ns;
    to_ns = begin_ns;
  }
}

}  // namespace

Result<NameReader> NameReader::open(const store::RingView& view, std::int64_t from_ns,
                                    std::int64_t to_ns) {
  const auto begin_ns = last_inventory(view, from_ns);
  if (!begin_ns) return begin_ns.error();
  auto window = open_entries(view, *begin_ns, to_ns);
  if (!window) return std::move(window).error();
  NameReader reader(*std::move(window));
  reader.drain();
  return reader;
}

void NameReader::extend(std::int64_t to_ns) {
  window_.extend(to_ns);
  drain();
}

void NameReader::drain() {
  for_each_entry(window_, [this](const pcapng::Block& block) { history_.take(block); });
}

}  // namespace caprock::exporting
