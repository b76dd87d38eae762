# SPDX-License-Identifier: Apache-2.0
"""More comes than the lane can take: bytes are given up before packets, and every packet is accounted for."""
import contextlib
import os
import signal
import struct
import subprocess
import time

from fault import FaultTest, rounds
from lab import frames
from lab.agent import CAPROCK
from lab.cgroup import cpu_cgroup, cpu_share
from lab.harness import on_both_transports
from lab.numbered import SIZE, on_one_cpu
from lab.readers import read

BURST = 40_000  # frames, of 1442 B, for the smallest stage: 8 MiB of each CPU
SHARES = (0.02, 0.005, 0.001)  # of a CPU: how much still keeps up depends on the machine
AFTER = 100  # frames that come when all is well again
DEGREES = (SIZE + 42, 256, 42)  # bytes of a frame that is whole, brief, its headers alone: what overload leaves, by degrees
FIRST_PORT, PORTS = 10_000, 50_000
EPB, EPB_DROPCOUNT = 6, 4


def send(pair, first, last, build=lambda number: frames.udp4_frame(number, SIZE)):
    """As fast as one thread can."""
    with frames.raw_socket(pair.left, "west") as wire:
        for number in range(first, last):
            wire.send(build(number))


def labelled_frame(number):
    """Its headers alone say the number, as ports."""
    segment = frames.udp(frames.payload(number, SIZE), FIRST_PORT + number // PORTS)
    return frames.ethernet(frames.IPV4) + frames.ipv4(struct.pack("!H", FIRST_PORT + number % PORTS) + segment[2:])


def packets_of(section):
    """Frame and epb_dropcount of each packet of a pcapng section, as it is in the file."""
    offset = 0
    while offset < len(section):
        kind, size = struct.unpack_from("=II", section, offset)
        if kind == EPB:
            captured, = struct.unpack_from("=I", section, offset + 20)
            options = section[offset + 28 + (captured + 3) // 4 * 4:offset + size - 4]
            yield section[offset + 28:offset + 28 + captured], dropcount(options)
        offset += size


def dropcount(options):
    while len(options) >= 4:
        code, size = struct.unpack_from("=HH", options)
        if code == EPB_DROPCOUNT:
            return struct.unpack_from("=Q", options, 4)[0]
        options = options[4 + (size + 3) // 4 * 4:]
    return 0


@on_both_transports
class Overloaded(FaultTest):
    def recorder(self, pair, **settings):
        return self.recorder_of(pair, **{"agent__stageSize": "1Mi", "tap__capture__raw__storageSize": "512Mi", **settings})

    def test_stopped_lane(self):
        """overload: while the agent does not run, first bytes are given up, then packets, and the file tells where"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder(pair)
        agent.process.send_signal(signal.SIGSTOP)
        with on_one_cpu():
            send(pair, 0, BURST, labelled_frame)
            agent.process.send_signal(signal.SIGCONT)
            self.send_after(pair, BURST)
        degrees = self.assert_degraded(agent, BURST)
        self.assertEqual(degrees, sorted(degrees), "nothing was taken meanwhile, so it went one way")

    def send_after(self, pair, first):
        time.sleep(1)
        send(pair, first, first + AFTER, labelled_frame)

    def assert_degraded(self, agent, offered):
        """Of labelled frames from one CPU, the last of them when all was well again: each degree was reached, none before the one
        in front of it, packets were lost behind the last one alone, and the next one tells exactly how many. The degrees."""
        count = self.assert_explained(agent, offered + AFTER)
        out = self.folder / "degraded.pcapng"
        done = subprocess.run([CAPROCK, "export", "--file", agent.ring, "--from", "-10m", "--force", "-o", out],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        degrees, expected, lost = [0], 0, 0
        for frame, dropped in packets_of(out.read_bytes()):
            source, destination = struct.unpack_from("!HH", frame, 34)
            number = (destination - FIRST_PORT) * PORTS + source - FIRST_PORT
            self.assertEqual((number, frame), (expected + dropped, labelled_frame(number)[:len(frame)]))
            degree = DEGREES.index(len(frame))
            self.assertLessEqual(degree, degrees[-1] + 1, f"frame {number}")
            if dropped:
                self.assertEqual(degrees[-1], len(DEGREES) - 1, f"frame {number}, in front of which {dropped} were lost")
            degrees.append(degree)
            expected, lost = number + 1, lost + dropped
        self.assertEqual((expected, lost), (offered + AFTER, count["lost"]))
        self.assertGreater(lost, 0)
        self.assertEqual(set(degrees), {0, 1, 2})
        self.assertEqual(degrees[-AFTER:], [0] * AFTER)
        self.assertEqual(count["truncated"], sum(degree > 0 for degree in degrees))
        return degrees[:-AFTER]

    def test_starved_agent(self):
        """overload: an agent with a fraction of a CPU gives up bytes before packets as well, and the file tells where"""
        try:
            cgroup = cpu_cgroup(SHARES[0])
        except RuntimeError as error:
            self.skipTest(str(error))
        self.addCleanup(cgroup.delete)
        pair = self.make_pair(addresses=False)
        agent = self.recorder(pair)
        offered = 0
        with on_one_cpu():
            for share in SHARES:
                cgroup.change(*cpu_share(share))
                offered = self.send_to_starved(pair, agent, cgroup, offered)
                if agent.interface("east")["ingress"]["lost"] > 0:
                    break
            self.send_after(pair, offered)
        self.assert_degraded(agent, offered)

    def send_to_starved(self, pair, agent, cgroup, first):
        """Frames from that number on. The number behind them, when the agent has what it needs again, and all of them."""
        cgroup.add(agent.process.pid)
        behind = first + rounds(2, 3) * BURST
        send(pair, first, behind, labelled_frame)
        cgroup.release(agent.process.pid)
        agent.settle()
        return behind

    def test_disk_behind(self):
        """overload: while the disk takes nothing and the stage fills, bytes are given up before packets, and the file tells where"""
        folder = self.make_file_system()
        pair = self.make_pair(addresses=False)
        agent = self.recorder(pair, agent__dataDir=folder)
        agent.ring = folder / "ring.pcapng"
        with on_one_cpu():
            with self.frozen(folder):
                send(pair, 0, BURST, labelled_frame)
            self.send_after(pair, BURST)
        self.assert_degraded(agent, BURST)

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
            file.truncate(1 << 30)
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
