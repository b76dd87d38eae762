# SPDX-License-Identifier: Apache-2.0
"""A whole ring into a file: caprock export beside tcpdump -r -w on the same data."""
import mmap
import os
import resource
import subprocess
import time
from statistics import median

from lab.agent import CAPROCK, Agent
from recorders import count_packets
from rig import DEVICE


def add_arguments(parser):
    parser.add_argument("--size-mib", type=int, default=1024, help="of the ring")
    parser.add_argument("--packet-sizes", type=lambda text: [int(word) for word in text.split(",")], default=[106, 1442])


def fill(rig, options, packet_size):
    agent = Agent(rig.pair.right, rig.fresh_folder("export"), prefix=["taskset", "-c", "1"], **{
        "agent.interfaces": f"[{DEVICE}]", "agent.stageSize": "128Mi",
        "tap.capture.raw.storageSize": f"{options.size_mib}Mi"})
    agent.start(wait=60)
    try:
        rig.send((options.size_mib << 20) * 21 // 20 // packet_size, packet_size)
        time.sleep(2)
    finally:
        agent.stop()
        agent.delete()
    return agent.ring


def timed(*command):
    """Wall time and CPU time in seconds."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def touch_memory(size):
    """A virtual machine gives memory that is free for a while back to its host, and pays for each page that it uses again."""
    with mmap.mmap(-1, size) as memory:
        memory[::mmap.PAGESIZE] = bytes(size // mmap.PAGESIZE)


def measure(rig, options):
    for packet_size in options.packet_sizes:
        yield measure_ring(rig, options, packet_size)


def measure_ring(rig, options, packet_size):
    ring, out = fill(rig, options, packet_size), rig.folder / "out"
    commands = {
        "caprock export --file": [CAPROCK, "export", "--file", ring, "--force", "-o", out],
        "tcpdump -r -w": ["tcpdump", "-Z", "root", "-r", ring, "-w", out],
    }
    times, packets = {name: [] for name in commands}, {}
    for _ in range(options.rounds):
        for name, command in commands.items():
            out.unlink(missing_ok=True)
            os.sync()
            ring.read_bytes()
            touch_memory(2 * options.size_mib << 20)
            times[name].append(timed(*command))
            if name not in packets:
                packets[name] = count_packets(out)
    slowest = median(wall for wall, _ in times["tcpdump -r -w"])
    return (f"Ring of {options.size_mib} MiB with packets of {packet_size} B, in the page cache, {options.rounds} rounds",
            ["command", "packets", "wall, s", "CPU, s", "times faster"],
            [[name, packets[name], f"{median(w for w, _ in runs):.2f}", f"{median(c for _, c in runs):.2f}",
              f"{slowest / median(w for w, _ in runs):.1f}"] for name, runs in times.items()])
