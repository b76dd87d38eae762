// SPDX-License-Identifier: Apache-2.0
#include "capture/counters.hpp"

#include <sys/mman.h>

#include <bit>
#include <utility>

#include "capture/counter_words.hpp"

namespace caprock::capture {
namespace {

constexpr std::size_t kElementsPerCpu = std::size_t{CAPROCK_MAX_INTERFACES} * CAPROCK_DIRECTIONS;

}  // namespace

capture_counters operator+(const capture_counters& a, const capture_counters& b) {
  auto sum = std::bit_cast<CounterWords>(a);
  const auto addends = std::bit_cast<CounterWords>(b);
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] += addends[i];
  return std::bit_cast<capture_counters>(sum);
}

Result<Counters> Counters::map(const Generation& generation) {
  const unsigned cpus = generation.geometry().cpus;
  auto memory = Mapping::shared(generation.map_fd("counters"),
                                cpus * kElementsPerCpu * sizeof(capture_counters), PROT_READ);
  if (!memory) return std::move(memory).error().context("map counters");
  auto mirror = MirrorCounts::map(generation);
  if (!mirror) return std::move(mirror).error();
  return Counters(*std::move(memory), cpus, *std::move(mirror));
}

capture_counters Counters::of(unsigned cpu, std::uint32_t interface_id,
                              caprock_direction direction) const {
  const std::size_t index =
      cpu * kElementsPerCpu + std::size_t{interface_id} * CAPROCK_DIRECTIONS + direction;
  return read_counters(memory_.data() + index * sizeof(capture_counters));
}

capture_counters Counters::of(std::uint32_t interface_id, caprock_direction direction) const {
  capture_counters sum{};
  for (unsigned cpu = 0; cpu < cpus_; ++cpu)
    sum = sum + of(cpu, interface_id, direction);
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
