// SPDX-License-Identifier: Apache-2.0
#include "export/tail.hpp"

#include <algorithm>
#include <tuple>

#include "export/name_reader.hpp"
#include "export/pump.hpp"
#include "pcapng/note.hpp"
#include "store/window.hpp"

namespace caprock::exporting {
namespace {

/// Tells in the stream what is missing from it, from line `told` on.
Status write_notes(Pump& pump, const std::vector<std::string>& lines, std::size_t told,
                   std::int64_t time_ns) {
  std::vector<std::byte> notes;
  for (std::size_t line = told; line < lines.size(); ++line)
    pcapng::write_note(notes, time_ns, lines[line]);
  return pump.write(notes);
}

}  // namespace

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
    if (auto noted = write_notes(pump, window->skipped(), told, until_ns); !noted) return noted;
    told = window->skipped().size();
    if (!options.wait()) return {};
    until_ns = std::max(options.complete_until(), until_ns);
    window->extend(until_ns);
    names->extend(until_ns);
    namings = history.take_news();
  }
}

}  // namespace caprock::exporting
