# SPDX-License-Identifier: Apache-2.0
"""Interfaces that come, go and change while the agent records."""
from lab.harness import SystemTest, on_both_transports
from lab import frames


@on_both_transports
class Interfaces(SystemTest):
    def setUp(self):
        super().setUp()
        self.pair = self.make_pair(addresses=False)
        self.sent = []

    def start(self, interfaces):
        self.agent = self.make_agent(self.pair.right, agent__interfaces=interfaces).start()

    def send(self, device, from_namespace=None, count=20):
        """Frames that must be in the record in the end."""
        with frames.raw_socket(from_namespace or self.pair.left, device) as wire:
            for _ in range(count):
                frame = frames.udp4_frame(len(self.sent), 200)
                wire.send(frame)
                self.sent.append(frame)

    def add_link(self, west, east):
        self.pair.left.ip("link", "add", west, "type", "veth", "peer", "name", east, "netns", self.pair.right.name)
        self.pair.left.ip("link", "set", west, "up")
        self.pair.right.ip("link", "set", east, "up")

    def wait_attached(self, name):
        self.agent.wait_for(lambda: (self.agent.interface(name) or {}).get("hook"), f"{name} to be recorded")

    def wait_gone(self, name):
        self.agent.wait_for(lambda: not (self.agent.interface(name) or {}).get("hook"), f"{name} to be let go")

    def assert_recorded(self):
        self.assert_holds(self.export(self.agent), self.sent)

    def test_appears(self):
        """interfaces: one that appears is recorded"""
        self.start("auto")
        self.wait_attached("east")
        self.add_link("west2", "east2")
        self.wait_attached("east2")
        self.send("west")
        self.send("west2")
        self.assert_recorded()

    def test_glob(self):
        """interfaces: a glob takes what matches, also later, and nothing else"""
        self.start('["peer*"]')
        self.add_link("west2", "peer2")
        self.wait_attached("peer2")
        self.assertFalse((self.agent.interface("east") or {}).get("hook"))
        self.send("west2")
        self.assert_recorded()

    def test_vanishes(self):
        """interfaces: one that vanishes leaves its packets behind, described by its name"""
        self.start("auto")
        self.add_link("west2", "east2")
        self.wait_attached("east2")
        self.send("west2")
        self.pair.right.ip("link", "del", "east2")
        self.wait_gone("east2")
        self.send("west")
        self.assert_recorded()

    def test_renamed(self):
        """interfaces: one that is renamed is recorded without a gap"""
        self.start("auto")
        self.wait_attached("east")
        self.send("west")
        self.pair.right.ip("link", "set", "east", "name", "orient")
        self.send("west")
        self.wait_attached("orient")
        self.send("west")
        self.assert_recorded()

    def test_down_and_up(self):
        """interfaces: one that goes down and up again is recorded again"""
        self.start("auto")
        self.wait_attached("east")
        self.send("west")
        self.pair.right.ip("link", "set", "east", "down")
        self.pair.right.ip("link", "set", "east", "up")
        self.wait_attached("east")
        self.agent.wait_for(lambda: self.pair.left.ip("link", "show", "west").find("LOWER_UP") > 0, "the carrier")
        self.send("west")
        self.assert_recorded()

    def test_moved(self):
        """interfaces: one that moves to another namespace is no longer recorded"""
        self.start("auto")
        self.add_link("west2", "east2")
        self.wait_attached("east2")
        self.send("west2")
        other = self.make_namespace()
        self.pair.right.ip("link", "set", "east2", "netns", other.name)
        self.wait_gone("east2")
        other.ip("link", "set", "east2", "up")
        with frames.raw_socket(self.pair.left, "west2") as wire:
            wire.send(frames.udp4_frame(99999, 200))
        self.assert_recorded()
