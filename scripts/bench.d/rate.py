# SPDX-License-Identifier: Apache-2.0
"""The highest rate at which each recorder loses nothing for ten seconds.

After MLRsearch (draft-ietf-bmwg-mlrsearch): short trials narrow the rate down, long ones confirm it. The sender makes a system
call for each packet, to keep to a rate; what it reaches with nobody capturing is where the search ends.
"""
import time

import recorders
from tap import Tap

CHECKSUM_BYTES = 4  # of an Ethernet frame, which is counted in its size and not sent here
SIZES = {name: tuple(size - CHECKSUM_BYTES for size in sizes) for name, sizes in
         {"64 B": (64,), "512 B": (512,), "1518 B": (1518,), "IMIX": (64,) * 7 + (570,) * 4 + (1518,)}.items()}
LAP_BYTES = 1 << 30
SHORT, LONG = 2, 10  # s
CLOSE = 1.1  # the search ends where the bounds are so close
LEAST = 1000  # packets/s: below, a recorder is taken to lose something at any rate
KEPT = 0.98  # of a rate: a trial that offered less says nothing of it


def add_arguments(parser):
    parser.add_argument("--tools", nargs="+", choices=recorders.ALL, metavar="TOOL",
                        default=["caprock", "caprock-xdp", "caprock-af_xdp", "stenotype", "netsniff-ng", "tcpdump", "dumpcap"])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, metavar="SIZE", default=list(SIZES))


def reach(tap, sizes):
    """What the sender comes to with nobody capturing, packets/s."""
    begin = time.monotonic()
    arrived = tap.send(1_000_000, *sizes)
    if arrived == 0:
        raise RuntimeError("nothing of what was sent arrived")
    return int(arrived / (time.monotonic() - begin))


def trial(rig, tap, name, sizes, per_second, seconds):
    """The rate that came about, and how many packets were lost or shortened."""
    def send():
        begin = time.monotonic()
        return tap.send(per_second * seconds, *sizes, per_second=per_second) / (time.monotonic() - begin)
    rate, seen, recorder = recorders.beside(rig, recorders.ALL[name], LAP_BYTES, send)
    lost = seen - recorder.stored() + recorder.truncated()
    rig.fresh_folder(name)
    rig.say(f"{name}, {rate:.0f} of {per_second} packets/s for {seconds} s: {lost} of {seen} lost")
    return rate, lost


def narrow(rig, tap, name, sizes, high):
    """A rate that short trials find nothing lost at, or LEAST."""
    low = LEAST
    while high / low > CLOSE:
        middle = (high * low) ** 0.5
        if trial(rig, tap, name, sizes, int(middle), SHORT)[1]:
            high = middle
        else:
            low = middle
    return low


def lossless(rig, tap, name, sizes, most):
    """In words. What captures takes time of the core that sends, too: the most that came about may be less than `most`."""
    rate, lost = trial(rig, tap, name, sizes, most, LONG)
    if not lost:
        return f"≥ {rate / 1e3:.0f}"
    wanted = narrow(rig, tap, name, sizes, rate)
    while wanted > LEAST:
        rate, lost = trial(rig, tap, name, sizes, int(wanted), LONG)
        if not lost and rate >= KEPT * wanted:
            return f"{rate / 1e3:.0f}"
        wanted /= CLOSE
    return f"< {LEAST / 1e3:.0f}"


def measure(rig, options):
    tap = Tap(rig)
    rows = {name: [name] for name in options.tools}
    for size in options.sizes:
        most = reach(tap, SIZES[size])
        for name in options.tools:
            rows[name].append(lossless(rig, tap, name, SIZES[size], most))
    yield (f"Thousand packets a second that are recorded whole for {LONG} s; ≥: all that the sender comes to",
           ["recorder", *options.sizes], list(rows.values()))
