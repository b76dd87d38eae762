# SPDX-License-Identifier: Apache-2.0
"""An agent on a node where pods appear and vanish: the test of that (tests/cluster/targets_test.py), with more of them."""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEST = "targets_test.Targets.test_churn"
MOST_CPU = 10  # % of a core
RESULT = re.compile(r"(\d+) pods in ([\d.]+) s: ([\d.]+) % of a core, (\d+) KiB at first, (\d+) KiB at the end")


def add_arguments(parser):
    parser.add_argument("--pods", type=int, default=500)


def measure(_rig, options):
    done = subprocess.run([sys.executable, ROOT / "tests/lab/run.py", ROOT / "tests/cluster", TEST], capture_output=True, text=True,
                          env={**os.environ, "CAPROCK_PODS": str(options.pods)})
    found = RESULT.search(done.stdout + done.stderr)
    if done.returncode or not found:
        raise RuntimeError(f"{TEST} failed: {done.stderr.strip()}")
    pods, seconds, cpu, early, late = found.groups()
    if float(cpu) > MOST_CPU:
        raise RuntimeError(f"the agent took {cpu} % of a core, {MOST_CPU} are allowed")
    yield (f"{pods} pods with links of their own appear in {seconds} s and vanish again, 20 at a time; the first SYN of each is in the record, "
           "and no entry of a map stays behind",
           ["CPU of the agent, % of a core", "its own memory after 20 pods, KiB", "at the end, KiB"], [[cpu, early, late]])
