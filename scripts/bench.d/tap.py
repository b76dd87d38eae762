# SPDX-License-Identifier: Apache-2.0
"""A tap in place of the rig's veth: it receives what the sender writes, and takes XDP as a network card does."""
from lab.network import run
from rig import DEVICE, ROOT, SENDER_CORE


class Tap:
    def __init__(self, rig):
        self.network, self.sender = rig.pair.right, rig.folder / "tap_send"
        run("cc", "-O2", "-Wall", "-Wextra", "-o", self.sender, ROOT / "scripts/bench.d/tap_send.c")
        self.network.ip_batch(f"link del {DEVICE}", f"tuntap add mode tap name {DEVICE}", f"link set {DEVICE} up")

    def send(self, packets, *sizes, per_second=0):
        """UDP packets of these sizes (bytes), in turn, by a system call each; without a rate as fast as one core can. Returns how many
        DEVICE has received."""
        before = self.network.packets(DEVICE, "rx")
        self.network.run("taskset", "-c", SENDER_CORE, self.sender, DEVICE, packets, per_second, *sizes)
        return self.network.packets(DEVICE, "rx") - before
