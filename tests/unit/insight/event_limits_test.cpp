// SPDX-License-Identifier: Apache-2.0
#include "insight/event_limits.hpp"

#include <catch2/catch_test_macros.hpp>

#include "core/os_event_names.hpp"

namespace caprock::insight {

TEST_CASE("limits: without names all events but the noisy ones") {
  const EventLimits limits = usual_limits({});
  for (std::uint32_t type = 0; type < limits.size(); ++type) {
    INFO(kOsEventNames[type]);
    CHECK((limits[type] == 0) == (type == OS_RTT));
  }
}

TEST_CASE("limits: of named events those alone, noisy ones too") {
  const EventLimits limits = usual_limits({"rtt", "exit"});
  for (std::uint32_t type = 0; type < limits.size(); ++type) {
    INFO(kOsEventNames[type]);
    CHECK((limits[type] != 0) == (type == OS_RTT || type == OS_EXIT));
  }
}

TEST_CASE("limits: owners of sockets are of use to what is told with them") {
  CHECK(wants_owners(usual_limits({"reset-sent"})));
  CHECK(wants_owners(usual_limits({"udp-overflow"})));
  CHECK_FALSE(wants_owners(usual_limits({"exec", "drop"})));
}

}  // namespace caprock::insight
