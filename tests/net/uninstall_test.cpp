// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include "agent/run.hpp"
#include "capture/attachment.hpp"
#include "capture/tc_filters.hpp"
#include "network_namespace.hpp"
#include "trivial_programs.hpp"

using namespace caprock;
using namespace caprock::capture;
using namespace caprock::test;

TEST_CASE("uninstall: filters go from the devices where their pins are gone already") {
  NetworkNamespace own;
  const std::uint32_t ifindex = own.add_veths();
  const TrivialPrograms programs;
  run("tc qdisc add dev va clsact");
  // Released, not destroyed: as if the process had been killed.
  auto filter = attach_clsact(programs.tc_egress_fd(), {ifindex, CAPROCK_EGRESS, {}});
  REQUIRE(filter);
  [[maybe_unused]] const auto* killed = filter->release();
  const auto done = agent::uninstall(
      {.config_file = {},
       .sets = {"agent.dataDir=/nowhere", "agent.pinDir=/sys/fs/bpf/caprock-none"}});
  INFO((done ? std::string() : done.error().message()));
  CHECK(done);
  CHECK(list_tc_filters(ifindex, CAPROCK_EGRESS)->empty());
  delete killed;
}
