"""The store's file is deleted or damaged, at work or at rest: the gateway goes on, everything that
can be read arrives, and the rest is declared."""
import contextlib
import glob
import os
import random
import shutil
import socket
import sqlite3
import time
import unittest

from harness import machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit, counting
from receiver import BrokerCase

# What a start may take, with whatever damage.
START_S = 10


class Store(BrokerCase):
    def setUp(self):
        super().setUp()
        self.unit = Unit(holding={0: 0}, on_read=counting(0))
        self.server = ModbusServer(self, {1: self.unit})
        self.config_text = self.config(
            self.broker.port, [tcp_link("l", self.server.port)],
            [machine("m", "l", [tag("count", "holding:0")], every="50ms")],
            store={"commit_every": "50ms"})
        self.path = self.config_text["store"]["path"]

    # --- what is done ---

    def stop_broker(self):
        self.receiver.subscribed.clear()
        self.broker.stop()

    def start_broker(self):
        self.broker.start()
        self.receiver.wait_subscribed()

    def serve_more(self, count):
        target = len(self.unit.served) + count
        wait_for(lambda: len(self.unit.served) >= target, 60, f"{count} polls more")

    def delete(self):
        for suffix in ("", "-wal", "-shm"):
            os.unlink(self.path + suffix)

    def wait_other_store(self, gateway, before, seconds=START_S):
        """The id of the store that took the place of the one `before`."""
        def look():
            store = gateway.status()["store"]["id"]
            return store if store not in ("", before) else None
        return wait_for(look, seconds, "another store")

    # --- what is expected ---

    def values(self):
        return {e.values["count"] for e in self.receiver.readings("m") if "count" in e.values}

    def declared(self):
        with self.receiver.lock:
            return [gap.content for ledger in self.receiver.ledgers.values()
                    for gap in ledger.gaps()]

    def account(self, gateway):
        """Once nothing is owed any more: the values that never came, and how many readings were
        declared lost. Each number of a store came with one content."""
        self.unit.silent = True
        wait_for(lambda: not gateway.status()["machines"][0]["online"], 20, "the machine's silence")

        def settled():
            status = gateway.status()
            return status["uplinks"][0]["connected"] and not status["uplinks"][0]["pending"]
        # What is being salvaged comes bit by bit: for a second nothing may be owed.
        since = [time.monotonic()]

        def settled_for_long():
            if not settled():
                since[0] = time.monotonic()
            return time.monotonic() - since[0] > 1
        wait_for(settled_for_long, 60, "the end of the backlog")
        with self.receiver.lock:
            for ledger in self.receiver.ledgers.values():
                self.assertEqual(ledger.differing, [])
        served = [values[0] for _, _, _, values in self.unit.served]
        got = self.values()
        missing = [value for value in served if value not in got]
        # An answer that was on the wire when the machine fell silent was not taken.
        missing = [value for value in missing if value != served[-1]]
        return missing, sum(gap["missing"] for gap in self.declared())

    def assert_newest_complete(self, gateway):
        """The store in use has no holes."""
        store = gateway.status()["store"]
        with self.receiver.lock:
            ledger = self.receiver.ledgers[store["id"]]
            self.assertEqual(ledger.missing(store["next_seq"] - 1), [])

    # --- at work ---

    def test_deleted_while_all_is_well(self):
        gateway = self.gateway(self.config_text)
        self.receiver.wait_reading(where=lambda e: e.values["count"] > 40)
        before = gateway.status()["store"]["id"]
        self.delete()
        store = self.wait_other_store(gateway, before)
        self.assertTrue(os.path.exists(self.path))
        self.receiver.wait_message("gw/status", where=lambda m: m.json()["online"]
                                   and m.json()["store"] == store)
        self.serve_more(40)
        wait_for(lambda: store in self.receiver.ledgers, what="readings of the new store")
        self.assertIn("deleted", gateway.status()["store"]["trouble"])
        self.assertEqual(self.account(gateway), ([], 0))
        self.assert_newest_complete(gateway)
        self.assertEqual(gateway.stop(), 0)
        self.assertEqual(glob.glob(self.path + ".damaged*"), [])

    def test_deleted_in_an_outage(self):
        gateway = self.gateway(self.config_text)
        self.receiver.wait_reading(where=lambda e: e.values["count"] > 20)
        before = gateway.status()["store"]["id"]
        self.stop_broker()
        self.serve_more(200)  # more batches than memory keeps
        self.delete()
        self.wait_other_store(gateway, before)
        self.serve_more(20)
        self.start_broker()
        missing, declared = self.account(gateway)
        self.assertEqual((missing, declared), ([], 0))
        self.assert_newest_complete(gateway)

    def test_deleted_and_ended_in_an_outage(self):
        gateway = self.gateway(self.config_text)
        self.receiver.wait_reading(where=lambda e: e.values["count"] > 20)
        self.stop_broker()
        self.serve_more(200)
        self.delete()
        self.assertEqual(gateway.stop(30), 0)
        gateway = self.gateway(self.config_text)
        self.start_broker()
        self.serve_more(20)
        missing, declared = self.account(gateway)
        # What was asked for when the end came was never taken.
        self.assertLessEqual(len(missing), 2, missing)
        self.assertEqual(declared, 0)

    def test_durability_outage_and_deleted(self):
        self.config_text["store"]["durability"] = "outage"
        gateway = self.gateway(self.config_text)
        self.receiver.wait_reading(where=lambda e: e.values["count"] > 20)
        before = gateway.status()["store"]["id"]
        self.stop_broker()
        self.serve_more(200)
        self.delete()
        self.wait_other_store(gateway, before)
        self.serve_more(20)
        self.start_broker()
        self.assertEqual(self.account(gateway), ([], 0))

    def damage_in_an_outage(self, damage):
        """Damages the file under a gateway that owes what is in it. All that is owed arrives or is
        declared, one by one."""
        gateway = self.gateway(self.config_text)
        self.receiver.wait_reading(where=lambda e: e.values["count"] > 20)
        self.stop_broker()
        self.serve_more(200)
        damage()
        self.serve_more(60)
        self.start_broker()
        missing, declared = self.account(gateway)
        self.assertTrue(gateway.running)
        self.assertGreaterEqual(declared, len(missing), missing)
        # Of the machine's falling silent there is a reading or two without a value.
        self.assertLessEqual(declared, len(missing) + 2)
        print(f"\nstore: {len(self.unit.served)} served, {len(missing)} lost, "
              f"{declared} declared")
        return gateway

    def test_cut_to_nothing_at_work(self):
        def damage():
            os.truncate(self.path, 0)
            os.truncate(self.path + "-wal", 0)
        before_files = set(glob.glob(self.path + ".damaged*"))
        self.damage_in_an_outage(damage)
        self.assertNotEqual(set(glob.glob(self.path + ".damaged*")), before_files)

    def test_overwritten_at_work(self):
        def damage():
            for path in (self.path, self.path + "-wal"):
                size = os.path.getsize(path)
                with open(path, "r+b") as file:
                    file.seek(size // 3)
                    file.write(random.Random(1).randbytes(size // 3))
        self.damage_in_an_outage(damage)

    def test_replaced_at_work(self):
        def damage():
            with open(self.path + ".other", "wb") as file:
                file.write(b"somebody's notes")
            os.rename(self.path + ".other", self.path)
        self.damage_in_an_outage(damage)
        self.assertEqual(self.declared(), [])
        aside = glob.glob(self.path + ".damaged-?")
        with open(aside[0], "rb") as file:
            self.assertEqual(file.read(), b"somebody's notes")

    # --- at rest ---

    def start_damaged(self, damage, orderly=False):
        """Fills a store in an outage, ends the gateway, damages the store and starts again."""
        gateway = self.gateway(self.config_text)
        self.receiver.wait_reading(where=lambda e: e.values["count"] > 20)
        self.stop_broker()
        self.serve_more(100)
        if orderly:
            gateway.stop()
        else:
            gateway.kill()
        damage()
        start = time.monotonic()
        gateway = self.gateway(self.config_text)
        self.assertLess(time.monotonic() - start, START_S)
        self.start_broker()
        self.serve_more(20)
        return gateway, *self.account(gateway)

    def assert_set_aside(self):
        self.assertTrue(glob.glob(self.path + ".damaged-1*"), os.listdir(self.directory))

    def test_starts_on_a_header_of_rubbish_and_salvages_all(self):
        def damage():
            with open(self.path, "r+b") as file:
                file.write(bytes(100))
        _, missing, declared = self.start_damaged(damage)
        self.assert_set_aside()
        self.assertLessEqual(len(missing), 10, missing)  # not committed when it was killed
        self.assertEqual(declared, 0)

    def test_starts_without_its_database_but_its_log(self):
        _, missing, declared = self.start_damaged(lambda: os.truncate(self.path, 0))
        self.assert_set_aside()
        self.assertLessEqual(len(missing), 10, missing)
        self.assertEqual(declared, 0)

    def test_starts_on_half_a_file(self):
        _, missing, _ = self.start_damaged(
            lambda: os.truncate(self.path, os.path.getsize(self.path) // 2), orderly=True)
        self.assert_set_aside()
        self.assertTrue(self.declared())
        self.assertTrue(missing)

    def test_starts_on_flipped_bits(self):
        seed = random.randrange(1 << 32)
        print(f"\nstore: seed {seed}")
        chance = random.Random(seed)

        def damage():
            with open(self.path, "rb") as file:
                data = bytearray(file.read())
            for _ in range(50):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            with open(self.path, "wb") as file:
                file.write(data)
        _, missing, declared = self.start_damaged(damage, orderly=True)
        if len(missing) > 2 + declared:
            self.assertTrue(self.declared(), "a loss that nobody was told of")

    def start_on(self, make):
        """Starts where something else is in the store's place."""
        make()
        start = time.monotonic()
        gateway = self.gateway(self.config_text)
        self.assertLess(time.monotonic() - start, START_S)
        self.receiver.wait_reading(where=lambda e: e.values["count"] > 10)
        wait_for(self.declared, what="a gap")
        self.assert_set_aside()
        self.assertEqual(self.account(gateway), ([], 0))

    def test_starts_on_a_foreign_file(self):
        def make():
            with open(self.path, "wb") as file:
                file.write(random.Random(2).randbytes(100000))
        self.start_on(make)
        self.assertEqual(os.path.getsize(self.path + ".damaged-1"), 100000)

    def test_starts_on_an_empty_file(self):
        self.start_on(lambda: open(self.path, "wb").close())

    def test_starts_on_a_directory(self):
        self.start_on(lambda: os.mkdir(self.path))

    def test_starts_on_a_socket(self):
        def make():
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as end:
                end.bind(self.path)
        self.start_on(make)

    def test_starts_on_a_pipe(self):
        self.start_on(lambda: os.mkfifo(self.path))

    def test_starts_beside_the_log_of_another_program(self):
        """One that SQLite would take for the store's own."""
        def damage():
            other = os.path.join(self.directory, "other.db")
            with contextlib.closing(sqlite3.connect(other)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("CREATE TABLE addresses(name TEXT)")
                shutil.copyfile(other + "-wal", self.path + "-wal")
        _, missing, declared = self.start_damaged(damage, orderly=True)
        self.assert_set_aside()
        self.assertLessEqual(len(missing), 2, missing)  # asked for when the end came
        self.assertEqual(declared, 0)

    # --- what it does not start on ---

    def refuse(self, reason):
        gateway = self.gateway(self.config_text, wait=False)
        self.assertEqual(gateway.wait(), 71, gateway.log())
        self.assertIn(self.path, gateway.log())
        self.assertIn(reason, gateway.log())

    def test_leaves_the_database_of_another_program_as_it_is(self):
        with contextlib.closing(sqlite3.connect(self.path)) as database, database:
            database.execute("CREATE TABLE addresses(name TEXT)")
        with open(self.path, "rb") as file:
            content = file.read()
        self.refuse("belongs to another program")
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), content)
        self.assertEqual(glob.glob(self.path + "-*"), [])

    def test_tells_that_its_path_is_a_link_to_nowhere(self):
        os.symlink("/nowhere/at/all", self.path)
        self.refuse("a link into a folder that is not there")
        self.assertTrue(os.path.islink(self.path))


if __name__ == "__main__":
    unittest.main()
