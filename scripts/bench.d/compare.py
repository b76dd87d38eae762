# SPDX-License-Identifier: Apache-2.0
"""Lost packets and CPU time of caprock and its peers, side by side.

A round takes each recorder in turn. Before each one a send to nobody (the bare run): what a send costs drifts within minutes.
A recorder stays for three sends, `laps`: its ring is as large as one of them, so from the second on it overwrites. Busy is the
CPU time of the whole machine from the first packet until a sync has returned, less the same of the bare run before.
"""
import time
from statistics import median

import meter
import recorders

LAPS = 3
SETTLE_SECONDS = 2  # for every recorder to have taken what is waiting
AHEAD_BYTES = 64 << 20  # segments that caprock has blank ahead of its lane hold no record
BLOCK_OVERHEAD_BYTES = 48  # of a pcapng block around a packet, and its share of the segment


def add_arguments(parser):
    parser.add_argument("--tools", nargs="+", choices=recorders.ALL, metavar="TOOL",
                        default=["caprock", "stenotype", "netsniff-ng", "tcpdump", "dumpcap"], help=", ".join(recorders.ALL))
    parser.add_argument("--sizes", nargs="+", type=int, default=[106, 1442], metavar="BYTES")
    parser.add_argument("--packets", type=int, default=2_000_000)


def send_and_sync(rig, packets, size):
    """Packets that arrived, and the machine's CPU time for them in ms."""
    rig.sync()
    before = meter.machine_ms()
    arrived = rig.send(packets, size)
    time.sleep(SETTLE_SECONDS)
    rig.sync()
    return arrived, meter.machine_ms() - before


def measure_recorder(rig, recorder, options, size, bare_ms):
    """One recorder's round: totals, and per lap busy, process and lane CPU in ms."""
    arrived, laps = 0, []
    recorder.start()
    try:
        for lap in range(LAPS):
            process, lane = meter.process_ms(recorder.pid), meter.process_ms(recorder.pid, "caprock-lane")
            count, busy = send_and_sync(rig, options.packets, size)
            arrived += count
            laps.append({"busy": busy - bare_ms, "process": meter.process_ms(recorder.pid) - process,
                         "lane": meter.process_ms(recorder.pid, "caprock-lane") - lane})
            if lap == 0:
                recorder.check_first_lap()
        recorder.stop()
    except BaseException:
        recorder.kill()
        raise
    return {"arrived": arrived, "lost": arrived - recorder.stored(), "truncated": recorder.truncated(), "laps": laps}


def lap_bytes(options, size):
    """A ring that holds one send and a little more, in whole MiB; at least the smallest ring of caprock."""
    return (max(options.packets * (size + BLOCK_OVERHEAD_BYTES) * 21 // 20 >> 20, 16) << 20) + AHEAD_BYTES


def measure_size(rig, options, size):
    rounds = {name: [] for name in options.tools}
    bare = []
    for number in range(1, options.rounds + 1):
        for name in options.tools:
            rig.fill_memory()
            bare.append(send_and_sync(rig, options.packets, size)[1])
            recorder = recorders.ALL[name](rig, lap_bytes(options, size))
            result = measure_recorder(rig, recorder, options, size, bare[-1])
            rounds[name].append(result)
            rig.say(f"{size} B, round {number}, {name}: {result['lost']} of {result['arrived']} lost, "
                    f"busy {result['laps'][0]['busy']:.0f}/{result['laps'][-1]['busy']:.0f} ms")
            rig.fresh_folder(name)
    return bare, rounds


def figures(name, rounds, packets):
    """A table row: medians over rounds, and the range where it says how noisy the figure is."""
    def over(lap, what):
        return [one["laps"][lap][what] for one in rounds]

    def spread(values):
        return f"{median(values):.0f} ({min(values):.0f}–{max(values):.0f})"

    def per_packet(lap):
        return f"{median(over(lap, 'lane')) * 1e6 / packets:.0f}" if name.startswith("caprock") else "–"

    lost = median(one["lost"] / one["arrived"] for one in rounds)
    return [name, f"{median(one['lost'] for one in rounds):.0f} ({lost:.1%})", spread([one["truncated"] for one in rounds]),
            spread(over(0, "busy")), spread(over(-1, "busy")), f"{median(over(0, 'process')):.0f}",
            f"{median(over(-1, 'process')):.0f}", per_packet(0), per_packet(-1)]


def measure(rig, options):
    """Per packet size a table."""
    for size in options.sizes:
        bare, rounds = measure_size(rig, options, size)
        yield (f"{size} B, {LAPS} × {options.packets} packets, {options.rounds} rounds; bare run {median(bare):.0f} ms",
               ["recorder", f"lost of {LAPS * options.packets}", "truncated", "busy lap 1, ms", f"busy lap {LAPS}, ms",
                "process lap 1, ms", f"process lap {LAPS}, ms", "lane lap 1, ns/packet", f"lane lap {LAPS}, ns/packet"],
               [figures(name, results, options.packets) for name, results in rounds.items()])
