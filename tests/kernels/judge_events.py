#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks for what tests/kernels/events provoked in a guest in what the agent there recorded.

usage: judge_events.py FOLDER      a copy of the guest's disk; findings.json is left there
"""
import json
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from findings import Findings  # noqa: E402
from lab.readers import journal_entries  # noqa: E402

WEST, EAST, STRANGER = r"10\.77\.0\.1", r"10\.77\.0\.2", r"10\.77\.0\.3"
CONTAINER = "0123456789abcdef" * 4
NOBODY = r"0\.0\.0\.0:0"
ONCE, SEVERAL = "once", "once or more"  # the latter where the kernel decides how often


def to_west(port):
    """Flow of a client."""
    return rf"TCP {EAST}:\d+ > {WEST}:{port}"


def to_east(port):
    """Flow of a server's connection."""
    return rf"TCP {WEST}:{port} > {EAST}:\d+"


# SYNs that nobody follows up, where the kernel has cookies for them.
BACKLOG = {"CAPROCK_FLOW": rf"TCP {WEST}:6014 > {STRANGER}:699[3-6]", "CAPROCK_REASON": "SYN backlog"}
BACKLOG_WITHOUT_COOKIES = {"CAPROCK_FLOW": rf"TCP {WEST}:6014 > {STRANGER}:(699[7-9]|7000)", "CAPROCK_REASON": "SYN backlog"}

# Event, what fields of it match, how often there is such a one.
PROVOKED = [
    ("exec", {"_CMDLINE": r'/bin/sh -c "exit 7"'}, ONCE),
    ("exit", {"EXIT_STATUS": "7"}, ONCE),
    ("exec", {"_CMDLINE": "/bin/sleep 59"}, ONCE),
    ("exec", {"_CMDLINE": "/bin/sleep 1", "CAPROCK_CONTAINER": CONTAINER}, ONCE),
    ("exit", {"_COMM": "sleep", "CAPROCK_CONTAINER": CONTAINER}, ONCE),
    ("oom", {"_PID": r"\d+"}, ONCE),
    ("cgroup-created", {"CAPROCK_CGROUP": "/provoked"}, ONCE),
    ("cgroup-removed", {"CAPROCK_CGROUP": "/provoked"}, ONCE),
    ("open", {"CAPROCK_FLOW": rf"UDP {WEST}:6001 > {NOBODY}", "_COMM": "socat"}, ONCE),
    ("open", {"CAPROCK_FLOW": to_east(6002), "_COMM": "socat"}, ONCE),
    ("open", {"CAPROCK_FLOW": to_west(6002), "_COMM": "socat"}, ONCE),
    ("bind", {"CAPROCK_FLOW": rf"UDP {WEST}:6003 > {NOBODY}", "_COMM": "socat"}, ONCE),
    ("bind", {"CAPROCK_FLOW": rf"TCP {WEST}:6004 > {NOBODY}", "_COMM": "socat"}, ONCE),
    ("listen", {"CAPROCK_FLOW": rf"TCP {WEST}:6004 > {NOBODY}", "_COMM": "socat"}, ONCE),
    ("connect", {"CAPROCK_FLOW": rf"TCP .* > {WEST}:6004", "_COMM": "socat"}, ONCE),
    ("established", {"CAPROCK_FLOW": to_west(6004), "_COMM": "socat"}, ONCE),
    ("established", {"CAPROCK_FLOW": to_east(6004), "_COMM": "socat"}, ONCE),
    ("accept", {"CAPROCK_FLOW": to_east(6004), "_COMM": "socat"}, ONCE),
    ("closed", {"CAPROCK_FLOW": to_west(6004), "_COMM": "socat"}, ONCE),
    ("closed", {"CAPROCK_FLOW": to_east(6004), "_COMM": "socat"}, ONCE),
    ("rtt", {"CAPROCK_FLOW": ".*:6004.*", "CAPROCK_SRTT_US": r"\d+"}, SEVERAL),
    ("failed", {"CAPROCK_FLOW": rf"TCP .* > {WEST}:6005", "ERRNO": "111"}, ONCE),
    ("reset-received", {"CAPROCK_FLOW": to_west(6005), "_COMM": "socat"}, ONCE),
    ("reset-sent", {"CAPROCK_FLOW": to_east(6006), "_COMM": "socat"}, ONCE),
    ("reset-received", {"CAPROCK_FLOW": to_west(6006), "_COMM": "socat"}, ONCE),
    ("retransmit", {"CAPROCK_FLOW": to_west(6007), "_COMM": "socat"}, SEVERAL),
    ("congestion", {"CAPROCK_FLOW": to_west(6007), "CAPROCK_REASON": "loss"}, SEVERAL),
    ("zero-window", {"CAPROCK_FLOW": to_west(6008)}, SEVERAL),
    ("bad-checksum", {"CAPROCK_FLOW": rf"TCP {EAST}:6009 > {WEST}:6009"}, ONCE),
    ("listen-overflow", {"CAPROCK_FLOW": to_east(6010), "_COMM": "socat", "CAPROCK_REASON": "accept queue"}, SEVERAL),
    ("listen-overflow", {**BACKLOG, "CAPROCK_USED": "[12]", "CAPROCK_LIMIT": "1", "_COMM": "socat"}, SEVERAL),
    ("retransmit", {"CAPROCK_FLOW": rf"TCP {WEST}:6014 > {STRANGER}:6993", "CAPROCK_REASON": "SYN-ACK", "_COMM": "socat"}, SEVERAL),
    ("drop", {"CAPROCK_FLOW": rf"UDP {EAST}:\d+ > {WEST}:6011"}, ONCE),
    ("udp-overflow", {"CAPROCK_FLOW": rf"UDP {WEST}:6012 > .*", "_COMM": "socat"}, SEVERAL),
    ("memory-limit", {"CAPROCK_FLOW": rf"UDP {WEST}:6013 > .*", "_COMM": "socat"}, SEVERAL),
]
END_OF_UDP = ("closed", {"CAPROCK_FLOW": rf"UDP {WEST}:6003 > .*", "_COMM": "socat"}, ONCE)

PROBES = {"fentry": "fentry", "fexit": "fentry", "kprobe": "kprobe", "kretprobe": "kprobe"}
WAYS = {"tp_btf": "tracepoint", "iter": "iterator", **PROBES}


def counters(file):
    """{"TCPReqQFullDrop": 0} of /proc/net/netstat, where a line of names is followed by one of numbers."""
    lines = [line.split()[1:] for line in file.read_text().splitlines()]
    return {name: int(value) for names, values in zip(lines[::2], lines[1::2]) for name, value in zip(names, values)}


def way_of(hook):
    """How a program gets to the hook: "fexit/inet_csk_accept" → "fexit"."""
    return hook.split("/")[0]


class Record:
    """What an agent said of itself, and what it recorded."""

    def __init__(self, folder):
        self.events = json.loads((folder / "status.json").read_text())["events"]
        self.hooks = {event["name"]: event["hook"] for event in self.events}
        self.before, self.after = (counters(folder / f"netstat_{moment}") for moment in ("before", "after"))
        self.entries = [entry for entry in journal_entries(folder / "ring.pcapng") if entry.get("CAPROCK_LAYER") == "os"]

    def provoked(self):
        """What of the provocations the kernel has hooks for. A tracepoint does not tell the end of a UDP socket."""
        chosen = [END_OF_UDP] if way_of(self.hooks["bind"]) in PROBES else []
        return [one for one in PROVOKED if self.hooks[one[0]]] + chosen

    def ways_of_probes(self):
        return {PROBES[way_of(hook)] for hook in self.hooks.values() if way_of(hook) in PROBES}

    def grown(self, counter):
        return self.after[counter] - self.before[counter]

    def find(self, event, fields):
        return [entry for entry in self.entries if entry.get("CAPROCK_EVENT") == event
                and all(re.fullmatch(pattern, entry.get(name, "")) for name, pattern in fields.items())]


class Events(unittest.TestCase):
    disk = Path()
    findings = Findings()

    def check_status(self, record):
        """Every event that there is was provoked, and those that are not told have a reason."""
        self.assertEqual(set(record.hooks), {event for event, _, _ in PROVOKED})
        self.assertEqual([event["name"] for event in record.events if not event["hook"] and not event["note"]], [])
        self.assertEqual([event["name"] for event in record.events if event["lost"]], [])

    def check_processes(self, record):
        """Of one process each is what was done to it."""
        for command, event, fields in (('/bin/sh -c "exit 7"', "exit", {"EXIT_STATUS": "7"}),
                                       ("/bin/sleep 59", "exit", {"CAPROCK_SIGNAL": "9"}),
                                       ("/bin/dd .*", "exit", {"CAPROCK_SIGNAL": "9"}),
                                       ("/bin/dd .*", "oom", {})):
            pids = [entry["_PID"] for entry in record.find("exec", {"_CMDLINE": command})]
            self.assertEqual(len(pids), 1, command)
            self.assertEqual(len(record.find(event, {"_PID": pids[0], **fields})), 1, f"{event} of {command}")

    def check_backlog(self, record):
        """A SYN backlog is full where the kernel finds it so. Without cookies it does not tell of those at the very limit."""
        told = record.find("listen-overflow", {"CAPROCK_REASON": "SYN backlog"})
        dropped = record.find("listen-overflow", BACKLOG_WITHOUT_COOKIES)
        self.assertEqual(len(told) - len(dropped), record.grown("TCPReqQFullDoCookies"))
        full_at_limit = record.find("listen-overflow", {**BACKLOG, "CAPROCK_USED": "1"})
        self.assertEqual(len(dropped), 0 if full_at_limit else record.grown("TCPReqQFullDrop"))

    def check_record(self, name):
        record = Record(self.disk / name)
        self.check_status(record)
        for event, fields, often in record.provoked():
            with self.subTest(f"agent.os.probes: {name}", event=event, **fields):
                found = record.find(event, fields)
                self.assertTrue(len(found) == 1 or (found and often is SEVERAL),
                                f"{often}, not {len(found)} times; of that event there are {record.find(event, {})}")
        self.check_processes(record)
        self.check_backlog(record)
        return record

    def test_probes(self):
        """Each event that the status names a hook for is in the record, whichever way the probes get into functions."""
        auto, kprobe = self.check_record("auto"), self.check_record("kprobe")
        self.assertEqual((auto.ways_of_probes(), kprobe.ways_of_probes()), ({"fentry"}, {"kprobe"}))
        for event in auto.events:
            name = event["name"]
            ways = dict.fromkeys(WAYS[way_of(record.hooks[name])] for record in (auto, kprobe) if record.hooks[name])
            self.findings.add(f"`{name}`", ", ".join(ways) or f"no: {event['note'].removeprefix('not on this kernel: ')}")
        reasons = any("CAPROCK_REASON" in entry for entry in auto.find("drop", {}))
        self.findings.add("reason of `drop`", "yes" if reasons else "no: not on this kernel")
        self.findings.add("`closed` of UDP", self.findings.features["`bind`"])

    @classmethod
    def tearDownClass(cls):
        cls.findings.write(cls.disk)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Events.disk = Path(sys.argv.pop())
    unittest.main()
