#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks at what tests/faults/guest/disk_trouble left: rings, what the agents said, how many frames were sent by then.

usage: judge_disk_trouble.py FOLDER      a copy of the guest's disk
"""
import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numbered_frames  # noqa: E402
from lab.readers import COMMANDS, read  # noqa: E402


class DiskTrouble(unittest.TestCase):
    disk = Path()

    def status(self, part, moment):
        return json.loads((self.disk / part / f"{moment}.json").read_text())

    def sent_by(self, part, moment):
        return int((self.disk / part / f"{moment}.sent").read_text())

    def check_ring(self, part, first):
        """All frames from the first to the last sent, each once with its bytes, on the disk, and none lost by the counters."""
        last = self.sent_by(part, "after")
        ring, sent = self.disk / part / "ring.pcapng", numbered_frames.all_frames()[first:last]
        for reader in COMMANDS:
            reading = read(reader, ring)
            self.assertEqual(reading.error, "", reader)
            self.assertEqual(len(reading.frames), len(sent), f"frames that {reader} finds")
            self.assertTrue(sorted(reading.frames) == sorted(sent), f"bytes that {reader} finds")
        verified = subprocess.run([os.environ["CAPROCK"], "verify", ring], capture_output=True, text=True)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        status = self.status(part, "after")
        (interface,) = status["interfaces"]
        self.assertEqual((interface["ingress"]["written"], status["loss"]["total"]), (len(sent), 0))

    def test_errors(self):
        """A disk that fails for seconds is told of, costs no frame, and is recorded to again when it is back."""
        self.check_ring("errors", 0)
        before, during, after = (self.status("errors", moment) for moment in ("before", "during", "after"))
        self.assertEqual(before["errors"], [])
        (error,) = [one for one in during["errors"] if "cannot sync" in one["message"]]
        self.assertIn("Input/output error", error["message"])
        self.assertLess(during["ring"]["durable_until"], error["first"], "nothing is durable from the error on")
        self.assertGreater(after["ring"]["newest"], during["now"], "it is recorded again")
        self.assertEqual({one["pid"] for one in (before, during, after)}, {before["pid"]}, "it is the same agent")
        log = (self.disk / "errors/log").read_text()
        self.assertIn(len(re.findall("cannot sync .*Input/output error", log)), (1, 2), "in the log, not at each attempt")
        self.assertIn("stopped: the ring is sealed and synced", log)

    def test_full(self):
        """On a file system that others have filled it is recorded on: the ring has its space."""
        self.check_ring("full", self.sent_by("errors", "after"))
        self.assertEqual(self.status("full", "after")["errors"], [])

    def test_start_on_full(self):
        """Where there is no space for a ring one line says what to do."""
        self.assertEqual((self.disk / "full/refusal.status").read_text(), "1\n")
        (line,) = (self.disk / "full/refusal").read_text().splitlines()
        self.assertRegex(line, "does not fit; make room, or give a smaller tap.capture.raw.storageSize")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    DiskTrouble.disk = Path(sys.argv.pop())
    unittest.main()
