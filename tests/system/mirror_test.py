# SPDX-License-Identifier: Apache-2.0
"""Ports given to caprock: what they receive is in the record, once, and nowhere else."""
import ctypes
import json
import mmap
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from lab.harness import FRAME_HEADERS, alone, on_both_transports
from lab import frames
from lab.agent import CAPROCK
from lab.readers import journal_messages, read
from lab.traffic import transfer
from lab.numbered import REVEAL, SIZE, NumberedTest, Sender, send_numbered
from restart_test import BIG, RATE, RestartTest

AF_XDP = 44
SO_DOMAIN = 39
SOL_XDP, XDP_COPY = 283, 1 << 1
XDP_RX_RING, XDP_UMEM_REG, XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING = 2, 4, 5, 6
PIDFD_GETFD = 438  # of every architecture
SO_INCOMING_NAPI_ID = 56
BUSY_POLL_OPTIONS = (69, 46)  # SO_PREFER_BUSY_POLL, SO_BUSY_POLL; the kernel does not tell the third, SO_BUSY_POLL_BUDGET
SOCKET_FRAMES = 4096  # of the smallest memory of a socket
BYSTANDER = """
__attribute__((section("xdp"), used)) int bystander(void *context) { return 2; }
char terms[] __attribute__((section("license"), used)) = "GPL";
"""


def send(pair, sent):
    with frames.raw_socket(pair.left, "west") as wire:
        for frame in sent:
            wire.send(frame)


def frame_to_port(number, port):
    return frames.ethernet(frames.IPV4) + frames.ipv4(frames.udp(frames.payload(number, 200), port))


class MirrorTest(NumberedTest):
    def mirror_of(self, pair, **settings):
        """A running agent to which the right end of the pair is given."""
        return self.recorder_of(pair, **{"agent__interfaces": "[lo]", "agent__mirrorInterfaces": "[east]",
                                         "tap__capture__raw__storageSize": BIG, **settings})

    def promiscuity(self, pair):
        return json.loads(pair.right.ip("-d", "-j", "link", "show", "east"))[0]["promiscuity"]

    def wait_for_counter(self, agent, counter, value):
        agent.wait_for(lambda: agent.interface("east")["ingress"][counter] >= value, f"{counter} to be {value}")


def sockets_of(agent):
    """The AF_XDP sockets of an agent, as sockets of ours."""
    libc, process = ctypes.CDLL(None, use_errno=True), os.pidfd_open(agent.process.pid)
    try:
        for fd in Path(f"/proc/{agent.process.pid}/fd").iterdir():
            if not os.readlink(fd).startswith("socket:"):
                continue
            taken = socket.socket(AF_XDP, socket.SOCK_RAW, 0, libc.syscall(PIDFD_GETFD, process, int(fd.name), 0))
            if taken.getsockopt(socket.SOL_SOCKET, SO_DOMAIN) == AF_XDP:
                yield taken
            else:
                taken.close()
    finally:
        os.close(process)


def foreign_socket(namespace, device, queue):
    """An AF_XDP socket of ours that has a receive queue, and memory for one frame."""
    libc, memory = ctypes.CDLL(None, use_errno=True), mmap.mmap(-1, mmap.PAGESIZE)
    with namespace.entered():
        opened = socket.socket(AF_XDP, socket.SOCK_RAW, 0)
        address = struct.pack("=HHIII", AF_XDP, XDP_COPY, socket.if_nametoindex(device), queue, 0)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        opened.setsockopt(SOL_XDP, XDP_UMEM_REG, struct.pack("=QQIIII", start, mmap.PAGESIZE, mmap.PAGESIZE, 0, 0, 0))
        for ring in (XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING):
            opened.setsockopt(SOL_XDP, ring, 1)
        if libc.bind(opened.fileno(), address, len(address)):
            raise OSError(ctypes.get_errno(), "bind an AF_XDP socket")
    return opened


def options_of(agent, *options):
    """What each of an agent's sockets says of these."""
    said = []
    for taken in sockets_of(agent):
        with taken:
            said.append([taken.getsockopt(socket.SOL_SOCKET, option) for option in options])
    return said


def idle_load(agent):
    """Of a CPU, that the agent's lanes take in a second without packets."""
    def ticks():
        stats = [(task / "stat").read_text() for task in Path(f"/proc/{agent.process.pid}/task").iterdir()]
        return sum(sum(map(int, stat.split()[13:15])) for stat in stats if "(caprock-lane-" in stat)
    before = ticks()
    time.sleep(1)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK")


def polled_packets(namespace):
    """Packets that were taken from the namespace's devices by busy polling."""
    names, values = [line.split() for line in namespace.run("cat", "/proc/net/netstat").splitlines()
                     if line.startswith("TcpExt:")]
    return int(values[names.index("BusyPollRxPackets")])


class Recorded(MirrorTest):
    def test_every_frame(self):
        """mirror port: every frame is recorded by a socket, once, in order and byte for byte, and the host sees none"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair)
        self.assertEqual(agent.interface("east")["hook"], "xdp + af_xdp")
        self.assertEqual(agent.interface("east")["error"], "")
        before = pair.right.run("cat", "/proc/net/snmp")
        send_numbered(pair, 0, 20_000)
        agent.settle()
        for reader, reading in self.readings(agent.ring):
            self.assertEqual(self.numbers(reading.frames, reader), list(range(20_000)))
        count = agent.interface("east")["ingress"]
        self.assertEqual((count["accepted"], count["written"], count["lost"]), (20_000, 20_000, 0))
        self.assertEqual(count["captured_bytes"], 20_000 * len(frames.udp4_frame(0, SIZE)))
        self.assertEqual(pair.right.run("cat", "/proc/net/snmp"), before)
        self.assert_stopped(agent)
        self.assert_verified(agent)

    @alone
    def test_busy_poll(self):
        """mirror port: with agent.mirrorBusyPoll the lane polls the port's queue instead of sleeping, and packets are whole, each once, in order"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair)
        self.assertEqual(options_of(agent, *BUSY_POLL_OPTIONS), [[0, 0]])
        self.assertLess(idle_load(agent), 0.2)
        self.assert_stopped(agent)
        agent.settings["agent.mirrorBusyPoll"] = "true"
        agent.start()
        self.assertEqual(agent.interface("east")["hook"], "xdp + af_xdp (busy poll)")
        self.assertEqual(agent.interface("east")["error"], "")
        self.assertEqual(options_of(agent, *BUSY_POLL_OPTIONS), [[1, 20]])
        self.assertGreater(idle_load(agent), 0.3)
        send_numbered(pair, 0, 20_000)
        agent.settle()
        if options_of(agent, SO_INCOMING_NAPI_ID) != [[0]]:  # on 6.18 a veth tells sockets no queue
            self.assertGreater(polled_packets(pair.right), 0)
        self.assert_numbers(agent.ring, 0, 20_000)
        self.assertEqual(agent.interface("east")["ingress"]["lost"], 0)
        self.assert_stopped(agent)
        self.assert_verified(agent)

    @alone
    def test_read_under_load(self):
        """mirror port: readers see everything up to a second ago, while it is being written"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair)
        with Sender(pair.left, "west", RATE) as sender:
            time.sleep(REVEAL + 1)
            reading = read("tcpdump", self.export(agent))
        numbers = self.numbers(reading.frames, "tcpdump")
        self.assert_sequence(numbers, 0, len(numbers), "export")
        self.assertGreater(len(numbers), RATE)
        agent.settle()
        self.assert_numbers(agent.ring, 0, sender.sent)

    def test_every_size(self):
        """mirror port: frames of every length, tagged ones, and those too long for a socket are recorded whole"""
        pair = self.make_pair(addresses=False, mtu=9000)
        agent = self.mirror_of(pair)
        sent = [frames.udp4_frame(number, 8 + number) for number in range(64)]
        sent += [frames.udp6_frame(64 + number, 1690 + number, [(frames.VLAN, 5)]) for number in range(64)]
        sent += [frames.udp4_frame(200 + number, 2000 + 500 * number) for number in range(13)]
        send(pair, sent)
        self.wait_for_counter(agent, "written", len(sent))
        agent.settle()
        self.assert_holds(agent.ring, sent)
        self.assert_stopped(agent)
        self.assert_verified(agent)

    def test_vxlan(self):
        """mirror port: with agent.mirrorVxlanPort what comes in VXLAN is recorded as it was before, all else as it comes"""
        pair = self.make_pair(addresses=False, mtu=9000)
        agent = self.mirror_of(pair, agent__mirrorVxlanPort=4789)
        inner = [frames.udp4_frame(number, 8 + number) for number in range(100)]
        inner += [frames.udp6_frame(100 + number, 1600 + number, [(frames.VLAN, 5)]) for number in range(200)]
        plain = [frames.udp4_frame(300, 100), frames.vxlan_frame(inner[0], port=4790)]
        send(pair, [frames.vxlan_frame(frame) for frame in inner] + plain)
        agent.settle()
        self.assert_holds(agent.ring, inner + plain)
        self.assert_stopped(agent)
        self.assert_verified(agent)

    def test_snaplen(self):
        """mirror port: agent.snaplen cuts what is kept"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair, agent__snaplen=101)
        sent = [frames.udp4_frame(number, 60 + number) for number in range(100)]
        send(pair, sent)
        agent.settle()
        self.assert_holds(agent.ring, [frame[:101] for frame in sent])

    def test_filter(self):
        """mirror port: the filter applies, and what is left out is counted and goes no further"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair, agent__ports="[53]")
        wanted = [frame_to_port(number, 53) for number in range(100)]
        send(pair, wanted + [frame_to_port(number, 54) for number in range(50)])
        send(pair, [frames.ethernet(0x88CC) + bytes(50)])
        agent.settle()
        self.assert_holds(agent.ring, wanted)
        count = agent.interface("east")["ingress"]
        self.assertEqual([count[what] for what in ("seen", "accepted", "filtered", "not_l4")], [151, 100, 50, 1])

    def test_loss(self):
        """mirror port: what comes while the agent is held up and finds no room is counted as lost, and told in the file"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair, agent__stageSize="8Mi")
        agent.process.send_signal(signal.SIGSTOP)
        sent = SOCKET_FRAMES + 3000
        send_numbered(pair, 0, sent)
        agent.process.send_signal(signal.SIGCONT)
        self.wait_for_counter(agent, "lost", 1)
        send_numbered(pair, sent, sent + 100)
        agent.settle()
        count = agent.interface("east")["ingress"]
        self.assertEqual(count["lost_reported"], count["lost"])
        self.assertEqual(agent.status()["loss"]["total"], count["lost"])
        numbers = self.numbers(read("tcpdump", agent.ring).frames, "tcpdump")
        self.assertEqual(len(numbers) + count["lost"], sent + 100)
        self.assertEqual(numbers[-100:], list(range(sent, sent + 100)))
        self.assert_stopped(agent)
        verified = subprocess.run([CAPROCK, "verify", "-o", "json", agent.ring], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(verified.stdout)["dropped"], count["lost"])


    def test_renamed(self):
        """mirror port: what is lost while it is renamed is told once, and the account is whole"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair, agent__mirrorInterfaces="[east, harbour]", agent__stageSize="8Mi")
        agent.process.send_signal(signal.SIGSTOP)
        sent = SOCKET_FRAMES + 3000
        send_numbered(pair, 0, sent)
        agent.process.send_signal(signal.SIGCONT)
        self.wait_for_counter(agent, "lost", 1)
        pair.right.ip("link", "set", "east", "name", "harbour")
        agent.wait_for(lambda: agent.interface("harbour"), "the new name")
        send_numbered(pair, sent, sent + 100)
        agent.settle()
        lost = agent.status()["loss"]["total"]
        self.assert_stopped(agent)
        numbers = self.numbers(read("tcpdump", agent.ring).frames, "tcpdump")
        self.assertEqual(len(numbers) + lost, sent + 100)
        self.assertRegex(journal_messages(agent.ring)[-1], f"^{sent + 100} packets seen: .* {lost} lost, .* 0 unexplained$")
        verified = subprocess.run([CAPROCK, "verify", "-o", "json", agent.ring], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(verified.stdout)["dropped"], lost)


@on_both_transports
class Restarted(RestartTest, MirrorTest):
    def test_stop(self):
        """mirror port: what comes while no agent runs is the next one's, without a gap and in order"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair, agent__onStop="keep")
        sender = self.restart_under_load(pair, agent)
        self.assertEqual(agent.interface("east")["hook"], "xdp + af_xdp")
        self.assert_without_a_gap(agent, sender)

    def test_kill(self):
        """mirror port: after kill -9 what was in the socket's memory is counted as lost and told, all else is in the record"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair, agent__onStop="keep")
        with Sender(pair.left, "west", RATE) as sender:
            for _ in range(3):
                time.sleep(0.5)
                agent.stop(signal.SIGKILL)
                agent.start()
            time.sleep(0.5)
        agent.settle()
        lost = agent.status()["loss"]["total"]
        numbers = self.numbers(read("tcpdump", self.export(agent)).frames, "tcpdump")
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(len(numbers) + lost, sender.sent)
        told = [int(message.split()[0]) for message in journal_messages(agent.ring)]
        self.assertEqual(sum(told), lost)
        self.assert_stopped(agent)
        self.assert_verified(agent)


class Port(MirrorTest):
    def uninstall(self, agent):
        subprocess.run([*agent.command(), "--uninstall"], check=True, capture_output=True)

    def test_promiscuous(self):
        """mirror port: it is promiscuous until an agent detaches, also while none runs, and then as it was"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair)
        for number, keep in ((signal.SIGKILL, "detach"), (signal.SIGTERM, "keep")):
            agent.settings["agent.onStop"] = keep
            if agent.process.poll() is not None:
                agent.start()
            self.assertEqual(self.promiscuity(pair), 1)
            agent.stop(number)
            self.assertEqual(self.promiscuity(pair), 1)
        self.uninstall(agent)
        self.assertEqual(self.promiscuity(pair), 0)
        agent.settings["agent.onStop"] = "detach"
        agent.start()
        self.assertEqual(self.promiscuity(pair), 1)
        self.assert_stopped(agent)
        self.assertEqual(self.promiscuity(pair), 0)

    def test_promiscuous_before(self):
        """mirror port: one that somebody has made promiscuous stays so"""
        pair = self.make_pair(addresses=False)
        pair.right.ip("link", "set", "east", "promisc", "on")
        agent = self.mirror_of(pair)
        self.assert_stopped(agent)
        self.assertEqual(self.promiscuity(pair), 1)

    def test_promiscuous_taken_back(self):
        """mirror port: one that the next agent has no more is as it was"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair, agent__onStop="keep")
        agent.stop()
        agent.settings.update({"agent.mirrorInterfaces": None, "agent.interfaces": "[east]"})
        agent.start()
        agent.wait_for(lambda: self.promiscuity(pair) == 0, "the port to be as it was")
        agent.stop()
        self.uninstall(agent)

    def test_ended(self):
        """mirror port: a stop leaves nothing on the device, and the host has it again"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair)
        self.assert_stopped(agent)
        self.assertNotIn("xdp", json.loads(pair.right.ip("-d", "-j", "link", "show", "east"))[0])
        self.assertFalse(agent.pins.exists())

    def test_taken_back(self):
        """mirror port: one that the next agent records like any other keeps its account: what a kill took is told by that agent"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair, agent__onStop="keep")
        send_numbered(pair, 0, 500)
        agent.settle()
        agent.process.send_signal(signal.SIGSTOP)
        send_numbered(pair, 500, 600)  # they stay in the socket
        agent.stop(signal.SIGKILL)
        agent.settings.update({"agent.mirrorInterfaces": None, "agent.interfaces": "[east]", "agent.onStop": "detach"})
        agent.start()
        self.assertNotIn("xdp", agent.interface("east")["hook"])
        send_numbered(pair, 600, 700)
        agent.settle()
        self.assertEqual(agent.status()["loss"]["total"], 100)
        self.assert_stopped(agent)
        numbers = self.numbers(read("tcpdump", agent.ring).frames, "tcpdump")
        self.assertEqual(sorted(numbers), [*range(500), *range(600, 700)])
        told, account = journal_messages(agent.ring)
        self.assertEqual(told, "100 packets lost that east received")
        self.assertRegex(account, "^700 packets seen: 600 recorded, 100 lost, .* 0 unexplained$")

    def test_addresses(self):
        """mirror port: one over which the host is reached is recorded like any other, until the address goes"""
        pair = self.make_pair()
        agent = self.mirror_of(pair)
        east = agent.interface("east")
        self.assertIn("this host would no longer be reached there as 10.77.0.2", east["error"])
        self.assertIn("agent.mirrorForce", east["error"])
        self.assertNotIn("xdp", east["hook"])
        self.assertEqual(transfer(pair.right, pair.left, "10.77.0.2", 5001, b"reached"), b"reached")
        pair.right.ip("addr", "flush", "dev", "east", "scope", "global")
        agent.wait_for(lambda: agent.interface("east")["hook"] == "xdp + af_xdp", "the port to be taken")
        self.assertEqual(agent.interface("east")["error"], "")

    def test_force(self):
        """mirror port: with agent.mirrorForce one that has addresses is taken"""
        pair = self.make_pair()
        agent = self.mirror_of(pair, agent__mirrorForce="true")
        self.assertEqual(agent.interface("east")["hook"], "xdp + af_xdp")
        send_numbered(pair, 0, 100)
        self.wait_for_counter(agent, "written", 100)

    def attach_bystander(self, pair):
        if not shutil.which("clang"):
            self.skipTest("needs clang")
        source, program = self.folder / "bystander.c", self.folder / "bystander.o"
        source.write_text(BYSTANDER)
        subprocess.run(["clang", "-target", "bpf", "-O2", "-c", source, "-o", program], check=True)
        pair.right.ip("link", "set", "dev", "east", "xdp", "obj", program, "sec", "xdp")

    def test_foreign_program(self):
        """mirror port: an XDP program of somebody else is left alone, and the port is recorded through tc"""
        pair = self.make_pair(addresses=False)
        self.attach_bystander(pair)
        agent = self.mirror_of(pair)
        east = agent.interface("east")
        self.assertIn("XDP program bystander of somebody else", east["error"])
        self.assertNotIn("xdp", east["hook"])
        send_numbered(pair, 0, 100)
        agent.settle()
        self.assert_numbers(agent.ring, 0, 100)
        self.assert_stopped(agent)
        self.assertIn("xdp", json.loads(pair.right.ip("-d", "-j", "link", "show", "east"))[0])

    def queues_of(self, pair, count):
        if not shutil.which("ethtool"):
            self.skipTest("needs ethtool")
        pair.left.run("ethtool", "-L", "west", "tx", count)
        pair.right.run("ethtool", "-L", "east", "rx", count)

    def test_queue_taken(self):
        """mirror port: a queue that has a socket of somebody else goes through the stage, the others have ours, and the status says why"""
        pair = self.make_pair(addresses=False)
        self.queues_of(pair, 2)
        self.addCleanup(foreign_socket(pair.right, "east", 0).close)
        agent = self.mirror_of(pair)
        east = agent.interface("east")
        self.assertEqual(east["error"], "east: 1 of 2 receive queues go through the stage: queue 0: bind an AF_XDP socket: "
                                        "another socket has the queue")
        self.assertEqual(east["hook"], "xdp + af_xdp")
        sent = [frame_to_port(number, 1000 + number) for number in range(1000)]
        send(pair, sent)
        agent.settle()
        self.assert_holds(agent.ring, sent)
        self.assertEqual(self.redirected(pair, 0), 0)
        self.assertTrue(0 < self.redirected(pair, 1) < 1000)
        self.assert_stopped(agent)
        self.assert_verified(agent)

    def redirected(self, pair, queue):
        """Packets that came by a socket on the queue."""
        return int(re.search(rf"rx_queue_{queue}_xdp_redirect: (\d+)", pair.right.run("ethtool", "-S", "east"))[1])

    def test_all_queues_taken(self):
        """mirror port: one of which somebody else has every queue is recorded through the stage"""
        pair = self.make_pair(addresses=False)
        self.addCleanup(foreign_socket(pair.right, "east", 0).close)
        agent = self.mirror_of(pair)
        east = agent.interface("east")
        self.assertEqual((east["hook"], "1 of 1 receive queues go through the stage" in east["error"]), ("xdp", True))
        send_numbered(pair, 0, 1000)
        agent.settle()
        self.assert_numbers(agent.ring, 0, 1000)

    def test_time(self):
        """mirror port: the time of a frame is that of its arrival"""
        pair = self.make_pair(addresses=False)
        agent = self.mirror_of(pair)
        before = time.time_ns()
        send(pair, [frames.udp4_frame(7, 100)])
        after = time.time_ns()
        agent.settle()
        (arrived, frame), = read("tshark", agent.ring).packets
        self.assertEqual(frames.number_of(frame, FRAME_HEADERS), 7)
        self.assertLess(before - 2_000_000, arrived)
        self.assertLess(arrived, after + 50_000_000)
