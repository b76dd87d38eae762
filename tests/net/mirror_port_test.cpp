// SPDX-License-Identifier: Apache-2.0
#include "capture/mirror_port.hpp"

#include <net/if.h>

#include <catch2/catch_test_macros.hpp>

#include "capture/af_xdp_socket.hpp"
#include "capture/device_monitor.hpp"
#include "network_namespace.hpp"

using namespace caprock;
using namespace caprock::capture;
using namespace caprock::test;

namespace {

/// Of which no map is needed.
class NoMaps final : public Generation {
 public:
  int map_fd(std::string_view /*name*/) const override { return -1; }
  Transport transport() const override { return Transport::kStage; }
  const StageGeometry& geometry() const override { return geometry_; }
  std::uint64_t instance() const override { return 1; }

 private:
  StageGeometry geometry_;
};

}  // namespace

TEST_CASE(
    "mirror port: a queue that somebody has goes through the stage, the others have sockets") {
  NetworkNamespace own;
  run("ip link add va numrxqueues 3 numtxqueues 3 type veth "
      "peer name vb numrxqueues 3 numtxqueues 3 && ip link set va up && ip link set vb up");
  const Device device = read_devices()->at(::if_nametoindex("va"));
  const auto somebodys = AfXdpSocket::open(device, 1, 8 << 20);
  REQUIRE(somebodys);
  MirrorPort port = MirrorPort::open(
      NoMaps(), nullptr, {.device = device, .interface_id = 1, .number = 1, .memory_bytes = 0});
  CHECK(port.take_sources().size() == 2);
  CHECK(port.mode() == "af_xdp");
  CHECK(port.note() ==
        "1 of 3 receive queues go through the stage: queue 1: bind an AF_XDP socket: another "
        "socket has the queue");
}
