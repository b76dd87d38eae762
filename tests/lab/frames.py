# SPDX-License-Identifier: Apache-2.0
"""Frames with known bytes, and the sockets that send them."""
import hashlib
import socket
import struct
from contextlib import contextmanager

LEFT_MAC, RIGHT_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
IPV4, IPV6, VLAN, QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
DISCARD_PORT = 9
HOP_BY_HOP = 0  # the next header of a jumbogram, with 8 bytes that say its length


def payload(number, size):
    """`size` bytes that no other number has; the first 8 are the number."""
    return (struct.pack("!Q", number) + hashlib.shake_128(number.to_bytes(8, "big")).digest(size))[:size]


def number_of(frame, headers):
    return struct.unpack_from("!Q", frame, headers)[0]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(ether_type, tags=(), source=LEFT_MAC, destination=RIGHT_MAC):
    """`tags` are (tag protocol, VLAN id), outermost first."""
    return (destination + source + b"".join(struct.pack("!HH", protocol, vlan) for protocol, vlan in tags)
            + struct.pack("!H", ether_type))


def udp(data, port=DISCARD_PORT):
    return struct.pack("!HHHH", 40000, port, 8 + len(data), 0) + data


def tcp(source, destination, ports, sequence, acknowledged, flags):
    """A segment without data; addresses are for its checksum."""
    head = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!HH", socket.IPPROTO_TCP, len(head))
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def ipv4(segment, source="10.77.0.1", destination="10.77.0.2", protocol=socket.IPPROTO_UDP):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment


def ipv6(segment, source="fd77::1", destination="fd77::2"):
    return (struct.pack("!IHBB", 6 << 28, len(segment), socket.IPPROTO_UDP, 64)
            + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) + segment)


def udp4_frame(number, size, tags=(), **addresses):
    return ethernet(IPV4, tags, **addresses) + ipv4(udp(payload(number, size)))


def udp6_frame(number, size, tags=(), **addresses):
    return ethernet(IPV6, tags, **addresses) + ipv6(udp(payload(number, size)))


def vxlan_frame(inner, port=4789, network=42):
    return ethernet(IPV4) + ipv4(udp(struct.pack("!BxxxI", 0x08, network << 8) + inner, port))


def tcp_offset(frame):
    """Where the TCP header begins in an Ethernet frame with IPv4 or IPv6."""
    if frame[12:14] == struct.pack("!H", IPV4):
        return 14 + 20
    return 14 + 40 + (8 if frame[14 + 6] == HOP_BY_HOP else 0)


def tcp_content(captured, port):
    """What was sent to a TCP port over one connection, put together by sequence numbers from frames in any order."""
    first, pieces = None, []
    for frame in captured:
        start = tcp_offset(frame)
        _, to, sequence, _, offset, bits = struct.unpack_from("!HHIIBB", frame, start)
        if to == port:
            first = sequence + 1 if bits & 2 else first
            pieces.append((sequence, frame[start + (offset >> 4) * 4:]))
    content = bytearray()
    for sequence, piece in sorted((((sequence - first) & 0xFFFFFFFF, piece) for sequence, piece in pieces if piece)):
        content[sequence:sequence + len(piece)] = piece
    return bytes(content)


@contextmanager
def raw_socket(namespace, device, received=0):
    """Sends whole frames out of a device, and receives those of a type."""
    with namespace.entered():
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        opened.bind((device, received))
    with opened:
        yield opened
