# SPDX-License-Identifier: Apache-2.0
"""What a process holds in memory and has read from disk, in MiB."""
import re
from pathlib import Path

MIB = 1 << 20


def resident(pid):
    """Resident memory as the kernel splits it: anonymous, file, shmem."""
    kib = dict(re.findall(r"^Rss(\w+):\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M))
    return {"anonymous": int(kib["Anon"]) / 1024, "file": int(kib["File"]) / 1024, "shmem": int(kib["Shmem"]) / 1024}


def mapped(pid, name):
    """Resident memory of the mappings whose name contains that."""
    kib, counts = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            counts = name in line
        elif counts and line.startswith("Rss:"):
            kib += int(line.split()[1])
    return kib / 1024


def stage(pid):
    return mapped(pid, "bpf-map")


def ring(pid):
    return mapped(pid, "ring.pcapng")


def read_from_disk(pid):
    """What its system calls and page faults had to get from a disk so far."""
    return int(re.search(r"^read_bytes: (\d+)", Path(f"/proc/{pid}/io").read_text(), re.M)[1]) / MIB
