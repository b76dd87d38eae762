// SPDX-License-Identifier: Apache-2.0
#include "capture/device_attachment.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "capture/libbpf_options.hpp"
#include "capture/link_pins.hpp"
#include "capture/pod_filters.hpp"

namespace caprock::capture {
namespace {

/// What attaching to one device needs.
struct Target {
  const Programs& programs;
  const SelectedDevice& selected;
  const AttachOptions& options;

  AttachPoint point(caprock_direction direction, LinkHook hook) const {
    return {selected.device.ifindex, direction, link_pin(options.pin_directory, number(), hook)};
  }

  bool is_pod_end() const { return selected.end_of != 0; }

  int tc_program(caprock_direction direction) const {
    if (is_pod_end()) return options.pod_programs->end_fd();
    if (selected.network) return options.pod_programs->loopback_fd();
    return direction == CAPROCK_INGRESS ? programs.tc_ingress_fd() : programs.tc_egress_fd();
  }

 private:
  /// Inodes of namespaces are higher than indexes of devices.
  std::uint32_t number() const {
    if (is_pod_end()) return selected.end_of;
    return selected.network ? selected.network->inode : selected.device.ifindex;
  }
};

LinkHook tc_hook(const Target& target, caprock_direction direction) {
  if (target.is_pod_end()) return LinkHook::kPodEnd;
  return direction == CAPROCK_INGRESS ? LinkHook::kIngress : LinkHook::kEgress;
}

AttachResult attach_tc(const Target& target, caprock_direction direction) {
  const bool ingress = direction == CAPROCK_INGRESS;
  const int program = target.tc_program(direction);
  const AttachPoint point = target.point(direction, tc_hook(target, direction));
  if (target.options.tc == TcFlavour::kClsact) return attach_clsact(program, point);
  const Device& device = target.selected.device;
  if (ingress && device.kind == "netkit" && is_netkit_primary(device.ifindex))
    return attach_netkit(program, point, device.lower);
  return attach_tcx(program, point);
}

/// What an agent before us may have left there.
Status discard(const Target& target, caprock_direction direction, LinkHook hook) {
  const AttachPoint point = target.point(direction, hook);
  if (hook != LinkHook::kXdp && target.options.tc == TcFlavour::kClsact)
    remove_clsact_filter(point);
  return point.pin.empty() ? Status() : discard_link(point.pin);
}

/// With two hooks packets are recorded twice. For a moment they are: the other way round some would
/// be missed (docs/limits.md).
Status discard_other_ingress(const Target& target, Hook chosen) {
  const bool xdp = chosen == Hook::kXdpNative || chosen == Hook::kXdpGeneric;
  return discard(target, CAPROCK_INGRESS, xdp ? LinkHook::kIngress : LinkHook::kXdp);
}

AttachResult attach_ingress(const Target& target, std::string& note) {
  if (target.selected.ingress == IngressHook::kTc) return attach_tc(target, CAPROCK_INGRESS);
  const int program = target.selected.ingress == IngressHook::kMirror ? target.programs.mirror_fd()
                                                                      : target.programs.xdp_fd();
  auto xdp = program < 0 ? Error("this kernel lacks what the XDP program needs")
                         : attach_xdp(program, target.point(CAPROCK_INGRESS, LinkHook::kXdp));
  if (xdp) return xdp;
  note = fmt::format("{}: ingress by tc instead of XDP: {}", target.selected.device.name,
                     xdp.error().message());
  return attach_tc(target, CAPROCK_INGRESS);
}

}  // namespace

Result<TcFlavour> probe_tc_flavour() {
  LibbpfOptions<struct bpf_prog_query_opts> query;
  const int error =
      -bpf_prog_query_opts(static_cast<int>(::if_nametoindex("lo")), BPF_TCX_INGRESS, query.get());
  if (error == 0) return TcFlavour::kTcx;
  if (error == EINVAL) return TcFlavour::kClsact;
  return Error::from_errno("ask the kernel for tcx", error);
}

Result<DeviceAttachment> DeviceAttachment::attach(const Programs& programs,
                                                  const SelectedDevice& selected,
                                                  const AttachOptions& options) {
  if (!selected.network) return attach_here(programs, selected, options);
  std::optional<Result<DeviceAttachment>> attached;
  const auto entered = do_inside(
      *selected.network, [&] { attached.emplace(attach_here(programs, selected, options)); });
  if (!entered) return entered.error().context(selected.device.name);
  if (*attached) (*attached)->network_ = selected.network;
  return *std::move(attached);
}

Result<DeviceAttachment> DeviceAttachment::attach_here(const Programs& programs,
                                                       const SelectedDevice& selected,
                                                       const AttachOptions& options) {
  const Target target{programs, selected, options};
  DeviceAttachment device;
  if (options.tc == TcFlavour::kClsact) {
    auto qdisc = ClsactQdisc::ensure(selected.device.ifindex);
    if (!qdisc) return std::move(qdisc).error().context(selected.device.name);
    device.qdisc_.emplace(*std::move(qdisc));
  }
  auto ingress = attach_ingress(target, device.note_);
  if (!ingress) return std::move(ingress).error().context(selected.device.name);
  device.attachments_.push_back(*std::move(ingress));
  if (target.is_pod_end()) return device;
  auto alone = discard_other_ingress(target, device.attachments_.back()->hook());
  if (alone && !selected.egress) alone = discard(target, CAPROCK_EGRESS, LinkHook::kEgress);
  if (!alone) return std::move(alone).error().context(selected.device.name);
  if (!selected.egress) return device;
  auto egress = attach_tc(target, CAPROCK_EGRESS);
  if (!egress) return std::move(egress).error().context(selected.device.name);
  device.attachments_.push_back(*std::move(egress));
  return device;
}

// By swapping, so that what was there is destroyed in its order: filters before their qdisc.
DeviceAttachment& DeviceAttachment::operator=(DeviceAttachment&& other) noexcept {
  std::swap(qdisc_, other.qdisc_);
  std::swap(attachments_, other.attachments_);
  std::swap(note_, other.note_);
  std::swap(network_, other.network_);
  return *this;
}

/// What is not to be reached any more goes with its namespace.
DeviceAttachment::~DeviceAttachment() {
  if (!has_to_enter()) return;
  const auto entered = do_inside(*network_, [this] {
    attachments_.clear();
    qdisc_.reset();
  });
  if (entered) return;
  keep();
  qdisc_->keep();
}

bool DeviceAttachment::in_place() const {
  if (!has_to_enter()) return all_in_place();
  bool in_place = false;
  return do_inside(*network_, [&] { in_place = all_in_place(); }) && in_place;
}

bool DeviceAttachment::all_in_place() const {
  return std::all_of(attachments_.begin(), attachments_.end(),
                     [](const auto& attachment) { return attachment->in_place(); });
}

void DeviceAttachment::keep() {
  for (const auto& attachment : attachments_)
    attachment->keep();
}

bool DeviceAttachment::has_xdp() const {
  return std::any_of(attachments_.begin(), attachments_.end(), [](const auto& attachment) {
    return attachment->hook() == Hook::kXdpNative || attachment->hook() == Hook::kXdpGeneric;
  });
}

std::string DeviceAttachment::hooks() const {
  std::vector<std::string_view> names;
  for (const auto& attachment : attachments_)
    names.push_back(to_string(attachment->hook()));
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return fmt::format("{}", fmt::join(names, " + "));
}

Status remove_leftovers(const DeviceMap& devices, const AttachedDevices& attached,
                        const AttachOptions& options) {
  Status discarded;
  if (!options.pin_directory.empty())
    discarded = discard_other_links(options.pin_directory, attached);
  if (options.tc != TcFlavour::kClsact) return discarded;
  for (const auto& [ifindex, device] : devices) {
    if (attached.devices.contains(ifindex)) continue;
    remove_clsact_filter({ifindex, CAPROCK_INGRESS, {}});
    remove_clsact_filter({ifindex, CAPROCK_EGRESS, {}});
  }
  remove_pod_filters(attached);
  return discarded;
}

}  // namespace caprock::capture
