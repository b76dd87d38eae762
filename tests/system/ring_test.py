# SPDX-License-Identifier: Apache-2.0
"""The ring as others see it: while it is being written, after it went round, after a crash, after a change of size."""
import os
import random
import signal
import subprocess
import time

from lab.harness import FRAME_HEADERS, alone, on_both_transports
from lab import frames
from lab.agent import CAPROCK
from lab.readers import COMMANDS, read
from lab.numbered import SIZE, NumberedTest, Sender, on_one_cpu, send_numbered


@on_both_transports
class WhileWritten(NumberedTest):
    @alone
    def test_read_under_load(self):
        """ring: readers that know nothing of us see everything up to a second ago, while it is being written"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair, tap__capture__raw__storageSize="128Mi")
        with Sender(pair.left, "west", 2000) as sender:
            time.sleep(2)
            for opening in range(10):
                time.sleep(0.25)
                reader = list(COMMANDS)[opening % 2]
                self.read_whole(reader, agent.ring, sender)
        agent.settle()
        self.assert_numbers(agent.ring, 0, sender.sent)

    def read_whole(self, reader, ring, sender):
        """Again where a reader was inside the last block when that changed (docs/formats/ring.md)."""
        errors = []
        while error := self.read_live(reader, ring, sender):
            errors.append(error)
            self.assertLess(len(errors), 3, errors)

    def test_wrap(self):
        """ring: after it went round it holds the latest packets without a gap"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair, tap__capture__raw__storageSize="16Mi")
        total = 3 * (16 << 20) // SIZE
        with on_one_cpu():  # what two CPUs received reaches the file by turns: the oldest edge would be ragged
            send_numbered(pair, 0, total)
        agent.settle()
        self.assertEqual(agent.status()["loss"]["total"], 0)
        for reader, reading in self.readings(agent.ring):
            numbers = self.numbers(reading.frames, reader)
            self.assertGreater(len(numbers), (8 << 20) // SIZE, reader)
            self.assert_sequence(numbers, total - len(numbers), total, reader)
        self.assert_stopped(agent)
        self.assert_verified(agent)


@on_both_transports
class Formats(NumberedTest):
    def check_format(self, name, resolution_ns):
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        before = time.time_ns()
        send_numbered(pair, 0, 3000)
        after = time.time_ns()
        out = self.export(agent, "--format", name, name=f"out.{name}")
        for reader, reading in self.readings(out):
            times = [when for when, _ in reading.packets]
            self.assertEqual(self.numbers(reading.frames, reader), list(range(3000)), "in the order of time")
            self.assertEqual(times, sorted(times))
            self.assertGreaterEqual(times[0], before - resolution_ns)
            self.assertLessEqual(times[-1], after)
            self.assertEqual([when for when in times if when % resolution_ns], [])

    def test_pcapng(self):
        """export: pcapng holds every packet in the order of time"""
        self.check_format("pcapng", 1)

    def test_pcap(self):
        """export: classic pcap holds every packet, in microseconds"""
        self.check_format("pcap", 1000)

    def test_pcap_ns(self):
        """export: classic pcap holds every packet, in nanoseconds"""
        self.check_format("pcap-ns", 1)

    def test_filter(self):
        """export: a pcap-filter expression selects packets"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        wanted, others = frames.udp4_frame(1, 100), frames.udp6_frame(2, 100)
        with frames.raw_socket(pair.left, "west") as wire:
            for frame in (wanted, others, wanted):
                wire.send(frame)
        self.assert_holds(self.export(agent, "--filter", "ip and udp port 9"), [wanted, wanted])

    def test_live_tail(self):
        """tail: a stream that tshark reads while packets come"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        tail = subprocess.Popen([CAPROCK, "tail", "--server", f"unix:{agent.socket}"], stdout=subprocess.PIPE)
        self.addCleanup(tail.wait)
        self.addCleanup(tail.terminate)
        time.sleep(0.5)
        reader = subprocess.Popen(["tshark", "-l", "-i", "-", "-c", "100", "-T", "fields", "-e", "udp.payload"],
                                  stdin=tail.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(reader.kill)
        with Sender(pair.left, "west", 100) as sender:
            printed, _ = reader.communicate(timeout=30)
        numbers = [int(line[:16], 16) for line in printed.split()]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 100)))
        self.assertLessEqual(numbers[-1], sender.sent)


@alone
class Opened(NumberedTest):
    OPENINGS = 200

    def test_random_moments(self):
        """ring: opened 200 times at random moments under load, at most 1 in 100 meets an error, and what was read is right"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair, tap__capture__raw__storageSize="128Mi")
        with Sender(pair.left, "west", 200) as sender:
            time.sleep(1.5)
            errors = self.errors_of(self.OPENINGS, agent.ring, sender)
            openings = self.OPENINGS
            if len(errors) > openings // 100:  # so few do not tell one in 100 from one in 60: all of them count
                errors += self.errors_of(self.OPENINGS, agent.ring, sender)
                openings *= 2
            self.assertLess(sender.sent * SIZE, 100 << 20, "the load must not lap the ring")
        self.assertLessEqual(len(errors), openings // 100, errors)

    def errors_of(self, openings, ring, sender):
        dice, errors = random.Random(1), []
        for opening in range(openings):
            reader = list(COMMANDS)[opening % 2]
            time.sleep(dice.uniform(0, 0.05))
            if error := self.read_live(reader, ring, sender):
                errors.append(f"{reader}: {error}")
        return errors


@on_both_transports
class Restart(NumberedTest):
    def test_kill(self):
        """restart: after kill -9 the file is whole, with all that was committed, and the next agent goes on behind it"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        send_numbered(pair, 0, 1000)
        agent.settle()
        agent.stop(signal.SIGKILL)
        self.assert_numbers(agent.ring, 0, 1000)
        agent.start()
        send_numbered(pair, 1000, 2000)
        self.assert_numbers(self.export(agent), 0, 2000)
        self.assert_stopped(agent)
        self.assert_numbers(agent.ring, 0, 2000)
        self.assert_verified(agent)

    def test_orderly(self):
        """restart: after an orderly stop the next agent goes on behind the old record"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        send_numbered(pair, 0, 1000)
        self.assert_stopped(agent)
        agent.start()
        send_numbered(pair, 1000, 2000)
        self.assert_stopped(agent)
        self.assert_numbers(agent.ring, 0, 2000)
        self.assert_verified(agent)


@on_both_transports
class Resize(NumberedTest):
    def record(self, agent, pair, size, first, last):
        agent.settings["tap.capture.raw.storageSize"] = size
        agent.start()
        send_numbered(pair, first, last)
        self.assert_stopped(agent)
        self.assert_verified(agent)

    def test_grow(self):
        """ring: it grows in place and keeps its record"""
        pair = self.make_pair(addresses=False)
        agent = self.make_agent(pair.right, agent__interfaces="[east]")
        self.record(agent, pair, "16Mi", 0, 1000)
        self.record(agent, pair, "48Mi", 1000, 2000)
        self.assertGreater(agent.ring.stat().st_blocks * 512, 40 << 20)
        self.assert_numbers(agent.ring, 0, 2000)

    def test_shrink(self):
        """ring: it shrinks to the new size, and what is left is whole"""
        pair = self.make_pair(addresses=False)
        agent = self.make_agent(pair.right, agent__interfaces="[east]")
        count = (40 << 20) // SIZE
        self.record(agent, pair, "48Mi", 0, count)
        self.record(agent, pair, "32Mi", count, count + 500)
        self.assertLessEqual(agent.ring.stat().st_size, 32 << 20)
        for reader, reading in self.readings(agent.ring):
            numbers = sorted(self.numbers(reading.frames, reader))
            self.assert_sequence(numbers[-500:], count, count + 500, reader)


SEGMENT_BYTES = 2 << 20  # of a ring of 32 MiB


@on_both_transports
class Damage(NumberedTest):
    def test_corrupted(self):
        """ring: a damaged segment is named by verify, costs no other segment's packets, and the next agent records on"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        with on_one_cpu():
            send_numbered(pair, 0, 12000)
        self.assert_stopped(agent)
        with open(agent.ring, "r+b") as file:
            file.seek(SEGMENT_BYTES + 100_000)
            file.write(b"\xff" * 64)
        verified = subprocess.run([CAPROCK, "verify", agent.ring], capture_output=True, text=True)
        self.assertEqual(verified.returncode, 1, verified.stderr)
        named = {line for line in verified.stdout.splitlines() if line.startswith("segment ")}
        self.assertEqual({line.split()[1] for line in named}, {"1"}, verified.stdout)
        agent.start()
        send_numbered(pair, 12000, 12500)
        agent.settle()
        found = {frames.number_of(frame, FRAME_HEADERS): frame for frame in read("tcpdump", self.export(agent)).frames}
        hurt = [number for number in range(12500) if found.get(number) != frames.udp4_frame(number, SIZE)]
        self.assertNotEqual(hurt, [])
        self.assertEqual(hurt, list(range(hurt[0], hurt[-1] + 1)))
        self.assertLess(len(hurt), SEGMENT_BYTES // SIZE, "more than one segment")

    def test_cut(self):
        """ring: a file that was cut is named by verify and by export --file, and the next agent leaves it whole"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        send_numbered(pair, 0, 5000)
        self.assert_stopped(agent)
        os.truncate(agent.ring, 5_000_000)
        verified = subprocess.run([CAPROCK, "verify", agent.ring], capture_output=True, text=True)
        self.assertEqual(verified.returncode, 1, verified.stderr)
        self.assertRegex(verified.stdout, r"segment \d+ \(sequence \d+\), offset 5000000: the file ends inside it")
        out = self.folder / "cut.pcapng"
        exported = subprocess.run([CAPROCK, "export", "--file", agent.ring, "-o", out], capture_output=True, text=True)
        self.assertEqual(exported.returncode, 0, exported.stderr)
        self.assertIn("the file ends inside it", exported.stderr)
        agent.start()
        self.assert_stopped(agent)
        self.assert_verified(agent)

    def test_foreign(self):
        """ring: another program's file in its place is refused and left as it is"""
        pair = self.make_pair(addresses=False)
        agent = self.make_agent(pair.right)
        agent.ring.write_bytes(b"precious" * 4096)
        done = subprocess.run(agent.command(), capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(str(agent.ring), done.stderr)
        self.assertEqual(agent.ring.read_bytes(), b"precious" * 4096)
