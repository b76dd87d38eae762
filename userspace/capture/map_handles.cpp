// SPDX-License-Identifier: Apache-2.0
#include "capture/map_handles.hpp"

#include <utility>

namespace caprock::capture {
namespace {

constexpr std::uint32_t kSettingsKey = 0;

}  // namespace

Result<capture_settings> SettingsMap::read() const {
  const auto entries = map_.entries();
  if (!entries) return entries.error();
  return load<capture_settings>(entries->begin()->second);  // an array always has its elements
}

Status SettingsMap::write(const capture_settings& settings) const {
  return map_.set(object_bytes(kSettingsKey), object_bytes(settings));
}

Status SettingsMap::write_wall_offset(std::int64_t wall_offset_ns) const {
  auto settings = read();
  if (!settings) return std::move(settings).error();
  settings->wall_offset_ns = static_cast<std::uint64_t>(wall_offset_ns);
  return write(*settings);
}

Status PolicyMap::set(std::uint32_t ifindex, const interface_policy& policy) const {
  auto written = all_.set(object_bytes(ifindex), object_bytes(policy));
  if (written && ifindex < CAPROCK_LOW_IFINDEXES)
    written = low_.set(object_bytes(ifindex), object_bytes(policy));
  return written;
}

Status PolicyMap::remove(std::uint32_t ifindex) const {
  if (ifindex < CAPROCK_LOW_IFINDEXES) {
    constexpr interface_policy kUnused{};
    if (auto cleared = low_.set(object_bytes(ifindex), object_bytes(kUnused)); !cleared)
      return cleared;
  }
  return all_.remove(object_bytes(ifindex));
}

}  // namespace caprock::capture
