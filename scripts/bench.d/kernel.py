# SPDX-License-Identifier: Apache-2.0
"""Nanoseconds per packet in the capture program, over an empty one, as kernel.bpf_stats_enabled counts them."""
import json
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from lab.agent import Agent
from lab.network import run
from rig import DEVICE

EMPTY_PROGRAM = """
__attribute__((section("tc"), used)) int bench_empty(void *packet) { return -1; }
"""
STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
FOREIGN = "[" + ",".join(f"192.0.{i // 250}.{i % 250 + 1}" for i in range(1000)) + "]"  # not in the traffic

CASES = (  # what, size, headers in pages (Rig.send), settings of the agent
    ("not matching, 1000 addresses", 106, False, {"agent.addresses": FOREIGN}),
    ("captured", 64, False, {}),
    ("captured, 1000 addresses excluded", 64, False, {"agent.excludedAddresses": FOREIGN}),
    ("captured", 1500, False, {}),
    ("not matching, headers in pages", 106, True, {"agent.addresses": FOREIGN}),
    ("captured, headers in pages", 64, True, {}),
    ("captured, headers in pages", 1500, True, {}),
)


def add_arguments(parser):
    parser.add_argument("--packets", type=int, default=1_000_000)


@contextmanager
def statistics_on():
    before = STATS.read_text()
    STATS.write_text("1")
    try:
        yield
    finally:
        STATS.write_text(before)


def spent(program):
    """(ns, runs) of all loaded programs of that name so far."""
    shown = [one for one in json.loads(run("bpftool", "-j", "prog", "show")) if one.get("name") == program]
    return sum(one.get("run_time_ns", 0) for one in shown), sum(one.get("run_cnt", 0) for one in shown)


def ns_per_packet(rig, program, packets, size, in_pages):
    time_before, runs_before = spent(program)
    rig.send(packets, size, in_pages=in_pages)
    time_after, runs_after = spent(program)
    if runs_after - runs_before < packets:
        raise RuntimeError(f"{program} ran {runs_after - runs_before} times for {packets} packets")
    return (time_after - time_before) / (runs_after - runs_before)


def measure_empty(rig, packets, size, in_pages):
    source, compiled = rig.folder / "empty.bpf.c", rig.folder / "empty.bpf.o"
    source.write_text(EMPTY_PROGRAM)
    run("clang", "-O2", "-g", "-target", "bpf", "-c", source, "-o", compiled)
    right = rig.pair.right
    right.run("tc", "qdisc", "add", "dev", DEVICE, "clsact")
    right.run("tc", "filter", "add", "dev", DEVICE, "ingress", "bpf", "direct-action", "obj", compiled, "sec", "tc")
    try:
        return ns_per_packet(rig, "bench_empty", packets, size, in_pages)
    finally:
        right.run("tc", "qdisc", "del", "dev", DEVICE, "clsact")


def measure_agent(rig, packets, size, in_pages, settings):
    agent = Agent(rig.pair.right, rig.fresh_folder("kernel"), prefix=["taskset", "-c", "1"], **{
        "agent.interfaces": f"[{DEVICE}]", "agent.stageSize": "128Mi", "tap.capture.raw.storageSize": "1Gi"} | settings)
    agent.start(wait=60)
    try:
        return ns_per_packet(rig, "tc_ingress", packets, size, in_pages)
    finally:
        agent.stop()
        agent.delete()


def measure(rig, options):
    rows = []
    with statistics_on():
        for what, size, in_pages, settings in CASES:
            empty, full = [], []
            for _ in range(options.rounds):
                empty.append(measure_empty(rig, options.packets, size, in_pages))
                full.append(measure_agent(rig, options.packets, size, in_pages, settings))
            over = median(full) - median(empty)
            rows.append([what, size, f"{median(empty):.0f}", f"{median(full):.0f}", f"{over:.0f}"])
            rig.say(f"{what}, {size} B: {over:.0f} ns over an empty program")
    yield (f"Capture program at tc ingress, {options.packets} packets, {options.rounds} rounds, medians",
           ["packet", "size, B", "empty program, ns", "capture program, ns", "difference, ns"], rows)
