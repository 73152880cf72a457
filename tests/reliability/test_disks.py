"""Disks that are full, read-only, or give back something else than was written; files that are
taken away. Nothing that a machine has said is lost in silence, and nothing wrong is told."""
import contextlib
import os
import shutil
import subprocess
import time

import corrupt
import harness
from harness import tag
from proving import LETTERS, PlantCase, bulk_tags

FULL = "No space left on device; readings are kept in memory"
READ_ONLY = "Read-only file system; readings are kept in memory"
WORKS_AGAIN = "takes readings again"


class Disk(PlantCase):
    """The store on a file system of its own."""

    def mount(self, size_kib, kind="tmpfs"):
        """A fresh one in the store's folder."""
        if kind == "tmpfs":
            arguments = ["-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs"]
        else:
            image = os.path.join(self.directory, "disk.img")
            with open(image, "wb") as file:
                file.truncate(size_kib * 1024)
            self.system("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image)
            arguments = ["-o", "loop", image]
        self.system("mount", *arguments, self.folder)
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder], check=False)

    def system(self, *arguments):
        """A command for which this machine may not be made."""
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            self.skipTest(f"{arguments[0]} is not here")
        if done.returncode:
            self.skipTest(f"{' '.join(arguments)}: {done.stderr.strip()}")

    def mount_any(self, least_kib=400, most_kib=3000):
        kind = self.random.choice(["tmpfs", "ext4"])
        least_kib = max(least_kib, 1000) if kind == "ext4" else least_kib
        self.mount(self.random.randrange(least_kib, most_kib, 4), kind)

    def remount(self, how):
        """Only while nobody writes there: the kernel refuses it otherwise."""
        self.system("mount", "-o", f"remount,{how}", self.folder)

    def maybe_outage(self):
        """The broker goes away, or does not; whether it did."""
        if self.random.random() < 0.5:
            return False
        self.proxy.close()
        return True

    def judge_costly_stop(self, mend):
        """Those in memory are lost with the process; the log has their number, or they arrive."""
        self.pause()
        self.pass_time(0.2)
        daemon, stopped = self.daemon, time.monotonic()
        self.assertEqual(daemon.stop(30), 0)
        mend()
        self.serving.set()
        self.proxy.listen()
        self.start()
        self.wait_answers(5)
        self.pause()
        self.wait_idle()
        lost = [answer for answer in self.missing() if answer.at < stopped]
        told = sum(int(line.split(" readings")[0].split()[-1]) for _, line in daemon.lines
                   if "readings in memory could not be written" in line)
        self.assertEqual(len(lost), told + self.declared(), "lost, and told to be")
        self.finish(excused=[(0, stopped)])


class Hog:
    """Another file that takes all the room there is."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "hog")

    def fill(self):
        """Also what has become free since."""
        with open(self.path, "ab", buffering=0) as file:
            for block in (65536, 4096, 512):
                with contextlib.suppress(OSError):
                    while True:
                        if file.write(bytes(block)) < block:
                            break

    def empty(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class FullDisk(Disk):
    def fill_until_refused(self, hog):
        """Takes the room, and at once whatever the gateway gives back, until it has no more."""
        since = self.line_count()
        greedy = self.random.random() < 0.5
        hog.fill()

        def refused():
            if greedy:
                hog.fill()
            return self.logged_since(FULL, since)
        self.wait_until(refused, 30, "a full disk")
        for _ in range(self.random.randrange(20)):
            self.pass_time(0.05)
            if greedy:
                hog.fill()

    def logged_since(self, pattern, since):
        lines = [line for daemon in self.daemons for _, line in list(daemon.lines)]
        return next((line for line in lines[since:] if pattern in line), None)

    def test_a_disk_that_fills_at_any_moment_costs_nothing(self):
        self.mount_any()
        self.use_broker()
        hog = Hog(self.folder)
        self.start(self.plant(tags=bulk_tags(1)))
        self.wait_answers(self.random.randrange(20))
        outage = self.maybe_outage()
        self.pass_time(self.random.random() * 0.5)
        self.fill_until_refused(hog)
        self.wait_logged("alarm disk_full:")
        if outage and self.random.random() < 0.5:
            self.proxy.listen()
        hog.empty()
        self.wait_logged("alarm disk_full is over")
        if outage:
            self.proxy.close()
            self.proxy.listen()
        self.wait_answers(5)
        self.finish()
        self.assertEqual((self.restarts, self.declared(), self.missing()), (0, 0, []))
        self.judge_file()

    def test_the_first_start_on_a_full_disk_waits_for_room(self):
        """There is nowhere to put a reading yet: the daemon may say so and end, with a status that
        has a service manager start it again, but not give up."""
        self.mount_any(400, 2000)
        self.use_broker()
        hog = Hog(self.folder)
        hog.fill()
        self.start(self.plant(), wait=False)
        self.wait_logged("No space left on device", 20)
        for _ in range(self.random.randrange(4)):
            self.pass_time(self.random.random() * 0.3)
            hog.fill()
        hog.empty()
        self.wait_logged("gateway .*: running", 10)
        self.wait_answers(10)
        self.finish()
        self.assertEqual((self.declared(), self.missing()), (0, []))
        self.judge_file()

    def test_a_store_starts_and_is_delivered_though_the_disk_is_full(self):
        self.mount_any()
        self.use_broker()
        self.proxy.close()
        hog = Hog(self.folder)
        self.start(self.plant(tags=bulk_tags(1)))
        self.wait_answers(self.random.randrange(20, 60))
        self.pause()
        self.wait_stored()
        if self.random.random() < 0.5:
            self.daemon.kill()
        else:
            self.assertEqual(self.daemon.stop(), 0)
        hog.fill()
        self.serving.set()
        self.proxy.listen()
        self.start()
        self.wait_arrived(10)
        self.pass_time(self.random.random())
        hog.empty()
        self.pass_time(self.random.random())
        self.finish()
        self.assertEqual((self.declared(), self.missing()), (0, []))
        self.judge_file()

    def test_stopping_on_a_full_disk_tells_how_many_readings_that_costs(self):
        self.mount_any()
        self.use_broker()
        self.proxy.close()
        hog = Hog(self.folder)
        self.start(self.plant(tags=bulk_tags(1)))
        self.wait_answers(self.random.randrange(10, 40))
        self.fill_until_refused(hog)
        hog.fill()
        self.judge_costly_stop(hog.empty)


class ReadOnlyDisk(Disk):
    """As it is after errors=remount-ro: what was open stays open, and every write is refused. The
    kernel does not do that on demand while files are open, so strace stands in for it."""

    FILES = ("", "-wal", "-shm", "-journal", ".reserve", ".suspect")
    REFUSED = "pwrite64,write,ftruncate,fallocate,unlink,unlinkat,rename,renameat2,openat"

    def set_read_only(self):
        trace = os.path.join(self.directory, "strace")
        paths = [self.path + end for end in self.FILES]
        try:
            self.strace = self.run_process(
                ["strace", "-f", "-o", trace, "-e", f"trace={self.REFUSED}",
                 "-e", f"inject={self.REFUSED}:error=EROFS",
                 *[word for path in paths for word in ("-P", path)], "-p", str(self.daemon.pid)],
                "strace")
        except FileNotFoundError:
            self.skipTest("strace is not here")
        self.wait_until(lambda: self.strace.find("attached") or not self.strace.running)
        if not self.strace.running:
            self.skipTest(f"strace: {self.strace.log()}")

    def set_writable(self):
        self.strace.stop()

    def test_a_disk_that_turns_read_only_at_any_moment_costs_nothing(self):
        self.use_broker()
        self.start(self.plant())
        self.wait_answers(self.random.randrange(20))
        for _ in range(self.random.randrange(1, 4)):
            outage = self.maybe_outage()
            self.pass_time(self.random.random() * 0.3)
            since = self.line_count()
            self.set_read_only()
            self.wait_logged(READ_ONLY, 20, since)
            self.wait_logged("alarm disk_read_only:", 10, since)
            self.pass_time(self.random.random() * 0.5)
            if outage and self.random.random() < 0.5:
                self.proxy.listen()
                outage = False
            since = self.line_count()
            self.set_writable()
            self.wait_logged(WORKS_AGAIN, 10, since)
            self.wait_logged("alarm disk_read_only is over", 10, since)
            if outage:
                self.proxy.listen()
        self.finish()
        self.assertEqual((self.restarts, self.declared(), self.missing()), (0, 0, []))
        self.judge_file()

    def test_stopping_on_a_read_only_disk_tells_how_many_readings_that_costs(self):
        # the leak check at its end wants to trace the process itself
        self.environment = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        self.use_broker()
        self.proxy.close()
        self.start(self.plant())
        self.wait_answers(self.random.randrange(10, 40))
        self.set_read_only()
        self.wait_logged(READ_ONLY)
        self.pass_time(self.random.random())
        self.judge_costly_stop(self.set_writable)

    def test_a_start_on_a_read_only_disk_waits_until_it_can_be_written(self):
        self.mount_any()
        self.use_broker()
        self.proxy.close()
        self.start(self.plant())
        self.wait_answers(self.random.randrange(10, 40))
        self.pause()
        self.wait_stored()
        if self.random.random() < 0.5:
            self.daemon.kill()
        else:
            self.assertEqual(self.daemon.stop(), 0)
        self.remount("ro")
        self.proxy.listen()
        self.serving.set()
        self.start(wait=False)
        self.wait_logged("Read-only file system", 20)
        self.pass_time(self.random.random())
        for _ in range(50):  # while the daemon looks whether it can, it has files open for that
            done = subprocess.run(["mount", "-o", "remount,rw", self.folder], check=False)
            if done.returncode == 0:
                break
            time.sleep(0.05)
        self.wait_logged("gateway .*: running|" + WORKS_AGAIN, 10, self.line_count() - 1)
        self.wait_answers(5)
        self.finish()
        self.assertEqual((self.declared(), self.missing()), (0, []))
        self.judge_file()

    def test_what_memory_can_not_hold_is_declared_to_the_last_reading(self):
        """16 MiB are what it may hold: readings of a thousand long texts fill that in seconds."""
        texts = [tag(f"text{i}", f"holding:{LETTERS}", "string:200") for i in range(1000)]
        self.use_broker()
        outage = self.maybe_outage()
        self.start(self.plant(tags=texts))
        self.wait_answers(self.random.randrange(1, 10))
        self.set_read_only()
        self.wait_logged(READ_ONLY)
        # each is 200 kB; neither the first batch that was refused nor the queue takes more
        self.wait_answers(self.random.randrange(90, 120), 60)
        self.set_writable()
        self.wait_logged("readings were lost while it could not take them", 20)
        if outage:
            self.proxy.listen()
        self.wait_answers(2)
        self.finish(60)
        self.assertGreater(self.declared(), 0)
        self.judge_exactly()
        self.assertEqual({gap["why"] for gap in self.gaps()}, {"memory full"})
        self.judge_file()


class FullStore(PlantCase):
    machine_count, every = 6, "20ms"

    def test_a_store_at_its_limit_declares_exactly_what_had_to_go(self):
        self.use_broker()
        self.start(self.plant(store={"max_size": "1MiB", "replay_window": "0s"},
                              tags=bulk_tags(8), tick="5ms"))
        self.wait_arrived(self.random.randrange(1, 30))
        self.wait_until(lambda: len(self.truth.machines()) == self.machine_count)
        self.pause()
        self.wait_stored()
        self.wait_idle()  # what is on its way at a cut is owed still, though it may have arrived
        self.proxy.close()
        self.serving.set()
        self.wait_logged("store: full, the .* oldest unacknowledged readings had to go", 40)
        self.pass_time(self.random.random() * 2)
        killed, quiet = self.random.random() < 0.3, self.random.random() < 0.7
        if killed or quiet:
            self.pause()
            self.wait_stored()
        if killed:
            # what was dropped was declared in the same transaction
            self.daemon.kill()
            self.start()
        self.proxy.listen()
        if not quiet:
            self.serving.set()
        self.wait_arrived(1, 30)
        self.finish(60)
        self.assertGreater(self.declared(), 0)
        self.assertGreaterEqual(self.declared(), len(self.missing()))
        if quiet:  # else some may go that are on their way to the broker, and arrive
            self.judge_exactly()
        ledger = self.receiver.ledger()
        self.assertEqual({gap.content["why"] for gap in ledger.gaps()}, {"store full"})
        self.judge_file()
        self.assertLess(os.path.getsize(self.path), 2 << 20)


class DamagedStore(PlantCase):
    """A store with readings in it that nobody has yet is damaged between two runs: the gateway
    starts all the same, tells what can be read, declares the rest, and keeps the file."""

    SAID = "error: store: .*(was damaged|set aside)"

    def make_store(self, with_wal=None):
        """Runs a gateway, with and then without a broker. What the sound store holds."""
        self.use_broker()
        self.start(self.plant())
        self.wait_arrived(self.random.randrange(1, 30))
        self.proxy.close()
        self.wait_answers(self.random.randrange(20, 80))
        self.pause()
        self.wait_stored()
        if with_wal is None:
            with_wal = self.random.random() < 0.5
        if with_wal:
            self.daemon.kill()
        else:
            self.assertEqual(self.daemon.stop(), 0)
        self.take_stock()

    def take_stock(self):
        """What there is before the damage."""
        self.store_id = next(iter(self.receiver.ledgers))
        self.database = None
        if not os.path.exists(self.path + "-wal"):
            with open(self.path, "rb") as file:
                self.database = file.read()
        self.before = self.oracle.renewed = time.monotonic()
        self.sound = corrupt.look_at(self.path, self.directory)
        self.stored = sum(count for count, *_ in self.sound[0].values())

    def save(self, name):
        """A copy of the store's files."""
        folder = os.path.join(self.directory, name)
        os.mkdir(folder)
        for part in corrupt.parts(self.path):
            shutil.copyfile(part, os.path.join(folder, os.path.basename(part)))
        return os.path.join(folder, os.path.basename(self.path))

    def judge_start(self, said, least=None, counted=False):
        """`said`: what was done. `least`: how many of the stored readings are still to be had.
        `counted`: what is lost has to be declared to the last reading; else the log may say, where
        nothing that is left tells how many there were."""
        if least is None:
            least = self.readable()
        self.proxy.listen()
        self.serving.set()
        try:
            started = time.monotonic()
            self.start()
            self.assertLess(time.monotonic() - started, 10, "the start took too long")
            self.wait_answers(5)
            self.settle(least, counted)
        except AssertionError as error:
            raise AssertionError(f"{said}; {least} of {self.stored} readable: {error}") from None

    def readable(self):
        """How many numbers can still be had out of the damaged files, one way or another."""
        rows = corrupt.readable(self.sound, corrupt.look_at(self.path, self.directory))
        if self.database and os.path.isfile(self.path):
            rows |= corrupt.untouched(self.sound, self.database, self.path)
        return sum(self.sound[0][first][0] for first in rows)

    def lost(self):
        return [answer for answer in self.missing() if answer.at < self.before]

    def settle(self, least, counted):
        """All arrives or is declared, and what can be read arrives."""
        self.pause()
        with contextlib.suppress(AssertionError):
            self.wait_until(lambda: len(self.missing()) <= self.declared(), 6)
        uncounted = not counted and len(self.lost()) > self.declared()
        if uncounted and self.logged(self.SAID):
            self.finish(5, excused=[(0, self.before)])
        else:
            self.finish(5)
        self.assertLessEqual(len(self.lost()), self.stored - least, "readable, but not salvaged")
        if self.daemon_store == self.store_id:
            self.end_well()
            return
        self.assertTrue(self.logged(self.SAID), "another store came without a word")
        aside = [name for name in os.listdir(self.folder) if ".damaged-" in name]
        self.assertTrue(aside, "the damaged store was not kept")
        self.judge_file(self.daemon_store)

    def test_single_bits_that_flipped_are_noticed(self):
        self.make_store(with_wal=False)
        self.judge_start(corrupt.flip_bits(self.path, self.random))

    def test_a_store_cut_short_is_salvaged(self):
        self.make_store(with_wal=False)
        self.judge_start(corrupt.cut_short(self.path, self.random))

    def test_lost_blocks_cost_no_more_than_was_in_them(self):
        self.make_store(with_wal=False)
        self.judge_start(corrupt.lose_blocks(self.path, self.random))

    def test_blocks_in_the_wrong_place_are_noticed(self):
        self.make_store(with_wal=False)
        self.judge_start(corrupt.move_blocks(self.path, self.random))

    def test_a_damaged_log_is_not_taken_for_a_shorter_one(self):
        """SQLite's own way: where a frame does not hold, the log ends."""
        self.make_store(with_wal=True)
        damage = self.random.choice([corrupt.flip_bits, corrupt.lose_blocks, corrupt.move_blocks])
        self.judge_start(damage(self.path, self.random))

    def test_a_log_that_was_cut_short_is_noticed(self):
        self.make_store(with_wal=True)
        self.judge_start(corrupt.cut_short(self.path, self.random))

    def test_what_a_damaged_store_has_lost_is_declared_to_the_last_reading(self):
        """Also where the end of the file is gone, and with it the highest numbers."""
        self.make_store()
        damage = self.random.choice([corrupt.flip_bits, corrupt.lose_blocks, corrupt.move_blocks,
                                     corrupt.cut_short])
        self.judge_start(damage(self.path, self.random), counted=True)

    def test_a_foreign_file_in_its_place_is_kept_aside(self):
        """All that was stored has gone with the file: there is nothing to salvage or to count."""
        self.make_store(with_wal=False)
        kind = self.random.choice(corrupt.FOREIGN)
        corrupt.remove(self.path)
        said = kind(self.path, self.random)
        content = open(self.path, "rb").read() if os.path.isfile(self.path) else None
        self.proxy.listen()
        self.serving.set()
        try:
            self.start()
        except AssertionError as error:
            raise AssertionError(f"{said}: {error}") from None
        self.wait_answers(5)
        self.finish(excused=[(0, self.before)])
        if content != b"":
            self.assertTrue(self.logged("set aside"), f"{said}: another store without a word")
            self.assertTrue(os.path.lexists(self.path + ".damaged-1"), f"{said} was not kept")
        if content:
            with open(self.path + ".damaged-1", "rb") as file:
                self.assertEqual(file.read(), content)
        self.judge_file()

    def test_another_programs_database_is_left_alone(self):
        """It may be a path that was mistyped: the gateway says so and does not touch it."""
        self.make_store(with_wal=False)
        corrupt.remove(self.path)
        corrupt.make_database(self.path, self.random.choice([0, 1, 500]))
        with open(self.path, "rb") as file:
            content = file.read()
        self.proxy.listen()
        self.serving.set()
        self.start(wait=False)
        self.assertEqual(self.daemon.wait(20), 71)
        self.assertIn(self.path, self.daemon.log())
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), content)
        corrupt.remove(self.path)
        self.start()
        self.wait_answers(5)
        self.finish(excused=[(0, self.before)])
        self.judge_file()

    def test_a_wal_or_an_index_that_is_gone_is_noticed(self):
        self.make_store(with_wal=True)
        gone = self.random.choice([["-wal"], ["-shm"], ["-wal", "-shm"]])
        for end in gone:
            corrupt.remove(self.path + end)
        self.judge_start(f"without {gone}")

    def test_a_wal_or_an_index_of_another_time_is_noticed(self):
        """As of a copy that was taken while the gateway ran, and put back in parts."""
        self.use_broker()
        self.start(self.plant())
        self.wait_arrived(self.random.randrange(1, 20))
        earlier = self.save("earlier")
        self.proxy.close()
        self.make_rest()
        part = self.random.choice(["-wal", "-wal", "-shm", ""])
        if not os.path.exists(earlier + part):
            self.skipTest("there was no such part")
        shutil.copyfile(earlier + part, self.path + part)
        self.judge_start(f"bindery.db{part} of another time")

    def make_rest(self):
        self.wait_answers(self.random.randrange(20, 80))
        self.pause()
        self.wait_stored()
        self.daemon.kill()
        self.take_stock()

    def test_another_databases_wal_is_not_taken_for_ours(self):
        self.make_store()
        for end in ("-wal", "-shm"):
            corrupt.remove(self.path + end)
        alone = self.readable()
        if self.random.random() < 0.5:
            corrupt.make_foreign_wal(self.path + "-wal", self.directory)
            self.judge_start("another program's WAL", alone)
        else:
            corrupt.put_rubbish(self.path + "-wal", self.random)
            self.judge_start("a WAL of rubbish", alone)


class StoreTakenAway(PlantCase):
    """What happens to the store's files while the gateway runs is noticed, and mended without an
    end of the process: the readings that are owed go into a new store."""

    every = "20ms"
    NOTICED = "set aside|a new store|deleted|replaced|damaged"

    def begin(self):
        self.use_broker()
        self.start(self.plant(store={"commit_every": "10ms"}))
        self.wait_arrived(self.random.randrange(1, 30))
        self.store_id = next(iter(self.receiver.ledgers))
        self.outage = self.random.random() < 0.6
        if self.outage:
            self.proxy.close()
            self.wait_answers(self.random.randrange(300))  # more than is kept in memory
        self.pass_time(self.random.random())

    def end(self, said, intact=True):
        """Some time goes by with and without a broker, then all is told; if the content was intact,
        be it in a file without a name, without a loss."""
        self.pass_time(self.random.random())
        if self.outage:
            self.proxy.listen()
        self.wait_answers(10)
        try:
            self.finish()
            self.assertEqual(self.restarts, 0, "the gateway ended over it")
            if intact:
                self.assertEqual((self.declared(), self.missing()), (0, []))
                self.judge_file(self.daemon_store)
            else:
                self.end_well()
        except AssertionError as error:
            raise AssertionError(f"{said}: {error}") from None

    def noticed(self, said):
        try:
            self.wait_logged(self.NOTICED, 10)
            self.oracle.renewed = time.monotonic()
        except AssertionError as error:
            raise AssertionError(f"{said}: {error}") from None

    def test_a_deleted_store_is_made_anew(self):
        self.begin()
        gone = self.random.choice([[""], ["-wal"], ["", "-wal"], ["", "-wal", "-shm"],
                                   ["", "-wal", "-shm", ".lock", ".reserve"]])
        for end in gone:
            corrupt.remove(self.path + end)
        self.noticed(f"deleted: {gone}")
        self.end(f"deleted: {gone}")

    def test_a_store_that_was_replaced_is_noticed(self):
        """By rename, as a restored copy or a clumsy editor does it."""
        self.begin()
        other = os.path.join(self.directory, "other")
        said = self.random.choice(["an older copy", "a text", "another database", "nothing"])
        if said == "an older copy":
            shutil.copyfile(self.path, other)
        elif said == "a text":
            corrupt.put_text(other, self.random)
        elif said == "another database":
            corrupt.make_database(other)
        else:
            open(other, "wb").close()
        os.rename(other, self.path)
        self.noticed(said)
        self.end(said)

    def test_a_store_that_is_cut_short_or_overwritten_is_noticed(self):
        """The inode stays, the content goes. It need not be noticed before it matters."""
        self.begin()
        damage = self.random.choice([corrupt.cut_short, corrupt.lose_blocks, corrupt.flip_bits,
                                     empty_file])
        said = damage(self.path, self.random)
        self.end(said, intact=False)

    def test_a_folder_that_is_moved_away_costs_nothing(self):
        self.begin()
        away = self.folder + "-away"
        os.rename(self.folder, away)
        self.pass_time(self.random.random() * 3)
        if self.random.random() < 0.5:
            os.rename(away, self.folder)
            said = "the folder came back"
        else:
            os.mkdir(self.folder)
            said = "another folder came"
        self.end(said)


def empty_file(path, chance):
    target = corrupt.pick(path, chance)
    os.truncate(target, 0)
    return f"{os.path.basename(target)} emptied"


class PermissionsTakenAway(PlantCase):
    """The gateway as a user to whom permissions mean something."""

    NOBODY = 65534

    def launch(self):
        path = harness.write_config(self, self.configuration)
        daemon = self.run_process(
            ["setpriv", f"--reuid={self.NOBODY}", f"--regid={self.NOBODY}", "--clear-groups",
             harness.BINDERYD, "-c", path], "binderyd")
        daemon.status = lambda: harness.Gateway.status(daemon)
        daemon.test, daemon.path = self, path
        return daemon

    def test_permissions_taken_away_and_given_back_cost_nothing(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a process to somebody else")
        os.chmod(self.directory, 0o755)
        for folder in (self.directory, self.folder):
            os.chown(folder, self.NOBODY, self.NOBODY)
        self.use_broker()
        self.start(self.plant())
        self.wait_arrived(self.random.randrange(1, 20))
        outage = self.random.random() < 0.5
        if outage:
            self.proxy.close()
        for _ in range(self.random.randrange(1, 3)):
            target = self.random.choice([self.folder, self.path, self.path + "-wal"])
            mode = os.stat(target).st_mode & 0o777
            os.chmod(target, self.random.choice([0, 0o400, 0o500]))
            os.chown(target, 0, 0)
            self.pass_time(self.random.random() * 2.5)
            os.chown(target, self.NOBODY, self.NOBODY)
            os.chmod(target, mode)
            self.pass_time(self.random.random())
        if outage:
            self.proxy.listen()
        self.finish()
        self.assertEqual((self.restarts, self.declared(), self.missing()), (0, 0, []))
        self.judge_file()
