// SPDX-License-Identifier: Apache-2.0
#include "capture/bpf_map.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <cerrno>

namespace caprock::capture {

Status BpfMap::set(Bytes key, Bytes value) const {
  if (bpf_map_update_elem(fd_, key.data(), value.data(), BPF_ANY) == 0) return {};
  if (errno == E2BIG || errno == ENOSPC) {
    return Error(fmt::format("BPF map {} is full: configure fewer entries", name_));
  }
  return Error::from_errno(fmt::format("write BPF map {}", name_));
}

Status BpfMap::remove(Bytes key) const {
  if (bpf_map_delete_elem(fd_, key.data()) == 0 || errno == ENOENT) return {};
  return Error::from_errno(fmt::format("delete from BPF map {}", name_));
}

Result<MapEntries> BpfMap::entries() const {
  bpf_map_info info{};
  __u32 info_bytes = sizeof info;
  if (bpf_map_get_info_by_fd(fd_, &info, &info_bytes) != 0) {
    return Error::from_errno(fmt::format("read BPF map {}", name_));
  }
  MapEntries entries;
  MapBytes key(info.key_size);
  MapBytes value(info.value_size);
  const void* previous = nullptr;
  while (bpf_map_get_next_key(fd_, previous, key.data()) == 0) {
    if (bpf_map_lookup_elem(fd_, key.data(), value.data()) == 0) entries[key] = value;
    previous = key.data();
  }
  if (errno != ENOENT) return Error::from_errno(fmt::format("read BPF map {}", name_));
  return entries;
}

}  // namespace caprock::capture
