# SPDX-License-Identifier: Apache-2.0
"""A machine of its own for the programs of a node, as far as namespaces give one."""
from pathlib import Path

from ..network import run
from ..waiting import wait_until
from .cgroups import ControlGroups
from .programs import ROOT, Daemon


class Node:
    """In the network namespace given, with mounts of its own, and the machine's PIDs, as BPF programs tell them. Its processes, and
    those of its pods, are in control groups of the node, by which all are ended."""

    def __init__(self, folder, namespace):
        self.folder, self.namespace = Path(folder) / "node", namespace
        self.folder.mkdir()
        self.cgroups = ControlGroups(namespace.name)
        self.init = Daemon(namespace.command("unshare", "--mount", "--propagation", "private", ROOT / "tests/cluster/node-init",
                                             self.folder, *self.cgroups.folders), self.folder / "init.log")
        try:
            wait_until(self._is_ready, "the node's file systems", 30)
        except BaseException:
            self.delete()
            raise

    def _is_ready(self):
        self.init.check()
        return (self.folder / "ready").exists()

    def command(self, *words):
        join = f'echo $$ >{self.cgroups.system}/cgroup.procs && exec "$@"'
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "--", "sh", "-c", join, "sh", *map(str, words)]

    @property
    def pid(self):
        return self.init.process.pid

    def run(self, *words, **options):
        return run(*self.command(*words), **options)

    def path(self, inside):
        """Of one of the node's files, as seen from outside."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def entered(self):
        """This thread in the node's network."""
        return self.namespace.entered()

    def delete(self):
        self.init.stop(wait=30)
        self.cgroups.delete()
