// SPDX-License-Identifier: Apache-2.0
#include "insight/event_limits.hpp"

#include <catch2/catch_test_macros.hpp>

#include "core/os_event_names.hpp"

namespace caprock::insight {

TEST_CASE("limits: without names all events but the noisy ones") {
  const EventLimits limits = limits_of({});
  for (std::uint32_t type = 0; type < limits.size(); ++type) {
    INFO(kOsEventNames[type]);
    CHECK((limits[type] == 0) == (type == OS_RTT));
  }
}

TEST_CASE("limits: of named events those alone, noisy ones too") {
  const EventLimits limits = limits_of({"rtt", "exit"});
  for (std::uint32_t type = 0; type < limits.size(); ++type) {
    INFO(kOsEventNames[type]);
    CHECK((limits[type] != 0) == (type == OS_RTT || type == OS_EXIT));
  }
}

TEST_CASE("limits: one that is changed counts for its event, if that is wanted at all") {
  const EventLimits usual = limits_of({});
  EventLimits changed = limits_of({}, {{"retransmit", 500}, {"rtt", 9}});
  CHECK(changed[OS_RETRANSMIT] == 500);
  CHECK(changed[OS_RTT] == 0);
  changed[OS_RETRANSMIT] = usual[OS_RETRANSMIT];
  CHECK(changed == usual);
}

TEST_CASE("limits: owners of sockets are of use to what is told with them") {
  CHECK(wants_owners(limits_of({"reset-sent"})));
  CHECK(wants_owners(limits_of({"udp-overflow"})));
  CHECK_FALSE(wants_owners(limits_of({"exec", "drop"})));
}

}  // namespace caprock::insight
