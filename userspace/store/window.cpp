// SPDX-License-Identifier: Apache-2.0
#include "store/window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <tuple>
#include <utility>

#include "store/boot_clocks.hpp"
#include "store/source_cursor.hpp"

namespace caprock::store {
namespace {

constexpr std::size_t kMaxSources = 1024;  // of a lane; a segment with more is damaged

struct OpenSegment;

/// One source in one segment: what the merge chooses between.
struct Input {
  OpenSegment* segment;
  SourceCursor cursor;
  bool fault_told = false;

  std::int64_t time_ns() const;
};

struct OpenSegment {
  SegmentInfo info;
  std::uint64_t scanned = 0;  // every run before this offset has its input
  std::int64_t shift_ns = 0;  // from its times to those of the window
  bool gone = false;          // recycled by the recorder
  std::deque<Input> inputs;   // where they stay while the heap points to them

  bool knows(const SourceId& source) const {
    return std::ranges::any_of(inputs,
                               [&](const Input& input) { return input.cursor.source() == source; });
  }
  bool finished() const {
    const auto at_end = [](const Input& input) { return input.cursor.at_end(); };
    return gone || (info.sealed && std::ranges::all_of(inputs, at_end));
  }
};

/// By the clock of the window, as all times that are compared.
std::int64_t Input::time_ns() const {
  return shifted(cursor.time_ns(), segment->shift_ns);
}

/// Decides among equal times, so that the same record always comes out in the same order.
auto precedence(const Input& input) {
  const SourceId& source = input.cursor.source();
  return std::tuple(input.segment->info.lane, source.kind, source.index, source.instance,
                    input.segment->info.sequence);
}

bool is_later(const Input* a, const Input* b) {
  const std::int64_t a_ns = a->time_ns();
  const std::int64_t b_ns = b->time_ns();
  return a_ns != b_ns ? a_ns > b_ns : precedence(*a) > precedence(*b);
}

std::string name_of(const SegmentInfo& segment) {
  return fmt::format("segment {} (sequence {})", segment.index, segment.sequence);
}

}  // namespace

struct Window::State {
  const RingView* view = nullptr;
  WindowOptions options;
  BootClocks clocks;
  std::vector<SegmentInfo> at_open;
  std::vector<std::uint64_t> listed;  // sequences in the file when it was last looked at
  std::vector<SegmentInfo>
      pending;  // not yet reached; the one with the earliest first time at the back
  std::vector<std::unique_ptr<OpenSegment>> opened;
  std::vector<Input*> heap;  // those that have a block, the earliest in front
  OpenSegment* last = nullptr;
  std::vector<std::string> skipped;

  void take(const std::vector<SegmentInfo>& found);
  void take(const SegmentInfo& info);
  void tell_overrun(const std::vector<SegmentInfo>& found);
  void open_next();
  void scan(OpenSegment& segment);
  void forget_finished();
  void push(Input& input);
  void drop(OpenSegment& segment);
  bool holds(const OpenSegment& segment) const;
  std::int64_t first_ns(const SegmentInfo& info) const {
    return shifted(info.first_ns, clocks.shift_of(info));
  }
  std::int64_t last_ns(const SegmentInfo& info) const {
    return shifted(info.last_ns, clocks.shift_of(info));
  }
  bool prepare();
  Input& pop();
  std::int64_t limit_of(const Input& input) const;
};

/// What came and went since the file was last looked at.
void Window::State::tell_overrun(const std::vector<SegmentInfo>& found) {
  if (listed.empty() || found.empty() || found.front().sequence <= listed.back() + 1) return;
  skipped.push_back(fmt::format("segments reused by the recorder before they could be read: {}",
                                found.front().sequence - listed.back() - 1));
}

void Window::State::take(const std::vector<SegmentInfo>& found) {
  tell_overrun(found);
  clocks.learn(found);
  for (const SegmentInfo& info : found)
    take(info);
  listed.clear();
  for (const SegmentInfo& info : found)
    listed.push_back(info.sequence);
  std::ranges::sort(pending, std::greater(), [this](const SegmentInfo& info) {
    return std::pair(first_ns(info), info.sequence);
  });
}

void Window::State::take(const SegmentInfo& info) {
  const auto same = [&](std::uint64_t sequence) { return sequence == info.sequence; };
  const auto open = std::ranges::find_if(
      opened, same, [](const auto& segment) { return segment->info.sequence; });
  if (open != opened.end()) {
    (*open)->info = info;
    scan(**open);
    return;
  }
  const auto waiting = std::ranges::find_if(pending, same, &SegmentInfo::sequence);
  if (waiting != pending.end()) {
    *waiting = info;
  } else if (last_ns(info) >= options.from_ns &&
             !std::ranges::binary_search(listed, info.sequence)) {
    pending.push_back(info);
  }
}

void Window::State::push(Input& input) {
  // What ends may have ended because a run's head was overwritten.
  if (input.cursor.lost() || (input.cursor.at_end() && !holds(*input.segment)))
    drop(*input.segment);
  const auto& fault = input.cursor.fault();
  if (fault && !input.fault_told && holds(*input.segment)) {
    input.fault_told = true;
    skipped.push_back(fmt::format("{}: a run is left out from offset {} on: {}",
                                  name_of(input.segment->info), fault->offset, fault->what));
  }
  if (input.cursor.at_end() || input.segment->gone) return;
  heap.push_back(&input);
  std::ranges::push_heap(heap, is_later);
}

void Window::State::scan(OpenSegment& segment) {
  const Bytes bytes = view->bytes(segment.info.index);
  for (Input& input : segment.inputs) {
    const bool was_at_end = input.cursor.at_end();
    input.cursor.extend(segment.info.runs_end);
    if (was_at_end) push(input);
  }
  const std::int64_t from_ns = shifted(options.from_ns, -segment.shift_ns);
  RunCursor runs(bytes, segment.scanned, segment.info.runs_end);
  while (const auto run = runs.next()) {
    if (options.source && run->source.kind != *options.source) continue;
    if (segment.knows(run->source)) continue;
    if (segment.inputs.size() == kMaxSources) break;
    segment.inputs.push_back({&segment, SourceCursor(*view, segment.info, *run, from_ns)});
    push(segment.inputs.back());
  }
  segment.scanned = runs.offset();
  if (runs.damaged() && holds(segment)) {
    skipped.push_back(fmt::format("{}: no run stands at offset {}: what is behind it is left out",
                                  name_of(segment.info), runs.offset()));
  }
}

void Window::State::forget_finished() {
  std::erase_if(opened,
                [&](const auto& segment) { return segment->finished() && segment.get() != last; });
}

void Window::State::open_next() {
  forget_finished();
  auto segment = std::make_unique<OpenSegment>();
  segment->info = std::move(pending.back());
  pending.pop_back();
  segment->shift_ns = clocks.shift_of(segment->info);
  segment->scanned = first_run_offset(view->bytes(segment->info.index), segment->info.runs_end);
  scan(*segment);
  if (!holds(*segment)) drop(*segment);
  opened.push_back(std::move(segment));
}

bool Window::State::holds(const OpenSegment& segment) const {
  return view->still_holds(segment.info.index, segment.info.sequence);
}

void Window::State::drop(OpenSegment& segment) {
  if (segment.gone) return;
  segment.gone = true;
  const bool unreadable = view->unreadable(segment.info.index) || holds(segment);
  skipped.push_back(name_of(segment.info) +
                    (unreadable ? " cannot be read: the file was cut or its disk fails"
                                : " was reused by the recorder while it was being read"));
  std::erase_if(heap, [&](const Input* input) { return input->segment == &segment; });
  std::ranges::make_heap(heap, is_later);
}

/// Makes the front of the heap the next block of the window; false if there is none.
bool Window::State::prepare() {
  for (;;) {
    const std::int64_t earliest = heap.empty() ? INT64_MAX : heap.front()->time_ns();
    const std::int64_t next_ns = pending.empty() ? INT64_MAX : first_ns(pending.back());
    if (!pending.empty() && next_ns <= earliest && next_ns < options.to_ns) {
      open_next();
    } else if (heap.empty() || earliest >= options.to_ns) {
      return false;
    } else {
      last = heap.front()->segment;
      return true;
    }
  }
}

Input& Window::State::pop() {
  std::ranges::pop_heap(heap, is_later);
  Input& input = *heap.back();
  heap.pop_back();
  return input;
}

/// Up to where, by the window's clock, the input's blocks come before everything else; the input is
/// not in the heap.
std::int64_t Window::State::limit_of(const Input& input) const {
  std::int64_t limit = options.to_ns;
  if (!pending.empty()) limit = std::min(limit, first_ns(pending.back()));
  if (heap.empty() || heap.front()->time_ns() >= limit) return limit;
  const Input& runner_up = *heap.front();
  return runner_up.time_ns() + (precedence(input) < precedence(runner_up) ? 1 : 0);
}

Window::Window(std::unique_ptr<State> state) : state_(std::move(state)) {}
Window::Window(Window&&) noexcept = default;
Window& Window::operator=(Window&&) noexcept = default;
Window::~Window() = default;

Result<Window> Window::open(const RingView& view, WindowOptions options) {
  if (options.from_ns > options.to_ns) return Error("the window ends before it begins");
  auto state = std::make_unique<State>();
  state->view = &view;
  state->options = options;
  const std::vector<SegmentInfo> found = view.segments(&state->skipped);
  state->clocks.learn(found);
  std::ranges::copy_if(found, std::back_inserter(state->at_open), [&](const SegmentInfo& info) {
    return state->last_ns(info) >= options.from_ns && state->first_ns(info) < options.to_ns;
  });
  state->take(found);
  return Window(std::move(state));
}

std::optional<WindowBlock> Window::next() {
  if (!state_->prepare()) return std::nullopt;
  Input& input = state_->pop();
  const std::int64_t time_ns = input.cursor.time_ns();
  const pcapng::Block block = input.cursor.take();
  state_->push(input);
  return WindowBlock{block.bytes, time_ns, block.type, input.segment->info.sequence};
}

Bytes Window::next_stretch() {
  if (!state_->prepare()) return {};
  Input& input = state_->pop();
  const std::int64_t limit_ns = shifted(state_->limit_of(input), -input.segment->shift_ns);
  const Bytes stretch = input.cursor.take_stretch(limit_ns);
  state_->push(input);
  return stretch;
}

void Window::lose_segment() {
  state_->drop(*state_->last);
}

const SegmentInfo& Window::segment() const {
  return state_->last->info;
}

void Window::extend(std::int64_t to_ns) {
  state_->options.to_ns = to_ns;
  state_->take(state_->view->segments());
}

const std::vector<SegmentInfo>& Window::segments() const {
  return state_->at_open;
}

const std::vector<std::string>& Window::skipped() const {
  return state_->skipped;
}

}  // namespace caprock::store
