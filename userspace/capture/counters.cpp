// SPDX-License-Identifier: Apache-2.0
#include "capture/counters.hpp"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <utility>

namespace caprock::capture {
namespace {

constexpr std::size_t kElementsPerCpu = std::size_t{CAPROCK_MAX_INTERFACES} * CAPROCK_DIRECTIONS;
using Words = std::array<std::uint64_t, sizeof(capture_counters) / sizeof(std::uint64_t)>;

}  // namespace

capture_counters operator+(const capture_counters& a, const capture_counters& b) {
  auto sum = std::bit_cast<Words>(a);
  const auto addends = std::bit_cast<Words>(b);
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] += addends[i];
  return std::bit_cast<capture_counters>(sum);
}

Result<Counters> Counters::map(const Generation& generation) {
  const unsigned cpus = generation.geometry().cpus;
  auto memory = Mapping::shared(generation.map_fd("counters"),
                                cpus * kElementsPerCpu * sizeof(capture_counters), PROT_READ);
  if (!memory) return std::move(memory).error().context("map counters");
  return Counters(*std::move(memory), cpus);
}

capture_counters Counters::of(unsigned cpu, std::uint32_t interface_id,
                              caprock_direction direction) const {
  const std::size_t index =
      cpu * kElementsPerCpu + std::size_t{interface_id} * CAPROCK_DIRECTIONS + direction;
  const auto* words =
      reinterpret_cast<const std::uint64_t*>(memory_.data() + index * sizeof(capture_counters));
  Words copy;
  for (std::size_t i = 0; i < copy.size(); ++i)
    copy[i] = __atomic_load_n(words + i, __ATOMIC_RELAXED);
  return std::bit_cast<capture_counters>(copy);
}

capture_counters Counters::of(std::uint32_t interface_id, caprock_direction direction) const {
  capture_counters sum{};
  for (unsigned cpu = 0; cpu < cpus_; ++cpu)
    sum = sum + of(cpu, interface_id, direction);
  return sum;
}

}  // namespace caprock::capture
