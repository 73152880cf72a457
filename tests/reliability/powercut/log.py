"""The record of a disk's writes, as qemu's blklogwrites makes it, and the disk as it would be found
after a power cut at any place in it."""
import bisect
import mmap
import random
import struct

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4

SUPER = struct.Struct("<QQQI")  # magic, version, entries, sector size
SUPER_MAGIC = 0x6A736677736872
ENTRY = struct.Struct("<QQQQ")  # sector, sectors, flags, data length
MARK = struct.Struct("<QQQQ")   # see witness.c
MARK_MAGIC = 0x31595245444E4942


class Entry:
    """A write (or a discard), or a flush, which has no length."""
    __slots__ = ("offset", "length", "flags", "data_at")

    def __init__(self, offset, length, flags, data_at):
        self.offset, self.length, self.flags, self.data_at = offset, length, flags, data_at


class Mark:
    """What the world had been told when this entry was written: numbers below next_seq are stored,
    those in the ranges were received and may be acknowledged from here on."""

    def __init__(self, index, data):
        _, self.number, self.next_seq, count = MARK.unpack_from(data)
        words = struct.unpack_from(f"<{2 * count}Q", data, MARK.size)
        self.index, self.received = index, list(zip(words[::2], words[1::2]))


class Log:
    """All entries, in the order in which the disk took them. A write that was still on its way
    while a flush ran may stand before it: to such a one the replay is kinder than some disks."""

    def __init__(self, path, mark_offset):
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, count, sector = SUPER.unpack_from(self.bytes)
        if magic != SUPER_MAGIC or version != 1 or sector != SECTOR:
            raise ValueError(f"{path}: no log of writes with sectors of {SECTOR} bytes")
        self.entries, at = [], SECTOR
        for _ in range(count):
            offset, sectors, flags, _ = ENTRY.unpack_from(self.bytes, at)
            self.entries.append(Entry(offset * SECTOR, sectors * SECTOR, flags, at + SECTOR))
            at += SECTOR + (0 if flags & DISCARD else sectors * SECTOR)
        self.flushes = [n for n, entry in enumerate(self.entries) if entry.flags & FLUSH]
        self.marks = [Mark(n, self.data(entry)) for n, entry in enumerate(self.entries)
                      if entry.offset == mark_offset and entry.length]
        self._mark_places = [mark.index for mark in self.marks]

    def data(self, entry):
        if entry.flags & DISCARD:
            return bytes(entry.length)
        return self.bytes[entry.data_at:entry.data_at + entry.length]

    def flushed(self, index):
        """How many of the first `index` entries are safe: those up to the last flush."""
        place = bisect.bisect_left(self.flushes, index)
        return self.flushes[place - 1] + 1 if place else 0

    def last_mark(self, index):
        """The newest among the first `index` entries; None before the first."""
        place = bisect.bisect_left(self._mark_places, index)
        return self.marks[place - 1] if place else None


class Cut:
    """A power cut before entry `index`. `whole`: everything before it reached the disk. Otherwise
    what came after the last flush did so by chance, some of it in part."""

    def __init__(self, number, index, whole, seed):
        self.number, self.index, self.whole, self.seed = number, index, whole, seed

    def __str__(self):
        kind = "prefix" if self.whole else "subset"
        return f"point {self.number} ({kind} of {self.index} entries)"

    def safe(self, log):
        return self.index if self.whole else log.flushed(self.index)

    def survivors(self, log):
        """The (offset, data) of what survived beyond safe()."""
        chance = random.Random(f"{self.seed}/{self.number}")
        keep, tear = chance.choice((0.1, 0.5, 0.9, 1)), chance.choice((0, 0.2, 0.5))
        for entry in log.entries[self.safe(log):self.index]:
            if not entry.flags & FUA and chance.random() >= keep:
                continue
            data = log.data(entry)
            if entry.flags & FUA or chance.random() >= tear:
                yield entry.offset, data
                continue
            for at in range(0, entry.length, SECTOR):
                if chance.random() < 0.5:
                    yield entry.offset + at, data[at:at + SECTOR]


def plan(log, count, seed):
    """`count` cuts: up to half of them prefixes, each of another length; the rest subsets, at
    places where something is unflushed. In the order of what has to be replayed for them."""
    chance = random.Random(seed)
    places = range(1, len(log.entries) + 1)
    open_places = [place for place in places if log.flushed(place) < place]
    prefixes = chance.sample(places, min(len(places), (count + 1) // 2))
    subsets = [chance.choice(open_places) for _ in range(count - len(prefixes))]
    cuts = [Cut(number, index, number < len(prefixes), seed)
            for number, index in enumerate(prefixes + subsets)]
    return sorted(cuts, key=lambda cut: (cut.safe(log), cut.number))


class Disk:
    """The file system's part of the disk, after the first so many entries."""

    def __init__(self, initial, log):
        self.initial, self.log = initial, log
        self.content, self.index = bytearray(initial), 0

    def seek(self, index):
        if index < self.index:
            self.content, self.index = bytearray(self.initial), 0
        for entry in self.log.entries[self.index:index]:
            if entry.length:
                self._put(self.content, entry.offset, self.log.data(entry))
        self.index = index

    def _put(self, content, offset, data):
        # What lies past the file system are the marks.
        if offset < len(self.initial):
            content[offset:offset + len(data)] = data

    def image(self, cut):
        """What a power cut leaves. Valid until the next call."""
        self.seek(cut.safe(self.log))
        if cut.whole:
            return self.content
        content = bytearray(self.content)
        for offset, data in cut.survivors(self.log):
            self._put(content, offset, data)
        return content
