"""The gateway itself on what a power cut left: it starts, goes on as the same store with the next
number, and delivers all it owes to a real broker."""
import os
import sqlite3

import check
from guest import plant
from harness import Case, Mosquitto, wait_for
from receiver import Receiver

SECONDS = 60


class Restart(Case):
    """One start in the folder of a mounted file system, whose database was found to be `found`."""

    def __init__(self, folder, found, durability):
        super().__init__("run_gateway_again")
        self.path, self.found = os.path.join(folder, "bindery.db"), found
        self.durability = durability

    def run_gateway_again(self):
        broker = Mosquitto(self, persistent=False)
        receiver = Receiver(self, broker.port)
        # No machine answers there: that in itself is a reading, the first new one. There is room,
        # so that nothing has to go.
        config = plant(self.path, broker.port, self.durability, "64MiB")
        gateway = self.gateway({**config, "control": os.path.join(self.directory, "control")})
        status = gateway.status()["store"]
        if self.found.store:
            self.assertEqual(status["id"], self.found.store)
        self.assertGreaterEqual(status["next_seq"], self.found.next_seq)
        wait_for(lambda: receiver.last_seq() >= self.found.next_seq, SECONDS, "a new number")
        self.wait_delivered(receiver)
        self.assertEqual(gateway.stop(), 0)
        self.check_numbers(receiver.ledger())
        self.check_store(status["id"])

    def wait_delivered(self, receiver):
        stored = check.union(self.found.batches)
        kept = check.minus(stored, check.minus(stored, self.found.owed or []))

        def owed():
            with receiver.lock:
                numbers = receiver.ledger().entries
                return [seq for first, last in kept for seq in range(first, last + 1)
                        if seq not in numbers]
        try:
            wait_for(lambda: not owed(), SECONDS)
        except AssertionError:
            missing = owed()
            raise AssertionError(f"{len(missing)} were owed and never came: "
                                 f"{missing[:10]}") from None

    def check_numbers(self, ledger):
        """The new ones follow the old ones, and nothing came in two versions."""
        self.assertEqual(ledger.differing, [])
        new = sorted(seq for seq in ledger.entries if seq > self.found.newest)
        self.assertEqual(new, list(range(self.found.next_seq, self.found.next_seq + len(new))))

    def check_store(self, store):
        self.assertFalse([name for name in os.listdir(os.path.dirname(self.path))
                          if ".damaged-" in name])
        connection = sqlite3.connect(self.path)
        try:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(connection.execute(
                "SELECT value FROM meta WHERE key = 'store'").fetchone()[0], store)
        finally:
            connection.close()
