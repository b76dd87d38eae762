# SPDX-License-Identifier: Apache-2.0
"""The programs of Kubernetes, as tests/cluster/build-kubernetes leaves them, and those that run."""
import functools
import os
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / os.environ.get("CAPROCK_CACHE", ".cache") / "cluster"
NOT_TO_BE_HAD = 4  # exit status
LAST_WORDS = 5  # lines of a log


def build(script, *words):
    """Calls one of the scripts in tests/cluster that keep in CACHE what they build; what it prints."""
    done = subprocess.run([ROOT / "tests/cluster" / script, *words], stdout=subprocess.PIPE, text=True)
    if done.returncode == NOT_TO_BE_HAD:
        raise unittest.SkipTest(done.stdout.strip())
    if done.returncode:
        raise RuntimeError(f"{script} ended with {done.returncode}")
    return done.stdout.strip()


@functools.cache
def folder():
    """Where the programs are; those that are missing are built."""
    build("build-kubernetes")
    return CACHE / "kubernetes"


def program(name):
    return folder() / name


class Daemon:
    """A program that runs until it is stopped, or this thread ends; what it writes is in its log."""

    def __init__(self, command, log):
        self.name, self.log = log.stem, log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *map(str, command)],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def check(self):
        """Raises if it does not run any more."""
        if self.process.poll() is not None:
            words = "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_WORDS:])
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {words}")

    def stop(self, wait=10):
        self.process.terminate()
        try:
            self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
