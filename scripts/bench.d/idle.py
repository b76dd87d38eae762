# SPDX-License-Identifier: Apache-2.0
"""CPU and memory of an agent on all interfaces that has nothing to record."""
import time

import footprint
import meter
from lab.agent import Agent


def add_arguments(parser):
    parser.add_argument("--seconds", type=float, default=30)


def measure(rig, options):
    agent = Agent(rig.pair.right, rig.fresh_folder("idle"), **{"agent.stageSize": "128Mi", "tap.capture.raw.storageSize": "1Gi", "agent.os.enabled": "true"})
    try:
        agent.start(wait=60)
        time.sleep(5)
        pid = agent.process.pid
        begin, before = time.monotonic(), meter.threads(pid)
        time.sleep(options.seconds)
        seconds, after = time.monotonic() - begin, meter.threads(pid)
        memory, stage, ring = footprint.resident(pid), footprint.stage(pid), footprint.ring(pid)
        agent.stop()
    finally:
        agent.delete()
    spent = {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in before}
    total = [sum(one) for one in zip(*spent.values())]
    yield (f"Idle for {options.seconds:.0f} s, all interfaces, ring of 1 GiB",
           ["thread", "CPU, % of a core", "wake-ups a second"],
           [[name, f"{ms / 10 / seconds:.2f}", f"{wakes / seconds:.1f}"] for name, (ms, wakes) in [*spent.items(), ("all", total)]])
    own = sum(memory.values()) - stage - ring
    yield ("Resident memory of it, MiB", ["anonymous", "file and shmem beside stage and ring", "stage", "ring"],
           [[f"{memory['anonymous']:.1f}", f"{own - memory['anonymous']:.1f}", f"{stage:.0f}", f"{ring:.0f}"]])
