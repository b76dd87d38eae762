# SPDX-License-Identifier: Apache-2.0
"""The test rig: two namespaces, a sender on core 0, everything that captures on core 1."""
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.network import Pair, run
from memory import Filler

ROOT = Path(__file__).resolve().parents[2]
SENDER_CORE, CAPTURE_CORE = 0, 1
HEADERS_BYTES = 14 + 20 + 8  # Ethernet, IPv4, UDP
DEVICE = "east"  # where it is captured
OUT_OF_REACH = 100_000_000  # packets/s

TRAFFIC = """{{ eth(da=02:00:00:00:00:02, sa=02:00:00:00:00:01),
  ipv4(saddr=10.77.0.1, daddr=10.77.0.2), udp(sport=1000, dport=9), fill(0x41, {payload}) }}
"""


class Rig:
    def __enter__(self):
        (ROOT / "build").mkdir(exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "build"))
        self.folder.chmod(0o755)
        self.pair = Pair("bench", addresses=False)
        self.memory = None
        return self

    def __exit__(self, *_):
        self.pair.delete()
        if self.memory:
            self.memory.close()
        shutil.rmtree(self.folder)

    def fresh_folder(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def fill_memory(self):
        """Leaves no memory that the machine has to get from its host first; to be called again after files were deleted."""
        self.memory = self.memory or Filler(self.folder / "holes")
        self.memory.fill()

    def on_capture_core(self, *words):
        return self.pair.right.command("taskset", "-c", CAPTURE_CORE, *words)

    def send(self, packets, *sizes, in_pages=True, per_second=None):
        """Sends UDP packets of these sizes (bytes), in turn; returns how many arrived at DEVICE.

        By a packet ring, as fast as one core can, which leaves all except the Ethernet header in pages; or by a system call
        each, and all of a packet is in its linear part, as the headers are of what sockets send and nearly every driver
        receives. With a rate it is always by system calls."""
        config = self.folder / "traffic.cfg"
        config.write_text("".join(TRAFFIC.format(payload=size - HEADERS_BYTES) for size in sizes))
        before = self.pair.right.packets(DEVICE, "rx")
        if per_second is None and not in_pages:
            per_second = OUT_OF_REACH  # with a rate, and be it out of reach, trafgen uses no ring
        how = [] if per_second is None else ["--rate", f"{per_second}pps"]
        self.pair.left.run("taskset", "-c", SENDER_CORE, "trafgen", "-i", config, "-o", "west", "-n", packets, "-P", 1, *how)
        return self.pair.right.packets(DEVICE, "rx") - before

    def sync(self):
        run("sync")

    def say(self, text):
        print(f"bench: {text}", flush=True)
