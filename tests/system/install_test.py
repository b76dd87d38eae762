# SPDX-License-Identifier: Apache-2.0
"""caprock as a host has it: what `cmake --install` puts where, under what the systemd unit allows, seen with scripts/bpf-inspect."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from lab.harness import SystemTest
from lab import frames
from lab.agent import CAPROCK, ROOT
from lab.network import run

UNIT = "lib/systemd/system/caprock.service"


class Installed(SystemTest):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        run("cmake", "--install", Path(CAPROCK).parent, env={**os.environ, "DESTDIR": str(self.root)})
        self.unit, = self.root.rglob(UNIT)
        self.prefix = self.unit.parents[3]
        self.program = self.prefix / "bin/caprock"

    def words_of(self, setting):
        return re.search(rf"^{setting}=(.*)$", self.unit.read_text(), re.M)[1].split()

    def test_files(self):
        """install: program, manual, completion and configuration are in place, and an operator's configuration stays"""
        self.assertEqual(run(self.program, "--version"), run(CAPROCK, "--version"))
        self.assertEqual(self.words_of("ExecStart"), [f"/{self.program.relative_to(self.root)}", "agent"])
        self.assertIn(".TH", (self.prefix / "share/man/man1/caprock.1").read_text())
        completion = self.prefix / "share/bash-completion/completions/caprock"
        self.assertIn("caprock", run("bash", "-c", f". {completion} && complete -p caprock"))
        configuration = self.root / "etc/caprock/caprock.yaml"
        configuration.write_text("tap: { regex: mine }\n")
        run("cmake", "--install", Path(CAPROCK).parent, env={**os.environ, "DESTDIR": str(self.root)})
        self.assertEqual(configuration.read_text(), "tap: { regex: mine }\n")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_unit(self):
        """install: systemd finds nothing wrong with the unit"""
        unit = self.folder / "caprock.service"
        unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={self.program}", self.unit.read_text(), flags=re.M))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
        self.assertNotIn("caprock.service", done.stderr)

    def start_as_unit(self, pair):
        """With the capabilities of the unit, and its configuration."""
        bounds = ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in self.words_of("CapabilityBoundingSet"))])
        return self.make_agent(pair.right, prefix=["setpriv", "--bounding-set", bounds, "--no-new-privs"],
                               config=self.root / "etc/caprock/caprock.yaml", agent__interfaces="[east]",
                               agent__os__enabled="true").start()

    def test_capabilities(self):
        """install: with the capabilities of the unit and the configuration that comes along, packets and events are recorded"""
        pair = self.make_pair(addresses=False)
        agent = self.start_as_unit(pair)
        sent = [frames.udp4_frame(i, 100) for i in range(3)]
        with frames.raw_socket(pair.left, "west") as wire:
            for frame in sent:
                wire.send(frame)
        run("true")
        agent.settle()
        self.assertEqual(agent.interface("east")["ingress"]["written"], 3)
        events = agent.client("export", "--events-only", "--format", "json", "-o", "-").stdout.decode()
        self.assertIn('"exec"', events)
        self.assert_stopped(agent)

    def test_inspected(self):
        """install: scripts/bpf-inspect names the programs, where they are attached, and what they counted"""
        pair = self.make_pair(addresses=False)
        agent = self.start_as_unit(pair)
        with frames.raw_socket(pair.left, "west") as wire:
            wire.send(frames.udp4_frame(0, 100))
        agent.wait_for(lambda: agent.interface("east")["ingress"]["written"] == 1, "the packet")
        shown = pair.right.run(ROOT / "scripts/bpf-inspect", agent.pins)
        for expected in ("tc_ingress", "tc_egress", "east", "written 1"):
            self.assertIn(expected, shown)
