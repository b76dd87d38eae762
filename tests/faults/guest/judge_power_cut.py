#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power at many moments of what tests/faults/guest/power_cut had a guest write, and looks at what the record is then.

usage: judge_power_cut.py FOLDER      disk.img, the guest's disk at first, and disk.log, all writes to it

A moment is a flush of the disk's cache. Three disks are made of each: as of the flush; with some of what was written by the
next one, as a volatile cache leaves it; with what was written in order up to one that is torn. CAPROCK_FAULTS=all: of more
moments.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numbered_frames  # noqa: E402
import write_log  # noqa: E402
from lab.readers import read  # noqa: E402

MARK_SECTOR = 511 * 2048
RING_MEBIBYTES = 16
WHOLE_RING = 9  # segments full of record that a ring that went round has at the least: others are prepared, or not yet durable
FRAMES_IN_SEGMENT = 690
MOST_FRAMES = 16 * 710
MOMENTS = 80 if os.environ.get("CAPROCK_FAULTS") == "all" else 32
MOST_LOST_NS = 2 * 10**9  # two intervals of 500 ms, and as much again for an emulated disk to be behind


@dataclass
class Mark:
    """What the guest wrote down of a moment."""
    time_ns: int = 0
    durable_ns: int = 0  # the agent had said that all that came before survives a power cut; 0: nothing yet


@dataclass
class Cut:
    """The disk's power goes at some time: what it had made durable by then, and what else it had written."""
    name: str
    flushed: int  # epochs
    beyond: list  # writes
    mark: "Mark"  # the last one that the guest made: the power went then or a little later


@dataclass
class Found:
    """What is in the ring after a cut."""
    cut: Cut
    complaint: str
    times: dict  # of frames, by number
    doubles: int
    report: str

    @property
    def newest(self):
        return max(self.times, default=-1)


def last_mark(writes):
    marks = [write.data.split() for write in writes if write.sector == MARK_SECTOR]
    return Mark(int(float(marks[-1][1]) * 10**9), told_ns(marks[-1][2].decode())) if marks else Mark()


def told_ns(text):
    """Of a time as the status has it."""
    if text == "never":
        return 0
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp()
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def later(one, other):
    return max(one, other, key=lambda mark: mark.time_ns)


def cuts_at(epochs, flushed, chance):
    """The three of a flush."""
    until_now = max((last_mark(epoch.writes) for epoch in epochs[:flushed]), key=lambda mark: mark.time_ns)
    beyond = epochs[flushed].writes
    by_next = later(until_now, last_mark(beyond))
    yield Cut(f"flush {flushed}", flushed, [], until_now)
    if not beyond:
        return
    yield Cut(f"flush {flushed} and some of a cache", flushed, write_log.some_of(beyond, chance), by_next)
    at = max(range(len(beyond)), key=lambda index: (len(beyond[index].data) > write_log.SECTOR) + chance.random())
    torn = beyond[at].torn(chance.randrange(len(beyond[at].data) // write_log.SECTOR))
    yield Cut(f"flush {flushed} and a torn write", flushed, [*beyond[:at], torn], later(until_now, last_mark(beyond[:at])))


def complaint_of(*command, good=(0,)):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    return "" if done.returncode in good else f"{command[0]}: {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}\n"


class Disk:
    """What is on the disk after a number of flushes, which only grows."""

    def __init__(self, folder, epochs):
        self.image, self.epochs, self.flushed = folder / "disk.img", epochs, 0

    def copy_at(self, cut, copy):
        with open(self.image, "r+b") as disk:
            for epoch in self.epochs[self.flushed:cut.flushed]:
                write_log.apply(disk, epoch.writes)
        self.flushed = cut.flushed
        subprocess.run(["cp", "--sparse=always", self.image, copy], check=True)
        with open(copy, "r+b") as disk:
            write_log.apply(disk, cut.beyond)


def look_into(cut, folder, sent):
    """Lets the file system and the ring recover, and reads what is there. The folder is gone after it."""
    image, ring = folder / "disk.img", folder / "ring.pcapng"
    complaint = complaint_of("e2fsck", "-fy", image, good=(0, 1))
    subprocess.run(["debugfs", "-R", f"dump /data/ring.pcapng {ring}", image], capture_output=True, check=True)
    found = Found(cut, complaint, {}, 0, "")
    if ring.exists():
        recovered = subprocess.run([os.environ["RECOVER"], ring, str(RING_MEBIBYTES)],
                                   capture_output=True, text=True, timeout=60)
        found.report = recovered.stdout + recovered.stderr
        found.complaint += f"recovery: {found.report}" if recovered.returncode else ""
        found.complaint += complaint_of(os.environ["CAPROCK"], "verify", ring)
        if not re.search("^sealed 0\nrecovered 0$", found.report, re.M):  # of an empty ring tcpdump complains
            collect(ring, found, sent)
    shutil.rmtree(folder)
    return found


def collect(ring, found, sent):
    reading = read("tcpdump", ring)
    found.complaint += reading.error
    for time_ns, frame in reading.packets:
        number = numbered_frames.number_of(frame)
        if number is None or number >= len(sent) or frame != sent[number]:
            found.complaint += "a frame whose bytes are not those that were sent\n"
            return
        found.doubles += number in found.times
        found.times[number] = time_ns


class PowerCut(unittest.TestCase):
    folder = Path()

    def find_all(self):
        """Of each cut what is in the ring."""
        epochs = list(write_log.read_log(self.folder / "disk.log"))
        moments = sorted({1 + one * (len(epochs) - 1) // MOMENTS for one in range(MOMENTS)})
        chance, sent = random.Random(len(epochs)), numbered_frames.all_frames()
        disk = Disk(self.folder, epochs)
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch, ThreadPoolExecutor(2) as pool:
            pending = []
            for flushed in moments:
                for cut in cuts_at(epochs, flushed, chance):
                    copy = Path(tempfile.mkdtemp(dir=scratch))
                    disk.copy_at(cut, copy / "disk.img")
                    pending.append(pool.submit(look_into, cut, copy, sent))
                while len(pending) > 8 and not pending[-8].done():  # no more disks at once than that
                    pending[-8].result()
            return [one.result() for one in pending]

    def check_range(self, found):
        """Each frame once, and all from one to the newest; older ones are of segments that were being made blank."""
        numbers = sorted(found.times)
        self.assertEqual(found.doubles, 0, "frames twice")
        gaps = [(one + 1, other) for one, other in zip(numbers, numbers[1:]) if other != one + 1]
        first = gaps[-1][1] if gaps else min(numbers, default=0)
        wanted = min(found.newest + 1, WHOLE_RING * FRAMES_IN_SEGMENT)
        self.assertGreaterEqual(found.newest + 1 - first, wanted, f"frames without a gap; gaps: {gaps}")
        self.assertLess(found.newest - min(numbers, default=0), MOST_FRAMES, "frames of an earlier lap")

    def first_lost_ns(self, found, times):
        """When the first frame came that is not there; where none is missing, the time of the cut."""
        return next((times[number] for number in range(found.newest + 1, len(times)) if number in times), found.cut.mark.time_ns)

    def test_cuts(self):
        """After a cut at any moment the ring is whole, in order, and has all that the agent had said is safe, and all but the
        last two syncs' worth."""
        all_found = self.find_all()
        times = {number: time_ns for found in all_found for number, time_ns in found.times.items()}
        lost = [(max(found.cut.mark.time_ns - self.first_lost_ns(found, times), 0), found.cut.name) for found in all_found]
        print(f"judge: {len(all_found)} cuts of {len(times)} frames; lost at the end at most {max(lost)[0] / 1e6:.0f} ms, "
              f"after {max(lost)[1]}; median {sorted(lost)[len(lost) // 2][0] / 1e6:.0f} ms")
        told = [found.cut.mark for found in all_found if found.cut.mark.durable_ns != 0]
        behind = [mark.time_ns - mark.durable_ns for mark in told]
        print(f"judge: of {len(told)} cuts the agent had told what is safe, at most {max(behind) / 1e6:.0f} ms behind")
        self.assertGreater(len({mark.durable_ns for mark in told}), MOMENTS // 4)
        for found, (lost_ns, name) in zip(all_found, lost):
            with self.subTest(name, newest=found.newest, report=found.report.split("\n")):
                self.assertEqual(found.complaint, "")
                self.check_range(found)
                self.assertLessEqual(lost_ns, MOST_LOST_NS)
                self.assertGreaterEqual(self.first_lost_ns(found, times), found.cut.mark.durable_ns,
                                        "nothing is lost that the agent had said is safe")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    PowerCut.folder = Path(sys.argv.pop())
    unittest.main()
