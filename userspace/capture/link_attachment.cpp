// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "capture/attachment.hpp"
#include "capture/libbpf_options.hpp"
#include "capture/pins.hpp"
#include "capture/program_name.hpp"
#include "core/fd.hpp"
#include "core/log.hpp"

namespace caprock::capture {
namespace {

/// Where a link is.
struct Place {
  __u32 type;             // BPF_LINK_TYPE_*
  std::uint32_t ifindex;  // of the device, where that is; 0: on none any more

  bool operator==(const Place&) const = default;
};

Place place_of(const Fd& link) {
  bpf_link_info info{};
  __u32 info_bytes = sizeof info;
  if (bpf_link_get_info_by_fd(link.get(), &info, &info_bytes) != 0) return {};
  switch (info.type) {
    case BPF_LINK_TYPE_XDP:
      return {info.type, info.xdp.ifindex};
    case BPF_LINK_TYPE_NETKIT:
      return {info.type, info.netkit.ifindex};
    default:
      return {info.type, info.tcx.ifindex};
  }
}

class LinkAttachment final : public Attachment {
 public:
  LinkAttachment(Fd link, Hook hook, std::filesystem::path pin)
      : link_(std::move(link)), hook_(hook), pin_(std::move(pin)) {}

  ~LinkAttachment() override {
    if (kept_) return;
    bpf_link_detach(link_.get());  // now, not when the kernel gets round to the last reference
    if (!pin_.empty()) ::unlink(pin_.c_str());
  }

  Hook hook() const override { return hook_; }
  bool in_place() const override { return place_of(link_).ifindex != 0; }
  void keep() override {
    kept_ = !pin_.empty();
  }  // without a pin the link goes with its descriptor

 private:
  Fd link_;
  Hook hook_;
  std::filesystem::path pin_;
  bool kept_ = false;
};

/// The link that an agent before us left pinned, from now on with our program. A pin that is of no
/// use is removed. No descriptor: there is none. An error: it cannot be told, and a second link
/// would record everything twice.
Result<Fd> take_over(int program_fd, const std::filesystem::path& pin, const Place& place) {
  if (pin.empty()) return Fd();
  Fd link(bpf_obj_get(pin.c_str()));
  if (!link && errno == ENOENT) return Fd();
  if (!link) return Error::from_errno(fmt::format("cannot take over {}", pin.native()));
  if (place_of(link) == place && bpf_link_update(link.get(), program_fd, nullptr) == 0) return link;
  bpf_link_detach(link.get());
  ::unlink(pin.c_str());
  return Fd();
}

AttachResult own_link(Fd link, Hook hook, const AttachPoint& point) {
  return std::unique_ptr<Attachment>(
      std::make_unique<LinkAttachment>(std::move(link), hook, point.pin));
}

/// Somebody may have removed the directory.
bool pin_link(int link, const std::filesystem::path& pin) {
  if (bpf_obj_pin(link, pin.c_str()) == 0) return true;
  return errno == ENOENT && make_pin_directory(pin.parent_path()) &&
         bpf_obj_pin(link, pin.c_str()) == 0;
}

/// Without a pin it is recorded all the same, only not beyond the end of this process.
AttachResult own_new_link(Fd link, Hook hook, AttachPoint point) {
  if (!point.pin.empty() && !pin_link(link.get(), point.pin)) {
    report_error(Error::from_errno(fmt::format("cannot pin {}: a restart will leave a gap there",
                                               point.pin.native()))
                     .message());
    point.pin.clear();
  }
  return own_link(std::move(link), hook, point);
}

Hook xdp_mode(std::uint32_t ifindex) {
  LibbpfOptions<bpf_xdp_query_opts> query;
  const bool generic = bpf_xdp_query(static_cast<int>(ifindex), 0, query.get()) == 0 &&
                       query->attach_mode == XDP_ATTACHED_SKB;
  return generic ? Hook::kXdpGeneric : Hook::kXdpNative;
}

/// Says it where somebody else's program is why.
Error xdp_error(std::uint32_t ifindex, int error) {
  LibbpfOptions<bpf_xdp_query_opts> query;
  if (bpf_xdp_query(static_cast<int>(ifindex), 0, query.get()) == 0 && query->prog_id != 0) {
    return Error(fmt::format("the XDP program {} of somebody else is on it and left alone",
                             program_name(query->prog_id)));
  }
  return Error::from_errno("attach through XDP", error);
}

Fd create_link(int program_fd, std::uint32_t ifindex, bpf_attach_type type, __u32 flags) {
  LibbpfOptions<bpf_link_create_opts> options;
  options->flags = flags;
  return Fd(bpf_link_create(program_fd, static_cast<int>(ifindex), type, options.get()));
}

/// In front of all others. `place`: where such a link is afterwards.
AttachResult attach_first(int program_fd, const AttachPoint& point, Hook hook, bpf_attach_type type,
                          const Place& place) {
  auto pinned = take_over(program_fd, point.pin, place);
  if (!pinned) return std::move(pinned).error();
  if (*pinned) return own_link(*std::move(pinned), hook, point);
  Fd link = create_link(program_fd, point.ifindex, type,
                        BPF_F_BEFORE);  // before all, as nothing else is named
  if (!link) return Error::from_errno(fmt::format("attach through {}", to_string(hook)));
  return own_new_link(std::move(link), hook, point);
}

}  // namespace

AttachResult attach_tcx(int program_fd, const AttachPoint& point) {
  return attach_first(program_fd, point, Hook::kTcx,
                      point.direction == CAPROCK_INGRESS ? BPF_TCX_INGRESS : BPF_TCX_EGRESS,
                      {BPF_LINK_TYPE_TCX, point.ifindex});
}

bool is_netkit_primary(std::uint32_t ifindex) {
  LibbpfOptions<struct bpf_prog_query_opts> query;
  return bpf_prog_query_opts(static_cast<int>(ifindex), BPF_NETKIT_PEER, query.get()) == 0;
}

AttachResult attach_netkit(int program_fd, const AttachPoint& point, std::uint32_t peer) {
  return attach_first(program_fd, point, Hook::kNetkit, BPF_NETKIT_PEER,
                      {BPF_LINK_TYPE_NETKIT, peer});
}

AttachResult attach_xdp(int program_fd, const AttachPoint& point) {
  auto pinned = take_over(program_fd, point.pin, {BPF_LINK_TYPE_XDP, point.ifindex});
  if (!pinned) return std::move(pinned).error();
  if (*pinned) return own_link(*std::move(pinned), xdp_mode(point.ifindex), point);
  if (Fd link = create_link(program_fd, point.ifindex, BPF_XDP, XDP_FLAGS_DRV_MODE)) {
    return own_new_link(std::move(link), Hook::kXdpNative, point);
  }
  Fd link = create_link(program_fd, point.ifindex, BPF_XDP, XDP_FLAGS_SKB_MODE);
  if (!link) return xdp_error(point.ifindex, errno);
  return own_new_link(std::move(link), Hook::kXdpGeneric, point);
}

}  // namespace caprock::capture
