// SPDX-License-Identifier: Apache-2.0
#include "store/housekeeping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "core/quantity.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

/// A failing disk costs the record one segment in this time, not all of it at once.
constexpr Nanoseconds kRetryInterval = std::chrono::seconds(1);

/// A segment that stays bad may hold a disk up for long at each attempt.
constexpr Nanoseconds kMaxBadDelay = std::chrono::minutes(10);

}  // namespace

Housekeeping::Housekeeping(RingFile& file, Catalog& catalog, std::deque<LaneExchange>& exchanges,
                           std::vector<LaneTotals> totals)
    : file_(file),
      catalog_(catalog),
      exchanges_(exchanges),
      totals_(std::move(totals)),
      activations_(exchanges.size()),
      sealed_packets_(exchanges.size()),
      prepared_ahead_(std::clamp<std::size_t>(file.geometry().segments / (8 * exchanges.size()), 2,
                                              kMaxPrepared)),
      bad_delay_(kRetryInterval) {
  for (std::size_t lane = 0; lane < sealed_packets_.size(); ++lane) {
    sealed_packets_[lane] = totals_[lane].packets;
  }
}

/// Preparing comes first: a lane without a segment has to let its sources fill.
bool Housekeeping::work() {
  collect_retired();
  request_rolls();
  return prepare_one() || seal_one();
}

void Housekeeping::finish() {
  collect_retired();
  while (seal_one()) {
  }
}

void Housekeeping::collect_retired() {
  for (std::size_t lane = 0; lane < exchanges_.size(); ++lane) {
    while (auto retired = exchanges_[lane].retired.pop()) {
      switch (retired->why) {
        case Retirement::kFull:
          catalog_.sealing(retired->index);
          // At once, as sealing waits for what is to be prepared. Without a head it was truncated.
          if (head_of(file_.segment(retired->index)).sequence != 0) retired->writer->reveal_last();
          to_seal_.push_back({retired->index, lane, std::move(retired->writer)});
          break;
        case Retirement::kUnused:
          write_blank(file_.segment(retired->index));
          catalog_.freed(retired->index);
          break;
        case Retirement::kLost:
          give_up(retired->index);
          break;
      }
    }
  }
}

void Housekeeping::give_up(std::uint32_t index) {
  const char* const how =
      file_.guard().lost(index)
          ? "a page of it cannot be had: was the file truncated, does its disk fail?"
          : "its head is gone: was the file truncated and written again?";
  report_error(fmt::format("segment {} of {} was lost under the recorder: {}", index,
                           file_.path().string(), how));
  if (auto discarded = file_.discard(index); !discarded) {
    report_error(fmt::format("segment {} of {} cannot be made blank: {}", index,
                             file_.path().string(), discarded.error().message()));
  }
  catalog_.failed(index);
}

bool Housekeeping::prepare_one() {
  const auto neediest = std::min_element(exchanges_.begin(), exchanges_.end(),
                                         [](const LaneExchange& a, const LaneExchange& b) {
                                           return a.prepared.size() < b.prepared.size();
                                         });
  return neediest->prepared.size() < prepared_ahead_ && prepare_for(*neediest);
}

bool Housekeeping::prepare_for(LaneExchange& exchange) {
  const std::int64_t now_ns = monotonic_ns();
  if (now_ns < retry_ns_) return false;
  if (now_ns >= retry_bad_ns_ && prepare_bad(exchange)) return true;
  auto use = catalog_.take();
  if (!use) use = catalog_.take_bad();  // better than none, however often it failed
  if (!use) return false;
  if (prepare(*use, exchange)) return true;
  retry_ns_ = monotonic_ns() + kRetryInterval.count();
  return false;
}

/// The error may have passed: a segment without a record costs less than the oldest one that has
/// one. Where it has not, that costs nothing but time, and others are prepared meanwhile.
bool Housekeeping::prepare_bad(LaneExchange& exchange) {
  const auto use = catalog_.take_bad();
  if (!use) return false;
  const bool prepared = prepare(*use, exchange);
  if (prepared) {
    bad_delay_ = kRetryInterval;
  } else {
    retry_bad_ns_ = monotonic_ns() + bad_delay_.count();
    bad_delay_ = std::min(2 * bad_delay_, kMaxBadDelay);
  }
  return prepared;
}

bool Housekeeping::prepare(SegmentUse use, LaneExchange& exchange) {
  if (auto prepared = file_.prepare(use.index); !prepared) {
    report_error(fmt::format("segment {} of {} cannot be prepared: {}", use.index,
                             file_.path().string(), prepared.error().message()));
    catalog_.failed(use.index);
    return false;
  }
  exchange.prepared.push({use.index, use.sequence});
  return true;
}

bool Housekeeping::seal_one() {
  if (to_seal_.empty()) return false;
  const Full full = std::move(to_seal_.front());
  to_seal_.pop_front();
  const MutableBytes segment = file_.segment(full.index);
  if (head_of(segment).sequence == 0) {  // somebody truncated the file and it was written again
    give_up(full.index);
    return true;
  }
  const SegmentFoot foot =
      seal_segment(segment, full.writer->tally(), totals_[full.lane], catalog_.next_sequence());
  if (file_.guard().lost(full.index)) {
    catalog_.failed(full.index);
    return true;
  }
  totals_[full.lane] = LaneTotals::after(foot);
  sealed_packets_[full.lane].store(foot.cumulative_packets, std::memory_order_relaxed);
  catalog_.sealed({full.index, foot.sequence}, foot.sealed_at, record_span(head_of(segment), foot));
  return true;
}

/// An active segment that was there before the oldest record of the ring was finished would come to
/// be older than the history.
void Housekeeping::request_rolls() {
  const std::uint64_t history_begin = catalog_.history_begin();
  for (std::size_t lane = 0; lane < exchanges_.size(); ++lane) {
    Activation& active = activations_[lane];
    const std::uint64_t sequence = exchanges_[lane].sequence.load(std::memory_order_relaxed);
    if (sequence != active.sequence) active = {sequence, catalog_.next_sequence()};
    if (sequence != 0 && active.at < history_begin)
      exchanges_[lane].roll_requested.store(true, std::memory_order_relaxed);
  }
}

}  // namespace caprock::store
