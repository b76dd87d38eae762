# SPDX-License-Identifier: Apache-2.0
"""A caprock agent inside a namespace, with a ring, pins and a socket of its own."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
CAPROCK = os.environ.get("CAPROCK", str(ROOT / "build/release/caprock"))
WITHOUT_BTF = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh")  # a prefix


class Agent:
    """`settings` are --set keys, None leaves one to the configuration. The agent may be started, stopped and started again on the same ring."""

    def __init__(self, namespace, folder, prefix=(), config=None, **settings):
        self.namespace, self.folder = namespace, Path(folder)
        self.ring = self.folder / "ring.pcapng"
        self.socket = self.folder / "agent.sock"
        self.pins = Path(f"/sys/fs/bpf/caprock-test-{os.getpid()}-{self.folder.name}")
        self.log = self.folder / "agent.log"
        self.prefix, self.config, self.process = list(prefix), config, None
        self.settings = {
            "agent.dataDir": self.folder, "agent.pinDir": self.pins, "agent.listen": f"[unix:{self.socket}]",
            "tap.capture.raw.storageSize": "32Mi", "agent.stageSize": "32Mi", "agent.onStop": "detach",
            "agent.os.enabled": "false",  # what other processes do is in no test's hands
            **{key.replace("__", "."): value for key, value in settings.items()},
        }

    def command(self):
        sets = [word for key, value in self.settings.items() if value is not None for word in ("--set", f"{key}={value}")]
        config = ["--config", self.config] if self.config else []
        return self.namespace.command(*self.prefix, CAPROCK, "agent", *config, *sets)

    def launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def start(self, wait=15):
        self.launch().await_answer(wait)
        return self

    def await_answer(self, wait=15):
        self.wait_for(self.answers, "the agent to answer", wait)

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the agent ended with {self.process.returncode}: {self.last_words()}")
        try:
            return self.status()
        except RuntimeError:
            return None

    def wait_for(self, condition, what, seconds=10):
        try:
            return wait_until(condition, what, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; log: {self.last_words()}") from None

    def last_words(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def client(self, *words, check=True):
        """A client command of caprock's against this agent; the finished process."""
        done = subprocess.run([CAPROCK, words[0], "--server", f"unix:{self.socket}", *map(str, words[1:])],
                              capture_output=True, timeout=60)
        if check and done.returncode:
            raise RuntimeError(f"caprock {' '.join(map(str, words))}: {done.stderr.decode().strip()}")
        return done

    def status(self):
        return json.loads(self.client("status", "-o", "json").stdout)

    def interface(self, name):
        return next((one for one in self.status()["interfaces"] if one["name"] == name), None)

    def settle(self):
        """Waits until everything recorded so far is committed, and shown to readers that know nothing of us."""
        time.sleep(1.3)

    def stop(self, number=signal.SIGTERM, wait=20):
        """Ends the agent and returns its exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(wait) if self.process else None

    def delete(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.pins.exists():
            subprocess.run(["rm", "-rf", self.pins], check=True)
