# SPDX-License-Identifier: Apache-2.0
"""CPU time: of the machine, of a process, of its threads by name."""
import os
import re
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def machine_ms():
    """CPU time that all cores spent on anything so far."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) * 1000 / TICK


def process_ms(pid, thread_prefix=""):
    """CPU time so far of the process's threads whose name begins so."""
    total_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().startswith(thread_prefix):
            total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1e6


def threads(pid):
    """Per thread, by name: (CPU time in ms, times that it has gone to sleep) so far."""
    spent = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        ms = int((task / "schedstat").read_text().split()[0]) / 1e6
        sleeps = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])
        so_far = spent.get(name, (0, 0))
        spent[name] = (so_far[0] + ms, so_far[1] + sleeps)
    return spent
