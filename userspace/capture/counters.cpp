// SPDX-License-Identifier: Apache-2.0
#include "capture/counters.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <bit>
#include <utility>

#include "capture/counter_words.hpp"

namespace caprock::capture {
namespace {

constexpr std::size_t kElementsPerCpu = std::size_t{CAPROCK_MAX_INTERFACES} * CAPROCK_DIRECTIONS;

/// Of each CPU and, but in maps of earlier versions, that of CPUs that came later.
Result<unsigned> count_slots(int fd) {
  bpf_map_info info{};
  __u32 bytes = sizeof info;
  if (bpf_map_get_info_by_fd(fd, &info, &bytes) != 0) return Error::from_errno("map counters");
  return info.max_entries / static_cast<unsigned>(kElementsPerCpu);
}

}  // namespace

capture_counters operator+(const capture_counters& a, const capture_counters& b) {
  auto sum = std::bit_cast<CounterWords>(a);
  const auto addends = std::bit_cast<CounterWords>(b);
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] += addends[i];
  return std::bit_cast<capture_counters>(sum);
}

Result<Counters> Counters::map(const Generation& generation) {
  const int fd = generation.map_fd("counters");
  const auto slots = count_slots(fd);
  if (!slots) return slots.error();
  auto memory = Mapping::shared(fd, *slots * kElementsPerCpu * sizeof(capture_counters), PROT_READ);
  if (!memory) return std::move(memory).error().context("map counters");
  auto mirror = MirrorCounts::map(generation);
  if (!mirror) return std::move(mirror).error();
  return Counters(*std::move(memory), *slots, *std::move(mirror));
}

capture_counters Counters::of(unsigned slot, std::uint32_t interface_id,
                              caprock_direction direction) const {
  const std::size_t index =
      slot * kElementsPerCpu + std::size_t{interface_id} * CAPROCK_DIRECTIONS + direction;
  return read_counters(memory_.data() + index * sizeof(capture_counters));
}

capture_counters Counters::of(std::uint32_t interface_id, caprock_direction direction) const {
  capture_counters sum{};
  for (unsigned slot = 0; slot < slots_; ++slot)
    sum = sum + of(slot, interface_id, direction);
  return mirror_ && direction == CAPROCK_INGRESS ? sum + mirror_->of(interface_id) : sum;
}

void Counters::settle_redirected(std::uint32_t interface_id) const {
  if (!mirror_) return;
  const std::uint64_t redirected = of(interface_id, CAPROCK_INGRESS).redirected;
  const capture_counters came = mirror_->of(interface_id);
  capture_counters missing{};
  missing.lost = redirected - came.written - came.lost;
  mirror_->add(interface_id, missing);
}

}  // namespace caprock::capture
