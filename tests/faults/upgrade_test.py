# SPDX-License-Identifier: Apache-2.0
"""One agent takes over from the other, again and again."""
import threading
import time

from fault import RATE, FaultTest, rounds
from lab import frames
from lab.harness import on_both_transports
from lab.numbered import Sender
from lab.readers import read
from lab.traffic import transfer

UPGRADES = rounds(5, 50)
MOST = 350_000  # frames, which the ring holds
PAUSE = 0.0625  # s behind each 64 KiB of the download: 1 MiB/s
BETWEEN = 0.3  # s of download before each upgrade
MOST_BYTES = UPGRADES * (8 << 20)  # of the download: an upgrade takes less than 8 s


@on_both_transports
class Upgraded(FaultTest):
    def setUp(self):
        super().setUp()
        self.made = 0

    def next_agent(self, pair):
        """It waits for the ring of the one before."""
        agent = self.make_agent(pair.right, agent__interfaces="[east]", agent__onStop="keep", agent__lockWait="20s",
                                tap__capture__raw__storageSize="512Mi")
        self.made += 1
        agent.socket = agent.folder / f"{self.made}.sock"
        agent.settings["agent.listen"] = f"[unix:{agent.socket}]"
        return agent.launch()

    def upgrade(self, pair, old):
        new = self.next_agent(pair)
        self.assert_stopped(old)
        new.await_answer()
        return new

    def first_agent(self, pair):
        agent = self.next_agent(pair)
        agent.await_answer()
        return agent

    def test_upgrades(self):
        """upgrades under load: every frame is recorded once, in order"""
        pair = self.make_pair(addresses=False)
        agent = self.first_agent(pair)
        with Sender(pair.left, "west", RATE, most=MOST) as sender:
            for _ in range(UPGRADES):
                agent = self.upgrade(pair, agent)
            self.assertLess(sender.sent, MOST, "the load lasted")
        agent.settle()
        numbers = self.numbers(read("tcpdump", self.export(agent)).frames, "tcpdump")
        self.assertEqual(numbers, list(range(sender.sent)))
        self.assertEqual(agent.status()["loss"]["total"], 0)
        self.assert_stopped(agent)
        self.verified(agent.ring)

    def test_download(self):
        """upgrades during a TCP download: no gap in the sequence space of the stream, and no packet of it twice"""
        pair = self.make_pair()
        agent = self.first_agent(pair)
        data = frames.payload(1, MOST_BYTES)
        received, ending = [], threading.Event()
        download = threading.Thread(target=lambda: received.append(
            transfer(pair.right, pair.left, "10.77.0.2", 5000, data, pause=PAUSE, ending=ending)))
        download.start()
        for _ in range(UPGRADES):
            time.sleep(BETWEEN)
            agent = self.upgrade(pair, agent)
        self.assertTrue(download.is_alive(), "the download lasted")
        ending.set()
        download.join()
        agent.settle()
        sent = data[:len(received[0])]
        self.assertGreater(len(sent), UPGRADES << 18, "the load between upgrades and during them")
        self.assertTrue(received == [sent], "the stream as it was received")
        recorded = read("tcpdump", self.export(agent)).frames
        self.assertTrue(frames.tcp_content(recorded, 5000) == sent, "the stream as it is recorded")
        self.assertEqual(len(recorded) - len(set(recorded)), 0, "frames that are there twice")
        self.assert_stopped(agent)
        self.verified(agent.ring)
