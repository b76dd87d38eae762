# SPDX-License-Identifier: Apache-2.0
"""Memory and disk reads of an agent whose ring is larger than the memory it may use, lap by lap.

The agent runs in a memory cgroup; what it is allowed beside its stage is less than the ring. From the second lap on every
segment holds an old record, of which nothing may be read from disk, and no kind of memory may grow from lap to lap.
"""
import time
from pathlib import Path

import footprint
from lab.agent import Agent
from lab.cgroup import memory_cgroup
from rig import CAPTURE_CORE, DEVICE

SIZE = 1442
STAGE_MIB = 128
CHUNK_PACKETS = 200_000  # between two looks at how far the lap has come
SETTLE_SECONDS = 2  # for what is waiting to be written and synced


def add_arguments(parser):
    parser.add_argument("--ring", default=2048, type=int, metavar="MIB", help="size of the ring")
    parser.add_argument("--laps", default=3, type=int)
    parser.add_argument("--memory", default=512, type=int, metavar="MIB", help="what the agent may use beside its stage")
    parser.add_argument("--transport", default="stage", help="ringbuf: nothing is written direct, every page goes through the mapping")
    parser.add_argument("--folder", metavar="DIR", help="where the ring is to lie, of another file system than the build")


class Laps:
    """An agent under way, and how far it has come."""

    def __init__(self, rig, agent, ring_mib):
        self.rig, self.agent, self.ring_mib = rig, agent, ring_mib
        self.pid = agent.process.pid
        self.arrived = 0

    def recorded_mib(self):
        return sum(lane["bytes"] for lane in self.agent.status()["lanes"]) / footprint.MIB

    def run(self, number):
        """Fills the ring once more; a table row."""
        begin, read, arrived = time.monotonic(), footprint.read_from_disk(self.pid), 0
        while self.recorded_mib() < number * self.ring_mib:
            arrived += self.rig.send(CHUNK_PACKETS, SIZE)
        seconds = time.monotonic() - begin
        time.sleep(SETTLE_SECONDS)
        read = footprint.read_from_disk(self.pid) - read
        memory = footprint.resident(self.pid)
        loss = self.agent.status()["loss"]
        self.rig.say(f"lap {number}: {arrived} packets in {seconds:.0f} s, {read:.1f} MiB read, "
                     f"{memory['anonymous']:.0f} MiB anonymous, {memory['file']:.0f} MiB of files")
        return [number, arrived, loss["since_start"], loss["truncated_since_start"], f"{read:.1f}", f"{memory['anonymous']:.1f}",
                f"{memory['file']:.0f}", f"{footprint.stage(self.pid):.0f}", f"{footprint.ring(self.pid):.0f}",
                f"{memory['shmem']:.1f}"]


def measure(rig, options):
    folder = options.folder or rig.fresh_folder("laps-ring")
    with memory_cgroup((options.memory + STAGE_MIB) * footprint.MIB) as cgroup:
        agent = Agent(rig.pair.right, rig.fresh_folder("laps"), prefix=[*cgroup.prefix, "taskset", "-c", str(CAPTURE_CORE)], **{
            "agent.interfaces": f"[{DEVICE}]", "agent.stageSize": f"{STAGE_MIB}Mi", "agent.transport": options.transport,
            "agent.dataDir": folder, "tap.capture.raw.storageSize": f"{options.ring}Mi"})
        try:
            agent.start(wait=60)
            laps = Laps(rig, agent, options.ring)
            rows = [laps.run(number) for number in range(1, options.laps + 1)]
            agent.stop(wait=60)
        finally:
            agent.delete()
            (Path(folder) / "ring.pcapng").unlink(missing_ok=True)
    yield (f"Ring of {options.ring} MiB, {SIZE} B, memory limited to {options.memory} MiB beside the stage; memory in MiB",
           ["lap", "packets", "lost so far", "truncated so far", "read from disk, MiB", "anonymous", "file", "of it stage",
            "of it ring", "shmem"], rows)
