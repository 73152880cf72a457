"""Whether a database found after a power cut is what was promised. Nothing of the product is used:
Python's SQLite, libzstd, and what record.h says of the bytes."""
import ctypes
import os
import sqlite3

FORMAT_ZSTD_RECORDS = 2
GAP = 2
MOST_BODY_BYTES = 64 << 20

ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
ZSTD.ZSTD_getFrameContentSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
ZSTD.ZSTD_decompress.restype = ctypes.c_size_t
ZSTD.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t,
                                 ctypes.c_char_p, ctypes.c_size_t]


class Wrong(Exception):
    """The database is not what it ought to be."""


# --- sets of numbers, as ascending ranges (first, last) ---

def union(*lists):
    merged = []
    for first, last in sorted(one for ranges in lists for one in ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def minus(ranges, others):
    """What of the first is not in the second; both are ascending and disjoint."""
    rest, others = [], list(others)
    for first, last in ranges:
        for taken_first, taken_last in others:
            if taken_last < first or taken_first > last:
                continue
            if taken_first > first:
                rest.append((first, taken_first - 1))
            first = taken_last + 1
        if first <= last:
            rest.append((first, last))
    return rest


def count(ranges):
    return sum(last - first + 1 for first, last in ranges)


def highest(ranges):
    return ranges[-1][1] if ranges else 0


# --- a batch's body ---

def unpack(body):
    """The records' bytes; zstd's checksum is part of it."""
    if body[:1] != bytes([FORMAT_ZSTD_RECORDS]):
        raise Wrong("a body of an unknown format")
    packed = body[1:]
    size = ZSTD.ZSTD_getFrameContentSize(packed, len(packed))
    if size > MOST_BODY_BYTES:
        raise Wrong("a body whose length makes no sense")
    out = ctypes.create_string_buffer(size)
    if ZSTD.ZSTD_decompress(out, size, packed, len(packed)) != size:
        raise Wrong("a body that zstd does not accept")
    return out.raw


def varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def read_body(body):
    """How many records are in it, and its gaps as (first, last, missing)."""
    data, at, records, gaps = unpack(body), 0, 0, []
    while at < len(data):
        kind = data[at]
        length, at = varint(data, at + 1)
        if at + length > len(data):
            raise Wrong("a record longer than its body")
        if kind == GAP:
            fields, place = [], at
            for _ in range(4):
                number, place = varint(data, place)
                fields.append(number)
            gaps.append(tuple(fields[1:]))
        at, records = at + length, records + 1
    return records, gaps


def parse_owed(text):
    """A cursor's "1-100,205-", where the end may be open."""
    ranges = []
    for part in filter(None, text.split(",")):
        first, dash, last = part.partition("-")
        ranges.append((int(first), int(last) if last else (1 << 62) if dash else int(first)))
    return ranges


# --- the database ---

class Found:
    """What lies in a database: `batches` as (first, last), `gaps`, `owed`, the store's id, which is
    None where the power went before there was one."""

    def __init__(self, path, known_bodies):
        self.store, self.batches, self.gaps, self.owed = None, [], [], None
        self.settled = self.reserved = 0
        if not os.path.exists(path):
            return
        connection = sqlite3.connect(path)
        try:
            self._read(connection, known_bodies)
        finally:
            connection.close()

    def _read(self, connection, known_bodies):
        said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        if said != ["ok"]:
            raise Wrong(f"integrity_check: {said[:3]}")
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return
        meta = dict(connection.execute("SELECT key, value FROM meta"))
        self.store = meta["store"]
        self.settled, self.reserved = meta["settled"], meta["reserved"]
        for first, records, body in connection.execute(
                "SELECT first_seq, count, body FROM batch ORDER BY first_seq"):
            self._add_batch(first, records, body, known_bodies)
        owed = connection.execute("SELECT owed FROM cursor WHERE uplink = 'cloud'").fetchone()
        self.owed = parse_owed(owed[0]) if owed else None

    def _add_batch(self, first, records, body, known_bodies):
        """Bodies that were read at another point need not be read again: but under one number
        there is one content for ever."""
        if first not in known_bodies:
            known_bodies[first] = (body, *read_body(body))
        known, in_body, gaps = known_bodies[first]
        if known != body:
            raise Wrong(f"the batch at {first} has had another content")
        if in_body != records:
            raise Wrong(f"the batch at {first} counts {records}, and holds {in_body}")
        if self.batches and first <= self.batches[-1][1]:
            raise Wrong(f"the batch at {first} repeats numbers up to {self.batches[-1][1]}")
        self.batches.append((first, first + records - 1))
        self.gaps += gaps

    @property
    def newest(self):
        return highest(self.batches)

    @property
    def next_seq(self):
        """What the daemon has to go on with."""
        return max(self.newest + 1, self.settled, self.reserved)


def judge(found, mark, durability):
    """Raises Wrong unless all that the world had been told stands, or is accounted for."""
    told = union(mark.received) if mark else []
    promised = highest(told)
    if mark and durability == "always":
        promised = max(promised, mark.next_seq - 1)
        if found.newest < promised:
            raise Wrong(f"number {promised} was committed, the newest is {found.newest}")
    if found.next_seq <= promised and promised:
        raise Wrong(f"number {promised} was sent, and {found.next_seq} is given out next")
    judge_holes(found, told)


def judge_holes(found, told):
    """Every number is stored, was told, or lies in a declared gap; a cursor gives up none but
    these. How many readings a gap speaks of can't be held against it here: gaps that went
    themselves have had numbers, too."""
    if not found.batches:
        return
    everything, stored = [(1, found.newest)], union(found.batches)
    gone = minus(minus(everything, stored), told)
    declared = union([(first, last) for first, last, _ in found.gaps])
    nowhere = minus(gone, declared)
    if nowhere:
        raise Wrong(f"{count(nowhere)} numbers are nowhere: {nowhere[:5]}")
    if found.owed is None:
        return
    forgotten = minus(minus(everything, union(found.owed)), union(told, declared))
    if forgotten:
        raise Wrong(f"not owed, and never acknowledged: {forgotten[:5]}")


def generation(path):
    """The WAL's salts, which change whenever it begins anew; None without a WAL."""
    try:
        with open(path + "-wal", "rb") as file:
            return file.read(32)[16:24] or None
    except FileNotFoundError:
        return None


def files_of(path):
    """The database's files that count after a power cut."""
    return [name for name in (path, path + "-wal") if os.path.exists(name)]
