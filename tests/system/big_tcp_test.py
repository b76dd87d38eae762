# SPDX-License-Identifier: Apache-2.0
"""BIG TCP: packets between kernel and kernel that are longer than the length field of an IP header can say."""
import os
import unittest

from lab.harness import SystemTest, on_both_transports
from lab import frames
from lab.readers import followed_stream
from lab.traffic import transfer

SIZE = 32 << 20
LONGEST = 150_000  # of a packet that TCP hands over
LEGACY_LONGEST = 65536
PORT = 5000


def needs_linux(*version):
    there = tuple(int(number) for number in os.uname().release.split(".")[:2])
    return unittest.skipIf(there < version, f"needs Linux {'.'.join(map(str, version))}")


@on_both_transports
class BigTcp(SystemTest):
    def record_transfer(self, address):
        """What was sent, and the export of it. The queue is so large that it is never half full, where packets get cut."""
        pair = self.make_pair()
        pair.allow_big_tcp(LONGEST)
        agent = self.recorder_of(pair, agent__stageSize="512Mi", tap__capture__raw__storageSize="128Mi")
        data = frames.payload(7, SIZE)
        self.assertTrue(transfer(pair.right, pair.left, address, PORT, data) == data, "the transfer itself")
        out = self.export(agent)
        self.assertEqual(agent.status()["loss"]["total"], 0)
        self.assert_stopped(agent)
        self.assert_verified(agent)
        return data, out

    def check_transfer(self, address):
        data, out = self.record_transfer(address)
        for reader, reading in self.readings(out):
            self.assertGreater(max(map(len, reading.frames)), LEGACY_LONGEST, f"BIG TCP was on, says {reader}")
            self.assertTrue(frames.tcp_content(reading.frames, PORT) == data, f"the bytes that {reader} finds")
        client, server = followed_stream(out, 0)
        self.assertEqual((len(client), server), (SIZE, b""), "as tshark follows it")
        self.assertTrue(client == data, "the bytes as tshark follows them")

    @needs_linux(5, 19)
    def test_ipv6(self):
        """BIG TCP: a transfer over IPv6 in jumbograms is whole"""
        self.check_transfer("fd77::2")

    @needs_linux(6, 3)
    def test_ipv4(self):
        """BIG TCP: a transfer over IPv4, with a total length of 0, is whole"""
        self.check_transfer("10.77.0.2")
