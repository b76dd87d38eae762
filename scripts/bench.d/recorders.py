# SPDX-License-Identifier: Apache-2.0
"""The recorders that are compared: how each is run, and how many packets it has really stored."""
import re
import shutil
import signal
import struct
import subprocess
import time

from lab.agent import Agent
from lab.network import run
from rig import CAPTURE_CORE, DEVICE

BUFFER_MIB = 64  # what every recorder gets between the kernel and itself, for the one core that sends


class Recorder:
    """One program at work. `stored()` is asked after stop(), and counts with an independent reader where there is one."""

    def __init__(self, rig, lap_bytes):
        self.rig, self.lap_bytes = rig, lap_bytes
        self.folder = rig.fresh_folder(self.name)
        self.log = self.folder / "log"

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.rig.on_capture_core(*self.command()), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        time.sleep(1.5)
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} did not start: {self.log.read_text()}")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def truncated(self):
        return 0

    def check_first_lap(self):
        """Raises where what the recorder says of itself is not what its file holds."""


def count_packets(*files):
    """As capinfos counts them."""
    return sum(int(line.split("\t")[1]) for line in run("capinfos", "-T", "-r", "-M", "-c", *files).splitlines())


class Tcpdump(Recorder):
    name = "tcpdump"

    def command(self):
        return ["tcpdump", "-i", DEVICE, "-B", BUFFER_MIB * 1024, "-Z", "root", "-w", self.folder / "out.pcap"]

    def stored(self):
        return count_packets(self.folder / "out.pcap")


class Netsniff(Recorder):
    name = "netsniff-ng"

    def command(self):
        return ["netsniff-ng", "--in", DEVICE, "--out", self.folder / "out.pcap", "-S", f"{BUFFER_MIB}MiB", "--silent"]

    def stored(self):
        return count_packets(self.folder / "out.pcap")


class Dumpcap(Recorder):
    """In a ring of files as large as caprock's: what it stored is its own statement."""

    name = "dumpcap"

    def command(self):
        kibibytes = self.lap_bytes // 1024 // 8
        return ["dumpcap", "-q", "-i", DEVICE, "-B", BUFFER_MIB, "-b", f"filesize:{kibibytes}", "-b", "files:8",
                "-w", self.folder / "out.pcapng"]

    def stored(self):
        return int(re.search(r"received/dropped on interface .*: (\d+)/", self.log.read_text())[1])


class Stenotype(Recorder):
    """Indexing, as stenographer runs it. It ends without flushing, so a block is retired after a second at the latest."""

    name = "stenotype"

    def command(self):
        for part in ("PKT0", "IDX0"):
            (self.folder / part).mkdir()
            shutil.chown(self.folder / part, "nobody")  # whom it becomes
        return ["stenotype", f"--dir={self.folder}", f"--iface={DEVICE}", f"--blocks={BUFFER_MIB}", "--aiops=32",
                "--threads=1", "--blockage_sec=1", "--seccomp=none", "--no_watchdogs", "-q"]

    def stop(self):
        self.kill()

    def stored(self):
        """Sum of num_pkts of the TPACKET_V3 blocks, of 1 MiB each, that its files consist of."""
        total = 0
        for path in (self.folder / "PKT0").iterdir():
            with open(path, "rb") as file:
                while len(head := file.read(16)) == 16:
                    total += struct.unpack_from("<I", head, 12)[0]
                    file.seek((1 << 20) - 16, 1)
        return total


class Caprock(Recorder):
    """What it stored is the sum of its counters, since the ring overwrites; the first lap holds them to the file."""

    name = "caprock"
    settings = {}

    def __init__(self, rig, lap_bytes):
        super().__init__(rig, lap_bytes)
        self.agent = Agent(rig.pair.right, self.folder, prefix=["taskset", "-c", CAPTURE_CORE], **{
            "agent.interfaces": f"[{DEVICE}]", "agent.stageSize": "128Mi",
            "tap.capture.raw.storageSize": f"{lap_bytes >> 20}Mi"} | self.settings)

    def start(self):
        self.agent.start(wait=60)
        self.process = self.agent.process
        time.sleep(1.5)

    def counted(self, counter):
        interface = self.agent.interface(DEVICE)
        return interface["ingress"][counter] + interface["egress"][counter]

    def stop(self):
        self.last = {counter: self.counted(counter) for counter in ("written", "truncated")}
        if status := self.agent.stop(signal.SIGTERM, wait=60):
            raise RuntimeError(f"the agent ended with {status}: {self.agent.last_words()}")
        self.agent.delete()

    def kill(self):
        self.agent.delete()

    def stored(self):
        return self.last["written"]

    def truncated(self):
        return self.last["truncated"]

    def check_first_lap(self):
        said, found = self.counted("written"), count_packets(self.agent.ring)
        if said != found:
            raise RuntimeError(f"{self.name} says {said} packets are written, capinfos finds {found}")


class CaprockRingBuffer(Caprock):
    name = "caprock-ringbuf"
    settings = {"agent.transport": "ringbuf"}


class CaprockXdp(Caprock):
    name = "caprock-xdp"
    settings = {"agent.hook": "xdp"}


class CaprockMirror(Caprock):
    """Given the port; the network stack does not see what comes."""

    name = "caprock-af_xdp"
    settings = {"agent.interfaces": "[lo]", "agent.mirrorInterfaces": f"[{DEVICE}]", "agent.stageSize": f"{BUFFER_MIB}Mi"}


def caprock_with_stage(size):
    """The recorder with this agent.stageSize; others have 128Mi on two cores."""
    return type("CaprockWithStage", (Caprock,), {"name": f"caprock-stage-{size}", "settings": {"agent.stageSize": size}})


ALL = {recorder.name: recorder for recorder in (Caprock, CaprockRingBuffer, CaprockXdp, CaprockMirror, Stenotype, Netsniff, Tcpdump, Dumpcap)}


def beside(rig, kind, lap_bytes, work):
    """Does work() while such a recorder records: what it returned, the packets of the device meanwhile, and the recorder, stopped."""
    recorder = kind(rig, lap_bytes)
    recorder.start()
    before = rig.pair.right.packets(DEVICE, "rx", "tx")
    try:
        result = work()
        time.sleep(1.5)  # for it to have taken what is waiting
        seen = rig.pair.right.packets(DEVICE, "rx", "tx") - before
        recorder.stop()
    except BaseException:
        recorder.kill()
        raise
    return result, seen, recorder
