// SPDX-License-Identifier: Apache-2.0
#include "capture/mirror_counts.hpp"

#include <sys/mman.h>

#include <bit>

#include "capture/counter_words.hpp"

namespace caprock::capture {

Result<std::shared_ptr<const MirrorCounts>> MirrorCounts::map(const Generation& generation) {
  const int fd = generation.map_fd("mirror_counts");
  if (fd < 0) return std::shared_ptr<const MirrorCounts>();
  auto memory = Mapping::shared(fd, kBytes, PROT_READ | PROT_WRITE);
  if (!memory) return std::move(memory).error().context("map mirror_counts");
  return std::make_shared<const MirrorCounts>(*std::move(memory));
}

capture_counters MirrorCounts::of(std::uint32_t interface_id) const {
  return read_counters(element(interface_id));
}

void MirrorCounts::add(std::uint32_t interface_id, const capture_counters& more) const {
  const auto addends = std::bit_cast<CounterWords>(more);
  auto* const words = reinterpret_cast<std::uint64_t*>(element(interface_id));
  for (std::size_t i = 0; i < addends.size(); ++i) {
    if (addends[i] != 0) __atomic_fetch_add(words + i, addends[i], __ATOMIC_RELAXED);
  }
}

}  // namespace caprock::capture
