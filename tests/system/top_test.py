# SPDX-License-Identifier: Apache-2.0
"""Which processes and flows have the traffic, as caprock top tells while it goes on."""
import json
import os
import pty
import select
import signal
import socket
import subprocess
import termios
import time
from pathlib import Path

from lab.agent import CAPROCK
from lab.harness import FRAME_HEADERS, SystemTest
from lab.readers import tshark
from lab.traffic import transfer

TCP_PORT, UDP_PORT, NOWHERE_PORT = 5811, 5812, 5813
WINDOW = 20  # s; all that a test sends


def stream(receiver, sender, address, port, datagrams, size):
    """UDP from one namespace to the other; the port it comes from."""
    with receiver.entered():
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender.entered():
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sink, source:
        sink.bind((address, port))
        for _ in range(datagrams):
            source.sendto(b"x" * size, (address, port))
        return source.getsockname()[1]


class TopTest(SystemTest):
    turn = "events"

    def setUp(self):
        super().setUp()
        self.pair = self.make_pair()

    def looks(self, agent, *options):
        done = agent.client("top", "-b", "-n", 1, "-d", WINDOW, "-o", "json", *options)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def look(self, agent, *options):
        (report,) = self.looks(agent, *options)
        return report

    def rows_of(self, report, port):
        return [row for row in report["rows"] if any(row[end].endswith(f":{port}") for end in ("local", "remote"))]

    def row_of(self, report, port):
        rows = self.rows_of(report, port)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def bytes_in(self, path, expression):
        return sum(map(int, tshark(path, "-Y", expression, "-T", "fields", "-e", "frame.len").split()))


class Flows(TopTest):
    def test_flows(self):
        """top: a TCP transfer and a UDP stream are there with their bytes each way, the transfer with its process"""
        agent = self.recorder_of(self.pair, agent__os__enabled="true")
        transfer(self.pair.right, self.pair.left, "10.77.0.2", TCP_PORT, b"x" * 3_000_000)
        port = stream(self.pair.right, self.pair.left, "10.77.0.2", UDP_PORT, 50, 1000)
        report = self.look(agent, "--by", "flow")
        out = self.export(agent)
        tcp = self.row_of(report, TCP_PORT)
        forth, back = (self.bytes_in(out, f"tcp.{end}port == {TCP_PORT}") for end in ("dst", "src"))
        if tcp["local"].endswith(f":{TCP_PORT}"):
            forth, back = back, forth
        self.assertEqual((tcp["sent_bytes"], tcp["received_bytes"]), (forth, back))
        self.assertGreater(tcp["bytes"], 3_000_000)
        self.assertAlmostEqual(tcp["bytes_per_second"], tcp["bytes"] / report["window_seconds"])
        self.assertEqual((tcp["protocol"], tcp["interface"]), ("TCP", "east"))
        self.assertEqual((tcp["pid"], tcp["remote_pid"]), (os.getpid(), os.getpid()))
        self.assertEqual(tcp["comm"], Path("/proc/self/comm").read_text().strip())
        udp = self.row_of(report, UDP_PORT)
        self.assertEqual({udp["local"], udp["remote"]}, {f"10.77.0.1:{port}", f"10.77.0.2:{UDP_PORT}"})
        self.assertEqual((udp["protocol"], udp["packets"], udp["bytes"]), ("UDP", 50, 50 * (1000 + FRAME_HEADERS)))
        self.assertEqual(report["total"]["bytes"], sum(row["bytes"] for row in report["rows"]) + report["other"]["bytes"])
        mine = next(row for row in self.look(agent)["rows"] if row["pid"] == os.getpid())
        self.assertGreaterEqual(mine["bytes"], tcp["bytes"])

    def test_retransmissions(self):
        """top: a flow whose segments nobody acknowledges is told with its retransmissions"""
        agent = self.recorder_of(self.pair, agent__os__enabled="true")
        self.pair.left.ip("neigh", "add", "10.77.0.99", "lladdr", "02:00:00:00:00:99", "dev", "west")
        with self.pair.left.entered():
            client = socket.socket()
        with client:
            client.settimeout(2.5)
            with self.assertRaises(TimeoutError):
                client.connect(("10.77.0.99", NOWHERE_PORT))
        row = self.row_of(self.look(agent, "--by", "flow", "--sort", "retransmissions"), NOWHERE_PORT)
        self.assertGreaterEqual(row["retransmissions"], 1)
        self.assertGreaterEqual(row["sent_packets"], 2)
        self.assertEqual(row["received_packets"], 0)

    def test_without_events(self):
        """top: without agent.os.enabled the flows are there, and a line says what processes need"""
        agent = self.recorder_of(self.pair)
        stream(self.pair.right, self.pair.left, "10.77.0.2", UDP_PORT, 5, 100)
        report = self.look(agent)
        self.assertEqual(report["by"], "flow")
        self.assertEqual(self.row_of(report, UDP_PORT)["bytes"], 5 * (100 + FRAME_HEADERS))
        table = agent.client("top", "-b", "-n", 1, "-d", WINDOW).stdout.decode()
        self.assertIn("note: processes, retransmissions and drops are known with agent.os.enabled: true alone", table)
        self.assertIn(f"10.77.0.2:{UDP_PORT}", table)

    def test_nothing(self):
        """top: of nothing there is an empty table, look after look"""
        agent = self.recorder_of(self.pair, agent__ports=f"[{TCP_PORT}]")
        done = agent.client("top", "-n", 3, "-d", "0.2", "-o", "json")  # standard output is no terminal
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([report["rows"] for report in reports], [[], [], []])
        tables = agent.client("top", "-n", 2, "-d", "0.2").stdout.decode()
        self.assertEqual(tables.count("PROTO"), 2)
        self.assertNotIn("\033", tables)


class OnTerminal(TopTest):
    def run_on_terminal(self, agent, end):
        """What it wrote until `end`, called with the process and the terminal, ended it; and its exit status."""
        terminal, its_side = pty.openpty()
        before = termios.tcgetattr(its_side)
        words = [CAPROCK, "top", "--server", f"unix:{agent.socket}", "-d", "0.2"]
        child = subprocess.Popen(words, stdin=its_side, stdout=its_side, stderr=its_side, start_new_session=True)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        written = self.read_until(child, terminal, lambda written: written.count(b"PROTO") >= 2)
        self.assertEqual(termios.tcgetattr(its_side)[3] & (termios.ICANON | termios.ECHO), 0)
        end(child, terminal)
        status = child.wait(10)
        self.assertEqual(termios.tcgetattr(its_side), before)
        os.close(its_side)
        while chunk := self.read_rest(terminal):
            written += chunk
        os.close(terminal)
        self.assertTrue(written.endswith(b"\033[?25h"), written[-100:])  # the cursor is there again
        return status

    def read_until(self, child, terminal, enough):
        written = b""
        deadline = time.monotonic() + 10
        while not enough(written):
            self.assertIsNone(child.poll(), written)
            self.assertLess(time.monotonic(), deadline, written)
            if select.select([terminal], [], [], 0.1)[0]:
                written += os.read(terminal, 4096)
        return written

    @staticmethod
    def read_rest(terminal):
        try:
            return os.read(terminal, 4096)
        except OSError:
            return b""

    def test_terminal(self):
        """top: on a terminal it shows one table in place of the other until q or a signal, and leaves the terminal as it was"""
        agent = self.recorder_of(self.pair)
        self.assertEqual(self.run_on_terminal(agent, lambda child, terminal: os.write(terminal, b"q")), 0)
        self.assertEqual(self.run_on_terminal(agent, lambda child, terminal: child.send_signal(signal.SIGINT)), -signal.SIGINT)
