# SPDX-License-Identifier: Apache-2.0
"""What was sent is what an independent reader finds, byte for byte."""
import socket

from lab.harness import SystemTest, on_both_transports
from lab import frames
from lab.readers import followed_stream
from lab.traffic import transfer

SIZES = [8, 9, 10, 11, 63, 64, 65, 500, 1471, 1472]


@on_both_transports
class Traffic(SystemTest):
    def send(self, pair, sent):
        with frames.raw_socket(pair.left, "west") as wire:
            for frame in sent:
                wire.send(frame)

    def check_recorded(self, sent, **pair_options):
        pair = self.make_pair(addresses=False, **pair_options)
        agent = self.recorder_of(pair)
        self.send(pair, sent)
        agent.settle()
        self.assert_holds(agent.ring, sent)
        self.assert_holds(self.export(agent), sent)
        self.assert_stopped(agent)
        self.assert_holds(agent.ring, sent)

    def test_udp4(self):
        """traffic: UDP over IPv4 of every size"""
        self.check_recorded([frames.udp4_frame(i, SIZES[i % len(SIZES)]) for i in range(1000)])

    def test_udp6(self):
        """traffic: UDP over IPv6"""
        self.check_recorded([frames.udp6_frame(i, min(SIZES[i % len(SIZES)], 1452)) for i in range(1000)])

    def test_vlan(self):
        """traffic: a VLAN tag is in the record where it was on the wire"""
        self.check_recorded([frames.udp4_frame(i, 200, [(frames.VLAN, i + 1)]) for i in range(100)])

    def test_stacked_vlans(self):
        """traffic: both tags of 802.1ad are in the record"""
        self.check_recorded([frames.udp6_frame(i, 200, [(frames.QINQ, 100), (frames.VLAN, i + 1)]) for i in range(100)])

    def test_jumbo(self):
        """traffic: jumbo frames"""
        self.check_recorded([frames.udp4_frame(i, 8900 + i) for i in range(50)], mtu=9000)

    def test_egress(self):
        """traffic: what the host itself sends"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        sent = [frames.udp4_frame(i, 300, source=frames.RIGHT_MAC, destination=frames.LEFT_MAC) for i in range(500)]
        with frames.raw_socket(pair.right, "east") as wire:
            for frame in sent:
                wire.send(frame)
        agent.settle()
        self.assert_holds(agent.ring, sent)
        counters = agent.interface("east")
        self.assertEqual((counters["ingress"]["written"], counters["egress"]["written"]), (0, 500))

    def test_others_left_out(self):
        """traffic: packets that are neither TCP nor UDP are counted, not recorded"""
        pair = self.make_pair(addresses=False)
        agent = self.recorder_of(pair)
        wanted = frames.udp4_frame(1, 100)
        arp = frames.ethernet(0x0806) + bytes(46)
        self.send(pair, [arp, wanted, arp])
        agent.settle()
        self.assert_holds(agent.ring, [wanted])
        self.assertEqual(agent.interface("east")["ingress"]["not_l4"], 2)

    def check_transfer(self, address):
        pair = self.make_pair()
        agent = self.recorder_of(pair)
        data = frames.payload(7, 4 << 20)
        self.assertEqual(transfer(pair.right, pair.left, address, 5000, data), data)
        agent.settle()
        for reader, reading in self.readings(agent.ring):
            self.assertEqual(frames.tcp_content(reading.frames, 5000), data, f"{reader} on the ring")
            self.assertGreater(max(map(len, reading.frames)), 1514, "segmentation offload was on")
        client, server = followed_stream(self.export(agent), 0)
        self.assertEqual((len(client), server), (len(data), b""), "as tshark follows it in the export")
        self.assertEqual(client, data)

    def test_tcp4(self):
        """traffic: a large TCP transfer with segmentation offload is whole"""
        self.check_transfer("10.77.0.2")

    def test_tcp6(self):
        """traffic: a large TCP transfer over IPv6 is whole"""
        self.check_transfer("fd77::2")

    def test_fragments(self):
        """traffic: every fragment of a datagram larger than the link's packets"""
        pair = self.make_pair()
        agent = self.recorder_of(pair)
        data = frames.payload(3, 20000)
        with pair.left.entered():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            sender.sendto(data, ("10.77.0.2", frames.DISCARD_PORT))
        agent.settle()
        for reader, reading in self.readings(agent.ring):
            fragments = [frame for frame in reading.frames if frame[26:30] == socket.inet_aton("10.77.0.1") and frame[23] == 17]
            fragments.sort(key=lambda frame: int.from_bytes(frame[20:22], "big") & 0x1FFF)
            whole = b"".join(frame[34:] for frame in fragments)
            self.assertEqual(whole[8:], data, f"the datagram as {reader} finds it")
