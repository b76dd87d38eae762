# SPDX-License-Identifier: Apache-2.0
"""A great many packets, as fast as they can be sent."""
import os
import subprocess

from fault import FaultTest, rounds
from lab.harness import on_both_transports

ROUND = 2_000_000  # packets
HEADERS_BYTES = 14 + 20 + 8
TRAFFIC = """{{ eth(da=02:00:00:00:00:02, sa=02:00:00:00:00:01),
  ipv4(saddr=10.77.0.1, daddr=10.77.0.2), udp(sport=1000, dport={port}), fill(0x41, {payload}) }}
"""
SIZES = (60, 106, 600, 1442)


@on_both_transports
class Soaked(FaultTest):
    def test_explained(self):
        """soak: of all packets that are offered as fast as they can be sent, none is unexplained"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair, tap__capture__raw__storageSize="256Mi", agent__excludedPorts="[9]")
        for number in range(rounds(1, 51)):
            for port, size in enumerate(SIZES, start=8):
                self.send(pair, port, size, ROUND // len(SIZES))
        offered = pair.right.packets("east", "rx")
        agent.settle()
        count = agent.interface("east")["ingress"]
        self.assert_stopped(agent)
        report = self.verified(agent.ring)
        (account,) = report["accounts"]
        self.assertEqual((account["seen"], account["unexplained"]), (offered, 0))
        self.assertEqual(account["written"], count["written"])
        self.assertGreater(account["filtered"], 0)
        self.assertGreaterEqual(offered, rounds(0.99 * ROUND, 100_000_000), "a few never come to the device")

    def send(self, pair, port, size, packets):
        config = self.folder / "traffic.cfg"
        config.write_text(TRAFFIC.format(port=port, payload=size - HEADERS_BYTES))
        subprocess.run(pair.left.command("trafgen", "-i", config, "-o", "west", "-n", packets, "-P", os.cpu_count()),
                       check=True, capture_output=True)
