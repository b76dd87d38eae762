# SPDX-License-Identifier: Apache-2.0
"""What every system test stands on: a folder, namespaces and agents of its own, all gone after it."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.agent import CAPROCK, Agent  # noqa: E402
from lab.network import Namespace, Pair  # noqa: E402
from lab.readers import COMMANDS, read  # noqa: E402

TRANSPORTS = ("stage", "ringbuf")
FRAME_HEADERS = 14 + 20 + 8  # Ethernet, IPv4, UDP


def on_both_transports(case):
    """Makes of a test case one for each way from the kernel to the agent."""
    module = sys.modules[case.__module__]
    for transport in TRANSPORTS:
        name = f"{case.__name__}_{transport}"
        setattr(module, name, type(name, (case,), {"transport": transport, "__module__": case.__module__}))


def alone(test):
    """Nothing else runs beside the test: it loads the whole machine, or asks how long something takes."""
    test.turn = "alone"
    return test


class SystemTest(unittest.TestCase):
    transport = "auto"
    turn = ""  # of those with the same word one runs at a time

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="caprock-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    @classmethod
    def requirement(cls, method):
        """The test's docstring, with the transport where there are two."""
        text = " ".join(getattr(cls, method).__doc__.split())
        return text if cls.transport == "auto" else f"{text} ({cls.transport})"

    def make_pair(self, **options):
        pair = Pair(f"test{len(self._cleanups)}", **options)
        self.addCleanup(pair.delete)
        return pair

    def make_namespace(self):
        namespace = Namespace(f"test{len(self._cleanups)}")
        self.addCleanup(namespace.delete)
        return namespace

    def make_agent(self, namespace, name="agent", prefix=(), config=None, **settings):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        agent = Agent(namespace, folder, prefix, config, **{"agent__transport": self.transport, **settings})
        self.addCleanup(agent.delete)
        return agent

    def recorder_of(self, pair, **settings):
        """A running agent that records on the right end of the pair."""
        return self.make_agent(pair.right, **{"agent__interfaces": "[east]", **settings}).start()

    def assert_stopped(self, agent, number=signal.SIGTERM):
        self.assertEqual(agent.stop(number), 0, agent.last_words())

    def assert_verified(self, agent):
        done = subprocess.run([CAPROCK, "verify", agent.ring], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def readings(self, path):
        """The file as each independent reader finds it; none may complain."""
        for reader in COMMANDS:
            reading = read(reader, path)
            self.assertEqual(reading.error, "", f"{reader} on {path}")
            yield reader, reading

    def assert_holds(self, path, frames):
        """Each reader finds exactly these frames, in whatever order of CPUs."""
        for reader, reading in self.readings(path):
            self.assertEqual(len(reading.frames), len(frames), f"packets that {reader} finds")
            self.assertEqual(sorted(reading.frames), sorted(frames), f"bytes that {reader} finds")

    def export(self, agent, *options, name="out.pcapng"):
        out = self.folder / name
        agent.client("export", "--from", "-10m", "--force", "-o", out, *options)
        return out


def why_not_here():
    """Why system tests cannot run on this machine, if so."""
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/sys/fs/bpf").is_dir():
        return "needs a kernel with a BPF file system"
    return None
