// SPDX-License-Identifier: Apache-2.0
#include "capture/promiscuous_mode.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "capture/netlink.hpp"
#include "core/log.hpp"

namespace caprock::capture {
namespace {

constexpr std::string_view kPrefix = "promiscuous_";

std::optional<std::uint32_t> pinned_ifindex(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::uint32_t ifindex = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), ifindex);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return ifindex;
}

Error refused(int error) {
  const char* const remedy = error == EPERM ? " (it takes CAP_NET_ADMIN and CAP_NET_RAW)" : "";
  return Error::from_errno(fmt::format("promiscuous mode{}", remedy), error);
}

/// The kernel counts who wants that.
Result<Fd> join(const Device& device) {
  Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));  // of no protocol: receives nothing
  packet_mreq membership{};
  membership.mr_ifindex = static_cast<int>(device.ifindex);
  membership.mr_type = PACKET_MR_PROMISC;
  if (!socket || ::setsockopt(socket.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership,
                              sizeof membership) != 0) {
    return refused(errno);
  }
  return socket;
}

/// The flag that people set, whatever sockets want.
Result<bool> has_flag(const Device& device) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  device.name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return refused(errno);
  return (request.ifr_flags & IFF_PROMISC) != 0;
}

/// No other flag, which somebody may be changing just now.
Status set_flag(std::uint32_t ifindex, bool on) {
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = static_cast<int>(ifindex);
  link.ifi_flags = on ? IFF_PROMISC : 0;
  link.ifi_change = IFF_PROMISC;
  return netlink_change(RTM_NEWLINK, std::as_bytes(std::span(&link, 1)));
}

bool make_pin(const std::filesystem::path& pin) {
  const Fd map(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "promiscuous", sizeof(__u32), sizeof(__u32), 1, nullptr));
  return map && bpf_obj_pin(map.get(), pin.c_str()) == 0;
}

/// A device that is gone has no mode any more.
Status take_back(const std::filesystem::path& pin) {
  const auto ifindex = pinned_ifindex(pin.filename().native());
  char name[IF_NAMESIZE];
  if (ifindex && ::if_indextoname(*ifindex, name) != nullptr) {
    if (auto done = set_flag(*ifindex, false); !done)
      return std::move(done).error().context(fmt::format("{} stays promiscuous", name));
  }
  ::unlink(pin.c_str());
  return {};
}

}  // namespace

Result<PromiscuousMode> PromiscuousMode::set(const Device& device,
                                             const std::filesystem::path& pin_directory) {
  auto others = has_flag(device);
  if (!others) return std::move(others).error();
  const auto pin = pin_directory / fmt::format("{}{}", kPrefix, device.ifindex);
  bool ours = !pin_directory.empty() && ::access(pin.c_str(), F_OK) == 0;
  // The pin comes first, so that a kill in between leaves nothing that nobody takes back.
  if (!ours && !*others && !pin_directory.empty()) ours = make_pin(pin);
  if (!ours) {
    auto membership = join(device);
    if (!membership) return std::move(membership).error();
    return PromiscuousMode(*std::move(membership));
  }
  PromiscuousMode mode(pin);
  if (auto done = set_flag(device.ifindex, true); !done) return std::move(done).error();
  return mode;
}

PromiscuousMode& PromiscuousMode::operator=(PromiscuousMode&& other) noexcept {
  std::swap(membership_, other.membership_);
  std::swap(pin_, other.pin_);
  return *this;
}

PromiscuousMode::~PromiscuousMode() {
  if (pin_.empty()) return;
  if (auto done = take_back(pin_); !done) report_error(done.error().message());
}

Status end_promiscuous_modes(const std::filesystem::path& pin_directory,
                             const std::set<std::uint32_t>& but) {
  if (pin_directory.empty()) return {};
  std::vector<std::filesystem::path>
      pins;  // first all names: the directory changes under the iterator otherwise
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(pin_directory, error)) {
    const auto ifindex = pinned_ifindex(entry.path().filename().native());
    if (ifindex && !but.contains(*ifindex)) pins.push_back(entry.path());
  }
  Status all;
  for (const auto& pin : pins)
    if (auto done = take_back(pin); !done) all = std::move(done);
  return all;
}

}  // namespace caprock::capture
