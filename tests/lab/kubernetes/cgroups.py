# SPDX-License-Identifier: Apache-2.0
"""The control groups of a node: one folder in each hierarchy of the machine, version 2, 1, or both."""
from pathlib import Path

from ..cgroup import ROOT
from ..waiting import wait_until


def hierarchies():
    if (ROOT / "cgroup.procs").exists():
        return [ROOT]
    return sorted({folder.resolve() for folder in ROOT.iterdir() if (folder / "cgroup.procs").exists()})


class ControlGroups:
    """`system` is for the node's own programs, beside the groups that the kubelet makes for pods."""

    def __init__(self, name):
        self.name = name
        self.folders = [hierarchy / name for hierarchy in hierarchies()]
        for folder in self.folders:
            folder.mkdir()
            for file in ("cpuset.cpus", "cpuset.mems"):  # a group of version 1 begins without any
                if (folder / file).exists() and (folder.parent / "cgroup.clone_children").exists():
                    (folder / file).write_text((folder.parent / file).read_text())
        self.system = self.folders[0] / "system"
        self.system.mkdir()

    def delete(self):
        """When their processes are ending."""
        for folder in self.folders:
            wait_until(lambda: self._removed(folder), f"the processes in {folder} to end")

    @staticmethod
    def _removed(folder):
        try:
            for inner in sorted(folder.rglob("*/"), reverse=True):
                inner.rmdir()
            folder.rmdir()
        except OSError:
            return False
        return True
