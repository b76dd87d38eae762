# SPDX-License-Identifier: Apache-2.0
"""What a host does to an agent: devices that come and go, memory that is short, a file that somebody cuts."""
import os
import time
from pathlib import Path

from fault import RATE, FaultTest, rounds
from lab import frames
from lab.cgroup import memory_cgroup
from lab.harness import on_both_transports
from lab.numbered import SIZE, Sender, send_numbered
from lab.readers import read

DEVICES = rounds(60, 1000)
FIRST = 150_000  # number of the frame on the first one; fewer come from elsewhere
MEBIBYTE = 1 << 20


def resident_kib(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")))


class Devices(FaultTest):
    def test_come_and_go(self):
        """devices: interfaces made and deleted under capture leave others recorded without a gap, and the agent as it was"""
        pair = self.make_pair(addresses=False)
        agent = self.make_agent(pair.right, agent__interfaces="auto", tap__capture__raw__storageSize="256Mi").start()
        agent.wait_for(lambda: agent.interface("east"), "east to be recorded")
        anonymous = resident_kib(agent.process)
        with Sender(pair.left, "west", 500, most=FIRST) as sender:
            for number in range(FIRST, FIRST + DEVICES):
                self.send_from_device(pair, agent, number)
        agent.settle()
        numbers = self.numbers(read("tcpdump", self.export(agent)).frames, "tcpdump")
        self.assertEqual([number for number in numbers if number < FIRST], list(range(sender.sent)))
        self.assertEqual([number for number in numbers if number >= FIRST], list(range(FIRST, FIRST + DEVICES)))
        self.assertLess(resident_kib(agent.process) - anonymous, 8 << 10)
        self.assertEqual(agent.status()["loss"]["total"], 0)
        self.assert_stopped(agent)
        self.verified(agent.ring)

    def send_from_device(self, pair, agent, number):
        """A frame from a new device, as soon as that is recorded; then the device goes."""
        name = f"v{number}"
        pair.right.ip("link", "add", name, "type", "veth", "peer", "name", f"{name}p", "netns", pair.left.name)
        pair.left.ip("link", "set", f"{name}p", "up")
        pair.right.ip("link", "set", name, "up")
        agent.wait_for(lambda: (agent.interface(name) or {}).get("hook"), f"{name} to be recorded")
        with frames.raw_socket(pair.right, name) as wire:
            wire.send(frames.udp4_frame(number, SIZE))
        pair.right.ip("link", "del", name)


@on_both_transports
class Memory(FaultTest):
    def test_limit(self):
        """memory: an agent in a cgroup smaller than its ring records on over several laps, and loses nothing"""
        try:
            cgroup = memory_cgroup(96 * MEBIBYTE)
        except RuntimeError as error:
            self.skipTest(str(error))
        self.addCleanup(cgroup.delete)
        pair = self.make_pair(addresses=False)
        agent = self.make_agent(pair.right, prefix=cgroup.prefix, agent__interfaces="[east]",
                                tap__capture__raw__storageSize="128Mi").start(wait=60)
        offered = rounds(2, 6) * 128 * MEBIBYTE // SIZE
        send_numbered(pair, 0, offered)
        agent.settle()
        send_numbered(pair, offered, offered + 1000)
        agent.settle()
        self.assertEqual(agent.status()["loss"]["total"], 0)
        newest = read("tcpdump", self.export(agent)).frames[-1000:]
        self.assertEqual(self.numbers(newest, "tcpdump"), list(range(offered, offered + 1000)))
        self.assert_stopped(agent)
        self.verified(agent.ring)


@on_both_transports
class Truncated(FaultTest):
    def test_under_the_mapping(self):
        """ring: a file that somebody truncates under the agent costs what was behind the cut, and capture goes on"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair, tap__capture__raw__storageSize="32Mi")
        for _ in range(rounds(2, 10)):
            with Sender(pair.left, "west", RATE) as sender:
                time.sleep(1)
                os.truncate(agent.ring, 4 * MEBIBYTE + 4321)
                time.sleep(1)
            send_numbered(pair, sender.sent, sender.sent + 3000)
            agent.settle()
            numbers = self.numbers(read("tcpdump", self.export(agent)).frames, "tcpdump")
            self.assertEqual(numbers[-3000:], list(range(sender.sent, sender.sent + 3000)))
        self.assertIn("truncated", agent.log.read_text())
        self.assert_stopped(agent)
        self.verified(agent.ring)
