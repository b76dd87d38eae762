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
      break;
  }
  return "xdp";
}

std::optional<std::uint32_t> pinned_ifindex(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::uint32_t ifindex = 0;
  if (std::from_chars(name.data(), name.data() + name.size(), ifindex).ec != std::errc())
    return std::nullopt;
  return ifindex;
}

}  // namespace

std::filesystem::path link_pin(const std::filesystem::path& directory, std::uint32_t ifindex,
                               LinkHook hook) {
  if (directory.empty()) return {};
  return directory / fmt::format("{}{}_{}", kPrefix, ifindex, suffix(hook));
}

void discard_link(const std::filesystem::path& pin) {
  const Fd link(bpf_obj_get(pin.c_str()));
  if (!link) return;
  bpf_link_detach(link.get());
  ::unlink(pin.c_str());
}

void discard_links(const std::filesystem::path& directory,
                   const std::function<bool(std::uint32_t ifindex)>& unwanted) {
  std::vector<std::filesystem::path>
      pins;  // first all names: the directory changes under the iterator otherwise
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const auto ifindex = pinned_ifindex(entry.path().filename().native());
    if (ifindex && unwanted(*ifindex)) pins.push_back(entry.path());
  }
  for (const auto& pin : pins)
    discard_link(pin);
}

}  // namespace caprock::capture
