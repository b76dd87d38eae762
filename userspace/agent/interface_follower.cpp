// SPDX-License-Identifier: Apache-2.0
#include "agent/interface_follower.hpp"

#include <fmt/format.h>
#include <net/if_arp.h>

#include <set>
#include <utility>

#include "core/clock.hpp"
#include "core/log.hpp"

namespace caprock::agent {
namespace {

using capture::SelectedDevice;

std::string describe_kind(const capture::Device& device) {
  if (device.arp_type == ARPHRD_LOOPBACK) return "loopback";
  const std::string_view gap = device.kind.empty() || device.mac.empty() ? "" : " ";
  return fmt::format("{}{}{}", device.kind, gap, device.mac);
}

interface_mode mode_of(Extent extent, interface_mode everything) {
  switch (extent) {
    case Extent::kNothing:
      return INTERFACE_OFF;
    case Extent::kTargets:
      return INTERFACE_TARGETS;
    case Extent::kEverything:
      break;
  }
  return everything;
}

/// For people: every pod has a "lo".
const std::string& name_of(const InterfaceRecord& record, const SelectedDevice& selected) {
  return selected.network ? record.description : record.name;
}

// The programs on the device stay right for both; otherwise they have to be attached anew.
bool same_attachment(const SelectedDevice& a, const SelectedDevice& b) {
  return a.link == b.link && a.ingress == b.ingress && a.egress == b.egress;
}

}  // namespace

Result<InterfaceFollower> InterfaceFollower::create(Recorder& recorder,
                                                    std::filesystem::path pin_directory,
                                                    FollowerSettings settings) {
  auto tc = capture::probe_tc_flavour();
  if (!tc) return std::move(tc).error();
  auto monitor = capture::DeviceMonitor::open();
  if (!monitor) return std::move(monitor).error();
  InterfaceFollower follower(recorder, std::move(*monitor),
                             {.tc = *tc, .pin_directory = std::move(pin_directory)},
                             std::move(settings));
  if (follower.apply()) follower.remove_leftovers();
  return follower;
}

InterfaceFollower::InterfaceFollower(Recorder& recorder, capture::DeviceMonitor monitor,
                                     capture::AttachOptions attach_options,
                                     FollowerSettings settings)
    : recorder_(&recorder),
      monitor_(std::move(monitor)),
      attach_options_(std::move(attach_options)),
      policies_(recorder),
      settings_(std::move(settings)),
      table_(recorder.known_interfaces(), monotonic_ns()),
      ports_(recorder, settings_.mirror_bytes, settings_.mirror_busy_poll),
      pod_ends_(recorder.programs()) {}

void InterfaceFollower::read_events() {
  auto changes = monitor_.read_events();
  if (!changes) {
    report_error(changes.error().message());
  } else if (changes->empty()) {
    return;
  } else {
    for (const auto& change : *changes)
      log_debug(describe(change));
    note_appearances(*changes);
  }
  apply();
}

void InterfaceFollower::set(FollowerSettings settings) {
  settings_ = std::move(settings);
  apply();
}

std::int64_t InterfaceFollower::appeared_ns(std::uint32_t ifindex) const {
  const auto found = appeared_.find(ifindex);
  return found == appeared_.end() ? 0 : found->second;
}

void InterfaceFollower::note_appearances(const std::vector<capture::DeviceChange>& changes) {
  for (const auto& change : changes) {
    if (change.kind == capture::DeviceChange::Kind::kAppeared)
      appeared_[change.after.ifindex] = monotonic_ns();
    else if (change.kind == capture::DeviceChange::Kind::kVanished)
      appeared_.erase(change.before.ifindex);
  }
}

void InterfaceFollower::repair() {
  read_events();  // of which the last look may have missed some
  // Addresses come and go without events, and ids become free.
  const bool to_apply = leftovers_ || without_id_ || !settings_.wishes.mirrors.empty();
  const bool applied = !to_apply || apply();
  bool tried = false;
  for (auto& [ifindex, recorded] : recorded_) {
    if (recorded.attachment && recorded.attachment->in_place()) continue;
    if (const auto& network = recorded.selected.network; network && !network->is_there())
      continue;  // the pod, or that process of it, is gone: that will be told
    if (recorded.attachment) {
      report_error(fmt::format("{}: somebody detached the capture programs; attaching them again",
                               name_of(recorded.record, recorded.selected)));
      recorded.attachment.reset();
    }
    attach(recorded);
    tried = true;
  }
  if (tried) follow_attached();
  pod_ends_.repair(attach_options_);
  if (leftovers_ && applied) remove_leftovers();
}

void InterfaceFollower::keep() {
  for (auto& [ifindex, recorded] : recorded_) {
    ports_.close(recorded.port);
    if (recorded.attachment) recorded.attachment->keep();
    if (recorded.promiscuous) recorded.promiscuous->keep();
  }
  pod_ends_.keep();
  recorded_.clear();
}

void InterfaceFollower::stop() {
  pod_ends_.set({}, attach_options_);
  while (!recorded_.empty())
    forget(recorded_.begin());
  publish_covered();
}

std::string InterfaceFollower::hook() const {
  const std::string tc = attach_options_.tc == capture::TcFlavour::kTcx ? "tcx" : "clsact";
  return settings_.wishes.xdp ? "xdp+" + tc : tc;
}

std::vector<api::InterfaceStatus> InterfaceFollower::status() const {
  const auto& counters = recorder_->counters();
  const InterfaceList records = *table_.list();
  std::vector<api::InterfaceStatus> list(records.size());
  for (std::uint32_t id = 0; id < records.size(); ++id) {
    list[id].id = id;
    list[id].name = records[id].name;
    list[id].description = records[id].description;
    list[id].ingress = counters.of(id, CAPROCK_INGRESS);
    list[id].egress = counters.of(id, CAPROCK_EGRESS);
  }
  for (const auto& [ifindex, recorded] : recorded_) {
    list[recorded.id].index = recorded.selected.device.ifindex;
    list[recorded.id].error = recorded.error;
    list[recorded.id].hook = hooks_of(ifindex, recorded);
  }
  return list;
}

/// False: nothing was done, as it is not known what is wanted.
bool InterfaceFollower::apply() {
  std::map<std::uint32_t, SelectedDevice> selected;
  if (settings_.enabled) {
    const auto addresses = host_addresses();
    if (!addresses) {
      report_error(addresses.error().message());  // repair() comes back
      return false;
    }
    auto selection = select_interfaces(monitor_.devices(), settings_.wishes, *addresses);
    for (auto& device : selection.selected)
      selected.emplace(device.device.ifindex, std::move(device));
    for (const auto& [inode, loopback] : settings_.loopbacks)
      selected.emplace(inode, capture::select_loopback(loopback.network));
    tell_unmatched(std::move(selection.unmatched));
  }
  publish_tunnel_ports(&selected);  // of what stays: the others' is recorded outside again
  drop_unselected(selected);
  add_selected(selected);
  for (auto& [ifindex, recorded] : recorded_)
    publish(ifindex, recorded);
  publish_covered();
  follow_attached();
  return true;
}

/// What is wanted besides of devices that have the programs, as soon as they have them.
void InterfaceFollower::follow_attached() {
  publish_tunnel_ports();
  attach_pod_ends();
}

void InterfaceFollower::remove_leftovers() {
  capture::AttachedDevices attached{.devices = {}, .ends = pod_ends_.attached()};
  std::set<std::uint32_t> promiscuous;
  for (const auto& [ifindex, recorded] : recorded_) {
    if (recorded.attachment) attached.devices.insert(ifindex);
    if (recorded.promiscuous) promiscuous.insert(ifindex);
  }
  if (auto ended = capture::end_promiscuous_modes(attach_options_.pin_directory, promiscuous);
      !ended)
    report_error(ended.error().message());
  const auto removed = capture::remove_leftovers(monitor_.devices(), attached, attach_options_);
  if (!removed) report_error(removed.error().message());
  leftovers_ = !removed;
  if (auto gone = pod_ends_.remove_stale(); !gone) report_error(gone.error().message());
  policies_.remove_stale(recorded_ifindexes());
}

std::set<std::uint32_t> InterfaceFollower::recorded_ifindexes() const {
  std::set<std::uint32_t> ifindexes;
  for (const auto& [ifindex, recorded] : recorded_)
    ifindexes.insert(ifindex);
  return ifindexes;
}

void InterfaceFollower::tell_unmatched(std::vector<std::string> unmatched) {
  if (unmatched == unmatched_) return;
  unmatched_ = std::move(unmatched);
  for (const auto& what : unmatched_)
    log_warning(fmt::format("{}; it will be recorded when it appears", what));
}

void InterfaceFollower::drop_unselected(const std::map<std::uint32_t, SelectedDevice>& selected) {
  for (auto it = recorded_.begin(); it != recorded_.end();) {
    const auto wanted = selected.find(it->first);
    const auto next = std::next(it);
    if (wanted == selected.end() || !same_attachment(wanted->second, it->second.selected))
      forget(it);
    it = next;
  }
}

void InterfaceFollower::add_selected(const std::map<std::uint32_t, SelectedDevice>& selected) {
  std::vector<std::uint32_t> changed;
  without_id_ = false;
  for (const auto& [ifindex, device] : selected) {
    if (assign_id(ifindex, device)) changed.push_back(ifindex);
  }
  if (changed.empty()) return;
  recorder_->set_interfaces(table_.list());
  for (const auto ifindex : changed) {
    Recorded& recorded = recorded_[ifindex];
    publish(ifindex, recorded);
    if (!recorded.attachment) attach(recorded);
  }
}

// Whether the device has an id that it did not have before.
bool InterfaceFollower::assign_id(std::uint32_t ifindex, const SelectedDevice& selected) {
  const InterfaceRecord record = record_of(selected);
  const auto known = recorded_.find(ifindex);
  if (known != recorded_.end()) known->second.selected.device = selected.device;
  if (known != recorded_.end() && selected.network) {
    known->second.selected.network = selected.network;
    if (known->second.attachment) known->second.attachment->enter_by(*selected.network);
  }
  if (known != recorded_.end() && known->second.record == record) return false;
  const auto id = acquire_id(record);
  if (!id) {
    report_error(
        fmt::format("{}: not recorded yet: all {} interface ids are in use or were a minute ago",
                    record.name, int{CAPROCK_MAX_INTERFACES}));
    without_id_ = true;
    return false;
  }
  if (known != recorded_.end()) table_.release(known->second.id, monotonic_ns());
  Recorded& recorded = recorded_[ifindex];
  recorded.selected = selected;
  recorded.record = record;
  recorded.id = *id;
  if (selected.ingress == capture::IngressHook::kMirror && recorded.port == 0)
    recorded.port = ports_.acquire();
  ports_.renamed(recorded.port, *id);
  return true;
}

std::optional<std::uint32_t> InterfaceFollower::acquire_id(const InterfaceRecord& record) {
  const auto id = table_.acquire(record);
  if (id) return id;
  for (const std::uint32_t vacated : table_.vacate(monotonic_ns())) {
    if (auto written = policies_.vacate(vacated); !written) report_error(written.error().message());
  }
  return table_.acquire(record);
}

DeviceWish InterfaceFollower::wish_of(const capture::Device& device) const {
  const auto known = settings_.devices.find(device.ifindex);
  if (known != settings_.devices.end()) return known->second;
  const bool leads_elsewhere = capture::is_pair(device) && device.lower_elsewhere;
  return {.extent = leads_elsewhere ? Extent::kEverything : settings_.others,
          .pod_link = leads_elsewhere,
          .description = {}};
}

InterfaceRecord InterfaceFollower::record_of(const SelectedDevice& selected) const {
  const capture::Device& device = selected.device;
  if (selected.network)
    return {.name = device.name,
            .description = settings_.loopbacks.at(selected.network->inode).description};
  std::string description = wish_of(device).description;
  return {.name = device.name,
          .description = description.empty() ? describe_kind(device) : std::move(description)};
}

interface_policy InterfaceFollower::policy_of(const Recorded& recorded) const {
  const bool inside = recorded.selected.network.has_value();
  const DeviceWish wish = inside ? DeviceWish() : wish_of(recorded.selected.device);
  unsigned roles = ROLE_INTERFACE;
  if (settings_.once && recorded.port == 0 && !inside)
    roles |= wish.pod_link ? ROLE_ONCE : ROLE_ONCE | ROLE_SHARED;
  return {.id = recorded.id,
          .mode = static_cast<std::uint8_t>(mode_of(wish.extent, settings_.mode)),
          .link = static_cast<std::uint8_t>(recorded.selected.link),
          .roles = static_cast<std::uint8_t>(roles),
          .port = recorded.port};
}

void InterfaceFollower::publish(std::uint32_t ifindex, Recorded& recorded) {
  if (auto set = policies_.set(ifindex, policy_of(recorded), recorded.record); !set)
    report(recorded, set.error());
}

/// That is, what is above the devices recorded.
void InterfaceFollower::publish_covered() {
  const auto recorded = recorded_ifindexes();
  policies_.set_covered(settings_.once ? capture::devices_above(monitor_.devices(), recorded)
                                       : std::set<std::uint32_t>(),
                        recorded);
}

/// Those of overlays that have the programs, and are in `staying`; null: all are.
void InterfaceFollower::publish_tunnel_ports(
    const std::map<std::uint32_t, SelectedDevice>* staying) {
  std::set<std::uint16_t> ports;
  for (const auto& [ifindex, recorded] : recorded_) {
    const std::uint16_t port = recorded.selected.device.tunnel_port;
    const bool stays = staying == nullptr || staying->contains(ifindex);
    if (settings_.wishes.overlays && port != 0 && recorded.attachment && stays) ports.insert(port);
  }
  policies_.set_tunnel_ports(std::move(ports));
}

void InterfaceFollower::attach(Recorded& recorded) {
  if (recorded.selected.network) {
    if (const auto loaded = load_pod_programs(); !loaded) return report(recorded, loaded.error());
  }
  auto attached =
      capture::DeviceAttachment::attach(recorder_->programs(), recorded.selected, attach_options_);
  if (!attached) return report(recorded, attached.error());
  recorded.attachment.emplace(std::move(*attached));
  recorded.error = recorded.attachment->note();
  if (recorded.selected.mirror) open_port(recorded);
}

/// Where the kernel does not take them, it is not asked again.
Status InterfaceFollower::load_pod_programs() {
  if (!pod_programs_) {
    pod_programs_ = capture::PodPrograms::load(recorder_->programs());
    if (!*pod_programs_)
      report_error(
          fmt::format("nothing is recorded inside of pods, neither their loopback nor what "
                      "is sent to them past their links: {}",
                      pod_programs_->error().message()));
  }
  if (!*pod_programs_) return pod_programs_->error();
  attach_options_.pod_programs = (*pod_programs_)->get();
  return {};
}

/// Those of links that are recorded, as far as their packets are recorded once.
void InterfaceFollower::attach_pod_ends() {
  PodEndSelection wanted;
  for (const auto& [ifindex, recorded] : recorded_) {
    const capture::Device& device = recorded.selected.device;
    const auto network = recorded.selected.network ? std::nullopt : wish_of(device).pod_end;
    if (settings_.once && recorded.attachment && network && device.lower != 0)
      wanted.emplace(ifindex, capture::select_pod_end(device, *network));
  }
  if (!wanted.empty()) {
    if (const auto loaded = load_pod_programs(); !loaded) wanted.clear();
  }
  pod_ends_.set(wanted, attach_options_);
}

/// What the port receives goes through the stage until it has sockets. One that is not to be
/// consumed, or that XDP is not to be had for, is a port like any other but for what it lets in.
void InterfaceFollower::open_port(Recorded& recorded) {
  const capture::SelectedDevice& selected = recorded.selected;
  if (!recorded.promiscuous) {
    auto promiscuous =
        capture::PromiscuousMode::set(selected.device, attach_options_.pin_directory);
    if (!promiscuous) return report(recorded, promiscuous.error());
    recorded.promiscuous.emplace(*std::move(promiscuous));
  }
  if (!selected.refusal.empty()) return note(recorded, selected.refusal);
  if (!recorded.attachment->has_xdp()) return note(recorded, recorded.error);
  if (ports_.is_open(recorded.port)) return;
  const auto opened = ports_.open(recorded.port, selected.device, recorded.id);
  if (!opened)
    note(recorded, fmt::format("{}: {}", selected.device.name, opened.error().message()));
}

/// For the status and the log: it is recorded, only not as was asked.
void InterfaceFollower::note(Recorded& recorded, const std::string& what) {
  recorded.error = what;
  log_warning(what);
}

std::string InterfaceFollower::hooks_of(std::uint32_t ifindex, const Recorded& recorded) const {
  if (!recorded.attachment) return {};
  std::string hooks = recorded.attachment->hooks();
  for (const std::string& more : {ports_.mode(recorded.port), pod_ends_.hooks(ifindex)})
    if (!more.empty()) hooks += " + " + more;
  return hooks;
}

/// Asked for only where they matter.
Result<capture::HostAddresses> InterfaceFollower::host_addresses() const {
  if (settings_.wishes.mirrors.empty()) return capture::HostAddresses();
  return capture::read_host_addresses();
}

void InterfaceFollower::forget(std::map<std::uint32_t, Recorded>::iterator it) {
  ports_.close(it->second.port);
  it->second.attachment.reset();
  if (auto removed = policies_.remove(it->first); !removed) report_error(removed.error().message());
  table_.release(it->second.id, monotonic_ns());
  ports_.release(it->second.port);
  recorded_.erase(it);
}

void InterfaceFollower::report(Recorded& recorded, const Error& error) {
  recorded.error = error.message();
  report_error(fmt::format("{}: {}", name_of(recorded.record, recorded.selected), error.message()));
}

}  // namespace caprock::agent
