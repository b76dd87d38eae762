# SPDX-License-Identifier: Apache-2.0
"""The agent is killed, again and again."""
import math
import random
import signal
import time

from fault import RATE, FaultTest, rounds
from lab.harness import on_both_transports
from lab.numbered import Sender

KILLS = rounds(12, 200)
ENDLESS = 10**9  # frames: the load lasts as long as the test


@on_both_transports
class Killed(FaultTest):
    def setUp(self):
        super().setUp()
        self.found = set()  # numbers that were in the record at one kill or another

    def test_kills(self):
        """kill -9 at random moments under load: the file is whole each time, and each frame comes into the record, once"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair, tap__capture__raw__storageSize="64Mi")
        dice, killed = random.Random(1), time.monotonic()
        with Sender(pair.left, "west", RATE, most=ENDLESS) as sender:
            for _ in range(KILLS):
                time.sleep(dice.uniform(0.05, 0.5))
                before, killed = killed, time.monotonic()
                agent.stop(signal.SIGKILL)
                self.verified(agent.ring)
                self.follow(agent, before)
                agent.start()
        agent.settle()
        self.follow(agent, killed)
        self.assertEqual(self.found, set(range(sender.sent)))
        self.assertEqual(agent.status()["loss"]["total"], 0)
        self.assert_stopped(agent)
        self.verified(agent.ring)

    def follow(self, agent, before):
        """What the record has of the time since the kill before: in order, each once, and all that it had then. (What another
        CPU still held at a kill comes in between at the next start.)"""
        numbers = self.exported_numbers(agent.ring, math.ceil(time.monotonic() - before) + 2)
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertLessEqual({number for number in self.found if numbers and number >= numbers[0]}, set(numbers))
        self.found.update(numbers)
