// SPDX-License-Identifier: Apache-2.0
#include "export/tail.hpp"

#include <algorithm>
#include <span>
#include <tuple>

#include "export/missing_parts.hpp"
#include "export/name_reader.hpp"
#include "export/pump.hpp"
#include "store/window.hpp"

namespace caprock::exporting {
Status tail(const store::RingView& view, const TailOptions& options, Sink& sink) {
  auto filter = PcapFilter::compile(options.filter);
  if (!filter) return std::move(filter).error();
  std::int64_t until_ns = std::max(options.complete_until(), options.from_ns);
  auto window = store::Window::open(view, {options.from_ns, until_ns});
  if (!window) return std::move(window).error();
  auto names = NameReader::open(view, options.from_ns, until_ns);
  if (!names) return std::move(names).error();
  Pump pump(view,
            {.filter = *std::move(filter), .packets = options.packets, .events = options.events},
            options.interface_prefix, sink);
  if (auto begun = pump.begin(window->segments()); !begun) return begun;
  NameHistory& history = names->history();
  auto namings = history.namings(options.from_ns, until_ns);
  std::ignore = history.take_news();
  std::size_t told = 0;
  for (;;) {
    if (auto named = pump.write(name_blocks(namings)); !named) return named;
    if (auto drained = pump.drain(*window); !drained) return drained;
    const std::span<const std::string> missing = window->skipped();
    if (auto noted = tell_missing(pump, missing.subspan(told), until_ns); !noted) return noted;
    told = missing.size();
    if (!options.wait()) return {};
    until_ns = std::max(options.complete_until(), until_ns);
    window->extend(until_ns);
    names->extend(until_ns);
    namings = history.take_news();
    if (!namings.empty()) history.forget_ended(until_ns);
  }
}

}  // namespace caprock::exporting
