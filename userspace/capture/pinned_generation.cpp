// SPDX-License-Identifier: Apache-2.0
#include "capture/pinned_generation.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <array>
#include <bit>
#include <utility>

#include "abi/counters.h"
#include "abi/filter.h"
#include "abi/generation.h"
#include "abi/stage.h"

namespace caprock::capture {
namespace {

/// A map that is needed to take what waits, and how long its values must be (0: that varies).
struct NeededMap {
  const char* name;
  std::uint32_t value_bytes;
};

constexpr std::array kAlways{NeededMap{"wake", sizeof(__u32)},
                             NeededMap{"counters", sizeof(capture_counters)},
                             NeededMap{"settings", sizeof(capture_settings)},
                             NeededMap{"generation", sizeof(capture_generation)},
                             NeededMap{"if_record", sizeof(interface_record)}};
constexpr std::array kOfStage{NeededMap{"stage", 0}, NeededMap{"stage_head", sizeof(stage_head)},
                              NeededMap{"stage_tail", sizeof(stage_tail)}};
constexpr std::array kOfRings{NeededMap{"rings", sizeof(__u32)}};
/// Those that earlier versions did not always make.
constexpr std::array kWherePinned{NeededMap{"mirror_counts", sizeof(capture_counters)},
                                  NeededMap{"ring_base", sizeof(ring_base)}};

Result<bpf_map_info> map_info(int fd, const std::string& what) {
  bpf_map_info info{};
  __u32 bytes = sizeof info;
  if (bpf_map_get_info_by_fd(fd, &info, &bytes) != 0) return Error::from_errno(what);
  return info;
}

/// A pinned program has a name too, and the kernel opens it just as well.
Result<Fd> open_map(const std::filesystem::path& pin, const NeededMap& needed) {
  Fd fd(bpf_obj_get(pin.c_str()));
  if (!fd) return Error::from_errno(pin.native());
  const auto info = map_info(fd.get(), pin.native());
  if (!info) return info.error();
  if (std::string_view(info->name) != needed.name ||
      (needed.value_bytes != 0 && info->value_size != needed.value_bytes)) {
    return Error(fmt::format("{}: not the map that this version knows by that name", pin.native()));
  }
  return fd;
}

Result<std::uint64_t> inner_ring_bytes(int outer) {
  constexpr __u32 kFirst = 0;
  __u32 id = 0;
  if (bpf_map_lookup_elem(outer, &kFirst, &id) != 0) return Error::from_errno("rings");
  const Fd ring(bpf_map_get_fd_by_id(id));
  if (!ring) return Error::from_errno("rings");
  const auto info = map_info(ring.get(), "rings");
  if (!info) return info.error();
  return std::uint64_t{info->max_entries};
}

}  // namespace

Result<PinnedGeneration> PinnedGeneration::open(std::filesystem::path directory) {
  PinnedGeneration found;
  found.directory_ = std::move(directory);
  if (auto opened = found.open_maps(); !opened) return std::move(opened).error();
  if (auto read = found.read_geometry(); !read) return std::move(read).error();
  if (auto read = found.read_instance(); !read) return std::move(read).error();
  return found;
}

int PinnedGeneration::map_fd(std::string_view name) const {
  const auto found = maps_.find(name);
  return found == maps_.end() ? -1 : found->second.get();
}

Status PinnedGeneration::open_maps() {
  std::error_code ignored;
  transport_ = std::filesystem::exists(directory_ / "rings", ignored) ? Transport::kRingBuffer
                                                                      : Transport::kStage;
  const auto open_all = [this](const auto& needed) -> Status {
    for (const NeededMap& one : needed) {
      auto fd = open_map(directory_ / one.name, one);
      if (!fd) return std::move(fd).error();
      maps_.emplace(one.name, *std::move(fd));
    }
    return {};
  };
  if (auto opened = open_all(kAlways); !opened) return opened;
  for (const NeededMap& one : kWherePinned) {
    if (!std::filesystem::exists(directory_ / one.name, ignored)) continue;
    if (auto opened = open_all(std::array{one}); !opened) return opened;
  }
  return transport_ == Transport::kStage ? open_all(kOfStage) : open_all(kOfRings);
}

Status PinnedGeneration::read_geometry() {
  const bool stage = transport_ == Transport::kStage;
  const auto per_cpu = map_info(map_fd(stage ? "stage_head" : "rings"), directory_.native());
  if (!per_cpu) return per_cpu.error();
  if (!stage) {
    const auto bytes = inner_ring_bytes(map_fd("rings"));
    if (!bytes) return bytes.error();
    geometry_ = plan_stage(*bytes * per_cpu->max_entries, per_cpu->max_entries);
    return {};
  }
  const auto info = map_info(map_fd("stage"), directory_.native());
  if (!info) return info.error();
  geometry_ = {.cpus = per_cpu->max_entries,
               .segment_shift = static_cast<unsigned>(std::countr_zero(info->value_size)),
               .segments = info->max_entries / per_cpu->max_entries};
  return {};
}

Status PinnedGeneration::read_instance() {
  constexpr __u32 kOnly = 0;
  capture_generation generation{};
  if (bpf_map_lookup_elem(map_fd("generation"), &kOnly, &generation) != 0)
    return Error::from_errno((directory_ / "generation").native());
  instance_ = generation.instance;
  return {};
}

}  // namespace caprock::capture
