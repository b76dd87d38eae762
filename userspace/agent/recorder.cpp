// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include "agent/account.hpp"
#include "agent/cluster_settings.hpp"
#include "agent/ring_base.hpp"
#include "agent/untold_losses.hpp"
#include "capture/bpf_file_system.hpp"
#include "capture/pins.hpp"
#include "capture/program_barrier.hpp"
#include "capture/sources.hpp"
#include "core/clock.hpp"
#include "core/log.hpp"
#include "core/quantity.hpp"
#include "pcapng/note.hpp"
#include "store/geometry.hpp"
#include "store/loss_entry.hpp"

namespace caprock::agent {
namespace {

constexpr unsigned kCpusPerLane = 8;
constexpr std::uint64_t kSegmentsPerLane = 8;

/// What an agent that has let go of the ring takes at the most until its process is gone.
constexpr Nanoseconds kPinWait = std::chrono::seconds(2);

/// Empty: it runs without pins.
Result<std::filesystem::path> usable_pin_directory(const std::filesystem::path& directory) {
  if (auto mounted = capture::ensure_bpf_file_system(directory); !mounted)
    return std::move(mounted).error();
  return capture::takes_pins(directory) ? directory : std::filesystem::path();
}

capture::LoadOptions load_options(const config::Agent& agent, const std::filesystem::path& pins) {
  return {.transport = agent.transport == config::Transport::kRingBuffer
                           ? capture::Transport::kRingBuffer
                           : capture::Transport::kStage,
          .stage_bytes = agent.stage_bytes,
          .xdp = agent.hook == config::Hook::kXdp,
          .mirror = !agent.mirror_interfaces.empty(),
          .recorded_once = on_kubernetes(agent),
          .mirror_vxlan_port = agent.mirror_vxlan_port,
          .pin_directory = pins,
          .pin_wait = kPinWait};
}

/// As long as nobody set the clock, all that tells one measurement from the next is its error.
constexpr std::int64_t kSameOffsetNs = 1'000'000;

/// For a step of the clock to reach all lanes while a disk takes nothing, and for a journal entry
/// to find room.
constexpr std::int64_t kClockWaitNs = 10'000'000'000;
constexpr std::int64_t kTellWaitNs = 1'000'000'000;

std::optional<std::int64_t> offset_of(const capture::SettingsMap& map) {
  const auto settings = map.read();
  if (!settings) return std::nullopt;
  return static_cast<std::int64_t>(settings->wall_offset_ns);
}

/// Wall minus monotonic time that the programs go by which an agent before us left.
std::optional<std::int64_t> pinned_offset(const std::filesystem::path& pin_directory) {
  const auto pinned = capture::PinnedGeneration::open(capture::generation_directory(pin_directory));
  if (!pinned) return std::nullopt;
  return offset_of(capture::SettingsMap(*pinned));
}

/// Of what a mirror port's sockets lost, and programs handed over to be told. The rest is for the
/// programs to tell. Less than nothing: a block told losses of another id.
std::int64_t untold_of_sockets(const capture::Counters& counters, std::uint32_t interface_id) {
  const capture_counters sum = counters.of(interface_id, CAPROCK_INGRESS);
  const capture_counters sockets = counters.mirror()->of(interface_id);
  return static_cast<std::int64_t>(sockets.lost + sum.lost_handed - sockets.lost_reported);
}

std::string clock_message(const ClockStep& step) {
  const std::int64_t ns = step.after_ns - step.before_ns;
  return fmt::format("the wall clock was set {} by {:.6f} s", ns < 0 ? "back" : "forward",
                     std::abs(static_cast<double>(ns)) / 1e9);
}

}  // namespace

unsigned lane_count(unsigned configured, unsigned cpus, std::uint64_t segments) {
  const unsigned wanted = configured > 0 ? configured : (cpus + kCpusPerLane - 1) / kCpusPerLane;
  const auto most = static_cast<unsigned>(std::max<std::uint64_t>(1, segments / kSegmentsPerLane));
  return std::clamp(wanted, 1u, std::min(most, cpus));
}

Result<std::unique_ptr<Recorder>> Recorder::create(const config::Config& config,
                                                   const std::string& node,
                                                   const std::function<void()>& locked) {
  const auto geometry = store::plan_geometry(config.tap.raw_storage_bytes);
  if (!geometry) return geometry.error();
  const auto cpus = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
  const unsigned lanes = lane_count(config.agent.lanes, cpus, geometry->segments);
  const auto pins = usable_pin_directory(config.agent.pin_dir);
  if (!pins) return pins.error();
  const std::int64_t measured = wall_offset_ns();
  const std::int64_t offset = pinned_offset(*pins).value_or(measured);

  // The ring comes first: whoever waits for another agent waits for its lock.
  auto ring = store::Ring::open({.path = config.agent.data_dir / "ring.pcapng",
                                 .storage_bytes = config.tap.raw_storage_bytes,
                                 .lanes = lanes,
                                 .node = node,
                                 .interfaces = {},
                                 .wall_offset_ns = offset,
                                 .lock_wait = config.agent.lock_wait});
  if (!ring) return std::move(ring).error();
  locked();
  auto programs = capture::Programs::load(load_options(config.agent, *pins));
  if (!programs) return std::move(programs).error();
  auto counters = capture::Counters::map(**programs);
  if (!counters) return std::move(counters).error();

  std::unique_ptr<Recorder> recorder(
      new Recorder(std::move(*ring), std::move(*programs), std::move(*counters)));
  recorder->pin_directory_ = *pins;
  recorder->open_predecessors();
  if (auto known = recorder->know_interfaces(); !known) return std::move(known).error();
  if (auto found = recorder->find_ring_base(); !found) return std::move(found).error();
  if (auto made = recorder->make_sources(); !made) return std::move(made).error();
  if (auto started = recorder->start_lanes(lanes, offset); !started)
    return std::move(started).error();
  std::vector<std::uint32_t> ids(recorder->known_interfaces_.size());
  std::iota(ids.begin(), ids.end(), 0);
  recorder->tell_redirected_losses(ids);
  if (auto followed = recorder->follow_clock(); !followed) return std::move(followed).error();
  return recorder;
}

Recorder::Recorder(std::unique_ptr<store::Ring> ring, std::unique_ptr<capture::Programs> programs,
                   capture::Counters counters)
    : ring_(std::move(ring)),
      programs_(std::move(programs)),
      counters_(std::move(counters)),
      settings_(*programs_),
      ring_base_(*programs_) {}

Recorder::~Recorder() {
  for (auto& lane : lanes_)
    lane->stop(Drain::kPresent);
}

/// What is damaged is given up: no program fills it any more once the devices have ours. What
/// another version left stays for that.
void Recorder::open_predecessors() {
  for (const auto& directory : capture::old_generation_directories(pin_directory_)) {
    auto found = capture::PinnedGeneration::open(directory);
    if (found) {
      predecessors_.push_back(std::move(*found));
    } else {
      log_warning(
          fmt::format("{}; what waits in {} is lost", found.error().message(), directory.native()));
      capture::remove_generation(directory);
      gave_up_ = true;
    }
  }
  for (const auto& directory : capture::foreign_generation_directories(pin_directory_)) {
    log_warning(
        fmt::format("{}: what waits there was recorded by a caprock of another version, and only "
                    "that one can read it; run it, or give that up: caprock agent --uninstall",
                    directory.native()));
  }
}

/// Ids are given on from generation to generation: the newest knows them all.
Status Recorder::know_interfaces() {
  const capture::InterfaceRecordMap ours(*programs_);
  auto list = ours.list();
  if (!list) return std::move(list).error();
  const auto newest = std::ranges::max_element(predecessors_, {}, &capture::Generation::instance);
  if (!programs_->adopted() && newest != predecessors_.end()) {
    list = capture::InterfaceRecordMap(*newest).list();
    if (!list) return std::move(list).error();
    for (std::uint32_t id = 0; id < list->size(); ++id) {
      if (auto written = ours.set(id, (*list)[id]); !written) return written;
    }
  }
  known_interfaces_ = *std::move(list);
  return {};
}

/// New maps beside those of agents before go by the base of the newest of these, until what they
/// hold is in the ring: see drop_predecessors().
Status Recorder::find_ring_base() {
  const auto newest = std::ranges::max_element(predecessors_, {}, &capture::Generation::instance);
  const store::RecoveryReport& ring = ring_->recovery();
  if (gave_up_) return ring_base_.write({});  // how much of it is in the ring nobody knows
  if (programs_->adopted()) return ring_base_.write(base_gone_on_with(ring_base_.read(), ring));
  if (newest == predecessors_.end()) return ring_base_.write(new_base(ring));
  return ring_base_.write(base_gone_on_with(capture::RingBaseMap(*newest).read(), ring));
}

Status Recorder::make_sources() {
  resumed_ = programs_->adopted() || !predecessors_.empty();
  if (!programs_->adopted()) capture::touch_stage(*programs_);
  if (auto added = add_sources(*programs_); !added) return added;
  for (const auto& predecessor : predecessors_) {
    if (auto added = add_sources(predecessor); !added) return added;
  }
  for (const auto& source : sources_)
    resumed_bytes_ += source->used_bytes();
  return {};
}

/// Each goes on behind what of it is in the file.
Status Recorder::add_sources(const capture::Generation& generation) {
  auto sources = capture::make_sources(generation);
  if (!sources) return std::move(sources).error();
  for (auto& source : *sources) {
    for (const auto& [id, position] : ring_->recovery().resume) {
      if (id == source->id()) source->resume(position);
    }
    sources_.push_back(std::move(source));
  }
  return {};
}

/// What the programs go by that agents before left, on the devices or in maps that are gone on
/// with.
std::optional<std::int64_t> Recorder::found_offset() const {
  const auto newest = std::ranges::max_element(predecessors_, {}, &capture::Generation::instance);
  if (programs_->adopted()) return offset_of(settings_);
  if (newest != predecessors_.end()) return offset_of(capture::SettingsMap(*newest));
  return std::nullopt;
}

/// `opened_with`: what the ring's segments would say. An agent that let go of the ring only now may
/// have made a step meanwhile.
Status Recorder::start_lanes(unsigned count, std::int64_t opened_with) {
  wall_offset_ns_ = found_offset().value_or(opened_with);
  for (unsigned i = 0; i < count && wall_offset_ns_ != opened_with; ++i)
    ring_->lane(i).set_wall_offset(wall_offset_ns_);
  if (auto written = write_wall_offset(wall_offset_ns_); !written) return written;
  std::vector<std::vector<capture::PacketSource*>> shares(count);
  for (const auto& source : sources_)
    shares[source->id().index % count].push_back(source.get());
  interfaces_ = std::make_shared<const InterfaceList>(known_interfaces_);
  for (unsigned i = 0; i < count; ++i) {
    ring_->lane(i).set_interfaces(interfaces_);
    auto lane = Lane::create(i, std::move(shares[i]), ring_->lane(i), wall_offset_ns_);
    if (!lane) return std::move(lane).error();
    lanes_.push_back(std::move(*lane));
    lanes_.back()->start();
  }
  return {};
}

Lane& Recorder::lane_of(const capture::PacketSource& source) {
  return *lanes_[source.id().index % lanes_.size()];
}

std::vector<const capture::PacketSource*> Recorder::add_sources(
    std::vector<std::unique_ptr<capture::PacketSource>> sources) {
  std::vector<const capture::PacketSource*> added;
  for (auto& source : sources) {
    if (auto watched = lane_of(*source).add(*source); !watched)
      report_error(watched.error().message());
    added.push_back(source.get());
    sources_.push_back(std::move(source));
  }
  return added;
}

void Recorder::finish_sources(const std::vector<const capture::PacketSource*>& sources) {
  for (auto& lane : lanes_)
    lane->finish(sources);
  std::erase_if(sources_, [&](const auto& source) {
    return std::ranges::find(sources, source.get()) != sources.end();
  });
}

/// What sockets lost is counted for the id that the port had at that moment, as far as the agent
/// knew it: a block of the former one may have told what the new one lost.
void Recorder::tell_redirected_losses(const std::vector<std::uint32_t>& interface_ids) {
  const auto& mirror = counters_.mirror();
  if (!mirror) return;
  std::uint64_t told_by_others = 0;
  for (const std::uint32_t id : interface_ids) {
    counters_.settle_redirected(id);
    const std::int64_t untold = untold_of_sockets(counters_, id);
    if (untold >= 0) continue;
    capture_counters too_many{};
    too_many.lost_reported = static_cast<std::uint64_t>(untold);  // adding it takes it away
    mirror->add(id, too_many);
    told_by_others += static_cast<std::uint64_t>(-untold);
  }
  std::vector<std::byte> entries;
  for (const std::uint32_t id : interface_ids) {
    capture_counters told{};
    told.lost_reported = static_cast<std::uint64_t>(untold_of_sockets(counters_, id));
    const auto known = std::min<std::uint64_t>(told.lost_reported, told_by_others);
    told_by_others -= known;
    if (told.lost_reported > known) {
      store::write_loss_entry(entries, {.interface = (*interfaces_)[id].name,
                                        .received = true,
                                        .packets = told.lost_reported - known,
                                        .time_ns = monotonic_ns() + wall_offset_ns_});
    }
    mirror->add(id, told);
  }
  tell(entries);
}

void Recorder::set_interfaces(const SharedInterfaceList& list) {
  interfaces_ = list;
  for (auto& lane : lanes_)
    lane->set_interfaces(list);
}

/// Behind the base are those of agents before as well, until all of these are in the ring.
std::optional<std::uint64_t> Recorder::recorded_packets() const {
  if (!predecessors_.empty()) return std::nullopt;
  std::uint64_t since = 0;
  for (unsigned lane = 0; lane < lanes_.size(); ++lane)
    since += ring_->lane(lane).packets();
  return packets_since(ring_base_.read(), ring_->recovery(), since);
}

/// Losses that no packet will tell any more, and what became of all packets; the programs of these
/// counters are off the devices, and their pins are gone, so that nobody tells it twice.
/// `recorded`: packets of these counters that are in the ring, where that can be told.
void Recorder::tell_end(const capture::Counters& counters, std::optional<std::uint64_t> recorded) {
  const std::int64_t now_ns = monotonic_ns() + wall_offset_ns_;
  std::vector<std::byte> entries = untold_losses(counters, *interfaces_, now_ns);
  store::Account account = account_of(counters, *interfaces_);
  account.recorded = recorded;
  write_account_entry(entries, account, now_ns);
  tell(entries);
}

/// Each of the journal entries, as soon as there is a segment for it.
void Recorder::tell(const std::vector<std::byte>& entries) {
  const std::int64_t deadline_ns = monotonic_ns() + kTellWaitNs;
  pcapng::BlockCursor cursor(entries);
  while (const auto entry = cursor.next()) {
    bool told = false;
    const auto append = [&](store::LaneWriter& writer) {
      told = writer.append_control(entry->bytes);
    };
    for (lanes_.front()->execute(append); !told && monotonic_ns() < deadline_ns;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      lanes_.front()->execute(append);
    }
    if (!told)
      return report_error("a journal entry about the record is not in it: no segment was free");
  }
}

Status Recorder::follow_clock() {
  const std::int64_t measured = wall_offset_ns();
  if (std::abs(measured - wall_offset_ns_) < kSameOffsetNs) return {};
  return set_wall_offset(measured);
}

/// Of the programs of every generation that may still be on a device.
Status Recorder::write_wall_offset(std::int64_t wall_offset_ns) const {
  for (const auto& predecessor : predecessors_) {
    auto written = capture::SettingsMap(predecessor).write_wall_offset(wall_offset_ns);
    if (!written) return written;
  }
  return settings_.write_wall_offset(wall_offset_ns);
}

/// The lanes leave the sources alone until all that comes goes by the new time: each segment has
/// packets of one generation, in order.
Status Recorder::set_wall_offset(std::int64_t wall_offset_ns) {
  for (auto& lane : lanes_)
    lane->hold();
  ClockStep step{
      .before_ns = wall_offset_ns_, .after_ns = wall_offset_ns, .since_ns = monotonic_ns()};
  auto written = write_wall_offset(wall_offset_ns);
  if (!written) step.after_ns = step.before_ns;
  wall_offset_ns_ = step.after_ns;
  for (const auto& follow : clock_followers_)
    follow(wall_offset_ns_);
  capture::await_programs();
  const std::int64_t deadline_ns = monotonic_ns() + kClockWaitNs;
  for (auto& lane : lanes_)
    lane->change_clock(step, deadline_ns);
  if (!written) return written;
  const std::string message = clock_message(step);
  log_warning(message + "; a new clock generation begins in the ring");
  std::vector<std::byte> note;
  pcapng::write_note(note, monotonic_ns() + wall_offset_ns_, message);
  tell(note);
  return {};
}

std::vector<const capture::PacketSource*> Recorder::sources_of(
    const capture::Generation& generation) const {
  std::vector<const capture::PacketSource*> found;
  for (const auto& source : sources_) {
    if (source->id().instance == generation.instance()) found.push_back(source.get());
  }
  return found;
}

void Recorder::drop_predecessors() {
  if (!predecessors_.empty()) capture::await_programs();
  std::erase_if(predecessors_, [this](const capture::PinnedGeneration& predecessor) {
    const auto sources = sources_of(predecessor);
    const auto holds = [](const auto* source) { return source->used_bytes() != 0; };
    if (std::ranges::any_of(sources, holds)) return false;
    for (auto& lane : lanes_)
      lane->drop(sources);
    std::erase_if(sources_, [&](const auto& source) {
      return source->id().instance == predecessor.instance();
    });
    end_predecessor(predecessor);
    return true;
  });
}

/// What it had recorded is in the ring: the packets of our counters begin behind that. An agent
/// that is killed meanwhile leaves no base, so that the next one does not go by a wrong one.
void Recorder::end_predecessor(const capture::PinnedGeneration& predecessor) {
  ring_base base = ring_base_.read();
  std::ignore = ring_base_.write({});
  capture::remove_generation(predecessor.directory());
  const auto counters = capture::Counters::map(predecessor);
  if (!counters) return;
  for (std::uint32_t id = 0; id < interfaces_->size(); ++id)
    counters->settle_redirected(id);
  tell_end(*counters, std::nullopt);
  base.packets += account_of(*counters, *interfaces_).written;
  if (auto written = ring_base_.write(base); !written) report_error(written.error().message());
}

Status Recorder::stop(Drain drain) {
  if (drain == Drain::kAll) capture::await_programs();
  for (auto& lane : lanes_)
    lane->stop(drain);
  if (drain == Drain::kAll) {
    drop_predecessors();
    const auto recorded = recorded_packets();
    programs_->remove_pins();
    tell_end(counters_, recorded);
  } else {
    programs_->keep_pins();
  }
  lanes_.clear();
  return ring_->close();
}

}  // namespace caprock::agent
