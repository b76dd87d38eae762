#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what tests/kernels/record sent in a guest with what the agent there recorded.

usage: judge_record.py FOLDER      a copy of the guest's disk; findings.json is left there
"""
import json
import os
import re
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from findings import Findings, kernel_version  # noqa: E402
from lab import frames  # noqa: E402
from lab.readers import COMMANDS, journal_entries, journal_messages, read  # noqa: E402

DATAGRAM = 1400
CLOCK_STEPS = [("back", 100), ("back", 50), ("forward", 100), ("back", 50)]
ETHERNET = frames.ethernet(frames.IPV4, source=frames.RIGHT_MAC, destination=frames.LEFT_MAC)
NO_ADDRESSES = bytes(12) + ETHERNET[12:]  # of netkit
UDP_HEADERS = len(ETHERNET) + 20 + 8  # IPv4, UDP


def datagrams(found, ethernet):
    """Payloads of UDP over IPv4 to the discard port whose headers are whole."""
    return [frame[UDP_HEADERS:] for frame in found
            if frame.startswith(ethernet) and frames.checksum(frame[14:34]) == 0 and frame[23] == 17
            and frame[36:38] == struct.pack("!H", frames.DISCARD_PORT)]


class Record(unittest.TestCase):
    disk = Path()
    findings = Findings()

    @property
    def tc(self):
        return "tcx" if kernel_version(self.disk) >= (6, 6) else "clsact"

    def check_status(self, status, hooks, transport):
        """What is recorded, how, and that nothing is lost; returns the hook in use on the interface."""
        self.assertEqual(status["capture"]["transport"], transport)
        (interface,) = status["interfaces"]
        self.assertEqual((interface["name"], interface["error"]), ("west", ""))
        self.assertIn(interface["hook"], hooks)
        self.assertEqual((status["loss"]["total"], status["loss"]["truncated_since_start"]), (0, 0))
        return interface["hook"]

    def check_datagrams(self, found, ethernet, where, in_order):
        """In the order in which they were sent, or else each CPU's in the order that the lane took them."""
        sent = (self.disk / "sent").read_bytes()
        parts = [sent[at:at + DATAGRAM] for at in range(0, len(sent), DATAGRAM)]
        received = datagrams(found, ethernet)
        self.assertTrue((received if in_order else sorted(received)) == parts, f"the datagrams as {where}")

    def check_packets(self, path, count, ethernet=ETHERNET, stream=True):
        in_order = path.name == "out.pcapng" and not path.parent.name.startswith("xdp")  # a card sends some out of order
        for reader in COMMANDS:
            reading, where = read(reader, path), f"{reader} finds them in {path.parent.name}/{path.name}"
            self.assertEqual((reading.error, len(reading.frames)), ("", count), where)
            self.check_datagrams(reading.frames, ethernet, where, in_order)
            if stream:
                self.assertTrue(frames.tcp_content(reading.frames, 5000) == (self.disk / "sent").read_bytes(),
                                f"bytes of the TCP transfer as {where}")

    def check_disk_access(self, folder):
        """The ring was open past the page cache, and io_uring wrote most of it there without an error."""
        descriptors, trace = (folder / "descriptors").read_text(), (folder / "completions").read_text()
        flags = [int(octal, 8) for octal in re.findall(r"^flags:\s*(\d+)$", descriptors, re.M)]
        self.assertTrue(any(one & os.O_DIRECT for one in flags), "a descriptor with O_DIRECT")
        written = [int(result) for result in re.findall(r"io_uring_complete: .*result (-?\d+)", trace)]
        self.assertEqual([result for result in written if result <= 0], [])
        self.assertGreater(sum(written), (self.disk / "sent").stat().st_size, "of twice that")

    def check_clock(self, path):
        """Each time that the clock was set is told; in the order of the file's segments, which need not be that of time."""
        told = re.findall(r"the wall clock was set (\w+) by (\d+)", "\n".join(journal_messages(path)))
        self.assertEqual(sorted((way, round(int(seconds), -1)) for way, seconds in told), sorted(CLOCK_STEPS))

    def check_events(self, path):
        """The TCP transfer is told with its process and bytes."""
        entries = [entry for entry in journal_entries(path) if entry.get("CAPROCK_LAYER") == "os"]
        self.assertLessEqual({"exec", "exit", "connect", "established", "closed"},
                             {entry["CAPROCK_EVENT"] for entry in entries})
        received = [entry for entry in entries if entry["CAPROCK_EVENT"] == "closed"
                    and entry["CAPROCK_FLOW"].startswith("TCP [fd77::1]:5000 >")]
        self.assertEqual([entry["_COMM"] for entry in received], ["socat"])
        beside = int(received[0]["CAPROCK_RECEIVED_BYTES"]) - (self.disk / "sent").stat().st_size
        self.assertIn(beside, (0, 1))  # the kernel counts the FIN

    def check_record(self, name, hooks, ethernet=ETHERNET):
        """What came in datagrams without an agent, and over TCP under a restart, is there once, byte for byte."""
        folder = self.disk / name
        status = json.loads((folder / "status.json").read_text())
        hook = self.check_status(status, hooks, name.split("-")[1])
        (interface,) = status["interfaces"]
        written = interface["ingress"]["written"] + interface["egress"]["written"]
        for file in ("ring.pcapng", "out.pcapng"):
            self.check_packets(folder / file, written, ethernet)
        self.check_clock(folder / "ring.pcapng")
        return hook

    def test_tc(self):
        for transport in ("stage", "ringbuf"):
            self.findings.add(f"packets by tc, {transport}", self.check_record(f"tc-{transport}", [self.tc]))
        self.check_events(self.disk / "tc-stage/ring.pcapng")
        self.check_disk_access(self.disk / "tc-stage")

    def test_xdp(self):
        hooks = {f"xdp + {self.tc}": "in the driver", f"xdp (generic) + {self.tc}": "generic"}
        for transport in ("stage", "ringbuf"):
            hook = self.check_record(f"xdp-{transport}", hooks)
            self.findings.add(f"packets by XDP, {transport}", hooks[hook])

    def test_tc_on_netkit(self):
        feature = "packets of a pod behind netkit"
        if kernel_version(self.disk) >= (6, 7):
            self.findings.add(feature, self.check_record("netkit-stage", ["netkit + tcx"], NO_ADDRESSES))
        else:
            self.findings.add(feature, "no: not on this kernel")

    def test_xdp_of_mirror_port(self):
        folder = self.disk / "mirror-stage"
        status = json.loads((folder / "status.json").read_text())
        self.check_status(status, ["xdp + af_xdp"], "stage")
        self.findings.add("packets of a mirror port", "XDP and AF_XDP")
        for name in ("ring.pcapng", "out.pcapng"):
            self.check_packets(folder / name, status["interfaces"][0]["ingress"]["written"], stream=False)

    def test_late_cpu(self):
        """What a CPU handles that came online behind the agent's start is counted as lost, and the status says why."""
        status = json.loads((self.disk / "late-stage/status.json").read_text())
        ingress = status["interfaces"][0]["ingress"]
        sent = -(-(self.disk / "sent").stat().st_size // DATAGRAM)
        self.assertGreaterEqual(ingress["lost"], sent)
        self.assertEqual(ingress["seen"], ingress["accepted"] + ingress["not_l4"])
        self.assertIn("cpus.online", [finding["id"] for finding in status["findings"]])
        told = [message for message in journal_messages(self.disk / "late-stage/ring.pcapng") if "packets lost" in message]
        self.assertTrue(told, "the file tells of the loss")

    @classmethod
    def tearDownClass(cls):
        cls.findings.add("kill and restart without a gap", "yes")
        cls.findings.add("writes past the page cache, by io_uring", "yes")
        cls.findings.write(cls.disk)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Record.disk = Path(sys.argv.pop())
    unittest.main()
