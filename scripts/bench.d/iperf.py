# SPDX-License-Identifier: Apache-2.0
"""Throughput of one TCP stream over the veth while it is being recorded; both cores are saturated."""
import json
import subprocess
import time
from statistics import median

import recorders
from rig import DEVICE

LAP_BYTES = 1 << 30


def add_arguments(parser):
    parser.add_argument("--tools", nargs="+", choices=recorders.ALL, metavar="TOOL", default=["caprock", "tcpdump"])
    parser.add_argument("--seconds", type=int, default=5)


def gigabits(rig, seconds):
    """What the receiver got, in Gbit/s."""
    server = subprocess.Popen(rig.pair.right.command("iperf3", "-s", "-1"), stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        report = rig.pair.left.run("iperf3", "-c", "10.77.0.2", "-t", seconds, "-J")
    finally:
        server.terminate()
        server.wait()
    return json.loads(report)["end"]["sum_received"]["bits_per_second"] / 1e9


def recorded(rig, name, seconds):
    """Throughput beside the recorder, and the share of the packets it lost."""
    rate, seen, recorder = recorders.beside(rig, name, LAP_BYTES, lambda: gigabits(rig, seconds))
    lost = 1 - recorder.stored() / seen
    rig.fresh_folder(name)
    return rate, lost


def measure(rig, options):
    rig.pair.left.ip("addr", "replace", "10.77.0.1/24", "dev", "west")
    rig.pair.right.ip("addr", "replace", "10.77.0.2/24", "dev", DEVICE)
    bare, rounds = [], {name: [] for name in options.tools}
    for _ in range(options.rounds):
        bare.append(gigabits(rig, options.seconds))
        for name in options.tools:
            rounds[name].append(recorded(rig, name, options.seconds))
    rows = [["none", f"{median(bare):.1f}", "–"]]
    rows += [[name, f"{median(r for r, _ in runs):.1f}", f"{median(lost for _, lost in runs):.1%}"]
             for name, runs in rounds.items()]
    yield (f"iperf3, one stream, {options.seconds} s, {options.rounds} rounds, medians",
           ["recorder", "Gbit/s", "packets lost"], rows)
