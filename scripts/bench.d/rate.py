# SPDX-License-Identifier: Apache-2.0
"""The highest rate at which each recorder loses nothing for ten seconds.

After MLRsearch (draft-ietf-bmwg-mlrsearch): short trials narrow the rate down, long ones confirm it. The sender makes a system
call for each packet, to keep to a rate; what it reaches with nobody capturing is where the search ends.
"""
import time

import recorders

SIZES = {"64 B": (64,), "512 B": (512,), "1518 B": (1518,), "IMIX": (64,) * 7 + (570,) * 4 + (1518,)}
LAP_BYTES = 1 << 30
SHORT, LONG = 2, 10  # s
CLOSE = 1.1  # the search ends where the bounds are so close


def add_arguments(parser):
    parser.add_argument("--tools", nargs="+", choices=recorders.ALL, metavar="TOOL",
                        default=["caprock", "stenotype", "netsniff-ng", "tcpdump", "dumpcap"])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, metavar="SIZE", default=list(SIZES))


def reach(rig, sizes):
    """What the sender comes to with nobody capturing, packets/s."""
    begin = time.monotonic()
    arrived = rig.send(1_000_000, *sizes, in_pages=False)
    return int(arrived / (time.monotonic() - begin))


def loses(rig, name, sizes, per_second, seconds):
    """Whether it lost or shortened a packet."""
    _, seen, recorder = recorders.beside(rig, name, LAP_BYTES,
                                         lambda: rig.send(per_second * seconds, *sizes, per_second=per_second))
    lost = seen - recorder.stored() + recorder.truncated()
    rig.fresh_folder(name)
    rig.say(f"{name}, {per_second} packets/s for {seconds} s: {lost} of {seen} lost")
    return lost > 0


def narrow(rig, name, sizes, high):
    """A rate that short trials find nothing lost at."""
    low = high / 64
    while high / low > CLOSE:
        middle = (high * low) ** 0.5
        if loses(rig, name, sizes, int(middle), SHORT):
            high = middle
        else:
            low = middle
    return low


def lossless(rig, name, sizes, most):
    if not loses(rig, name, sizes, most, LONG):
        return f"≥ {most / 1e3:.0f}"
    rate = narrow(rig, name, sizes, most)
    while loses(rig, name, sizes, int(rate), LONG):
        rate /= CLOSE
    return f"{rate / 1e3:.0f}"


def measure(rig, options):
    rows = {name: [name] for name in options.tools}
    for size in options.sizes:
        most = reach(rig, SIZES[size])
        for name in options.tools:
            rows[name].append(lossless(rig, name, SIZES[size], most))
    yield (f"Thousand packets a second that are recorded whole for {LONG} s; ≥: all that the sender comes to",
           ["recorder", *options.sizes], list(rows.values()))
