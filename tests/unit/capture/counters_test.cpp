// SPDX-License-Identifier: Apache-2.0
#include "capture/counters.hpp"

#include <sys/mman.h>

#include <catch2/catch_test_macros.hpp>

#include "core/fd.hpp"

using namespace caprock;
using namespace caprock::capture;

namespace {

constexpr unsigned kCpus = 2;
constexpr std::size_t kBytes =
    kCpus * sizeof(capture_counters) * CAPROCK_MAX_INTERFACES * CAPROCK_DIRECTIONS;

}  // namespace

TEST_CASE("counters: per CPU, interface and direction, and summed over CPUs") {
  const Fd memory(memfd_create("counters", MFD_CLOEXEC));
  REQUIRE(ftruncate(memory.get(), kBytes) == 0);
  const auto writable = Mapping::shared(memory.get(), kBytes, PROT_READ | PROT_WRITE);
  auto readable = Mapping::shared(memory.get(), kBytes, PROT_READ);
  REQUIRE(writable);
  REQUIRE(readable);
  const Counters counters(*std::move(readable), kCpus);

  const auto element = [&](unsigned cpu, std::uint32_t id,
                           caprock_direction direction) -> capture_counters& {
    const std::size_t index =
        (cpu * CAPROCK_MAX_INTERFACES + id) * CAPROCK_DIRECTIONS + direction;  // abi/counters.h
    return reinterpret_cast<capture_counters*>(writable->data())[index];
  };
  element(0, 9, CAPROCK_EGRESS).seen = 5;
  element(1, 9, CAPROCK_EGRESS).seen = 7;
  element(1, 9, CAPROCK_EGRESS).captured_bytes = 1000;
  element(1, 9, CAPROCK_INGRESS).seen = 100;
  element(1, 8, CAPROCK_EGRESS).seen = 1000;

  CHECK(counters.of(1, 9, CAPROCK_EGRESS).seen == 7);
  CHECK(counters.of(9, CAPROCK_EGRESS).seen == 12);
  CHECK(counters.of(9, CAPROCK_EGRESS).captured_bytes == 1000);
  CHECK(counters.of(9, CAPROCK_INGRESS).seen == 100);
  CHECK(counters.of(10, CAPROCK_INGRESS).seen == 0);
}
