# SPDX-License-Identifier: Apache-2.0
"""What every fault test stands on."""
import json
import os
import subprocess

from lab.agent import CAPROCK
from lab.harness import alone
from lab.numbered import NumberedTest
from lab.readers import read

RATE = 2000  # frames/s
ALL = os.environ.get("CAPROCK_FAULTS") == "all"


def rounds(few, every):
    """So many of a test by default, and all of them."""
    return every if ALL else few


@alone
class FaultTest(NumberedTest):
    def kept(self, pair, **settings):
        """An agent whose programs go on without it."""
        return self.recorder_of(pair, **{"agent__onStop": "keep", **settings})

    def exported_numbers(self, ring, seconds):
        """Of the frames that the ring has of the last so many seconds, in the order of the export."""
        out = self.folder / "last.pcapng"
        done = subprocess.run([CAPROCK, "export", "--file", ring, "--from", f"-{seconds}s", "--force", "-o", out],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return self.numbers(read("tcpdump", out).frames, "tcpdump")

    def verified(self, path):
        done = subprocess.run([CAPROCK, "verify", "-o", "json", path], capture_output=True, text=True)
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["damage"]), (0, []))
        return report

    def assert_explained(self, agent, offered):
        """Every packet that was offered is in the record or counted, and the record tells of every loss. The counters."""
        agent.settle()
        count = agent.interface("east")["ingress"]
        self.assert_stopped(agent)
        report = self.verified(agent.ring)
        self.assertEqual(count["seen"], offered)
        self.assertEqual(count["not_l4"] + count["filtered"] + count["accepted"] + count["malformed"], offered)
        self.assertEqual(count["written"] + count["lost"] + count["unreadable"], count["accepted"])
        self.assertEqual((report["packets"], report["dropped"]), (count["written"], count["lost"]))
        return count
