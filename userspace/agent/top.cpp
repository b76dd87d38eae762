// SPDX-License-Identifier: Apache-2.0
#include "agent/top.hpp"

#include <algorithm>
#include <utility>

#include "agent/top_rows.hpp"
#include "export/export.hpp"
#include "export/traffic_meter.hpp"

namespace caprock::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kRest = 1min;
constexpr std::int64_t kHistoryNs = 3'600'000'000'000;  // of events, for a first look
constexpr std::int64_t kNsPerUs = 1000;

/// A whole µs, as entries have their time in µs: one that is before it is complete, too.
std::int64_t end_of_window(std::int64_t complete_until_ns) {
  return complete_until_ns - complete_until_ns % kNsPerUs;
}

}  // namespace

Result<api::TopReport> Top::look(const TopQuery& query, const Source& source) {
  const std::lock_guard lock(mutex_);
  auto report = read(query, source);
  if (!report) leave_off();
  last_look_ = std::chrono::steady_clock::now();
  return report;
}

Result<api::TopReport> Top::read(const TopQuery& query, const Source& source) {
  if (!view_) {
    auto view = source.open();
    if (!view) return std::move(view).error();
    view_ = *std::move(view);
  }
  const std::int64_t to_ns = end_of_window(source.complete_until());
  const std::int64_t from_ns = std::max<std::int64_t>(to_ns - query.window.count(), 0);
  const bool clock_was_set_back = owners_ && owners_->told_until_ns() > to_ns;
  if (!owners_ || clock_was_set_back || !source.os_enabled)
    owners_.emplace(source.os_enabled ? from_ns - kHistoryNs : from_ns);
  if (auto told = owners_->catch_up(*view_, from_ns, source.wanted); !told) return told.error();
  exporting::TrafficMeter meter(*owners_, source.wanted);
  const auto read = exporting::export_window(*view_, {.from_ns = from_ns, .to_ns = to_ns}, meter);
  if (!read) return read.error();
  owners_->set_told_until(to_ns);
  api::TopReport report = top_report(meter.traffic(), meter.interfaces(), *owners_, query);
  report.from = {from_ns};
  report.to = {to_ns};
  report.window = Nanoseconds(to_ns - from_ns);
  report.notes = read->skipped;
  if (!read->skipped.empty()) view_.reset();  // what it cannot read now it would never read
  return report;
}

void Top::leave_off() {
  view_.reset();
  if (owners_) owners_->leave_off();
}

void Top::rest() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || std::chrono::steady_clock::now() - last_look_ <= kRest) return;
  view_.reset();
  owners_.reset();
}

}  // namespace caprock::agent
