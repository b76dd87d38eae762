# SPDX-License-Identifier: Apache-2.0
"""Who uses sockets, and how they are doing, as the record tells it."""
import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest
from pathlib import Path

from lab import frames
from lab.harness import alone
from lab.os_events import OsTest
from lab.readers import tshark
from lab.traffic import transfer
from lab.workload import Workload

PORT = 5811
CLOSED_PORT = 5812
SYN, ACK = 0x02, 0x10
TELLS_REASONS = b"sk_rst_reason" in Path("/sys/kernel/btf/vmlinux").read_bytes()  # kernel 6.10 and later
PROBES = ("fexit/", "kretprobe/")


def datagram_socket(namespace, address=None):
    with namespace.entered():
        made = socket.socket(socket.AF_INET6 if address and ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    if address:
        made.bind(address)
    return made


class Datagrams(OsTest):
    def of_port(self, agent, event, port):
        return [entry for entry in self.entries(agent, CAPROCK_EVENT=event)
                if f":{port} >" in entry.get("CAPROCK_FLOW", "") and entry.get("CAPROCK_FLOW", "").startswith("UDP ")]

    def exchange(self, server, client):
        client.sendto(b"question", server.getsockname()[:2])
        answer_to = server.recvfrom(100)[1]
        server.sendto(b"answer", answer_to)
        client.recv(100)
        return client.getsockname()[1]

    def check_bound(self, address):
        agent = self.record()
        self.need(agent, "bind")
        with datagram_socket(self.pair.right, (address, PORT)) as server, datagram_socket(self.pair.left, None if ":" not in address else ("::", 0)) as client:
            ports = (PORT, self.exchange(server, client))
        for port in ports:
            bound = self.of_port(agent, "bind", port)
            self.assertEqual([entry["_PID"] for entry in bound], [str(os.getpid())], bound)
            self.assertEqual(bound[0]["MESSAGE"].split("] ")[1].split()[:4], ["is", "bound", "to", "UDP"])

    def test_ipv4(self):
        """os: a UDP socket is told with its port and process, a server's and a client's, once however much it sends"""
        self.check_bound("10.77.0.2")

    def test_ipv6(self):
        """os: so is one of IPv6"""
        self.check_bound("fd77::2")

    def test_end(self):
        """os: the end of a UDP socket is told where the kernel has probes"""
        agent = self.record()
        if not self.events_of(agent, "bind")["hook"].startswith(PROBES):
            self.skipTest("neither fentry nor kprobes on this kernel")
        datagram_socket(self.pair.right, ("10.77.0.2", PORT)).close()
        self.assertEqual(len(self.of_port(agent, "closed", PORT)), 1)

    def test_open_before(self):
        """os: a UDP socket that was there before the agent is told as open"""
        with datagram_socket(self.pair.right, ("10.77.0.2", PORT)) as server, datagram_socket(self.pair.left) as client:
            agent = self.record()
            self.exchange(server, client)
            found = self.of_port(agent, "open", PORT)
            self.assertEqual([entry["_PID"] for entry in found], [str(os.getpid())])
            self.assertEqual(self.of_port(agent, "bind", PORT), [])

    def test_in_the_place_of_another(self):
        """os: a UDP socket is told as one of its own, also where the kernel puts it in the place of one from before the agent"""
        count, cpus = 100, os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cpus)})  # of which the kernel keeps what is freed
        self.addCleanup(os.sched_setaffinity, 0, cpus)
        before = self.senders(count)
        agent = self.record()
        self.need(agent, "bind")
        for one in before:
            one.close()
        time.sleep(0.5)  # RCU
        ports = {one.getsockname()[1] for one in self.senders(count)}
        bound = [entry["CAPROCK_FLOW"] for entry in self.entries(agent, CAPROCK_EVENT="bind", _PID=os.getpid())]
        self.assertEqual(sorted(port for port in ports if not any(f":{port} >" in flow for flow in bound)), [])

    def senders(self, count):
        """That many sockets, each of which has sent."""
        made = [datagram_socket(self.pair.left) for _ in range(count)]
        for one in made:
            self.addCleanup(one.close)
            one.sendto(b"datagram", ("10.77.0.2", PORT))
        return made

    def test_told_again(self):
        """os: what is open is told again now and then, with whose it is, once however many processes have it"""
        agent = self.record(agent__os__inventoryInterval="1s")
        with datagram_socket(self.pair.right, ("10.77.0.2", PORT)) as server, datagram_socket(self.pair.left) as client:
            self.exchange(server, client)
            holder = os.fork()
            if holder == 0:
                time.sleep(60)
                os._exit(0)
            time.sleep(3)
            os.kill(holder, signal.SIGKILL)
            os.waitpid(holder, 0)
        told = self.of_port(agent, "open", PORT)
        self.assertEqual({entry["_PID"] for entry in told}, {str(os.getpid())})
        self.assertIn(len(told), (2, 3, 4))
        addresses = [entry for entry in self.entries(agent, CAPROCK_EVENT="addresses", CAPROCK_OWN_NETNS=1) if "10.77.0.2" in entry["CAPROCK_ADDRESSES"]]
        self.assertGreaterEqual(len(addresses), 3)

    @alone
    def test_many_open_before(self):
        """os: of many sockets that were there before none is lost, also where the queue to the agent holds a part of them"""
        count = 15_000
        script = f"import socket, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, ({count + 100},) * 2)\n" \
                 f"held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range({count})]\n" \
                 "for one in held: one.bind(('127.0.0.1', 0))\nprint('ready', flush=True); sys.stdin.read()"
        self.pair.right.ip("link", "set", "lo", "up")
        holder = subprocess.Popen(self.pair.right.command(sys.executable, "-c", script), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.communicate)
        self.assertEqual(holder.stdout.readline(), b"ready\n")
        agent = self.record(agent__os__events="[open]")
        agent.wait_for(lambda: self.events_of(agent, "open")["recorded"] >= count, "the inventory")
        self.assertEqual(self.events_of(agent, "open")["lost"], 0)
        self.assertEqual(len(self.entries(agent, CAPROCK_EVENT="open", _PID=holder.pid)), count)

    def test_overflow(self):
        """os: a datagram for which a socket has no room is told, with who sent it and how full the queue is"""
        agent = self.record()
        with datagram_socket(self.pair.right, ("10.77.0.2", PORT)) as server, datagram_socket(self.pair.left) as client:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(30):
                client.sendto(b"x" * 1000, ("10.77.0.2", PORT))
            port = client.getsockname()[1]
        full = self.of_port(agent, "udp-overflow", PORT)
        self.assertGreater(len(full), 0)
        self.assertEqual((full[0]["PRIORITY"], full[0]["CAPROCK_REASON"]), ("4", "receive queue"))
        self.assertEqual(full[0]["CAPROCK_LIMIT"], "8192")  # the kernel doubles what it is asked for
        self.assertLessEqual(int(full[0]["CAPROCK_USED"]), 8192)
        sender = f"10.77.0.1:{port}" if TELLS_REASONS else "0.0.0.0:0"
        self.assertEqual({entry["CAPROCK_FLOW"] for entry in full}, {f"UDP 10.77.0.2:{PORT} > {sender}"})


class Owners(OsTest):
    def test_accept(self):
        """os: a connection belongs to the process that takes it, not to the one that listens"""
        agent = self.record()
        self.need(agent, "accept")
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", PORT))
        with listener:
            worker = os.fork()
            if worker == 0:
                accepted = listener.accept()[0]
                accepted.recv(100)
                accepted.sendall(b"answer")
                os._exit(0)
            with self.pair.left.entered():
                client = socket.socket()
            with client:
                client.connect(("10.77.0.2", PORT))
                client.sendall(b"question")
                client.recv(100)
            os.waitpid(worker, 0)
        taken = self.entry(agent, CAPROCK_EVENT="accept", _PID=worker)
        self.assertTrue(taken["CAPROCK_FLOW"].startswith(f"TCP 10.77.0.2:{PORT} > 10.77.0.1:"), taken)
        closed = [entry for entry in self.entries(agent, CAPROCK_EVENT="closed") if entry.get("CAPROCK_FLOW") == taken["CAPROCK_FLOW"]]
        self.assertEqual([entry["_PID"] for entry in closed], [str(worker)])

    def test_refused(self):
        """os: a connection that was refused is not told as open, whatever its process still asks of the socket"""
        agent = self.record(agent__os__probes="none")
        self.need(agent, "accept")
        with self.pair.left.entered():
            client = socket.socket()
        with client:
            client.setblocking(False)
            self.assertEqual(client.connect_ex(("10.77.0.2", CLOSED_PORT)), errno.EINPROGRESS)
            time.sleep(0.2)
            with self.assertRaises(ConnectionRefusedError):
                client.recv(100)
        told = [entry["CAPROCK_EVENT"] for entry in self.entries(agent, _PID=os.getpid())
                if entry["CAPROCK_EVENT"] in ("connect", "failed", "open", "closed") and f":{CLOSED_PORT}" in entry["CAPROCK_FLOW"]]
        self.assertEqual(told, ["connect", "failed"])

    def test_no_local_port(self):
        """os: a connect for which no local port is free is told once, and not as given up"""
        agent = self.record()
        with self.pair.left.entered(), open("/proc/sys/net/ipv4/ip_local_port_range", "w") as ports:
            ports.write("40000 40000")
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", PORT))
        with self.pair.left.entered():
            first, second, third = socket.socket(), socket.socket(), socket.socket()
        with listener, first, second, third:
            first.connect(("10.77.0.2", PORT))
            self.assertEqual(second.connect_ex(("10.77.0.2", PORT)), errno.EADDRNOTAVAIL)
            third.bind(("10.77.0.1", 40001))
            third.setblocking(False)
            third.connect_ex(("10.77.0.9", PORT))
        refused, given_up = self.entries(agent, CAPROCK_EVENT="failed", _PID=os.getpid())
        known = self.events_of(agent, "bind")["hook"].startswith(PROBES)
        self.assertEqual(refused.get("ERRNO"), str(errno.EADDRNOTAVAIL) if known else None)
        self.assertNotIn("given up", refused["MESSAGE"])
        self.assertIn("could not connect to 10.77.0.9:5811: given up", given_up["MESSAGE"])

    def test_not_open(self):
        """os: neither a connection that was refused before the agent came is told as open, nor a raw socket of TCP's number"""
        with self.pair.right.entered():
            listener = socket.create_server(("10.77.0.2", PORT))
        with self.pair.left.entered():
            client, refused, raw = socket.socket(), socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        with listener, client, refused, raw:
            client.connect(("10.77.0.2", PORT))
            raw.connect(("10.77.0.2", PORT))
            refused.setblocking(False)
            self.assertEqual(refused.connect_ex(("10.77.0.2", CLOSED_PORT)), errno.EINPROGRESS)
            time.sleep(0.2)
            agent = self.record()
            self.need(agent, "open")
            told = [entry["CAPROCK_FLOW"] for entry in self.entries(agent, CAPROCK_EVENT="open", _PID=os.getpid())]
            port = client.getsockname()[1]
        self.assertEqual(told, [f"TCP 10.77.0.1:{port} > 10.77.0.2:{PORT}"])

    def test_addresses(self):
        """os: the addresses of the agent's namespace are told, and those of another one when it uses a socket"""
        agent = self.record()
        self.pair.left.ip("addr", "add", "10.77.0.5/24", "dev", "west")
        script = f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('10.77.0.2', {PORT})); input()"
        user = subprocess.Popen(self.pair.left.command(sys.executable, "-c", script), stdin=subprocess.PIPE)
        time.sleep(1)
        user.communicate(b"\n")
        told = [entry["CAPROCK_ADDRESSES"].split() for entry in self.entries(agent, CAPROCK_EVENT="addresses")]
        self.assertEqual(sum({"10.77.0.2", "fd77::2"} <= set(addresses) for addresses in told), 1, told)  # the agent's own
        self.assertEqual(sum({"10.77.0.1", "10.77.0.5", "fd77::1"} <= set(addresses) for addresses in told), 1, told)

    def test_addresses_stay(self):
        """os: a network namespace keeps its addresses as long as any process is in it, whoever used its sockets"""
        agent = self.record()
        stayer = subprocess.Popen(self.pair.left.command("sleep", "600"))
        self.addCleanup(stayer.kill)
        script = f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('10.77.0.2', {PORT})); input()"
        for _ in range(9):
            user = subprocess.Popen(self.pair.left.command(sys.executable, "-c", script), stdin=subprocess.PIPE)
            time.sleep(0.2)
            user.communicate(b"\n")
        network = next(entry["CAPROCK_NETNS"] for entry in self.entries(agent, CAPROCK_EVENT="addresses") if "10.77.0.1" in entry["CAPROCK_ADDRESSES"])
        told = lambda: [entry["CAPROCK_ADDRESSES"] for entry in self.entries(agent, CAPROCK_EVENT="addresses", CAPROCK_NETNS=network)]
        time.sleep(21)  # it is looked for every ten seconds, two times in a row
        self.assertNotIn("", told())
        stayer.kill()
        stayer.wait()
        agent.wait_for(lambda: told()[-1] == "", "the last process's end", seconds=25)


class Health(OsTest):
    def listener(self, backlog):
        with self.pair.right.entered():
            return socket.create_server(("10.77.0.2", PORT), backlog=backlog)

    def connected(self, buffer=None):
        listener = self.listener(backlog=5)
        if buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        with self.pair.left.entered():
            client = socket.socket()
        client.connect(("10.77.0.2", PORT))
        accepted = listener.accept()[0]
        for made in (listener, client, accepted):
            self.addCleanup(made.close)
        return client, accepted

    def test_zero_window(self):
        """os: a receiver that takes no more is told on both sides"""
        agent = self.record()
        self.need(agent, "zero-window")
        client, accepted = self.connected(buffer=4096)
        client.setblocking(False)
        deadline = time.monotonic() + 5
        sides = {}
        while len(sides) < 2 and time.monotonic() < deadline:
            try:
                client.send(b"x" * 65536)
            except BlockingIOError:
                time.sleep(0.3)
            sides = {entry["MESSAGE"].rsplit(": ", 1)[1]: entry["CAPROCK_FLOW"] for entry in self.entries(agent, CAPROCK_EVENT="zero-window", _PID=os.getpid())}
        self.assertTrue(sides["the peer takes no more"].endswith(f"> 10.77.0.2:{PORT}"), sides)
        self.assertTrue(sides["this side takes no more"].startswith(f"TCP 10.77.0.2:{PORT} >"), sides)
        self.assertEqual(len(accepted.recv(100)), 100)

    def test_rtt(self):
        """os: round trips are told where they are asked for, one a second of each connection"""
        agent = self.record(agent__os__events="[rtt]")
        self.need(agent, "rtt")
        client, accepted = self.connected()
        for _ in range(20):
            client.sendall(b"ping")
            accepted.recv(100)
            accepted.sendall(b"pong")
            client.recv(100)
        samples = [entry for entry in self.entries(agent, CAPROCK_EVENT="rtt", _PID=os.getpid())]
        self.assertEqual(len(samples), 2, samples)  # one on each side
        self.assertGreater(int(samples[0]["CAPROCK_SRTT_US"]), 0)
        self.assertGreater(int(samples[0]["CAPROCK_CWND"]), 0)
        self.assertEqual([entry for entry in self.entries(self.record_usual(), CAPROCK_EVENT="rtt")], [])

    def record_usual(self):
        usual = self.make_agent(self.pair.right, name="usual", **{"agent__interfaces": "[east]", "agent__os__enabled": "true"}).start()
        transfer(self.pair.right, self.pair.left, "10.77.0.2", CLOSED_PORT, b"x" * 100_000)
        return usual

    def test_lost_segments(self):
        """os: what is lost on the way is told: the kind of each retransmission, and how congestion control takes it"""
        agent = self.record()
        self.need(agent, "congestion")
        client, _ = self.connected()
        client.sendall(b"arrives")
        time.sleep(0.1)
        self.pair.left.ip("neigh", "replace", "10.77.0.2", "lladdr", "02:00:00:00:00:09", "dev", "west")  # nobody's
        client.sendall(b"does not")
        time.sleep(1.5)
        again = [entry["CAPROCK_REASON"] for entry in self.entries(agent, CAPROCK_EVENT="retransmit", _PID=os.getpid())]
        self.assertIn("time-out", again)
        self.assertLessEqual(set(again), {"tail-loss probe", "time-out"})
        states = [entry for entry in self.entries(agent, CAPROCK_EVENT="congestion", _PID=os.getpid())]
        self.assertIn("loss", [entry["CAPROCK_REASON"] for entry in states])
        self.assertIn("goes from open to loss", "".join(entry["MESSAGE"] for entry in states))

    def test_handshake_again(self):
        """os: a SYN that is sent again is told as such, with the process whose connection it is"""
        agent = self.record()
        self.pair.left.ip("neigh", "add", "10.77.0.9", "lladdr", "02:00:00:00:00:09", "dev", "west")
        with self.pair.left.entered():
            client = socket.socket()
        client.settimeout(1.5)
        with client:
            with self.assertRaises(TimeoutError):
                client.connect(("10.77.0.9", PORT))
            out = self.export(agent, "--process", "--no-events")
            owners = tshark(out, "-Y", f"tcp.dstport == {PORT} && ip.dst == 10.77.0.9", "-T", "fields", "-e", "frame.comment").splitlines()
        again = self.entries(agent, _PID=os.getpid(), CAPROCK_EVENT="retransmit")
        self.assertEqual({entry["CAPROCK_REASON"] for entry in again}, {"SYN"})
        self.assertIn(f"> 10.77.0.9:{PORT}", again[0]["CAPROCK_FLOW"])
        self.assertGreaterEqual(len(owners), 2)
        self.assertEqual([owner for owner in owners if f"[{os.getpid()}]" not in owner], [])

    def test_bad_checksum(self):
        """os: a packet with a wrong checksum is told, of TCP and of UDP"""
        agent = self.record()
        self.need(agent, "bad-checksum")
        with frames.raw_socket(self.pair.left, "west") as wire, datagram_socket(self.pair.right, ("10.77.0.2", PORT)), self.listener(5):
            wrong = struct.pack("!HHHH", 40000, PORT, 12, 0x1234) + b"data"
            wire.send(frames.ethernet(frames.IPV4) + frames.ipv4(wrong))
            wrong = bytearray(frames.tcp("10.77.0.1", "10.77.0.2", (40000, PORT), 1, 0, SYN))
            wrong[16] ^= 0xFF
            wire.send(frames.ethernet(frames.IPV4) + frames.ipv4(bytes(wrong), protocol=socket.IPPROTO_TCP))
            time.sleep(0.2)
        told = [entry.get("CAPROCK_FLOW") for entry in self.entries(agent, CAPROCK_EVENT="bad-checksum")]
        for protocol in ("UDP", "TCP"):
            self.assertEqual(told.count(f"{protocol} 10.77.0.1:40000 > 10.77.0.2:{PORT}"), 1, told)

    def test_listen_overflow(self):
        """os: a connection for which a listener has no room is told, with whose it is"""
        agent = self.record()
        self.need(agent, "listen-overflow")
        stranger = "10.77.0.9"
        self.pair.right.ip("neigh", "add", stranger, "lladdr", frames.LEFT_MAC.hex(":"), "dev", "east")
        with self.listener(backlog=2), frames.raw_socket(self.pair.left, "west", frames.IPV4) as wire:
            # Three connections wait at the most, and two handshakes: the last packet of one finds the queue full.
            for ports in ([40000], [40001], [40002, 40003]):
                for port in ports:
                    self.send_segment(wire, stranger, port, 1, 0, SYN)
                for port, sequence in self.syn_acks(wire, len(ports)).items():
                    self.send_segment(wire, stranger, port, 2, sequence + 1, ACK)
            time.sleep(0.2)
        full = [entry for entry in self.entries(agent, CAPROCK_EVENT="listen-overflow")
                if entry.get("CAPROCK_FLOW", "").startswith(f"TCP 10.77.0.2:{PORT} > {stranger}:")]
        self.assertEqual(len(full), 1, full)
        self.assertEqual({(entry["_PID"], entry["PRIORITY"]) for entry in full}, {(str(os.getpid()), "4")})

    def send_segment(self, wire, source, port, sequence, acknowledged, flags):
        segment = frames.tcp(source, "10.77.0.2", (port, PORT), sequence, acknowledged, flags)
        wire.send(frames.ethernet(frames.IPV4) + frames.ipv4(segment, source=source, protocol=socket.IPPROTO_TCP))

    def syn_acks(self, wire, count):
        """{port: sequence number} of the answers."""
        answers = {}
        wire.settimeout(2)
        while len(answers) < count:
            frame = wire.recv(2000)
            _, port, sequence, _, _, flags = struct.unpack_from("!HHIIBB", frame, frames.tcp_offset(frame))
            if flags == SYN | ACK:
                answers[port] = sequence
        return answers

    def test_reset_reason(self):
        """os: a reset is told with the kernel's reason, where it has one"""
        agent = self.record()
        with self.pair.left.entered():
            client = socket.socket()
        with client, self.assertRaises(ConnectionRefusedError):
            client.connect(("10.77.0.2", CLOSED_PORT))
        sent = [entry for entry in self.entries(agent, CAPROCK_EVENT="reset-sent") if entry.get("CAPROCK_FLOW", "").startswith(f"TCP 10.77.0.2:{CLOSED_PORT} >")]
        self.assertEqual([entry.get("CAPROCK_REASON") for entry in sent], ["NO_SOCKET" if TELLS_REASONS else None])


@alone
class Attribution(OsTest):
    def test_mixed_workload(self):
        """os: of a mixed workload, sockets from before the agent included, 99 packets in 100 have the right processes"""
        workload = Workload(self.pair)
        self.addCleanup(workload.end)
        workload.begin()
        agent = self.record()
        self.need(agent, "bind", "accept")
        workload.run()
        found = workload.attributed(self.export(agent, "--process", "--no-events"))
        for port, (packets, right) in found.items():
            self.assertGreater(packets, 100, port)
            self.assertGreaterEqual(right / packets, 0.99, (port, found))


if __name__ == "__main__":
    unittest.main()
