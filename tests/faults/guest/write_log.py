# SPDX-License-Identifier: Apache-2.0
"""What a disk was told, in order, as a log of dm-log-writes has it (QEMU's blklogwrites writes the same); and the disk after
some of it."""
import struct
from dataclasses import dataclass

SECTOR = 512
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4


@dataclass
class Write:
    sector: int
    data: bytes

    @property
    def end(self):
        return self.sector + len(self.data) // SECTOR

    def overlaps(self, other):
        return self.sector < other.end and other.sector < self.end

    def torn(self, sectors):
        """Only so many sectors of it reached the disk."""
        return Write(self.sector, self.data[:sectors * SECTOR])


@dataclass
class Epoch:
    """The writes between two flushes, which a disk may make durable in any order, or not at all. Those that were done before
    a flush began survive it. A log has them in the order in which they were done."""
    writes: list


def read_log(path):
    """The log as epochs; the last one was not flushed."""
    with open(path, "rb") as log:
        magic, _, entries, sector_size = struct.unpack("<QQQI", log.read(28))
        if magic != MAGIC or sector_size != SECTOR:
            raise ValueError(f"{path} is no log of writes")
        log.seek(SECTOR)
        writes = []
        for _ in range(entries):
            sector, sectors, flags, _ = struct.unpack("<QQQQ", log.read(SECTOR)[:32])
            if sectors and not flags & DISCARD:
                writes.append(Write(sector, log.read(sectors * SECTOR)))
            if flags & (FLUSH | FUA):
                yield Epoch(writes)
                writes = []
        yield Epoch(writes)


def apply(disk, writes):
    """To a disk's image, opened for writing."""
    for write in writes:
        disk.seek(write.sector * SECTOR)
        disk.write(write.data)


def some_of(writes, random):
    """What a volatile cache had written when the power went: any subset, in any order as far as they do not overlap; where two
    do, the later one wins only if it was written at all."""
    kept = [write for write in writes if random.random() < random.choice((0.2, 0.5, 0.9))]
    return shuffled(kept, random)


def shuffled(writes, random):
    """In an order that leaves all that overlap in theirs."""
    order = list(writes)
    for _ in range(2 * len(order)):
        at = random.randrange(max(len(order) - 1, 1))
        if at + 1 < len(order) and not order[at].overlaps(order[at + 1]):
            order[at], order[at + 1] = order[at + 1], order[at]
    return order
