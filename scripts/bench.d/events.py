# SPDX-License-Identifier: Apache-2.0
"""What the operating-system layer costs: nanoseconds of its programs, and a storm of connections and a TCP stream with it and
without."""
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import iperf
import kernel
import recorders
from lab.agent import CAPROCK, Agent
from lab.network import run
from lab.workload import HTTP_PORT, IPERF_PORT, NAME_PORT, OLD_TCP_PORT, OLD_UDP_PORT, SHORT_PORT, Workload
from rig import DEVICE

LAP_BYTES = 1 << 30
PORT = 5999
WORKLOADS = {HTTP_PORT: "curl", IPERF_PORT: "iperf3", NAME_PORT: "UDP, a socket for each question", SHORT_PORT: "TCP, short connections",
             OLD_TCP_PORT: "TCP, from before the agent", OLD_UDP_PORT: "UDP, from before the agent"}
TRACEPOINTS = {"os_state": "inet_sock_set_state", "os_retransmit": "tcp_retransmit_skb", "os_congestion": "tcp_cong_state_set",
               "os_segment": "tcp_probe", "os_drop": "kfree_skb", "os_send": "sock_send_length", "os_receive": "sock_recv_length"}
PROGRAMS = (*TRACEPOINTS, "os_exec", "os_exit", "os_reset_sent", "os_reset_got", "fexit_tcp_port", "fexit_udp_port", "fentry_udp_end",
            "fentry_accept", "fentry_request", "kretprobe_tcp_port", "kretprobe_udp_port", "kprobe_udp_end", "kprobe_accept",
            "kprobe_request")
EMPTY_PROGRAM = """
__attribute__((section("tp_btf/{tracepoint}"), used)) int no_{program}(void *context) {{ return 0; }}
"""
LICENSE = """
__attribute__((section("license"), used)) char gpl[] = "GPL";
"""


class CaprockEvents(recorders.Caprock):
    name = "caprock-events"
    settings = {"agent.os.enabled": "true"}


def add_arguments(parser):
    parser.add_argument("--connections", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=5)


def connect(rig, connections, per_second=None):
    """Over loopback, one after the other: connected, accepted, closed from both sides; µs for each, pauses included."""
    begin = time.monotonic()
    with rig.pair.right.entered():
        with socket.create_server(("127.0.0.1", PORT)) as listener:
            for number in range(connections):
                with socket.socket() as client:
                    client.connect(("127.0.0.1", PORT))
                    listener.accept()[0].close()
                if per_second:
                    time.sleep(max(0, begin + (number + 1) / per_second - time.monotonic()))
    return (time.monotonic() - begin) / connections * 1e6


def send_to_nobody(rig, datagrams=100_000):
    """Each is dropped, for want of a socket."""
    with rig.pair.left.entered():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        for _ in range(datagrams):
            sender.sendto(b"x", ("10.77.0.2", PORT))


@contextmanager
def empty_programs(rig):
    """One beside each of the layer's at a tracepoint, called no_…: what the measuring itself comes to there."""
    source, compiled, pins = rig.folder / "empty.bpf.c", rig.folder / "empty.bpf.o", Path("/sys/fs/bpf/caprock_bench")
    source.write_text(LICENSE + "".join(EMPTY_PROGRAM.format(program=program, tracepoint=tracepoint)
                                        for program, tracepoint in TRACEPOINTS.items()))
    run("clang", "-O2", "-g", "-target", "bpf", "-c", source, "-o", compiled)
    run("bpftool", "prog", "loadall", compiled, pins, "autoattach")
    try:
        yield
    finally:
        shutil.rmtree(pins)


def program_costs(rig, load):
    """{program: (ns per run, runs)} of those that ran meanwhile."""
    programs = (*PROGRAMS, *(f"no_{program}" for program in TRACEPOINTS))
    before = {program: kernel.spent(program) for program in programs}
    load()
    after = {program: kernel.spent(program) for program in programs}
    costs = {}
    for program in programs:
        ns, runs = (b - a for a, b in zip(before[program], after[program]))
        if runs > 100:
            costs[program] = (ns / runs, runs)
    return costs


def measure_programs(rig, options):
    loads = (("500 connections a second, all recorded", lambda: connect(rig, 2000, 500)),
             ("connections without a pause, most beyond the limit", lambda: connect(rig, options.connections)),
             ("datagrams to nobody, each dropped", lambda: send_to_nobody(rig)),
             ("a TCP stream of 1 Gbit/s", lambda: iperf.gigabits(rig, options.seconds, "-b", "1G")),
             ("a TCP stream that saturates both cores", lambda: iperf.gigabits(rig, options.seconds)))
    rows = []
    with kernel.statistics_on(), empty_programs(rig):
        for name, load in loads:
            costs = recorders.beside(rig, CaprockEvents, LAP_BYTES, lambda load=load: program_costs(rig, load))[0]
            for program in PROGRAMS:
                if program in costs:
                    ns, runs = costs[program]
                    empty = costs.get(f"no_{program}")
                    rows.append([name, program, runs, f"{ns:.0f}", f"{empty[0]:.0f}" if empty else "–"])
            rig.fresh_folder(CaprockEvents.name)
    yield ("Programs of the layer, by kernel.bpf_stats_enabled",
           ["load", "program", "runs", "ns/run", "an empty program there, ns/run"], rows)


def compare(rig, options, load):
    """Medians of load() without the layer and with it."""
    results = {recorders.Caprock: [], CaprockEvents: []}
    for _ in range(options.rounds):
        for kind, measured in results.items():
            measured.append(recorders.beside(rig, kind, LAP_BYTES, load)[0])
            rig.fresh_folder(kind.name)
            rig.say(f"{kind.name}: {measured[-1]:.1f}")
    return [median(measured) for measured in results.values()]


def attribute(rig):
    """Of ordinary traffic of each sort: packets, and the share with the right processes, sender and receiver."""
    workload = Workload(rig.pair)
    agent = Agent(rig.pair.right, rig.fresh_folder("attribution"), **{"agent.interfaces": f"[{DEVICE}]", "agent.os.enabled": "true"})
    try:
        workload.begin()
        agent.start(wait=60)
        workload.run(count=1000)
        time.sleep(1)
        out = agent.folder / "out.pcapng"
        subprocess.run([CAPROCK, "export", "--server", f"unix:{agent.socket}", "--process", "--no-events", "-o", out], check=True)
        found = workload.attributed(out)
        agent.stop()
    finally:
        workload.end()
        agent.delete()
    rows = [[WORKLOADS[port], packets, f"{right / packets:.2%}"] for port, (packets, right) in found.items()]
    packets, right = map(sum, zip(*found.values()))
    yield ("Packets with the right process at both ends, by `export --process`", ["traffic", "packets", "right"],
           [*rows, ["all", packets, f"{right / packets:.2%}"]])


def measure(rig, options):
    rig.pair.left.ip("addr", "replace", "10.77.0.1/24", "dev", "west")
    rig.pair.right.ip("addr", "replace", "10.77.0.2/24", "dev", DEVICE)
    rig.pair.right.ip("link", "set", "lo", "up")
    yield from measure_programs(rig, options)
    storm = compare(rig, options, lambda: connect(rig, options.connections))
    stream = compare(rig, options, lambda: iperf.gigabits(rig, options.seconds))
    yield (f"While packets are recorded, {options.rounds} rounds, alternating, medians",
           ["load", "without the layer", "with it"],
           [["connections over loopback, µs each", *(f"{one:.1f}" for one in storm)],
            ["one TCP stream, Gbit/s", *(f"{one:.1f}" for one in stream)]])
    yield from attribute(rig)
