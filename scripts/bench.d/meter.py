# SPDX-License-Identifier: Apache-2.0
"""CPU time: of the machine, of a process, of its threads by name."""
import os
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
