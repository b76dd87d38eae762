# SPDX-License-Identifier: Apache-2.0
"""What a run costs in the store beside its bytes, at 1 Gbit/s into a ring that wraps all the while."""
import json

from lab.network import run
from rig import CAPTURE_CORE, ROOT

RING_MIB = 256
MBIT = 1000
RUNS_KIB = (4, 64, 1024, 4096)


def add_arguments(parser):
    parser.add_argument("--seconds", type=int, default=30)


def build():
    run("cmake", "--build", "--preset", "release", "--target", "bench_append", cwd=ROOT)
    return ROOT / "build/release/tests/bench/bench_append"


def measure(rig, options):
    program, rows = build(), []
    for kib in RUNS_KIB:
        rig.sync()
        folder = rig.fresh_folder("append")
        took = json.loads(run("taskset", "-c", CAPTURE_CORE, program, folder, RING_MIB, kib, MBIT, options.seconds))
        rig.say(f"{kib} KiB: {took}")
        own = max(0, took["own_p999_us"] - took["checksum_us"])
        rows.append([kib, took["runs"], f"{took['checksum_us']:.0f}", f"{took['cpu_us']:.0f}", f"{took['cpu_p999_us']:.0f}",
                     f"{took['own_us'] - took['checksum_us']:.0f}", f"{own:.0f}",
                     f"{took['spun_p999_us']:.0f}", f"{took['wall_p999_us'] / 1e3:.1f}",
                     f"{took['wall_most_us'] / 1e3:.1f}"])
    yield (f"Runs of blocks at {MBIT} Mbit/s for {options.seconds} s, ring of {RING_MIB} MiB; time of the lane's thread",
           ["run, KiB", "runs", "checksum alone, µs", "CPU, µs", "CPU p99.9, µs", "beside its bytes, µs",
            "beside its bytes p99.9, µs", "nothing done, as long, p99.9, µs", "wall p99.9, ms", "longest, ms"], rows)
