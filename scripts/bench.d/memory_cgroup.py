# SPDX-License-Identifier: Apache-2.0
"""A memory cgroup for the time of one measurement, version 2 or 1, whichever the machine has."""
import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class MemoryCgroup:
    """Limits what is started with its `prefix`. Raises where the machine has no memory cgroups to make one in."""

    def __init__(self, limit_bytes):
        parent, limit_file = self._hierarchy()
        self.folder = parent / f"caprock-bench-{os.getpid()}"
        self.folder.mkdir()
        (self.folder / limit_file).write_text(str(limit_bytes))

    @staticmethod
    def _hierarchy():
        controlled = ROOT / "cgroup.subtree_control"
        if controlled.exists() and "memory" in controlled.read_text().split():
            return ROOT, "memory.max"
        if (ROOT / "memory/memory.limit_in_bytes").exists():
            return ROOT / "memory", "memory.limit_in_bytes"
        raise RuntimeError(f"skipped: {ROOT} has no memory cgroups")

    @property
    def prefix(self):
        return ["sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', "sh"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _ in range(50):  # a process that has just ended may still be counted
            try:
                return self.folder.rmdir()
            except OSError:
                time.sleep(0.1)
        self.folder.rmdir()
