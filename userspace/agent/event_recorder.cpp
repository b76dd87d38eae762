// SPDX-License-Identifier: Apache-2.0
#include "agent/event_recorder.hpp"

#include <utility>

#include "core/os_event_names.hpp"

namespace caprock::agent {
namespace {

insight::ProbeKind probe_kind(config::OsProbes wish) {
  switch (wish) {
    case config::OsProbes::kFentry:
      return insight::ProbeKind::kFentry;
    case config::OsProbes::kKprobe:
      return insight::ProbeKind::kKprobe;
    case config::OsProbes::kNone:
      return insight::ProbeKind::kNone;
    case config::OsProbes::kAuto:
      break;
  }
  return insight::ProbeKind::kAuto;
}

}  // namespace

EventRecorder::EventRecorder(Recorder& recorder, const PodDirectory& pods)
    : recorder_(recorder), pods_(pods) {
  recorder.on_new_clock([this](std::int64_t offset_ns) {
    if (layer_) layer_->set_wall_offset(offset_ns);
  });
}

EventRecorder::~EventRecorder() {
  if (layer_) layer_->stop();
}

Status EventRecorder::set(const config::Agent& settings) {
  stop();
  failure_.clear();
  if (!settings.os_enabled) return {};
  auto layer = insight::EventLayer::start(
      {.limits = insight::limits_of(settings.os_events, settings.os_limits),
       .probes = probe_kind(settings.os_probes),
       .inventory_interval_ns = settings.os_inventory_interval.count(),
       .pods = &pods_},
      recorder_.wall_offset());
  if (!layer) {
    failure_ = layer.error().message();
    return std::move(layer).error();
  }
  layer_ = *std::move(layer);
  std::vector<std::unique_ptr<capture::PacketSource>> sources;
  sources.push_back(layer_->take_source());
  sources_ = recorder_.add_sources(std::move(sources));
  return {};
}

void EventRecorder::stop() {
  if (!layer_) return;
  layer_->stop();
  recorder_.finish_sources(sources_);
  layer_.reset();
}

std::vector<insight::EventStatus> EventRecorder::status() const {
  if (layer_) return layer_->status();
  if (failure_.empty()) return {};
  std::vector<insight::EventStatus> all;
  for (const auto& name : kOsEventNames)
    all.push_back({.name = std::string(name), .hook = {}, .reason = failure_});
  return all;
}

}  // namespace caprock::agent
