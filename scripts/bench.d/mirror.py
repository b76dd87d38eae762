# SPDX-License-Identifier: Apache-2.0
"""What a mirror port records by its AF_XDP socket in copy mode, beside a bare socket that drops what it receives."""
import re
import time
from statistics import median

import recorders
from lab.network import run
from rig import DEVICE, ROOT

PACKETS = 3_000_000
LAP_BYTES = 1 << 30
SIZES = (64, 512, 1500)


class Drop(recorders.Recorder):
    """Has as much memory as a socket of caprock's."""

    name = "bare socket"

    def command(self):
        return [self.rig.folder / "xsk_drop", DEVICE, recorders.BUFFER_MIB]

    def stored(self):
        return int(re.search(r"^\d+$", self.log.read_text(), re.M)[0])


def add_arguments(parser):
    parser.add_argument("--packets", type=int, default=PACKETS)


def build(rig):
    source = ROOT / "scripts/bench.d/xsk_drop.c"
    run("cc", "-O2", "-Wall", "-Wextra", "-o", rig.folder / "xsk_drop", source, "-lxdp", "-lbpf")


def rate_of(rig, recorder, packets, size):
    """(packets/s that came through, share of what arrived)."""
    def send():
        begin = time.monotonic()
        rig.send(packets, size)
        return time.monotonic() - begin
    seconds, seen, stopped = recorders.beside(rig, recorder, LAP_BYTES, send)
    rate, share = stopped.stored() / seconds, stopped.stored() / seen
    rig.say(f"{recorder.name}, {size} B: {rate / 1e3:.0f} kpps, {share:.1%} of what arrived")
    return rate, share


def measure(rig, options):
    build(rig)
    rows = []
    for size in SIZES:
        rates = {Drop: [], recorders.CaprockMirror: []}
        for _ in range(options.rounds):
            for recorder, measured in rates.items():
                measured.append(rate_of(rig, recorder, options.packets, size))
        bare, caprock = ([median(column) for column in zip(*measured)] for measured in rates.values())
        rows.append([size, f"{bare[0] / 1e3:.0f} ({bare[1]:.1%})", f"{caprock[0] / 1e3:.0f} ({caprock[1]:.1%})",
                     f"{caprock[0] / bare[0]:.0%}"])
    yield (f"{options.packets} packets as fast as one core sends, {options.rounds} rounds, medians; in brackets: of what arrived",
           ["size, B", "bare socket, kpps", "caprock into the ring, kpps", "of the bare socket"], rows)
