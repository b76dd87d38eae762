# SPDX-License-Identifier: Apache-2.0
"""How much of what the operating system does is recorded, when, and what an export makes of it."""
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

from lab.agent import CAPROCK
from lab.harness import alone
from lab.os_events import OsTest
from lab.readers import journal_entries, journal_messages, read, tshark
from lab.traffic import transfer

PORT = 5801
CLOSED_PORT = 5802
KERNEL_TYPES = Path("/sys/kernel/btf/vmlinux")


class Record(OsTest):
    def test_off(self):
        """os: without agent.os.enabled nothing of it is in the record, nor in the status"""
        agent = self.recorder_of(self.pair)
        subprocess.run(["true"], check=True)
        self.assertEqual(self.entries(agent), [])
        self.assertEqual(agent.status()["events"], [])

    def test_chosen(self):
        """os: of agent.os.events alone is recorded what it names"""
        agent = self.record(agent__os__events="[exit]")
        subprocess.run(["true"], check=True)
        kinds = {entry["CAPROCK_EVENT"] for entry in self.entries(agent)}
        self.assertEqual(kinds - {"addresses"}, {"begin", "exit"})
        self.assertEqual(self.events_of(agent, "exec")["note"], "not in agent.os.events")

    def test_live(self):
        """os: it is turned off and on by a change of the configuration, and the record says where"""
        config = self.folder / "config.yaml"
        config.write_text("agent: {os: {enabled: true}}\n")
        agent = self.make_agent(self.pair.right, config=config, agent__interfaces="[east]", agent__os__enabled=None).start()
        for text, events in (("{enabled: false}", set()), ("{events: [exit]}", {"exit"})):
            config.write_text(f"agent: {{os: {text}}}\n")
            agent.wait_for(lambda: {event["name"] for event in agent.status()["events"] if event["hook"]} == events, text)
        child = subprocess.Popen(["true"])
        child.wait()
        entries = self.entries(agent)
        borders = [entry["CAPROCK_EVENT"] for entry in entries if entry.get("CAPROCK_EVENT") in ("begin", "end")]
        self.assertEqual(borders, ["begin", "end", "begin"])
        self.assertEqual([entry["CAPROCK_EVENT"] for entry in entries if entry.get("_PID") == str(child.pid)], ["exit"])
        self.assert_stopped(agent)
        self.assert_verified(agent)

    def test_owner_of_what_is_chosen(self):
        """os: who owns a socket is known also where only its resets are recorded"""
        agent = self.record(agent__os__events="[reset-received]")
        with self.pair.left.entered():
            client = socket.socket()
        with client, self.assertRaises(ConnectionRefusedError):
            client.connect(("10.77.0.2", CLOSED_PORT))
        kinds = {entry["CAPROCK_EVENT"] for entry in self.entries(agent, _PID=os.getpid())}
        self.assertEqual(kinds, {"reset-received"})

    @alone
    def test_limit(self):
        """os: what comes beyond the limit is counted, and the record says how much that is"""
        agent = self.record(agent__os__events="[failed]")
        with self.pair.left.entered():
            for _ in range(12_000):
                with socket.socket() as client:
                    client.connect_ex(("10.77.0.2", CLOSED_PORT))
        time.sleep(1.2)
        event = self.events_of(agent, "failed")
        self.assertGreater(event["suppressed"], 0)
        self.assert_counted(agent, 12_000)

    def assert_counted(self, agent, provoked):
        """Each failed connect is in the record or counted there. Returns how many are. (Others may connect as well.)"""
        event = self.events_of(agent, "failed")
        entries = self.entries(agent, CAPROCK_EVENT="failed")
        told = sum(int(entry.get("CAPROCK_SUPPRESSED", 0)) for entry in entries)
        self.assertEqual(told, event["suppressed"] + event["lost"])
        recorded = [entry for entry in entries if "CAPROCK_SUPPRESSED" not in entry]
        self.assertEqual(len(recorded), event["recorded"])
        mine = sum(entry["_PID"] == str(os.getpid()) for entry in recorded)
        self.assertIn(mine + told, range(provoked, provoked + 1 + 100 * (len(recorded) - mine)))
        return mine

    @alone
    def test_other_limit(self):
        """os: agent.os.limits says how many of an event a CPU tells in a second"""
        agent = self.record(agent__os__limits="[failed=3]")
        begun = time.monotonic()
        with self.pair.left.entered():
            for _ in range(500):
                with socket.socket() as client:
                    client.connect_ex(("10.77.0.2", CLOSED_PORT))
        seconds = time.monotonic() - begun
        time.sleep(1.2)
        mine = self.assert_counted(agent, 500)
        self.assertLessEqual(mine, 3 * os.cpu_count() * (seconds + 2))

    @alone
    def test_complete(self):
        """os: under a steady load of events the record is complete up to a moment ago"""
        agent = self.record()
        ended = threading.Event()

        def connect_on_and_on():
            while not ended.is_set():
                with socket.socket() as client:
                    client.connect_ex(("127.0.0.1", CLOSED_PORT))
                time.sleep(0.0002)

        with self.pair.left.entered():
            load = threading.Thread(target=connect_on_and_on)
            load.start()
        lags = []
        for _ in range(40):
            time.sleep(0.1)
            status = agent.status()
            lags.append(datetime.fromisoformat(status["now"][:26]) - datetime.fromisoformat(status["ring"]["complete_until"][:26]))
        ended.set()
        load.join()
        self.assertGreater(self.events_of(agent, "failed")["recorded"], 1000)
        self.assertLess(max(lag.total_seconds() for lag in lags), 2, lags)  # some 0.1 s on an idle machine

    def test_stopped(self):
        """os: what happened before a stop is in the record, which is whole"""
        agent = self.record()
        child = subprocess.Popen(["true"])
        child.wait()
        begin = time.monotonic()
        self.assert_stopped(agent)
        self.assertLess(time.monotonic() - begin, 5)
        entries = journal_entries(agent.ring)
        self.assertEqual(len([entry for entry in entries if entry.get("_PID") == str(child.pid)]), 2)
        self.assertEqual([entry["CAPROCK_EVENT"] for entry in entries if entry.get("CAPROCK_EVENT") in ("begin", "end")], ["begin", "end"])
        self.assert_verified(agent)

    def test_json(self):
        """os: as JSON lines they are exported, and followed by tail"""
        agent = self.record()
        with open(self.folder / "tail", "wb") as out:
            follower = subprocess.Popen([CAPROCK, "tail", "--server", f"unix:{agent.socket}", "--events"], stdout=out)
        time.sleep(0.5)
        child = subprocess.Popen(["true"])
        child.wait()
        time.sleep(1)
        follower.terminate()
        follower.wait()
        out = self.export(agent, "--format", "json", name="out.json")
        for path in (out, self.folder / "tail"):
            events = [json.loads(line) for line in path.read_text().splitlines()]
            mine = [event["CAPROCK_EVENT"] for event in events if event.get("_PID") == str(child.pid)]
            self.assertEqual(mine, ["exec", "exit"], path)

    def test_events_only(self):
        """os: export --events-only leaves the packets out"""
        agent = self.record()
        transfer(self.pair.right, self.pair.left, "10.77.0.2", PORT, b"x")
        out = self.export(agent, "--events-only")
        self.assertNotEqual(journal_messages(out), [])
        self.assertEqual(tshark(out, "-Y", "frame && !systemd_journal"), "")

    def test_process(self):
        """os: export --process puts its process on every packet of a connection, from handshake to end, also of one from before"""
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", CLOSED_PORT))
        with self.pair.left.entered():
            old = socket.socket()
        with listener, old:
            old.connect(("10.77.0.2", CLOSED_PORT))
            accepted = listener.accept()[0]
            agent = self.record()
            old.send(b"from before")
            accepted.recv(100)
            transfer(self.pair.right, self.pair.left, "10.77.0.2", PORT, b"x" * 300_000)
            transfer(self.pair.right, self.pair.left, "fd77::2", PORT, b"x" * 300_000)
            plain = self.export(agent, "--no-events", name="plain.pcapng")
            noted = self.export(agent, "--process", "--no-events")
        self.assertEqual(read("tshark", noted).packets, read("tshark", plain).packets)
        me = f"{Path('/proc/self/comm').read_text().strip()}[{os.getpid()}]"
        columns = ("frame.number", "frame.comment", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.len")
        rows = [row.split("\t") for row in tshark(noted, "-Y", "tcp", "-T", "fields", *(word for name in columns for word in ("-e", name))).splitlines()]
        self.assertGreater(len(rows), 20)
        others = [row for row in rows if row[1] != f"from {me} to {me}"]
        missing = [event for event in agent.status()["events"] if event["suppressed"] or event["lost"]]
        self.assertEqual(others, [], f"of {len(rows)}; not in the record: {missing}")
        self.assertEqual(tshark(plain, "-Y", "frame.comment"), "")

    def test_process_of_what_waited(self):
        """os: a connection that waited to be accepted when the agent came has its processes, too"""
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", PORT))
        with self.pair.left.entered():
            client = socket.socket()
        with listener, client:
            client.connect(("10.77.0.2", PORT))
            agent = self.record()
            self.need(agent, "accept")
            accepted = listener.accept()[0]
            client.send(b"question")
            accepted.recv(100)
            accepted.send(b"answer")
            client.recv(100)
            noted = self.export(agent, "--process", "--no-events")
        comments = tshark(noted, "-Y", f"tcp.port == {PORT}", "-T", "fields", "-e", "frame.comment").splitlines()
        me = f"{Path('/proc/self/comm').read_text().strip()}[{os.getpid()}]"
        self.assertEqual(set(comments), {f"from {me} to {me}"})

    def test_story(self):
        """os: the ring itself tells in tshark of a download, a refused connection and a killed process, by the right names"""
        agent = self.record()
        self.need(agent, "connect")
        server = subprocess.Popen(self.pair.right.command(sys.executable, "-m", "http.server", "-b", "10.77.0.2", str(PORT)),
                                  cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        agent.wait_for(lambda: self.entries(agent, CAPROCK_EVENT="listen", _PID=server.pid), "the server")
        download = self.run_curl(PORT, 0)
        refused = self.run_curl(CLOSED_PORT, 7)
        killed = subprocess.Popen(["sleep", "60"])
        time.sleep(0.2)
        killed.kill()
        killed.wait()
        self.assert_stopped(agent)
        told = tshark(agent.ring, "-Y", "systemd_journal", "-T", "fields", "-e", "systemd_journal.message").splitlines()
        story = [rf"curl\[{download}\] started: curl -s .*",
                 rf"curl\[{download}\] connects to 10\.77\.0\.2:{PORT}",
                 rf"curl\[{download}\] connected to 10\.77\.0\.2:{PORT} after .* ms",
                 rf"curl\[{download}\] ended with status 0 after .* s",
                 rf"curl\[{refused}\] could not connect to 10\.77\.0\.2:{CLOSED_PORT}: Connection refused.*",
                 rf"curl\[{refused}\] ended with status 7 after .* s",
                 rf"sleep\[{killed.pid}\] killed by signal 9 \(Killed\) after .* s",
                 rf"TCP 10\.77\.0\.1:\d+ > 10\.77\.0\.2:{PORT} of curl\[{download}\] closed: .*"]
        places = [[place for place, message in enumerate(told) if re.fullmatch(pattern, message)] for pattern in story]
        self.assertEqual([len(found) for found in places], [1] * len(story), told)
        self.assertEqual(places[:-1], sorted(places[:-1]))  # a connection's end may be behind its process's

    def run_curl(self, port, status):
        curl = subprocess.Popen(self.pair.left.command("curl", "-s", "-o", "/dev/null", f"http://10.77.0.2:{port}/"))
        self.assertEqual(curl.wait(), status)
        return curl.pid

    def record_by_types(self, types):
        """With `types` in place of what the kernel tells of its types (BTF)."""
        file = self.folder / "types"
        file.write_bytes(types)
        script = f'mount --bind {file} {KERNEL_TYPES} && exec "$@"'
        return self.record(prefix=("unshare", "--mount", "sh", "-c", script, "sh"))

    def assert_packets(self, agent):
        self.assertEqual(transfer(self.pair.right, self.pair.left, "10.77.0.2", PORT, b"x"), b"x")
        self.assertNotEqual(tshark(self.export(agent), "-Y", f"tcp.port == {PORT}"), "")

    def test_other_kernel(self):
        """os: on a kernel that has a structure otherwise, or not that tracepoint, the others go on, and the status says which are missing and why"""
        types = KERNEL_TYPES.read_bytes()
        for name in (b"\0sysctl_mem\0", b"\0btf_trace_tcp_probe\0"):
            self.assertEqual(types.count(name), 1)
            types = types.replace(name, name[:-2] + b"_\0")
        agent = self.record_by_types(types)
        self.assert_packets(agent)
        missing = {event["name"]: event["note"] for event in agent.status()["events"] if not event["hook"]}
        self.assertEqual(missing.pop("zero-window"), "not on this kernel")
        self.assertRegex(missing.pop("memory-limit"), "^not on this kernel: prog 'os_memory_limit': ")
        self.assertEqual(set(missing), {"rtt"})  # noisy
        self.assertEqual(len(self.entries(agent, CAPROCK_EVENT="connect", _PID=os.getpid())), 1)

    def test_refused(self):
        """os: where the kernel refuses the program by which records of sockets end, there are packets alone, and one line says why"""
        types = KERNEL_TYPES.read_bytes()
        self.assertEqual(types.count(b"\0bytes_acked\0"), 1)
        agent = self.record_by_types(types.replace(b"\0bytes_acked\0", b"\0bytes_ackee\0"))
        self.assert_packets(agent)
        (error,) = agent.status()["errors"]
        self.assertRegex(error["message"], "^load the programs of the operating-system layer \\(prog 'os_state': ")
        events = agent.status()["events"]
        self.assertNotEqual(events, [])
        self.assertEqual([event for event in events if event["hook"] or "os_state" not in event["note"]], [])

    def test_no_types(self):
        """os: on a kernel that does not tell its types packets are recorded all the same, and the status says why there are no events"""
        agent = self.record_by_types(b"")
        self.assert_packets(agent)
        events = agent.status()["events"]
        self.assertNotEqual(events, [])
        self.assertEqual([event for event in events if event["hook"] or "BTF" not in event["note"]], [])

    def test_left_out(self):
        """os: export --no-events leaves them out"""
        agent = self.record()
        subprocess.run(["true"], check=True)
        self.assertNotEqual(journal_messages(self.export(agent)), [])
        self.assertEqual(journal_messages(self.export(agent, "--no-events", name="bare.pcapng")), [])
