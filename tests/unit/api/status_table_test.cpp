// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "api/count_text.hpp"
#include "api/status.hpp"
#include "example_status.hpp"

using namespace caprock;
using namespace caprock::api;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("status table: says what an operator asks first") {
  const auto text = status_table(test::example_status());
  CHECK_THAT(text, ContainsSubstring("caprock 0.1.0 on node-7, pid 4711, up 1h"));
  CHECK_THAT(text, ContainsSubstring("on, tcx, stage of 128 MiB, taken over without a gap"));
  CHECK_THAT(text, ContainsSubstring("12.3k packets/s, 2.38 MiB/s"));
  CHECK_THAT(text, ContainsSubstring("20 since start, 10 in the last minute, 30 in all"));
  CHECK_THAT(text, ContainsSubstring("256 MiB of 1 GiB used (25 %), lap 8"));
  CHECK_THAT(text, ContainsSubstring("1m29s, 2026-11-22T09:58:30Z to"));
  CHECK_THAT(text, ContainsSubstring("a full ring holds 5m56s at the present rate"));
}

TEST_CASE("status table: what needs attention is there with its remedy") {
  const auto text = status_table(test::example_status());
  CHECK_THAT(text, ContainsSubstring(
                       "warning: kernel 6.1 has no tcx: clsact is used; a kernel from 6.6 on"));
  CHECK_THAT(text, ContainsSubstring("disk full (3 times, last 0s ago)"));
  CHECK_THAT(text, ContainsSubstring("the old one stays in force: caprock.yaml:3"));
  CHECK_THAT(text, ContainsSubstring("egress: busy"));
}

TEST_CASE("status table: an agent that has recorded nothing yet is told as that") {
  const auto text = status_table(AgentStatus{});
  CHECK_THAT(text, ContainsSubstring("nothing recorded yet"));
  CHECK_THAT(text, ContainsSubstring("off (tap.capture.raw.enabled: false)"));
}

TEST_CASE("status line: rate, loss, history and ring use on one line") {
  CHECK(status_line(test::example_status()) ==
        "12.3k packets/s  2.38 MiB/s  lost 20  history 1m29s  ring 25 % of 1 GiB");
}

TEST_CASE("findings: the worst come first, each with its remedy") {
  const auto text = findings_table({{.id = "disk.space",
                                     .severity = Severity::kOk,
                                     .found = "20 GiB free",
                                     .consequence = {},
                                     .remedy = {}},
                                    {.id = "kernel.btf",
                                     .severity = Severity::kFatal,
                                     .found = "no BTF",
                                     .consequence = "no program can be loaded",
                                     .remedy = "a kernel with CONFIG_DEBUG_INFO_BTF"}});
  CHECK(text.find("kernel.btf") < text.find("disk.space"));
  CHECK_THAT(text, ContainsSubstring("→ a kernel with CONFIG_DEBUG_INFO_BTF"));
}

TEST_CASE("counts: exact while they are short, three figures beyond") {
  CHECK(count_text(0) == "0");
  CHECK(count_text(9999) == "9999");
  CHECK(count_text(12'345) == "12.3k");
  CHECK(count_text(999'999) == "1M");
  CHECK(count_text(4'560'000) == "4.56M");
}
