// SPDX-License-Identifier: Apache-2.0
// Memory laid out as the programs' map `counters` (bpf/abi/counters.h), to be set by a test.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "capture/counters.hpp"
#include "core/fd.hpp"

namespace caprock::test {

class FakeCounters {
 public:
  capture_counters& of(unsigned cpu, std::uint32_t id, caprock_direction direction) {
    const std::size_t index = (cpu * CAPROCK_MAX_INTERFACES + id) * CAPROCK_DIRECTIONS + direction;
    return reinterpret_cast<capture_counters*>(writable_.data())[index];
  }

  const capture::Counters& counters() const { return counters_; }

 private:
  static constexpr unsigned kCpus = 2;
  static constexpr std::size_t kBytes =
      kCpus * sizeof(capture_counters) * CAPROCK_MAX_INTERFACES * CAPROCK_DIRECTIONS;

  static Fd make_memory() {
    Fd memory(memfd_create("counters", MFD_CLOEXEC));
    REQUIRE(ftruncate(memory.get(), kBytes) == 0);
    return memory;
  }

  Mapping map(int protection) const {
    auto mapping = Mapping::shared(memory_.get(), kBytes, protection);
    REQUIRE(mapping);
    return *std::move(mapping);
  }

  Fd memory_ = make_memory();
  Mapping writable_ = map(PROT_READ | PROT_WRITE);
  capture::Counters counters_{map(PROT_READ), kCpus};
};

}  // namespace caprock::test
