# SPDX-License-Identifier: Apache-2.0
"""Free memory filled with page cache, as that of a host is which has been up for a while.

A virtual machine may give memory that is free back to its host. Then the first touch of a page costs many times what the page costs
otherwise: that would be measured, and not the recorders. Pages of a file that nobody reads any more are as good as free, and are there.
"""
import os

PIECE_BYTES = 64 << 20
MORE_PIECES = 4  # than are free: the kernel keeps some free, and frees some that are in use


def free_bytes():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("MemFree:"))


class Filler:
    """A file of holes, as large as memory: to read it takes no disk. It is read round and round, as its oldest pages go first."""

    def __init__(self, path):
        self.file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        self.pieces = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // PIECE_BYTES
        os.ftruncate(self.file, self.pieces * PIECE_BYTES)
        self.next = 0

    def fill(self):
        """Again after files were deleted: what they had is free."""
        piece = bytearray(PIECE_BYTES)
        for _ in range(free_bytes() // PIECE_BYTES + MORE_PIECES):
            os.preadv(self.file, [piece], self.next * PIECE_BYTES)
            self.next = (self.next + 1) % self.pieces

    def close(self):
        os.close(self.file)
