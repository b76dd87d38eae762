# SPDX-License-Identifier: Apache-2.0
"""Independent readers of capture files: what tshark and tcpdump find in them."""
import re
import struct
import subprocess
from dataclasses import dataclass

COMMANDS = {
    "tshark": ["tshark", "-r", "{file}", "-F", "pcapng", "-w", "-"],
    "tcpdump": ["tcpdump", "-Z", "root", "--nano", "-r", "{file}", "-w", "-"],
}


@dataclass
class Reading:
    packets: list  # of (time in ns, frame)
    error: str  # what the reader complained of; empty: nothing

    @property
    def frames(self):
        return [frame for _, frame in self.packets]


def read(reader, path):
    """Everything that the reader gets out of the file, also where it ends with an error."""
    command = [word.format(file=path) for word in COMMANDS[reader]]
    done = subprocess.run(command, capture_output=True, timeout=120)
    parse = parse_pcapng if reader == "tshark" else parse_pcap
    return Reading(list(parse(done.stdout)), done.stderr.decode(errors="replace").strip() if done.returncode else "")


def parse_pcap(data):
    """Packets of a classic pcap in the byte order of this machine."""
    if len(data) < 24:
        return
    unit = {0xA1B23C4D: 1, 0xA1B2C3D4: 1000}[struct.unpack_from("=I", data)[0]]
    offset = 24
    while offset + 16 <= len(data):
        seconds, fraction, captured, _ = struct.unpack_from("=IIII", data, offset)
        yield seconds * 10**9 + fraction * unit, data[offset + 16:offset + 16 + captured]
        offset += 16 + captured


def parse_pcapng(data):
    """Packets of one pcapng section as tshark writes it, in the byte order of this machine."""
    offset, units = 0, []
    while offset + 12 <= len(data):
        kind, size = struct.unpack_from("=II", data, offset)
        body = data[offset + 8:offset + size - 4]
        if kind == 1:
            units.append(time_unit(body[8:]))
        elif kind == 6:
            interface, high, low, captured, _ = struct.unpack_from("=IIIII", body)
            yield ((high << 32) + low) * units[interface], body[20:20 + captured]
        offset += size


def time_unit(options):
    """ns of a tick, by if_tsresol among the options of an interface."""
    while len(options) >= 4:
        code, size = struct.unpack_from("=HH", options)
        if code == 9:
            return 10 ** (9 - options[4])
        options = options[4 + (size + 3) // 4 * 4:]
    return 1000


def tshark(path, *options):
    done = subprocess.run(["tshark", "-r", str(path), *options], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"tshark {' '.join(options)}: {done.stderr.strip()}")
    return done.stdout


def journal_messages(path):
    """What the journal entries of the record say."""
    return tshark(path, "-Y", "systemd_journal", "-T", "fields", "-e", "systemd_journal.message").splitlines()


def journal_entries(path):
    """The journal entries of a file in the byte order of this machine: their fields, by name."""
    with open(path, "rb") as file:
        data = file.read()
    offset, entries = 0, []
    while offset + 12 <= len(data):
        kind, size = struct.unpack_from("=II", data, offset)
        if size < 12:
            break
        if kind == 9:
            entries.append(parse_journal_entry(data[offset + 8:offset + size - 4]))
        offset += size
    return entries


def parse_journal_entry(text):
    """The Journal Export Format: NAME=value, or NAME, a length of 8 bytes and a value of any bytes."""
    fields = {}
    while text and text[0]:
        line, text = text.split(b"\n", 1)
        if not line:
            continue  # padding
        name, separator, value = line.partition(b"=")
        if not separator:
            (size,) = struct.unpack_from("<Q", text)
            value, text = text[8:8 + size], text[8 + size + 1:]
        fields[name.decode()] = value.decode(errors="replace")
    return fields


def followed_stream(path, number):
    """The bytes of a TCP conversation, client's and server's, as tshark puts them together."""
    sides = {"": [], "\t": []}
    for indent, text in re.findall(r"^(\t?)([0-9a-f]+)$", tshark(path, "-q", "-z", f"follow,tcp,raw,{number}"), re.M):
        sides[indent].append(bytes.fromhex(text))
    return b"".join(sides[""]), b"".join(sides["\t"])
