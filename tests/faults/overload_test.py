# SPDX-License-Identifier: Apache-2.0
"""More comes than the lane can take: bytes are given up before packets, and every packet is accounted for."""
import contextlib
import os
import signal
import subprocess
import time
from itertools import groupby

from fault import FaultTest, rounds
from lab import frames
from lab.cgroup import cpu_cgroup
from lab.harness import on_both_transports
from lab.numbered import SIZE, on_one_cpu
from lab.readers import read

BURST = 40_000  # frames, of 1442 B, for the smallest stage: 8 MiB of each CPU
WHOLE, BRIEF, HEADERS = SIZE + 42, 256, 42  # bytes of a frame that the degrees of overload leave


def send(pair, first, last):
    """As fast as one thread can."""
    with frames.raw_socket(pair.left, "west") as wire:
        for number in range(first, last):
            wire.send(frames.udp4_frame(number, SIZE))


@on_both_transports
class Overloaded(FaultTest):
    def recorder(self, pair, **settings):
        return self.recorder_of(pair, **{"agent__stageSize": "1Mi", "tap__capture__raw__storageSize": "256Mi", **settings})

    def test_stopped_lane(self):
        """overload: while the agent does not run, first bytes are given up, then packets, and the file tells where"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder(pair)
        agent.process.send_signal(signal.SIGSTOP)
        with on_one_cpu():
            send(pair, 0, BURST)
            agent.process.send_signal(signal.SIGCONT)
            time.sleep(1)
            send(pair, BURST, BURST + 100)
        count = self.assert_explained(agent, BURST + 100)
        found = read("tshark", agent.ring).frames
        self.assert_degrees(found)
        self.assertEqual(count["truncated"], sum(len(frame) < WHOLE for frame in found))

    def assert_degrees(self, found):
        """Whole, brief, headers alone, a gap, and whole again."""
        before = [frame for frame in found if frames.number_of(frame + bytes(8), 42) < BURST or len(frame) == HEADERS]
        degrees = [size for size, _ in groupby(len(frame) for frame in before)]
        self.assertEqual(degrees, [WHOLE, BRIEF, HEADERS])
        after = found[len(before):]
        self.assertEqual(after, [frames.udp4_frame(number, SIZE) for number in range(BURST, BURST + 100)])

    def test_starved_agent(self):
        """overload: an agent with a fraction of a CPU leaves no packet unexplained"""
        try:
            cgroup = cpu_cgroup(0.02)
        except RuntimeError as error:
            self.skipTest(str(error))
        self.addCleanup(cgroup.delete)
        pair = self.make_pair(addresses=False)
        agent = self.recorder(pair)
        cgroup.add(agent.process.pid)
        offered = rounds(2, 5) * BURST
        send(pair, 0, offered)
        cgroup.release(agent.process.pid)
        count = self.assert_explained(agent, offered)
        self.assertGreater(count["truncated"] + count["lost"], 0, "it was overloaded")

    def test_stalled_disk(self):
        """overload: a disk that takes nothing for seconds costs no packet that the stage has room for, and none unexplained"""
        folder = self.make_file_system()
        pair = self.make_pair(addresses=False)
        agent = self.recorder(pair, agent__dataDir=folder, agent__stageSize="128Mi")
        agent.ring = folder / "ring.pcapng"
        send(pair, 0, 2000)
        time.sleep(1.5)
        with self.frozen(folder):
            send(pair, 2000, 12_000)
            time.sleep(rounds(2, 5))
        count = self.assert_explained(agent, 12_000)
        self.assertEqual((count["written"], count["truncated"]), (12_000, 0))
        numbers = self.numbers(read("tshark", agent.ring).frames, "tshark")
        self.assertEqual(sorted(numbers), list(range(12_000)))

    def test_new_device(self):
        """overload: a device that appears while a disk takes nothing is recorded from then on, and the status answers"""
        folder = self.make_file_system()
        pair = self.make_pair(addresses=False)
        agent = self.recorder(pair, agent__dataDir=folder, agent__stageSize="128Mi", agent__interfaces="[east, late]")
        agent.ring = folder / "ring.pcapng"
        send(pair, 0, 2000)
        time.sleep(1.5)
        with self.frozen(folder):
            send(pair, 2000, 12_000)
            time.sleep(1)  # the lane waits for the disk by now
            pair.left.ip("link", "add", "early", "type", "veth", "peer", "name", "late", "netns", pair.right.name)
            pair.left.ip("link", "set", "early", "up")
            pair.right.ip("link", "set", "late", "up")
            agent.wait_for(lambda: (agent.interface("late") or {}).get("hook"), "the device to be recorded", 3)
            with frames.raw_socket(pair.left, "early") as wire:
                for number in range(12_000, 12_100):
                    wire.send(frames.udp4_frame(number, SIZE))
            agent.wait_for(lambda: agent.interface("late")["ingress"]["written"] == 100, "its packets", 3)
        agent.settle()
        self.assert_stopped(agent)
        self.verified(agent.ring)
        numbers = self.numbers(read("tshark", agent.ring).frames, "tshark")
        self.assertEqual(sorted(numbers), list(range(12_100)))

    def make_file_system(self):
        """One of its own, in a file; unmounted at the end of the test, behind the agent."""
        image, folder = self.folder / "disk", self.folder / "mounted"
        folder.mkdir()
        with open(image, "wb") as file:
            file.truncate(512 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        mounted = subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True, text=True)
        if mounted.returncode:
            self.skipTest(f"no loop device: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", folder], check=True)
        os.chmod(folder, 0o700)
        return folder

    @contextlib.contextmanager
    def frozen(self, folder):
        subprocess.run(["fsfreeze", "-f", folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["fsfreeze", "-u", folder], check=True)
