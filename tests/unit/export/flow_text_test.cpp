// SPDX-License-Identifier: Apache-2.0
#include "export/flow_text.hpp"

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock::exporting;

TEST_CASE("flow text: what an event writes is read, and written again as it was") {
  const auto* const text =
      GENERATE("TCP 10.0.0.1:40112 > 10.0.0.2:80", "UDP [fd77::1]:53 > [fd77::2]:65535",
               "UDP 0.0.0.0:53 > 0.0.0.0:0", "TCP [::1]:1 > [::1.2.3.4]:2");
  const auto flow = parse_flow(text);
  REQUIRE(flow);
  CHECK(fmt::format("{} {} > {}", protocol_text(*flow), end_text(flow->source),
                    end_text(flow->destination)) == text);
}

TEST_CASE("flow text: what is none is refused") {
  const auto* const text = GENERATE(
      "", "TCP", "SCTP 10.0.0.1:1 > 10.0.0.2:2", "TCP 10.0.0.1:1 10.0.0.2:2", "TCP a:1 > b:2",
      "TCP 10.0.0.1 > 10.0.0.2", "TCP 10.0.0.1:x > 10.0.0.2:2", "TCP 10.0.0.1:65536 > 10.0.0.2:2",
      "TCP [10.0.0.1:1 > 10.0.0.2]:2", "TCP []:1 > []:2");
  CAPTURE(text);
  CHECK_FALSE(parse_flow(text));
}
