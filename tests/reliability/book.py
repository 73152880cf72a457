"""What lies on disk, held against what the broker knows: at every moment
taken = acknowledged + stored + declared, over any number of crashes."""
import hashlib
import os
import shutil
import sqlite3

END = 1 << 62


class Snapshot:
    """The database as the next gateway would find it: a copy of it and its WAL, whose writer is
    dead. `batches`: {first number: (count, digest)}; `owed`: ranges, None without a cursor."""

    def __init__(self, path, scratch, uplink="cloud"):
        copy = os.path.join(scratch, "snapshot.db")
        for suffix in ("", "-wal"):
            if os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, copy + suffix)
        database = sqlite3.connect(copy)
        try:
            self._read(database, uplink)
        finally:
            database.close()
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(copy + suffix):
                    os.unlink(copy + suffix)

    def _read(self, database, uplink):
        self.sound = database.execute("PRAGMA integrity_check").fetchone()[0]
        self.store = None
        self.batches, self.owed, self.settled, self.reserved = {}, None, 0, 0
        if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return
        meta = dict(database.execute("SELECT key, value FROM meta"))
        self.store = meta["store"]
        self.settled, self.reserved = meta["settled"], meta["reserved"]
        for first, count, body in database.execute("SELECT first_seq, count, body FROM batch"):
            self.batches[first] = count, hashlib.blake2b(body, digest_size=8).digest()
        row = database.execute("SELECT owed FROM cursor WHERE uplink = ?", (uplink,)).fetchone()
        if row:
            self.owed = ranges(row[0])

    @property
    def next_seq(self):
        """The first number of which nothing is known; reserved ones are beyond it."""
        newest = max(self.batches, default=0)
        end = newest + self.batches[newest][0] if newest else 1
        return max(end, self.settled)

    @property
    def last_seq(self):
        """The last number that has to arrive, in person or declared: the gap that an unclean stop
        costs stands under the number after those that were reserved."""
        return self.reserved if self.reserved > self.next_seq else self.next_seq - 1

    def stored(self):
        return {seq for first, (count, _) in self.batches.items()
                for seq in range(first, first + count)}

    def owes(self, seq):
        return self.owed is None or any(first <= seq <= last for first, last in self.owed)


def ranges(text):
    """What "1-100,205-" means: [(1, 100), (205, END)]."""
    pairs = [item.partition("-") for item in text.split(",") if item]
    return [(int(first), int(last) if last else (END if dash else int(first)))
            for first, dash, last in pairs]


class Book:
    """One snapshot after the other. `problems`: what can't be, told at once. `doubtful`: numbers
    that nobody holds any more; they have to be declared in the end. `may_be_replaced`: the store
    may be set aside, and what it held arrive under another; `replaced` has those that were."""

    def __init__(self, broker, durability="always"):
        self.broker, self.durability = broker, durability
        self.may_be_replaced, self.replaced = False, set()
        self.before, self.doubtful, self.problems = None, set(), []
        self._floor = 1  # all below have been acknowledged or are in doubt

    def check(self, snapshot):
        """The peers must be at rest."""
        if snapshot.sound != "ok":
            self.problems.append(f"the database is damaged: {snapshot.sound}")
        if self.before is not None and snapshot.store != self.before.store:
            self._replace(snapshot)
        if snapshot.store is None:
            return
        if self.before is not None:
            self._compare(self.before, snapshot)
        self._check_heard(snapshot)
        self._check_numbers(snapshot)
        self.before = snapshot

    def acknowledged(self, store):
        ledger = self.broker.ledgers.get(store)
        return ledger.entries if ledger else {}

    def _replace(self, now):
        if not self.may_be_replaced:
            self.problems.append(f"store {self.before.store} has become {now.store}")
        self.replaced.add(self.before.store)
        self.before, self._floor = None, 1
        self.doubtful.clear()

    def _compare(self, before, now):
        if now.next_seq < before.next_seq:
            self.problems.append(f"what was taken up to {before.next_seq - 1} is taken only up to "
                                 f"{now.next_seq - 1}")
        acknowledged = self.acknowledged(now.store)
        for first, (count, digest) in before.batches.items():
            if first in now.batches:
                if now.batches[first] != (count, digest):
                    self.problems.append(f"the batch from {first} on has changed")
                continue
            gone = [seq for seq in range(first, first + count) if seq not in acknowledged]
            self.doubtful.update(gone)

    def _check_heard(self, now):
        """What is told must be taken, or with durability outage its number be reserved."""
        end = now.next_seq
        if self.durability == "outage":
            end = max(end, now.reserved)
        highest = self.broker.highest(now.store)
        if highest >= end:
            self.problems.append(f"number {highest} was told, and {end - 1} is the last one taken")

    def _check_numbers(self, now):
        acknowledged, stored = self.acknowledged(now.store), now.stored()
        known = True
        for seq in range(self._floor, now.next_seq):
            if seq in acknowledged or seq in self.doubtful:
                if known:
                    self._floor = seq + 1
                continue
            known = False
            if seq not in stored or not now.owes(seq):
                self.doubtful.add(seq)

    def undeclared(self):
        """Numbers in doubt that have neither arrived nor been declared: ask at the end."""
        if self.before is None:
            return []
        ledger = self.broker.ledgers.get(self.before.store)
        missing = ledger.missing() if ledger else []
        return sorted(self.doubtful.intersection(missing))

    def told_twice(self):
        """Numbers that came with two contents, acknowledged or not."""
        return [pair for ledger in self.broker.heard.values() for pair in ledger.differing]
