# SPDX-License-Identifier: Apache-2.0
"""From one agent to the next under load: nothing lost, nothing twice, in order."""
import contextlib
import fcntl
import json
import os
import signal
import struct
import subprocess
import time

from lab.harness import on_both_transports
from lab import frames
from lab.agent import CAPROCK
from lab.readers import journal_messages, read
from lab.numbered import SIZE, NumberedTest, Sender, send_numbered

RATE = 2000  # frames/s
HOOK_RATE = 5000  # more, as hooks change within a millisecond
TOO_MANY = 20_000  # frames for the smallest stage
BIG = "64Mi"  # a ring that holds all that a test sends
SEGMENT_HEAD, SEGMENT_HEAD_AT, SEGMENT_BYTES_AT = 0x80000CA1, 40, 88  # docs/formats/ring.md
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000


def links_of(pair):
    """Programs of ours on the device, by hook."""
    shown = subprocess.run(pair.right.command("bpftool", "-j", "net", "show", "dev", "east"), capture_output=True, text=True)
    return [one for part in json.loads(shown.stdout) for one in part.get("tc", [])]


class RestartTest(NumberedTest):
    def kept(self, pair, **settings):
        return self.recorder_of(pair, **{"agent__onStop": "keep", "tap__capture__raw__storageSize": BIG, **settings})

    def restart_under_load(self, pair, agent):
        """Stops it and starts it anew, three times. The sender of the load."""
        with Sender(pair.left, "west", RATE) as sender:
            for _ in range(3):
                time.sleep(0.5)
                self.assert_stopped(agent)
                time.sleep(0.5)
                agent.start()
            time.sleep(0.5)
        return sender

    def assert_without_a_gap(self, agent, sender):
        """All that was sent, in the order in which it was."""
        agent.settle()
        reading = read("tcpdump", self.export(agent))
        self.assertEqual(reading.error, "")
        numbers = self.numbers(reading.frames, "tcpdump")
        self.assert_sequence(numbers, 0, sender.sent, "export")
        self.assertEqual(numbers, sorted(numbers), "in order")
        self.assertEqual(agent.status()["loss"]["total"], 0)
        self.assert_stopped(agent)
        self.assert_verified(agent)


@on_both_transports
class Gapless(RestartTest):
    def test_stop(self):
        """restart: what comes while no agent runs is the next one's, without a gap and in order"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        sender = self.restart_under_load(pair, agent)
        self.assertTrue(agent.status()["capture"]["resumed"])
        self.assert_without_a_gap(agent, sender)

    def test_kill(self):
        """restart: after kill -9 under load the next agent goes on where the record ends, without a gap and in order"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        with Sender(pair.left, "west", RATE) as sender:
            for _ in range(5):
                time.sleep(0.3)
                agent.stop(signal.SIGKILL)
                agent.start()
        self.assert_without_a_gap(agent, sender)

    def test_failed_start(self):
        """restart: a start that fails ends though packets go on, and what it took and what comes after it is there without a gap"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        right_address = agent.settings["agent.listen"]
        with Sender(pair.left, "west", RATE) as sender:
            time.sleep(0.3)
            self.assert_stopped(agent)
            agent.settings["agent.listen"] = f"[unix:{agent.folder}]"  # a directory is there
            for _ in range(3):
                time.sleep(0.3)
                self.assertEqual(agent.launch().process.wait(10), 1, agent.last_words())
            agent.settings["agent.listen"] = right_address
            agent.start()
        self.assert_without_a_gap(agent, sender)

    def test_hand_over(self):
        """upgrade: an agent that waits for the ring takes over from the one that ends, without a gap and in order"""
        pair = self.make_pair(addresses=False)
        old = self.kept(pair)
        new = self.make_agent(pair.right, "agent", agent__interfaces="[east]", agent__onStop="keep", agent__lockWait="20s",
                              tap__capture__raw__storageSize=BIG)
        new.socket = new.folder / "new.sock"
        new.settings["agent.listen"] = f"[unix:{new.socket}]"
        with Sender(pair.left, "west", RATE) as sender:
            new.launch()
            time.sleep(0.5)
            self.assertIsNone(new.process.poll())
            self.assert_stopped(old)
            new.await_answer()
            time.sleep(0.5)
        self.assert_without_a_gap(new, sender)


def clear_newest_segment(ring):
    """As if it had never come to the file. How many packets that takes from it, as verify counts them."""
    def packets():
        return json.loads(subprocess.run([CAPROCK, "verify", "-o", "json", ring], capture_output=True).stdout)["packets"]
    before = packets()
    with open(ring, "r+b") as file:
        bytes_each, = struct.unpack_from("<I", os.pread(file.fileno(), 4, SEGMENT_BYTES_AT))
        sequences = {}
        for at in range(0, os.fstat(file.fileno()).st_size, bytes_each):
            kind, sequence = struct.unpack("<I12xQ", os.pread(file.fileno(), 24, at + SEGMENT_HEAD_AT))
            if kind == SEGMENT_HEAD:
                sequences[sequence] = at
        os.pwrite(file.fileno(), bytes(bytes_each), sequences[max(sequences)])
    return before - packets()


class AccountTest(RestartTest):
    """What the account says that the last agent leaves in the ring."""

    def account_of(self, agent):
        done = subprocess.run([CAPROCK, "verify", "-o", "json", agent.ring], capture_output=True, text=True)
        account, = json.loads(done.stdout)["accounts"]
        return account

    def assert_explained(self, agent, sent):
        self.assert_stopped(agent)
        self.assert_verified(agent)
        account = self.account_of(agent)
        explained = sum(account[what] for what in ("not_l4", "filtered", "malformed", "unreadable", "lost", "written"))
        self.assertEqual((account["seen"], explained, account["unexplained"]), (sent, sent, 0))
        self.assertEqual((account["written"], account["recorded"]), (sent, sent))


@on_both_transports
class Explained(AccountTest):
    def test_over_agents(self):
        """verify: over a stop, a kill and an upgrade under load every packet is explained, and the written ones are in the ring"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        with Sender(pair.left, "west", RATE) as sender:
            for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
                time.sleep(0.5)
                agent.stop(number)
                agent.start()
            time.sleep(0.3)
            old, agent.settings["agent.lockWait"] = agent.process, "20s"
            agent.settings["agent.onStop"] = "detach"
            agent.launch()
            time.sleep(0.3)
            old.send_signal(signal.SIGTERM)
            self.assertEqual(old.wait(20), 0)
            agent.await_answer()
            time.sleep(0.3)
        self.assert_explained(agent, sender.sent)

    def test_other_stage(self):
        """verify: what waits in a stage of another size is explained as well, and a ring that began before counts from there"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        send_numbered(pair, 0, 300)
        self.assert_stopped(agent)
        agent.settings.update({"agent.stageSize": "64Mi", "agent.onStop": "detach"})
        send_numbered(pair, 300, 1000)
        agent.start()
        agent.wait_for(lambda: not list(agent.pins.glob("v*_old_*")), "the old maps to go")
        send_numbered(pair, 1000, 1500)
        agent.settle()
        self.assert_stopped(agent)
        first, last = json.loads(subprocess.run([CAPROCK, "verify", "-o", "json", agent.ring], check=True,
                                                capture_output=True).stdout)["accounts"]
        self.assertEqual((first["written"], first["recorded"], first["unexplained"]), (1000, None, 0))
        self.assertEqual((last["written"], last["recorded"], last["unexplained"]), (500, 500, 0))

    def test_missing(self):
        """verify: packets that went from the ring between two agents are unexplained"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        send_numbered(pair, 0, 3000)
        self.assert_stopped(agent)
        gone = clear_newest_segment(agent.ring)
        self.assertGreater(gone, 0)
        agent.settings["agent.onStop"] = "detach"
        agent.start()
        send_numbered(pair, 3000, 3100)
        self.assert_stopped(agent)
        account = self.account_of(agent)
        self.assertEqual((account["written"], account["recorded"], account["unexplained"]), (3100, 3100 - gone, gone))


@on_both_transports
class Lanes(AccountTest):
    BURST = 200  # frames, from two CPUs in turn

    def send_over_cpus(self, pair, first, last):
        before = os.sched_getaffinity(0)
        with frames.raw_socket(pair.left, "west") as wire:
            try:
                for number in range(first, last):
                    if number % self.BURST == 0:
                        time.sleep(0.002)
                        os.sched_setaffinity(0, {sorted(before)[number // self.BURST % 2]})
                    wire.send(frames.udp4_frame(number, SIZE))
            finally:
                os.sched_setaffinity(0, before)

    def test_two(self):
        """lanes: what several have recorded, over a stop and a kill, comes out in the order of time, each packet once, and is explained"""
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("needs two CPUs")
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair, agent__lanes=2)
        self.send_over_cpus(pair, 0, 8000)
        self.assertEqual(len(agent.status()["lanes"]), 2)
        self.assert_stopped(agent)
        self.send_over_cpus(pair, 8000, 12_000)
        agent.start()
        self.send_over_cpus(pair, 12_000, 16_000)
        agent.stop(signal.SIGKILL)
        agent.settings["agent.onStop"] = "detach"
        agent.start()
        self.send_over_cpus(pair, 16_000, 20_000)
        agent.settle()
        self.assertTrue(all(lane["runs"] > 0 for lane in agent.status()["lanes"]))
        reading = read("tcpdump", self.export(agent))
        numbers = self.numbers(reading.frames, "tcpdump")
        self.assert_sequence(numbers, 0, 20_000, "export")
        times = [at for at, _ in reading.packets]
        self.assertEqual(times, sorted(times))
        for cpu in (0, 1):
            of_cpu = [number for number in numbers if number // self.BURST % 2 == cpu]
            self.assertEqual(of_cpu, sorted(of_cpu), f"in the order of the one CPU or the other: {cpu}")
        self.assert_explained(agent, 20_000)


class Changed(RestartTest):
    def change(self, first, second):
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair, **first)
        with Sender(pair.left, "west", RATE) as sender:
            time.sleep(0.5)
            self.assert_stopped(agent)
            time.sleep(0.3)
            agent.settings.update({key.replace("__", "."): value for key, value in second.items()})
            agent.start()
            time.sleep(0.5)
        agent.wait_for(lambda: not list(agent.pins.glob("v*_old_*")), "the old maps to go")
        self.assert_without_a_gap(agent, sender)

    def test_stage_size(self):
        """restart: another stageSize is taken without a gap, and what waits in the old stage is in the record"""
        self.change({"agent__stageSize": "32Mi"}, {"agent__stageSize": "64Mi"})

    def test_transport(self):
        """restart: another transport is taken without a gap, and what waits on the old way is in the record"""
        self.change({"agent__transport": "stage"}, {"agent__transport": "ringbuf"})

    def test_transport_back(self):
        """restart: from the ring buffer to the stage without a gap"""
        self.change({"agent__transport": "ringbuf"}, {"agent__transport": "stage"})


class TapSender(Sender):
    """To a tap it comes in as from a cable; `tap` is its descriptor."""

    def __init__(self, tap, per_second):
        super().__init__(None, None, per_second)
        self.tap = tap

    @contextlib.contextmanager
    def wire(self):
        yield self

    def send(self, frame):
        os.write(self.tap, frame)


class ChangedHook(RestartTest):
    def make_tap(self, namespace, device):
        with namespace.entered():
            tap = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        self.addCleanup(os.close, tap)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP | IFF_NO_PI))
        namespace.ip("link", "set", device, "up")
        return tap

    def test_hook(self):
        """restart: another agent.hook is taken without a gap, though what comes in that moment may be there twice"""
        pair = self.make_pair(addresses=False)
        tap = self.make_tap(pair.right, "tap0")
        agent = self.kept(pair, agent__interfaces="[tap0]", agent__hook="tc")
        with TapSender(tap, HOOK_RATE) as sender:
            for hook in ("xdp", "tc", "xdp"):
                time.sleep(0.3)
                self.assert_stopped(agent)
                time.sleep(0.3)
                agent.settings["agent.hook"] = hook
                agent.start()
                self.assertEqual("xdp" in agent.interface("tap0")["hook"], hook == "xdp")
            time.sleep(0.3)
        agent.settle()
        numbers = self.numbers(read("tcpdump", self.export(agent)).frames, "tcpdump")
        self.assertEqual(sorted(set(numbers)), list(range(sender.sent)))
        self.assertEqual(numbers, sorted(numbers), "in order")
        self.assertLess(len(numbers) - sender.sent, 3 * HOOK_RATE * 0.1, "twice")
        self.assertEqual(agent.status()["loss"]["total"], 0)
        self.assert_stopped(agent)
        self.assert_verified(agent)


class Ended(RestartTest):
    def stopped_by(self, pair, number, *environment, on_stop="auto"):
        """Programs on the device after an agent in that environment was stopped."""
        agent = self.make_agent(pair.right, agent__interfaces="[east]", agent__onStop=on_stop,
                                prefix=["env", "-u", "KUBERNETES_SERVICE_HOST", "-u", "SYSTEMD_EXEC_PID", *environment])
        agent.start()
        self.assertEqual(len(links_of(pair)), 2)
        self.assertEqual(agent.stop(number), 0)
        left = links_of(pair)
        self.assertEqual(agent.pins.exists(), left != [])
        subprocess.run([*agent.command(), "--uninstall"], check=True, capture_output=True)
        return left

    def test_detach(self):
        """stop: with agent.onStop detach, by hand, and by SIGINT anywhere, nothing stays in the kernel"""
        pair = self.make_pair(addresses=False)
        in_a_pod = "KUBERNETES_SERVICE_HOST=10.0.0.1"
        self.assertEqual(self.stopped_by(pair, signal.SIGTERM), [])
        self.assertEqual(self.stopped_by(pair, signal.SIGTERM, in_a_pod, on_stop="detach"), [])
        self.assertEqual(self.stopped_by(pair, signal.SIGINT, in_a_pod), [])

    def test_keep(self):
        """stop: by SIGTERM in a pod, and as a unit of systemd, the programs stay for the next agent"""
        pair = self.make_pair(addresses=False)
        self.assertEqual(len(self.stopped_by(pair, signal.SIGTERM, "KUBERNETES_SERVICE_HOST=10.0.0.1")), 2)
        as_a_unit = ("sh", "-c", 'SYSTEMD_EXEC_PID=$$ exec "$@"', "sh")
        self.assertEqual(len(self.stopped_by(pair, signal.SIGTERM, *as_a_unit)), 2)

    def test_stopped_while_starting(self):
        """stop: by SIGINT, while the agent is still starting, it ends in order, and nothing stays in the kernel"""
        pair = self.make_pair(addresses=False)
        agent = self.make_agent(pair.right, agent__interfaces="[east]", agent__onStop="auto",
                                prefix=["env", "KUBERNETES_SERVICE_HOST=10.0.0.1"]).launch()
        agent.wait_for(agent.pins.exists, "the agent to make its pins")
        self.assert_stopped(agent, signal.SIGINT)
        self.assertEqual(links_of(pair), [])
        self.assertFalse(agent.pins.exists())

    def test_uninstall(self):
        """agent --uninstall: refused while an agent runs, then nothing of it stays in the kernel"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        command = [*agent.command(), "--uninstall"]
        refused = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"process {agent.process.pid}", refused.stderr)
        self.assert_stopped(agent)
        self.assertEqual(len(links_of(pair)), 2)
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(links_of(pair), [])
        self.assertFalse(agent.pins.exists())

    def test_foreign_pins(self):
        """restart: pins that no agent of ours made are told and replaced, and recording begins"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        self.assert_stopped(agent)
        (agent.pins / "v1" / "settings").unlink()
        agent.start()
        self.assertIn("v1/settings", agent.log.read_text())
        with Sender(pair.left, "west", RATE) as sender:
            time.sleep(0.5)
        self.assert_without_a_gap(agent, sender)

    def test_other_layout(self):
        """restart: pins of another layout are told and left to its version, recording begins, and --uninstall removes them"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair, agent__onStop="detach")
        agent.stop(signal.SIGKILL)
        others = agent.pins / "v99"
        (agent.pins / "v1").rename(others)
        send_numbered(pair, 0, 100)  # into the maps that are the other version's
        agent.start()
        self.assertRegex(agent.log.read_text(), f"{others}.*--uninstall")
        send_numbered(pair, 100, 200)
        agent.settle()
        self.assert_numbers(agent.ring, 100, 200)
        self.assert_stopped(agent)
        self.assertTrue((others / "generation").exists())
        subprocess.run([*agent.command(), "--uninstall"], check=True, capture_output=True)
        self.assertFalse(agent.pins.exists())

    def test_nobody_comes(self):
        """restart: while no agent comes the programs fill the stage, then count what they lose, and the next agent tells it"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair, agent__stageSize="1Mi", agent__overload="drop")  # 8 MiB per CPU are taken
        self.assert_stopped(agent)
        send_numbered(pair, 0, TOO_MANY)
        agent.start()
        self.send_from_every_cpu(pair, TOO_MANY)  # these carry the counts
        agent.settle()
        status = agent.status()
        self.assertGreater(status["loss"]["total"], 0)
        self.assertEqual(status["loss"]["since_start"], 0)
        out = self.export(agent)
        numbers = self.numbers(read("tcpdump", out).frames, "tcpdump")
        self.assertEqual(len(numbers) + status["loss"]["total"], TOO_MANY + os.cpu_count())
        verified = subprocess.run([CAPROCK, "verify", out], capture_output=True, text=True)
        self.assertIn(f"{status['loss']['total']} lost", verified.stdout)

    def test_loss_at_the_end(self):
        """restart: a loss that no later packet tells is in the record when the agent detaches, and in Wireshark"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair, agent__stageSize="1Mi", agent__overload="drop", agent__onStop="detach")
        agent.process.send_signal(signal.SIGSTOP)
        send_numbered(pair, 0, TOO_MANY)
        agent.process.send_signal(signal.SIGCONT)
        agent.settle()
        lost = agent.status()["loss"]["total"]
        self.assertGreater(lost, 0)
        self.assert_stopped(agent, signal.SIGINT)
        numbers = self.numbers(read("tcpdump", agent.ring).frames, "tcpdump")
        self.assertEqual(len(numbers) + lost, TOO_MANY)
        verified = subprocess.run([CAPROCK, "verify", "-o", "json", agent.ring], capture_output=True, text=True)
        self.assertEqual(json.loads(verified.stdout)["dropped"], lost)
        told, account = journal_messages(agent.ring)
        self.assertEqual(told, f"{lost} packets lost that east received")
        self.assertRegex(account, f"^{TOO_MANY} packets seen: {len(numbers)} recorded, {lost} lost, .* 0 unexplained$")

    def send_from_every_cpu(self, pair, number):
        mine = os.sched_getaffinity(0)
        try:
            for cpu in range(os.cpu_count()):
                os.sched_setaffinity(0, {cpu})
                send_numbered(pair, number + cpu, number + cpu + 1)
        finally:
            os.sched_setaffinity(0, mine)

    def test_two_agents(self):
        """pins: a second agent with a ring of its own is refused the pin directory of the first, which records on"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        other = self.make_agent(pair.right, "other", agent__interfaces="[east]", agent__pinDir=agent.pins)
        refused = subprocess.run(other.command(), capture_output=True, text=True, timeout=20)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("agent.pinDir", refused.stderr)
        with Sender(pair.left, "west", RATE) as sender:
            time.sleep(0.3)
        self.assert_without_a_gap(agent, sender)

    def test_pins_removed(self):
        """pins: where somebody removed the directory, a device that comes is recorded all the same"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair, agent__interfaces="[east, late]")
        subprocess.run(["rm", "-rf", agent.pins], check=True)
        subprocess.run(pair.right.command("ip", "link", "add", "late", "type", "veth", "peer", "name", "later"), check=True)
        for device in ("late", "later"):
            subprocess.run(pair.right.command("ip", "link", "set", device, "up"), check=True)
        agent.wait_for(lambda: (agent.interface("late") or {}).get("hook"), "the new device to be recorded")

    def test_read_only_pins(self):
        """pins: where the BPF file system is read-only the agent records without, says so, and leaves nothing behind"""
        pair = self.make_pair(addresses=False)
        read_only = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                     'mount -o remount,bind,ro /sys/fs/bpf && exec "$@"', "sh"]
        agent = self.make_agent(pair.right, agent__interfaces="[east]", agent__onStop="keep", prefix=read_only).start()
        send_numbered(pair, 0, 1000)
        agent.settle()
        self.assert_numbers(agent.ring, 0, 1000)
        (finding,) = [one for one in agent.status()["findings"] if one["id"] == "bpffs"]
        self.assertIn("read-only", finding["found"])
        self.assertIn("remount,rw", finding["remedy"])
        self.assert_stopped(agent)
        self.assertEqual(links_of(pair), [])
        self.assertNotIn("record on", agent.log.read_text())
        (account,) = journal_messages(agent.ring)
        self.assertRegex(account, "^1000 packets seen: 1000 recorded, .* 0 unexplained$")

    def test_no_ring(self):
        """pins: where the ring file is gone, what waits in the stage goes into a new one"""
        pair = self.make_pair(addresses=False)
        agent = self.kept(pair)
        self.assert_stopped(agent)
        send_numbered(pair, 0, 1000)
        agent.ring.unlink()
        agent.start()
        agent.settle()
        self.assert_numbers(agent.ring, 0, 1000)

    def test_mount(self):
        """pins: no BPF file system is mounted over a directory that is not made for it"""
        pair = self.make_pair(addresses=False)
        agent = self.make_agent(pair.right, agent__pinDir=self.folder / "pins" / "caprock")
        (self.folder / "pins").mkdir()
        refused = subprocess.run(agent.command(), capture_output=True, text=True, timeout=20)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("mount -t bpf", refused.stderr)
        self.assertFalse((self.folder / "pins").is_mount())
