// SPDX-License-Identifier: Apache-2.0
#include "capture/link_pins.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/fd.hpp"

namespace caprock::capture {
namespace {

constexpr std::string_view kPrefix = "link_";

std::string_view suffix(LinkHook hook) {
  switch (hook) {
    case LinkHook::kIngress:
      return "in";
    case LinkHook::kEgress:
      return "out";
    case LinkHook::kXdp:
      return "xdp";
    case LinkHook::kPodEnd:
      break;
  }
  return "end";
}

std::optional<std::uint32_t> pinned_ifindex(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::uint32_t ifindex = 0;
  if (std::from_chars(name.data(), name.data() + name.size(), ifindex).ec != std::errc())
    return std::nullopt;
  return ifindex;
}

/// So is every pin that is of no link.
bool is_of(const AttachedDevices& attached, std::string_view pin) {
  const auto ifindex = pinned_ifindex(pin);
  if (!ifindex) return true;
  return pin.ends_with(suffix(LinkHook::kPodEnd)) ? attached.ends.contains(*ifindex)
                                                  : attached.devices.contains(*ifindex);
}

}  // namespace

std::filesystem::path link_pin(const std::filesystem::path& directory, std::uint32_t ifindex,
                               LinkHook hook) {
  if (directory.empty()) return {};
  return directory / fmt::format("{}{}_{}", kPrefix, ifindex, suffix(hook));
}

Status discard_link(const std::filesystem::path& pin) {
  const Fd link(bpf_obj_get(pin.c_str()));
  if (!link && errno == ENOENT) return {};
  if (!link) return Error::from_errno(fmt::format("cannot take {} off its device", pin.native()));
  bpf_link_detach(link.get());
  ::unlink(pin.c_str());
  return {};
}

Status discard_other_links(const std::filesystem::path& directory,
                           const AttachedDevices& attached) {
  std::vector<std::filesystem::path>
      pins;  // first all names: the directory changes under the iterator otherwise
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (!is_of(attached, entry.path().filename().native())) pins.push_back(entry.path());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return Error(fmt::format("cannot read {}: {}", directory.native(), error.message()));
  Status all;
  for (const auto& pin : pins)
    if (auto done = discard_link(pin); !done) all = std::move(done);
  return all;
}

}  // namespace caprock::capture
