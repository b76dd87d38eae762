# SPDX-License-Identifier: Apache-2.0
"""What a restart costs at 1 Gbit/s: the agent is stopped, or killed, and another one started two seconds later."""
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from lab.agent import Agent
from recorders import count_packets
from rig import CAPTURE_CORE, DEVICE

SIZE = 1500
GIGABIT_PPS = 10**9 // 8 // SIZE
SECONDS = 6  # of traffic
BEFORE, AWAY = 1.5, 2.0
ENDINGS = {"SIGTERM": signal.SIGTERM, "kill -9": signal.SIGKILL}


def add_arguments(parser):
    parser.add_argument("--stage", default=512, type=int, metavar="MIB")


def restart(agent, number):
    """Seconds without an agent."""
    agent.process.send_signal(number)
    begin = time.monotonic()
    status = agent.process.wait(20)
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the agent ended with {status}: {agent.last_words()}")
    time.sleep(max(0, AWAY - (time.monotonic() - begin)))
    agent.start(wait=60)
    return time.monotonic() - begin


def one_round(rig, options, number):
    """Gbit/s, seconds away, and how many packets are lost, shortened, and in the ring twice."""
    agent = Agent(rig.pair.right, rig.fresh_folder("restart"), prefix=["taskset", "-c", CAPTURE_CORE], **{
        "agent.interfaces": f"[{DEVICE}]", "agent.stageSize": f"{options.stage}Mi", "agent.onStop": "keep",
        "tap.capture.raw.storageSize": "2Gi"})
    try:
        agent.start(wait=60)
        with ThreadPoolExecutor() as beside:
            begin = time.monotonic()
            sender = beside.submit(rig.send, SECONDS * GIGABIT_PPS, SIZE, per_second=GIGABIT_PPS)
            time.sleep(BEFORE)
            away = restart(agent, number)
            arrived = sender.result()
            seconds = time.monotonic() - begin
        agent.settle()
        count = agent.interface(DEVICE)["ingress"]
        twice = count_packets(agent.ring) - count["written"]
        return arrived * SIZE * 8 / seconds / 1e9, away, arrived - count["written"], count["truncated"], twice
    finally:
        agent.delete()


def measure(rig, options):
    rows = []
    for name, number in ENDINGS.items():
        found = []
        for done in range(1, options.rounds + 1):
            found.append(one_round(rig, options, number))
            rig.say(f"{name}, round {done} of {options.rounds}: {found[-1]}")
        rates, away, *counts = zip(*found)
        rows.append([name, f"{median(rates):.2f}", f"{median(away):.1f}", *map(max, counts)])
    yield (f"{SECONDS} s of packets of {SIZE} B, stage of {options.stage} MiB, {options.rounds} rounds; rates and times are "
           "medians, counts the worst of all rounds",
           ["ended by", "Gbit/s", "s without an agent", "lost", "shortened", "twice"], rows)
