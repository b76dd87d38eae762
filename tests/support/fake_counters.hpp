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
  const capture::MirrorCounts& mirror() const { return *counters_.mirror(); }

 private:
  static constexpr unsigned kCpus = 2;
  static constexpr std::size_t kBytes =
      kCpus * sizeof(capture_counters) * CAPROCK_MAX_INTERFACES * CAPROCK_DIRECTIONS;

  static Fd make_memory(std::size_t bytes) {
    Fd memory(memfd_create("counters", MFD_CLOEXEC));
    REQUIRE(ftruncate(memory.get(), static_cast<off_t>(bytes)) == 0);
    return memory;
  }

  static Mapping map(const Fd& memory, std::size_t bytes, int protection) {
    auto mapping = Mapping::shared(memory.get(), bytes, protection);
    REQUIRE(mapping);
    return *std::move(mapping);
  }

  static std::shared_ptr<const capture::MirrorCounts> make_mirror() {
    constexpr std::size_t kMirrorBytes = capture::MirrorCounts::kBytes;
    return std::make_shared<const capture::MirrorCounts>(
        map(make_memory(kMirrorBytes), kMirrorBytes, PROT_READ | PROT_WRITE));
  }

  Fd memory_ = make_memory(kBytes);
  Mapping writable_ = map(memory_, kBytes, PROT_READ | PROT_WRITE);
  capture::Counters counters_{map(memory_, kBytes, PROT_READ), kCpus, make_mirror()};
};

}  // namespace caprock::test
