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

from findings import Findings, kernel_version  # noqa: E402
from lab.readers import journal_entries  # noqa: E402

WEST, EAST, STRANGER = r"10\.77\.0\.1", r"10\.77\.0\.2", r"10\.77\.0\.3"
CONTAINER = "0123456789abcdef" * 4
NOBODY = r"0\.0\.0\.0:0"
NUMBER = r"[1-9]\d*"
CLIENT = {"_COMM": "socat", "CAPROCK_DIRECTION": "out"}
SERVER = {"_COMM": "socat", "CAPROCK_DIRECTION": "in"}
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

BACKLOG6 = {"CAPROCK_FLOW": r"TCP \[fd77::1\]:6022 > \[fd77::3\]:699[3-6]", "CAPROCK_REASON": "SYN backlog"}
BY_NETFILTER = rf"UDP {EAST}:\d+ > {WEST}:6020"
BY_QUEUE = rf"UDP {WEST}:\d+ > {EAST}:6021"

# Event, what fields of it match, how often there is such a one.
PROVOKED = [
    ("exec", {"_CMDLINE": r'/bin/sh -c "exit 7"'}, ONCE),
    ("exit", {"EXIT_STATUS": "7"}, ONCE),
    ("exec", {"_CMDLINE": "/bin/sleep 59"}, ONCE),
    ("exec", {"_CMDLINE": "/bin/sleep 1", "CAPROCK_CONTAINER": CONTAINER, "CAPROCK_CGROUP_ID": NUMBER}, ONCE),
    ("exit", {"_COMM": "sleep", "CAPROCK_CONTAINER": CONTAINER}, ONCE),
    ("oom", {"_PID": r"\d+"}, ONCE),
    ("cgroup-created", {"CAPROCK_CGROUP": "/provoked"}, ONCE),
    ("cgroup-removed", {"CAPROCK_CGROUP": "/provoked"}, ONCE),
    ("open", {"CAPROCK_FLOW": rf"UDP {WEST}:6001 > {NOBODY}", "_COMM": "socat"}, ONCE),
    ("open", {"CAPROCK_FLOW": to_east(6002), "_COMM": "socat"}, ONCE),
    ("open", {"CAPROCK_FLOW": to_west(6002), "_COMM": "socat"}, ONCE),
    ("bind", {"CAPROCK_FLOW": rf"UDP {WEST}:6003 > {NOBODY}", "_COMM": "socat"}, ONCE),
    ("bind", {"CAPROCK_FLOW": r"UDP \[fd77::1\]:6018 > \[::\]:0", "_COMM": "socat"}, ONCE),
    ("listen", {"CAPROCK_FLOW": rf"TCP {WEST}:6004 > {NOBODY}", "_COMM": "socat"}, ONCE),
    ("connect", {"CAPROCK_FLOW": rf"TCP .* > {WEST}:6004", **CLIENT}, ONCE),
    ("established", {"CAPROCK_FLOW": to_west(6004), **CLIENT, "CAPROCK_LATENCY_NS": NUMBER}, ONCE),
    ("established", {"CAPROCK_FLOW": to_east(6004), **SERVER}, ONCE),
    ("accept", {"CAPROCK_FLOW": to_east(6004), **SERVER}, ONCE),
    ("closed", {"CAPROCK_FLOW": to_west(6004), **CLIENT, "CAPROCK_DURATION_NS": NUMBER, "CAPROCK_SENT_BYTES": NUMBER,
                "CAPROCK_RETRANSMITS": r"\d+", "CAPROCK_SRTT_US": NUMBER}, ONCE),
    ("closed", {"CAPROCK_FLOW": to_west(6007), "_COMM": "socat", "CAPROCK_RETRANSMITS": NUMBER}, ONCE),
    ("closed", {"CAPROCK_FLOW": to_east(6004), **SERVER}, ONCE),
    ("rtt", {"CAPROCK_FLOW": ".*:6004.*", "CAPROCK_SRTT_US": r"\d+"}, SEVERAL),
    ("failed", {"CAPROCK_FLOW": rf"TCP .* > {WEST}:6005", "ERRNO": "111"}, ONCE),
    ("failed", {"CAPROCK_FLOW": rf"TCP .* > {WEST}:6017", "_COMM": "socat"}, ONCE),
    ("reset-received", {"CAPROCK_FLOW": to_west(6005), "_COMM": "socat"}, ONCE),
    ("reset-sent", {"CAPROCK_FLOW": to_east(6006), **SERVER}, ONCE),
    ("reset-received", {"CAPROCK_FLOW": to_west(6006), **CLIENT}, ONCE),
    ("retransmit", {"CAPROCK_FLOW": to_west(6007), "CAPROCK_REASON": "tail-loss probe", **CLIENT}, SEVERAL),
    ("retransmit", {"CAPROCK_FLOW": to_west(6007), "CAPROCK_REASON": "time-out", **CLIENT}, SEVERAL),
    ("congestion", {"CAPROCK_FLOW": to_west(6007), "CAPROCK_REASON": "loss"}, SEVERAL),
    ("zero-window", {"CAPROCK_FLOW": to_west(6008), "CAPROCK_DIRECTION": "out"}, SEVERAL),
    ("bad-checksum", {"CAPROCK_FLOW": rf"TCP {EAST}:6009 > {WEST}:6009"}, ONCE),
    ("retransmit", {"CAPROCK_FLOW": rf"TCP {WEST}:6014 > {STRANGER}:6993", "CAPROCK_REASON": "SYN-ACK", **SERVER}, SEVERAL),
    ("drop", {"CAPROCK_FLOW": rf"UDP {EAST}:\d+ > {WEST}:6011", "CAPROCK_NETNS": NUMBER}, ONCE),
    ("drop", {"CAPROCK_FLOW": BY_NETFILTER, "CAPROCK_PLACE": "nf.*"}, ONCE),
    ("drop", {"CAPROCK_FLOW": BY_QUEUE, "CAPROCK_PLACE": "__dev_queue_xmit|.*kfree_skb_list.*"}, SEVERAL),
    ("udp-overflow", {"CAPROCK_FLOW": rf"UDP {WEST}:6012 > .*", "CAPROCK_REASON": "receive queue"}, SEVERAL),
    ("memory-limit", {"CAPROCK_FLOW": rf"UDP {WEST}:6013 > .*"}, SEVERAL),
]
# By probe alone, or with the process by probe alone: the stopped ones have neither sent nor received.
PROVOKED_BY_PROBE = [
    ("bind", {"CAPROCK_FLOW": rf"TCP {WEST}:6004 > {NOBODY}", "_COMM": "socat"}, ONCE),
    ("closed", {"CAPROCK_FLOW": rf"UDP {WEST}:6003 > .*", "_COMM": "socat"}, ONCE),
    ("closed", {"CAPROCK_FLOW": r"UDP \[fd77::1\]:6018 > .*", "_COMM": "socat", "CAPROCK_DURATION_NS": NUMBER}, ONCE),
    ("failed", {"CAPROCK_FLOW": r"TCP .* > 198\.51\.100\.1:6016", "ERRNO": "101", "_COMM": "socat"}, ONCE),
    ("failed", {"CAPROCK_FLOW": r"TCP .* > \[2001:db8::1\]:6016", "ERRNO": "101", "_COMM": "socat"}, ONCE),
    ("failed", {"CAPROCK_FLOW": rf"TCP .* > {WEST}:6017", "ERRNO": "99"}, ONCE),
    ("udp-overflow", {"CAPROCK_FLOW": rf"UDP {WEST}:6012 > .*", "CAPROCK_REASON": "receive queue", "_COMM": "socat"}, SEVERAL),
    ("memory-limit", {"CAPROCK_FLOW": rf"UDP {WEST}:6013 > .*", "_COMM": "socat"}, SEVERAL),
    ("listen-overflow", {"CAPROCK_FLOW": to_east(6010), "_COMM": "socat", "CAPROCK_REASON": "accept queue"}, SEVERAL),
    ("listen-overflow", {**BACKLOG, "CAPROCK_USED": "[12]", "CAPROCK_LIMIT": "1", "_COMM": "socat"}, SEVERAL),
    ("listen-overflow", {**BACKLOG6, "CAPROCK_USED": "[12]", "CAPROCK_LIMIT": "1", "_COMM": "socat"}, SEVERAL),
]

# Since 6.18 a kernel takes what it has no memory for back out of a queue, as a drop.
NO_MEMORY = ("udp-overflow", {"CAPROCK_FLOW": rf"UDP {WEST}:6013 > .*", "CAPROCK_REASON": "memory"}, SEVERAL)
NO_MEMORY_DROPS = ("drop", {"CAPROCK_FLOW": rf"UDP {EAST}:\d+ > {WEST}:6013", "CAPROCK_REASON": "PROTO_MEM"}, SEVERAL)

# Since 5.17.
DROP_REASONS = [
    ("drop", {"CAPROCK_FLOW": BY_NETFILTER, "CAPROCK_REASON": "NETFILTER_DROP"}, ONCE),
    ("drop", {"CAPROCK_FLOW": BY_QUEUE, "CAPROCK_REASON": r"QDISC_\w+"}, SEVERAL),
]

# Since 6.10.
RESET_REASONS = [
    ("reset-sent", {"CAPROCK_FLOW": to_east(6005), "CAPROCK_REASON": "NO_SOCKET"}, ONCE),
    ("reset-sent", {"CAPROCK_FLOW": to_east(6006), "CAPROCK_REASON": r"\w+"}, ONCE),
]

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
        self.folder = folder
        self.kernel = kernel_version(folder.parent)
        self.events = json.loads((folder / "status.json").read_text())["events"]
        self.hooks = {event["name"]: event["hook"] for event in self.events}
        self.before, self.after = (counters(folder / f"netstat_{moment}") for moment in ("before", "after"))
        self.entries = [entry for entry in journal_entries(folder / "ring.pcapng") if entry.get("CAPROCK_LAYER") == "os"]

    def provoked(self):
        """What of the provocations there are hooks for."""
        by_probe = PROVOKED_BY_PROBE if self.ways_of_probes() else []
        no_memory = NO_MEMORY if self.kernel < (6, 18) else NO_MEMORY_DROPS
        reasons = (DROP_REASONS if self.kernel >= (5, 17) else []) + (RESET_REASONS if self.kernel >= (6, 10) else [])
        return [one for one in [*PROVOKED, no_memory, *reasons, *by_probe] if self.hooks[one[0]]]

    def ways_of_probes(self):
        return {PROBES[way_of(hook)] for hook in self.hooks.values() if way_of(hook) in PROBES}

    def counts_of_drops(self, file):
        return next(event for event in json.loads((self.folder / file).read_text())["events"] if event["name"] == "drop")

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
        self.assertEqual(set(record.hooks), {event for event, _, _ in PROVOKED + PROVOKED_BY_PROBE})
        self.assertEqual([event["name"] for event in record.events if not event["hook"] and not event["note"]], [])
        self.assertEqual([event["name"] for event in record.events if event["lost"]], [])

    def check_parts(self, record):
        """No part of an event is missing that another hook would tell; without probes those that take one are."""
        missing = {event["name"]: event["note"] for event in record.events if event["hook"] and event["note"]}
        if record.ways_of_probes():
            self.assertEqual(missing, {})
        else:
            self.assertEqual({note.split(": ")[-1] for note in missing.values()}, {"agent.os.probes is none"}, missing)

    def check_processes(self, record):
        """Of one process each is what was done to it."""
        for command, event, fields in (('/bin/sh -c "exit 7"', "exit", {"EXIT_STATUS": "7"}),
                                       ("/bin/sleep 59", "exit", {"CAPROCK_SIGNAL": "9"}),
                                       ("/bin/dd .*", "exit", {"CAPROCK_SIGNAL": "9"}),
                                       ("/bin/dd .*", "oom", {})):
            pids = [entry["_PID"] for entry in record.find("exec", {"_CMDLINE": command})]
            self.assertEqual(len(pids), 1, command)
            self.assertEqual(len(record.find(event, {"_PID": pids[0], **fields})), 1, f"{event} of {command}")

    def check_ids(self, record):
        """A cgroup has its inode, and a process of one thread its number as the thread's."""
        inode = (record.folder / "cgroup").read_text().strip()
        self.assertEqual([entry["CAPROCK_CGROUP_ID"] for entry in record.find("cgroup-created", {"CAPROCK_CGROUP": "/provoked"})], [inode])
        for entry in record.find("connect", {"_COMM": "socat"}):
            self.assertEqual(entry["CAPROCK_TID"], entry["_PID"])

    def check_none_is_lost(self, record):
        """Of each of a thousand datagrams the drop is in the record, or counted as suppressed, there as well as in the status."""
        before, behind = (record.counts_of_drops(f"status_{moment}.json") for moment in ("before", "behind"))
        told = record.find("drop", {"CAPROCK_FLOW": rf"UDP {EAST}:\d+ > {WEST}:6019"})
        suppressed = behind["suppressed"] - before["suppressed"]
        self.assertGreater(suppressed, 0)
        others = 0 if record.kernel >= (5, 17) else 5  # before, what the kernel is done with is told as dropped, too
        self.assertIn(len(told) + suppressed, range(1000, 1001 + others))
        in_record = sum(int(entry.get("CAPROCK_SUPPRESSED", 0)) for entry in record.find("drop", {}))
        self.assertGreaterEqual(in_record, behind["suppressed"])

    def check_backlog(self, record):
        """A SYN backlog is full where the kernel finds it so. Without cookies it does not tell of those at the very limit."""
        told = record.find("listen-overflow", {"CAPROCK_REASON": "SYN backlog"})
        dropped = record.find("listen-overflow", BACKLOG_WITHOUT_COOKIES)
        self.assertEqual(len(told) - len(dropped), record.grown("TCPReqQFullDoCookies"))
        full_at_limit = record.find("listen-overflow", {**BACKLOG, "CAPROCK_USED": "1"})
        self.assertEqual(len(dropped), 0 if full_at_limit else record.grown("TCPReqQFullDrop"))

    def some(self, entries):
        return [entry["MESSAGE"] for entry in entries[:9]] + ["..."] * (len(entries) > 9)

    def check_record(self, name):
        record = Record(self.disk / name)
        self.check_status(record)
        self.check_parts(record)
        for event, fields, often in record.provoked():
            with self.subTest(f"agent.os.probes: {name}", event=event, **fields):
                found = record.find(event, fields)
                self.assertTrue(len(found) == 1 or (found and often is SEVERAL),
                                f"{often}, not {len(found)} times; of that event there are {self.some(record.find(event, {}))}")
        self.check_processes(record)
        self.check_ids(record)
        self.check_none_is_lost(record)
        if record.ways_of_probes():
            self.check_backlog(record)
        return record

    def test_probes(self):
        """Each event that the status names a hook for is in the record, whichever way the probes get into functions."""
        auto, kprobe = self.check_record("auto"), self.check_record("kprobe")
        none = self.check_record("none")
        self.assertEqual([record.ways_of_probes() for record in (auto, kprobe, none)], [{"fentry"}, {"kprobe"}, set()])
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
