# SPDX-License-Identifier: Apache-2.0
"""Numbered frames: sent at a steady pace, and found again each once, with their bytes."""
import bisect
import contextlib
import os
import threading
import time

from lab.harness import FRAME_HEADERS, SystemTest
from lab import frames
from lab.readers import read

SIZE = 1400
REVEAL = 1.2  # s: what is older than that, readers who know nothing of us see (once a second, and the lane's look)


MOST = 60_000  # frames from one Sender: 86 MB, which the ring of its test must hold, however long its readers take


class Sender:
    """Numbered frames at a steady pace from a thread of its own, `most` of them."""

    def __init__(self, namespace, device, per_second, most=MOST):
        self.namespace, self.device, self.pause = namespace, device, 10 / per_second
        self.most, self.sent, self.times, self.ending = most, 0, [], threading.Event()
        self.thread = threading.Thread(target=self.work)

    def wire(self):
        return frames.raw_socket(self.namespace, self.device)

    def work(self):
        with self.wire() as wire:
            while self.sent < self.most and not self.ending.wait(self.pause):
                for _ in range(10):
                    wire.send(frames.udp4_frame(self.sent, SIZE))
                    self.sent += 1
                self.times.append(time.monotonic())

    def sent_by(self, when):
        return 10 * bisect.bisect_right(self.times, when)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()


def send_numbered(pair, first, last):
    """In bursts, so that no stage fills."""
    with frames.raw_socket(pair.left, "west") as wire:
        for number in range(first, last):
            wire.send(frames.udp4_frame(number, SIZE))
            if number % 500 == 0:
                time.sleep(0.005)


@contextlib.contextmanager
def on_one_cpu():
    """What this thread sends over a veth is received on the CPU it runs on."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class NumberedTest(SystemTest):
    def numbers(self, found, what):
        """Which numbered frames these are; their bytes must be those that were sent."""
        numbers = [frames.number_of(frame, FRAME_HEADERS) for frame in found]
        wrong = [n for n, frame in zip(numbers, found) if frame != frames.udp4_frame(n, SIZE)]
        self.assertEqual(wrong, [], f"{what}: frames whose bytes differ")
        return numbers

    def assert_sequence(self, numbers, first, last, what):
        """All of first…last - 1, each once."""
        wanted = set(range(first, last))
        missing, foreign = sorted(wanted - set(numbers)), sorted(set(numbers) - wanted)
        if missing or foreign or len(numbers) != len(wanted):
            self.fail(f"{what}: of {first}…{last - 1}, {len(missing)} are missing from {missing[:1]} to {missing[-1:]}, "
                      f"{len(foreign)} are not of them {foreign[:1]}, {len(numbers) - len(set(numbers))} are there twice")

    def read_live(self, reader, ring, sender):
        """What it reads while there is sending: without an error, all that is over a second old. What it says of it."""
        old = sender.sent_by(time.monotonic() - REVEAL)
        reading = read(reader, ring)
        numbers = self.numbers(reading.frames, reader)
        if not reading.error:
            self.assert_sequence([n for n in numbers if n < old], 0, old, f"{reader}, over a second old")
        self.assertEqual(len(numbers), len(set(numbers)), f"{reader}: each frame once")
        self.assertLess(max(numbers, default=0), sender.sent, reader)
        return reading.error

    def assert_numbers(self, path, first, last):
        for reader, reading in self.readings(path):
            self.assert_sequence(self.numbers(reading.frames, reader), first, last, f"{reader} on {path.name}")
