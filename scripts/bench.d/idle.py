# SPDX-License-Identifier: Apache-2.0
"""CPU and memory of an agent that has nothing to record."""
import re
import time
from pathlib import Path

import meter
from lab.agent import Agent
from rig import DEVICE


def add_arguments(parser):
    parser.add_argument("--seconds", type=float, default=30)


def resident_mib(pid):
    """(beside stage and ring, stage and ring): resident memory in MiB."""
    own = mapped = 0
    name = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            name = line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) > 5 else ""
        elif line.startswith("Rss:"):
            kib = int(line.split()[1])
            if "ring.pcapng" in name or "bpf-map" in name:
                mapped += kib
            else:
                own += kib
    return own / 1024, mapped / 1024


def measure(rig, options):
    agent = Agent(rig.pair.right, rig.fresh_folder("idle"), **{
        "agent.interfaces": f"[{DEVICE}]", "agent.stageSize": "128Mi", "tap.capture.raw.storageSize": "1Gi"})
    agent.start(wait=60)
    try:
        time.sleep(5)
        pid = agent.process.pid
        begin, before = time.monotonic(), meter.process_ms(pid)
        time.sleep(options.seconds)
        share = (meter.process_ms(pid) - before) / 10 / (time.monotonic() - begin)
        own, mapped = resident_mib(pid)
    finally:
        agent.stop()
        agent.delete()
    yield (f"Idle for {options.seconds:.0f} s, ring of 1 GiB",
           ["CPU, % of a core", "resident beside stage and ring, MiB", "of stage and ring, MiB"],
           [[f"{share:.2f}", f"{own:.1f}", f"{mapped:.0f}"]])
