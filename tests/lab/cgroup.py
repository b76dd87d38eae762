# SPDX-License-Identifier: Apache-2.0
"""A control group for the time of one measurement, version 2 or 1, whichever the machine has."""
import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
QUOTA_PERIOD_US = 1_000_000  # the longest that the kernel takes, as it takes no quota below 1 ms


def own_cgroup():
    """Number of this process's control group of version 2; empty where none is to be seen."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup2"]
    paths = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    return str(os.stat(mounted[0] + paths[0]).st_ino) if mounted and paths else ""


class Cgroup:
    """Limits what is started with its `prefix`, by the controls (file → value) of the version that the machine has.
    Raises where it has none to make one in."""

    def __init__(self, controller, version2, version1):
        parent, controls = self._hierarchy(controller, version2, version1)
        self.folder = parent / f"caprock-{controller}-{os.getpid()}"
        try:
            self.folder.mkdir()
            self._write(controls)
        except OSError as error:
            if self.folder.exists():
                self.folder.rmdir()
            raise RuntimeError(f"skipped: no {controller} cgroup can be made: {error}") from error

    @staticmethod
    def _hierarchy(controller, version2, version1):
        controlled = ROOT / "cgroup.subtree_control"
        if controlled.exists() and controller in controlled.read_text().split():
            return ROOT, version2
        if all((ROOT / controller / file).exists() for file in version1):
            return ROOT / controller, version1
        raise RuntimeError(f"skipped: {ROOT} has no {controller} cgroups")

    def _write(self, controls):
        for file, value in controls.items():
            (self.folder / file).write_text(str(value))

    def change(self, version2, version1):
        """Other values for the controls."""
        self._write(version2 if self.folder.parent == ROOT else version1)

    @property
    def prefix(self):
        return ["sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', "sh"]

    def add(self, pid):
        (self.folder / "cgroup.procs").write_text(str(pid))

    def release(self, pid):
        (self.folder.parent / "cgroup.procs").write_text(str(pid))

    def delete(self):
        for _ in range(50):  # a process that has just ended may still be counted
            try:
                return self.folder.rmdir()
            except OSError:
                time.sleep(0.1)
        self.folder.rmdir()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.delete()


def memory_cgroup(limit_bytes):
    return Cgroup("memory", {"memory.max": limit_bytes}, {"memory.limit_in_bytes": limit_bytes})


def cpu_share(share):
    """Controls by version: so much of one CPU, of 1; not less than a thousandth."""
    quota = int(share * QUOTA_PERIOD_US)
    return {"cpu.max": f"{quota} {QUOTA_PERIOD_US}"}, {"cpu.cfs_period_us": QUOTA_PERIOD_US, "cpu.cfs_quota_us": quota}


def cpu_cgroup(share):
    return Cgroup("cpu", *cpu_share(share))
