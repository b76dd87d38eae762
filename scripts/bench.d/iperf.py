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
    parser.add_argument("--stages", nargs="*", default=[], metavar="SIZE", help="caprock besides with each agent.stageSize, as 512Mi")
    parser.add_argument("--seconds", type=int, default=5)


def gigabits(rig, seconds, *options):
    """What the receiver got, in Gbit/s; with more options of the client's."""
    server = subprocess.Popen(rig.pair.right.command("iperf3", "-s", "-1"), stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        report = rig.pair.left.run("iperf3", "-c", "10.77.0.2", "-t", seconds, "-J", *options)
    finally:
        server.terminate()
        server.wait()
    return json.loads(report)["end"]["sum_received"]["bits_per_second"] / 1e9


def recorded(rig, kind, seconds):
    """Throughput beside the recorder, and the shares of the packets that it lost and shortened."""
    rate, seen, recorder = recorders.beside(rig, kind, LAP_BYTES, lambda: gigabits(rig, seconds))
    lost, truncated = 1 - recorder.stored() / seen, recorder.truncated() / seen
    rig.fresh_folder(kind.name)
    rig.say(f"{kind.name}: {rate:.1f} Gbit/s, {lost:.1%} lost, {truncated:.1%} shortened")
    return rate, lost, truncated


def measure(rig, options):
    rig.pair.left.ip("addr", "replace", "10.77.0.1/24", "dev", "west")
    rig.pair.right.ip("addr", "replace", "10.77.0.2/24", "dev", DEVICE)
    kinds = [recorders.ALL[name] for name in options.tools] + [recorders.caprock_with_stage(size) for size in options.stages]
    bare, rounds = [], {kind: [] for kind in kinds}
    for _ in range(options.rounds):
        bare.append(gigabits(rig, options.seconds))
        for kind, runs in rounds.items():
            runs.append(recorded(rig, kind, options.seconds))
    rows = [["none", f"{median(bare):.1f}", "–", "–"]]
    for kind, runs in rounds.items():
        rate, lost, truncated = map(median, zip(*runs))
        rows.append([kind.name, f"{rate:.1f}", f"{lost:.1%}", f"{truncated:.1%}"])
    yield (f"iperf3, one stream, {options.seconds} s, {options.rounds} rounds, medians",
           ["recorder", "Gbit/s", "packets lost", "shortened"], rows)
