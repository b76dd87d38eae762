// SPDX-License-Identifier: Apache-2.0
#include "capture/map_handles.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "abi/generation.h"
#include "abi/limits.h"

namespace caprock::capture {
namespace {

constexpr std::uint32_t kSettingsKey = 0;
constexpr std::uint32_t kBaseKey = 0;

void put_text(std::span<char> field, std::string_view text) {
  std::ranges::copy(text.substr(0, field.size()), field.begin());
}

std::string text_of(std::span<const char> field) {
  return {field.begin(), std::ranges::find(field, '\0')};
}

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

Status SettingsMap::write_tunnel_ports(const std::set<std::uint16_t>& ports) const {
  auto settings = read();
  if (!settings) return std::move(settings).error();
  std::ranges::fill(settings->tunnel_ports, std::uint16_t{0});
  auto place = std::begin(settings->tunnel_ports);
  for (auto port = ports.begin(); port != ports.end() && place != std::end(settings->tunnel_ports);)
    *place++ = *port++;
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

Result<std::set<std::uint32_t>> PolicyMap::ifindexes() const {
  const auto entries = all_.entries();
  if (!entries) return entries.error();
  std::set<std::uint32_t> found;
  for (const auto& [key, policy] : *entries)
    found.insert(load<std::uint32_t>(key));
  return found;
}

Status PodEndMap::set(const pod_end& end, std::uint32_t link) const {
  return map_.set(object_bytes(end), object_bytes(link));
}

Status PodEndMap::remove(const pod_end& end) const {
  return map_.remove(object_bytes(end));
}

Status PodEndMap::remove_others(const std::set<std::uint32_t>& links) const {
  const auto entries = map_.entries();
  if (!entries) return entries.error();
  for (const auto& [end, link] : *entries) {
    if (links.contains(load<std::uint32_t>(link))) continue;
    if (auto removed = map_.remove(end); !removed) return removed;
  }
  return {};
}

ring_base RingBaseMap::read() const {
  const auto entries = map_.entries();
  return entries ? load<ring_base>(entries->begin()->second) : ring_base{};
}

Status RingBaseMap::write(const ring_base& base) const {
  return map_.set(object_bytes(kBaseKey), object_bytes(base));
}

Status InterfaceRecordMap::set(std::uint32_t id, const InterfaceRecord& record) const {
  interface_record value{};
  put_text(value.name, record.name);
  put_text(value.description, record.description);
  return map_.set(object_bytes(id), object_bytes(value));
}

Result<InterfaceList> InterfaceRecordMap::list() const {
  const auto entries = map_.entries();
  if (!entries) return entries.error();
  InterfaceList list;
  for (const auto& [key, bytes] : *entries) {
    const auto id = load<std::uint32_t>(key);
    if (id >= CAPROCK_MAX_INTERFACES) continue;
    if (list.size() <= id) list.resize(id + 1);
    const auto value = load<interface_record>(bytes);
    list[id] = {text_of(value.name), text_of(value.description)};
  }
  return list;
}

}  // namespace caprock::capture
