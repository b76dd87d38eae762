# SPDX-License-Identifier: Apache-2.0
"""What the disk itself takes: direct writes as the lane makes them, by how often a sync comes between."""
import mmap
import os
import time
from statistics import median

PIECE = 4 << 20  # a run under load
SYNC_EVERY = {"at the end": 0, "1 GiB": 1 << 30, "128 MiB": 128 << 20, "16 MiB": 16 << 20}


def add_arguments(parser):
    parser.add_argument("--mib", type=int, default=3072, help="written per round")


class Pace:
    """Times one kind of call."""

    def __init__(self):
        self.longest = 0.0

    def time(self, call, *words):
        begin = time.perf_counter()
        call(*words)
        self.longest = max(self.longest, time.perf_counter() - begin)


def write_once(path, size, sync_every):
    """Seconds in all, the longest write, the longest sync."""
    writes, syncs = Pace(), Pace()
    fd = os.open(path, os.O_WRONLY | os.O_DIRECT)
    begin = time.perf_counter()
    with mmap.mmap(-1, PIECE) as piece:
        piece[:] = os.urandom(PIECE)
        for offset in range(0, size, PIECE):
            writes.time(os.pwrite, fd, piece, offset)
            if sync_every and (offset + PIECE) % sync_every == 0:
                syncs.time(os.fdatasync, fd)
    syncs.time(os.fdatasync, fd)
    seconds = time.perf_counter() - begin
    os.close(fd)
    return seconds, writes.longest, syncs.longest


def measure(rig, options):
    path, size = rig.fresh_folder("disk") / "file", options.mib << 20
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    write_once(path, size, 0)  # on disk space that has been written before, as a ring's is from the second lap on
    found = {name: [] for name in SYNC_EVERY}
    for number in range(1, options.rounds + 1):
        for name, sync_every in SYNC_EVERY.items():
            rig.sync()
            found[name].append(write_once(path, size, sync_every))
        rig.say(f"round {number} of {options.rounds}")
    rows = []
    for name, rounds in found.items():
        rates = [size / seconds / 1e9 for seconds, _, _ in rounds]
        rows.append([name, f"{median(rates):.2f} ({min(rates):.2f}–{max(rates):.2f})",
                     *(f"{max(one[what] for one in rounds) * 1e3:.0f}" for what in (1, 2))])
    yield (f"{options.mib} MiB by direct writes of {PIECE >> 20} MiB, one at a time, {options.rounds} rounds",
           ["sync every", "GB/s", "longest write, ms", "longest sync, ms"], rows)
