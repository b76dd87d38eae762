# SPDX-License-Identifier: Apache-2.0
"""What the operating system does is in the record, among the packets, as stock readers show it."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from lab.agent import CAPROCK
from lab.cgroup import memory_cgroup, own_cgroup
from lab.harness import alone
from lab.os_events import OsTest
from lab.readers import journal_messages, tshark
from lab.traffic import transfer

PORT = 5801
CLOSED_PORT = 5802
class Processes(OsTest):
    def run_child(self, *words, status=0):
        child = subprocess.Popen(words)
        self.assertEqual(child.wait(), status)
        return child.pid

    def test_exec_and_exit(self):
        """os: a process that starts and ends is told, with its command line and its status"""
        agent = self.record()
        pid = self.run_child("/bin/sh", "-c", "exit 7", status=7)
        begun = self.entry(agent, _PID=pid, CAPROCK_EVENT="exec")
        self.assertEqual(begun["_CMDLINE"], '/bin/sh -c "exit 7"')
        self.assertEqual(begun["_COMM"], "sh")
        self.assertEqual(begun["CAPROCK_PARENT_PID"], str(os.getpid()))
        self.assertEqual(begun["_UID"], "0")
        ended = self.entry(agent, _PID=pid, CAPROCK_EVENT="exit")
        self.assertEqual(ended["EXIT_STATUS"], "7")
        self.assertIn(f"sh[{pid}] ended with status 7", ended["MESSAGE"])
        self.assertIn(ended["MESSAGE"], journal_messages(self.export(agent)))

    def test_killed(self):
        """os: a process that is killed is told, with the signal"""
        agent = self.record()
        child = subprocess.Popen(["sleep", "60"])
        time.sleep(0.2)
        child.kill()
        child.wait()
        ended = self.entry(agent, _PID=child.pid, CAPROCK_EVENT="exit")
        self.assertIn("killed by signal 9 (Killed)", ended["MESSAGE"])
        self.assertEqual(ended["PRIORITY"], "5")

    def test_command_line(self):
        """os: a long command line with control characters is told escaped, and breaks nothing"""
        agent = self.record()
        pid = self.run_child("/bin/true", "a\nMESSAGE=forged\n", b"\xff\x01", "x" * 4096)
        command = self.entry(agent, _PID=pid, CAPROCK_EVENT="exec")["_CMDLINE"]
        self.assertTrue(command.startswith(r"/bin/true a\x0aMESSAGE=forged\x0a \xff\x01 xxx"), command)
        self.assertLess(len(command), 1200)
        self.assertNotIn("forged", journal_messages(self.export(agent)))

    def test_path(self):
        """os: a program's name cannot forge fields of the record, nor losses"""
        agent = self.record()
        program = self.folder / "x\nCAPROCK_LOST=999999\nMESSAGE=forged"
        shutil.copy("/bin/true", program)
        pid = self.run_child(program)
        begun = self.entry(agent, _PID=pid, CAPROCK_EVENT="exec")
        self.assertTrue(begun["_EXE"].endswith(r"x\x0aCAPROCK_LOST=999999\x0aMESSAGE=forged"), begun)
        lines = self.export(agent, "--format", "json", name="out.json").read_text().splitlines()
        self.assertNotIn("forged", [json.loads(line)["MESSAGE"] for line in lines])
        self.assert_stopped(agent)
        verified = subprocess.run([CAPROCK, "verify", "-o", "json", agent.ring], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(verified.stdout)["dropped"], 0)

    def test_thread_that_execs(self):
        """os: a process ends once, when its last thread does, whichever threads ended before"""
        agent = self.record()
        script = "import os, threading; threading.Thread(target=os.execv, args=('/bin/sleep', ['sleep', '0.3'])).start(); threading.Event().wait()"
        pid = self.run_child(sys.executable, "-c", script)
        ended = self.entry(agent, _PID=pid, CAPROCK_EVENT="exit")
        self.assertEqual(ended["EXIT_STATUS"], "0")
        self.assertEqual(ended["_COMM"], "sleep")

    def test_status_of_first_thread(self):
        """os: a process whose threads end one by one has the status that wait(2) tells: of its first one, on newer kernels its last"""
        agent = self.record()
        number = 93 if os.uname().machine == "aarch64" else 60  # exit(2), of one thread
        script = "import ctypes, threading, time; end = ctypes.CDLL(None).syscall\n" \
                 f"threading.Thread(target=lambda: (time.sleep(0.3), end({number}, 0))).start(); end({number}, 5)"
        child = subprocess.Popen([sys.executable, "-c", script])
        status = child.wait()
        self.assertIn(status, (5, 0))
        self.assertEqual(self.entry(agent, _PID=child.pid, CAPROCK_EVENT="exit")["EXIT_STATUS"], str(status))

    def test_out_of_memory(self):
        """os: a process that is killed as memory runs out is told"""
        agent = self.record()
        self.need(agent, "oom")
        try:
            group = memory_cgroup(16 << 20)
        except RuntimeError as reason:
            self.skipTest(str(reason))
        with group:
            child = subprocess.Popen([*group.prefix, sys.executable, "-c", "x = b'x' * (256 << 20)"])
            self.assertEqual(child.wait(), -signal.SIGKILL)
        killed = self.entry(agent, _PID=child.pid, CAPROCK_EVENT="oom")
        self.assertRegex(killed["MESSAGE"], rf"python\S*\[{child.pid}\] killed, as memory ran out")
        self.assertEqual(killed["PRIORITY"], "3")


    def test_cgroup(self):
        """os: a control group that is made and removed is told, with its path"""
        agent = self.record()
        try:
            group = memory_cgroup(16 << 20)
        except RuntimeError as reason:
            self.skipTest(str(reason))
        with group:
            name = group.folder.name
        for event in ("cgroup-created", "cgroup-removed"):
            told = [entry for entry in self.entries(agent, CAPROCK_EVENT=event) if entry["CAPROCK_CGROUP"] == f"/{name}"]
            self.assertEqual(len(told), 1, event)
            self.assertEqual(told[0]["_PID"], str(os.getpid()))

    @contextlib.contextmanager
    def container(self, number):
        """A control group that is named as docker names a container's, with that id; what enters it has to have ended."""
        try:
            group = memory_cgroup(64 << 20)
        except RuntimeError as reason:
            self.skipTest(str(reason))
        with group:
            folder = group.folder / f"docker-{number}.scope"
            folder.mkdir()
            yield folder
            folder.rmdir()

    def test_container(self):
        """os: start and end of a process in a container have its id, also where nobody has asked for its status yet"""
        agent = self.record()
        number = "ab" * 32
        with self.container(number) as folder:
            child = subprocess.Popen(["sh", "-c", f"echo $$ > {folder}/cgroup.procs && exec sleep 0.5"])
            time.sleep(1.5)
            ended = self.entry(agent, _PID=child.pid, CAPROCK_EVENT="exit")
            begun = self.entry(agent, _PID=child.pid, CAPROCK_EVENT="exec", _COMM="sleep")
            child.wait()
        self.assertEqual([entry.get("CAPROCK_CONTAINER") for entry in (begun, ended)], [number] * 2)

    def test_first_pid_namespace(self):
        """os: a process in a pid namespace of its own has the number that it has in the first one, and its container's id"""
        agent = self.record()
        number = "ef" * 32
        with self.container(number) as folder:
            outer = subprocess.Popen(["sh", "-c", f"echo $$ > {folder}/cgroup.procs && exec unshare --pid --fork sleep 1"])
            time.sleep(0.5)
            inner = subprocess.run(["pgrep", "-P", str(outer.pid)], capture_output=True, text=True, check=True).stdout.strip()
            outer.wait()
        begun = self.entry(agent, _PID=inner, CAPROCK_EVENT="exec")
        ended = self.entry(agent, _PID=inner, CAPROCK_EVENT="exit")
        self.assertEqual([(entry["_COMM"], entry.get("CAPROCK_CONTAINER")) for entry in (begun, ended)], [("sleep", number)] * 2)

    def test_number_of_a_process_in_a_container(self):
        """os: a socket that a process left behind is not of the container of a later process with its number"""
        agent = self.record(agent__os__events="[connect, closed]")
        with self.container("cd" * 32) as folder:
            first, keeper_input = self.process_that_leaves_a_socket()
            second = self.process_of_number(first)
            (folder / "cgroup.procs").write_text(str(second))
            os.write(keeper_input, b"x")
            time.sleep(0.5)
            os.kill(second, signal.SIGKILL)
            os.waitpid(second, 0)
        closed = self.entry(agent, _PID=first, CAPROCK_EVENT="closed")
        self.assertNotIn("CAPROCK_CONTAINER", closed)

    def process_that_leaves_a_socket(self):
        """Its number, and a descriptor: what is written there makes the process to which the socket was left close it."""
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", PORT))
        self.addCleanup(listener.close)
        output, keeper_input = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(keeper_input)
            with self.pair.left.entered():
                client = socket.create_connection(("10.77.0.2", PORT))
            if os.fork() == 0:
                os.read(output, 1)
                client.close()
            os._exit(0)
        os.close(output)
        self.addCleanup(os.close, keeper_input)
        os.waitpid(child, 0)
        return child, keeper_input

    def process_of_number(self, pid):
        """A process that is given a number that is free."""
        for _ in range(20):  # others start processes, too
            with open("/proc/sys/kernel/ns_last_pid", "w") as last:
                last.write(str(pid - 1))
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            if child == pid:
                return child
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self.skipTest(f"no process got the number {pid}")


class Connections(OsTest):
    def test_life(self):
        """os: a connection is told from connect to close on both sides, among its packets, with its process and bytes"""
        agent = self.record()
        self.assertEqual(transfer(self.pair.right, self.pair.left, "10.77.0.2", PORT, b"x" * 100_000), b"x" * 100_000)
        mine = self.entries(agent, _PID=os.getpid())
        kinds = [entry["CAPROCK_EVENT"] for entry in mine]
        self.assertEqual(kinds.count("listen"), 1)
        self.assertEqual(kinds.count("connect"), 1)
        self.assertEqual(kinds.count("established"), 2)
        self.assertEqual(kinds.count("closed"), 2)
        flows = {kind: sorted(entry["CAPROCK_FLOW"] for entry in mine if entry["CAPROCK_EVENT"] == kind) for kind in kinds}
        self.assertEqual(flows["closed"], flows["established"])
        closed = {entry["CAPROCK_FLOW"].endswith(f":{PORT}"): entry for entry in mine if entry["CAPROCK_EVENT"] == "closed"}
        sent = int(closed[True]["CAPROCK_SENT_BYTES"])
        self.assertLessEqual(sent - 100_000, 2)  # the kernel counts SYN and FIN as a byte each
        self.assertGreaterEqual(sent, 100_000)
        received = int(closed[False]["CAPROCK_RECEIVED_BYTES"])
        self.assertIn(received, (100_000, 100_001))
        self.assert_described(mine, closed)
        self.assertIn(f"{os.getpid()}] connected to 10.77.0.2:{PORT} after", "".join(journal_messages(self.export(agent))))
        self.assert_amid_packets(agent, mine)

    def assert_described(self, mine, closed):
        """With who opened it, how long that took, and whose thread and control group it is."""
        self.assertEqual([closed[client]["CAPROCK_DIRECTION"] for client in (True, False)], ["out", "in"])
        established = next(entry for entry in mine if entry["CAPROCK_EVENT"] == "established" and entry["CAPROCK_DIRECTION"] == "out")
        self.assertGreater(int(established["CAPROCK_LATENCY_NS"]), 0)
        self.assertGreater(int(established["CAPROCK_TID"]), 0)
        if own_cgroup():
            self.assertEqual({entry["CAPROCK_CGROUP_ID"] for entry in mine}, {own_cgroup()})

    def assert_amid_packets(self, agent, mine):
        """In the order of the export the connection is established behind its SYN, and closed behind its data."""
        out = self.export(agent)
        rows = tshark(out, "-T", "fields", "-e", "frame.protocols", "-e", "tcp.flags", "-e", "systemd_journal.message").splitlines()
        syn = next(i for i, row in enumerate(rows) if "0x0002" in row)
        established = next(i for i, row in enumerate(rows) if f"connected to 10.77.0.2:{PORT}" in row)
        closed = max(i for i, row in enumerate(rows) if " closed: " in row)
        fin = min(i for i, row in enumerate(rows) if "0x0011" in row or "0x0019" in row)
        self.assertLess(syn, established)
        self.assertLess(established, fin)
        self.assertLess(fin, closed)

    def test_open_before(self):
        """os: a connection and a listener that were there before the agent have their process"""
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", PORT))
        with self.pair.left.entered():
            first, second = socket.socket(), socket.socket()
        with listener, first, second:
            first.connect(("10.77.0.2", PORT))
            accepted = listener.accept()[0]
            agent = self.record()
            second.connect(("10.77.0.2", PORT))
            accepted.close()
            first.close()
            second.close()
        closed = self.entries(agent, CAPROCK_EVENT="closed", _PID=os.getpid())
        self.assertEqual(sum(entry["CAPROCK_FLOW"].startswith(f"TCP 10.77.0.2:{PORT} >") for entry in closed), 2, closed)
        self.assertEqual(sum(entry["CAPROCK_FLOW"].endswith(f"> 10.77.0.2:{PORT}") for entry in closed), 2, closed)

    def test_ipv6(self):
        """os: IPv6 connections are told, too"""
        agent = self.record()
        transfer(self.pair.right, self.pair.left, "fd77::2", PORT, b"x")
        flows = [entry["CAPROCK_FLOW"] for entry in self.entries(agent, _PID=os.getpid(), CAPROCK_EVENT="closed")]
        self.assertEqual(sum(flow.endswith(f"> [fd77::2]:{PORT}") for flow in flows), 1, flows)

    def test_refused(self):
        """os: a connect that is refused is told with the reason, and the reset that came"""
        agent = self.record()
        with self.pair.left.entered():
            client = socket.socket()
        with client, self.assertRaises(ConnectionRefusedError):
            client.connect(("10.77.0.2", CLOSED_PORT))
        failed = self.entry(agent, _PID=os.getpid(), CAPROCK_EVENT="failed")
        self.assertIn(f"could not connect to 10.77.0.2:{CLOSED_PORT}: Connection refused", failed["MESSAGE"])
        self.assertEqual(failed["ERRNO"], "111")
        self.entry(agent, _PID=os.getpid(), CAPROCK_EVENT="reset-received")

    def test_reset_sent(self):
        """os: a reset for a connection is told on both sides, with its process"""
        agent = self.record()
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", PORT))
        with self.pair.left.entered():
            client = socket.socket()
        with listener, client:
            client.connect(("10.77.0.2", PORT))
            accepted = listener.accept()[0]
            client.send(b"never read")
            time.sleep(0.1)
            accepted.close()
            time.sleep(0.1)
            client.close()
        sent = self.entry(agent, _PID=os.getpid(), CAPROCK_EVENT="reset-sent")
        received = self.entry(agent, _PID=os.getpid(), CAPROCK_EVENT="reset-received")
        self.assertTrue(sent["CAPROCK_FLOW"].startswith(f"TCP 10.77.0.2:{PORT} > 10.77.0.1:"), sent)
        self.assertTrue(received["CAPROCK_FLOW"].endswith(f"> 10.77.0.2:{PORT}"), received)

    def test_listeners_of_one_port(self):
        """os: of two that listen at one port of different addresses each has its connections, also when the other ends"""
        self.pair.right.ip("addr", "add", "10.77.0.3/24", "dev", "east")
        agent = self.record()
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", PORT))
        script = f"import socket, sys; s = socket.create_server(('10.77.0.3', {PORT})); print(flush=True); sys.stdin.read()"
        other = subprocess.Popen(self.pair.right.command(sys.executable, "-c", script), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        other.stdout.readline()
        with listener:
            for address in ("10.77.0.2", "10.77.0.3"):
                self.connect(address)
            other.communicate()
            self.connect("10.77.0.2")
        accepted = [entry for entry in self.entries(agent, CAPROCK_EVENT="established")
                    if "is connected from" in entry["MESSAGE"] and entry["_PID"] in (str(os.getpid()), str(other.pid))]
        owners = {(entry["CAPROCK_FLOW"].split()[1], entry["_PID"]) for entry in accepted}
        self.assertEqual(owners, {(f"10.77.0.2:{PORT}", str(os.getpid())), (f"10.77.0.3:{PORT}", str(other.pid))})
        self.assertEqual(len(accepted), 3)

    def connect(self, address):
        with self.pair.left.entered():
            client = socket.socket()
        with client:
            client.connect((address, PORT))

    def test_no_drop(self):
        """os: what is left in a socket's queue at its end is not told as a dropped packet, nor the end of a connection in order"""
        agent = self.record()
        self.pair.right.ip("link", "set", "lo", "up")
        with self.pair.right.entered():
            listener, client = socket.create_server(("127.0.0.1", PORT)), socket.socket()
        with listener, client:
            client.connect(("127.0.0.1", PORT))
            listener.accept()[0].close()
        with self.pair.right.entered():
            server, asker = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        with server, asker:
            server.bind(("127.0.0.1", PORT))
            asker.sendto(b"never read", ("127.0.0.1", PORT))
        transfer(self.pair.right, self.pair.left, "10.77.0.2", CLOSED_PORT, b"x" * 1000)
        transfer(self.pair.right, self.pair.left, "fd77::2", CLOSED_PORT, b"x" * 1000)
        if self.events_of(agent, "drop")["note"]:
            self.skipTest("the kernel hides its places")
        time.sleep(0.3)
        drops = [(entry.get("CAPROCK_FLOW", ""), entry.get("CAPROCK_REASON"), entry.get("CAPROCK_PLACE")) for entry in self.entries(agent, CAPROCK_EVENT="drop")]
        self.assertEqual([drop for drop in drops if f":{PORT}" in drop[0] or f":{CLOSED_PORT}" in drop[0]], [])

    def test_drop(self):
        """os: a packet that nobody wants is told as dropped, with the kernel's reason where it has one"""
        agent = self.record()
        with self.pair.left.entered():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            sender.sendto(b"nobody there", ("10.77.0.2", CLOSED_PORT))
        dropped = [entry for entry in self.entries(agent, CAPROCK_EVENT="drop") if entry.get("CAPROCK_FLOW", "").endswith(f"> 10.77.0.2:{CLOSED_PORT}")]
        self.assertEqual(len(dropped), 1, dropped)
        self.assertTrue(dropped[0]["CAPROCK_FLOW"].startswith("UDP 10.77.0.1:"))
        self.assertEqual(dropped[0]["CAPROCK_NETNS"], self.number_of(self.pair.right))
        if "CAPROCK_REASON" in dropped[0]:
            self.assertEqual(dropped[0]["CAPROCK_REASON"], "NO_SOCKET")

    def test_no_places(self):
        """os: without CAP_SYSLOG a drop is told without its place, and the status says what that takes"""
        agent = self.record(prefix=("setpriv", "--bounding-set", "-syslog"))
        self.assertIn("it takes CAP_SYSLOG", self.events_of(agent, "drop")["note"])
        self.send(self.pair.left, "10.77.0.2", CLOSED_PORT, 1)
        dropped = self.drops_to(agent, CLOSED_PORT)
        self.assertEqual([entry.get("CAPROCK_PLACE") for entry in dropped], [None])

    def number_of(self, namespace):
        with namespace.entered():
            return str(os.stat("/proc/thread-self/ns/net").st_ino)

    def drops_to(self, agent, port):
        return [entry for entry in self.entries(agent, CAPROCK_EVENT="drop") if entry.get("CAPROCK_FLOW", "").endswith(f":{port}")]

    def send(self, namespace, address, port, count):
        with namespace.entered():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            for _ in range(count):
                sender.sendto(b"x" * 1000, (address, port))

    def test_netfilter(self):
        """os: a packet that a rule of netfilter drops is told, with that as the reason"""
        agent = self.record()
        for command in ("add table ip t", "add chain ip t in { type filter hook input priority 0; }", f"add rule ip t in udp dport {CLOSED_PORT} drop"):
            self.pair.right.run("nft", command)
        self.send(self.pair.left, "10.77.0.2", CLOSED_PORT, 1)
        time.sleep(0.2)
        dropped = self.drops_to(agent, CLOSED_PORT)
        self.assertEqual(len(dropped), 1, dropped)
        self.assertEqual(dropped[0].get("CAPROCK_REASON", "NETFILTER_DROP"), "NETFILTER_DROP")
        if not self.events_of(agent, "drop")["note"]:
            self.assertIn("nf", dropped[0]["CAPROCK_PLACE"])

    @alone
    def test_flood_of_drops(self):
        """os: a flood of packets that nobody wants does not hide what a rule of netfilter drops"""
        agent = self.record(agent__os__limits="[]")
        for command in ("add table ip t", "add chain ip t in { type filter hook input priority 0; }", f"add rule ip t in udp dport {PORT} drop"):
            self.pair.right.run("nft", command)
        for _ in range(3):
            self.send(self.pair.left, "10.77.0.2", CLOSED_PORT, 1000)
            self.send(self.pair.left, "10.77.0.2", PORT, 1)
        time.sleep(0.2)
        self.assertGreater(self.events_of(agent, "drop")["suppressed"], 0)
        self.assertEqual(len(self.drops_to(agent, PORT)), 3)

    def test_queue_of_a_device(self):
        """os: packets for which the queue of a device has no room are told as dropped"""
        agent = self.record()
        self.pair.left.run("tc", "qdisc", "add", "dev", "west", "root", "tbf", "rate", "8kbit", "burst", "1600", "limit", "1600")
        self.send(self.pair.left, "10.77.0.2", CLOSED_PORT, 10)
        time.sleep(0.2)
        dropped = [entry for entry in self.drops_to(agent, CLOSED_PORT) if entry.get("CAPROCK_REASON", "QDISC").startswith("QDISC")]
        self.assertGreaterEqual(len(dropped), 6, dropped)
        self.assertEqual({entry["CAPROCK_NETNS"] for entry in dropped}, {self.number_of(self.pair.left)})
