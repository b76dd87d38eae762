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


@on_both_transports
class Killed(FaultTest):
    def test_kills(self):
        """kill -9 at random moments under load: the file is whole each time, and the record without a gap"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair, tap__capture__raw__storageSize="64Mi")
        dice, newest, before = random.Random(1), 0, time.monotonic()
        with Sender(pair.left, "west", RATE, most=1_000_000) as sender:
            for _ in range(KILLS):
                time.sleep(dice.uniform(0.05, 0.5))
                agent.stop(signal.SIGKILL)
                self.verified(agent.ring)
                newest, before = self.follow(agent, newest, before), time.monotonic()
                agent.start()
        agent.settle()
        newest = self.follow(agent, newest, before)
        self.assertEqual(newest, sender.sent - 1)
        self.assertEqual(agent.status()["loss"]["total"], 0)
        self.assert_stopped(agent)
        self.verified(agent.ring)

    def follow(self, agent, newest, before):
        """The record goes on behind the newest frame of the last look without a gap, in order. The newest one now."""
        numbers = self.exported_numbers(agent.ring, math.ceil(time.monotonic() - before) + 2)
        if not numbers:
            return newest
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "each once, in order")
        self.assertLessEqual(numbers[0], newest + 1)
        self.assertGreaterEqual(numbers[-1], newest, "what was in the record stays there")
        return numbers[-1]
