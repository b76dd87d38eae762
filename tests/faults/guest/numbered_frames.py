#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The frames that guests send, each with its number in it. As a program: writes them all, one behind the other."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import frames  # noqa: E402

HEADERS = 14 + 20 + 8  # Ethernet, IPv4, UDP
SIZE = 1400
COUNT = 24_000  # twice what a ring of 16 MiB holds


def all_frames():
    return [frames.udp4_frame(number, SIZE) for number in range(COUNT)]


def number_of(frame):
    return frames.number_of(frame, HEADERS) if len(frame) == HEADERS + SIZE else None


if __name__ == "__main__":
    for one in all_frames():
        sys.stdout.buffer.write(one)
