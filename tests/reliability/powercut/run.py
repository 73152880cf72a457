"""Power cuts: the gateway in a guest, and its database after thousands of them. run.sh says how."""
import argparse
import collections
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))

# pylint: disable=wrong-import-position
import check  # noqa: E402
import guest  # noqa: E402
import volume  # noqa: E402
from log import Disk, Log, plan  # noqa: E402

SKIPPED = 77
CHUNK_POINTS = 25
MOST_TOLD = 20
MOST_KEPT = 5  # images, of each process
DATABASE = "bindery.db"
PROGRAMS = ("qemu-system-x86_64", "mke2fs", "e2fsck", "dpkg-deb", "cc", "mosquitto", "binderyd")

# What a damaged database, or one with something else in it, makes the checker stumble over.
NOT_AS_PROMISED = (check.Wrong, sqlite3.Error, OSError, LookupError, ValueError, TypeError)


class Result:
    """What a process found out about one point."""

    def __init__(self, cut):
        self.cut, self.store, self.problem = cut, None, None
        self.restarted = self.repaired = self.trimmed = self.dropped = False
        self.generation = None


class Bench:
    """What a process needs to check points, one after the other."""

    def __init__(self, options, initial, log, directory):
        self.options, self.log = options, log
        self.disk = Disk(initial, log)
        self.directory = tempfile.mkdtemp(prefix="bench-", dir=directory)
        self.volume = volume.Volume(self.directory, "volume", len(initial))
        self.known_bodies, self.kept = {}, 0

    def check(self, cut):
        result = Result(cut)
        image = self.disk.image(cut)
        self.volume.put(image)
        repairs = self.volume.repairs
        try:
            with self.volume as folder:
                self._check_folder(folder, result)
        except NOT_AS_PROMISED as error:
            result.problem = f"{type(error).__name__}: {error}"
        result.repaired = self.volume.repairs > repairs
        if result.problem and self.options.keep and self.kept < MOST_KEPT:
            self._keep(cut, image)
        return result

    def _check_folder(self, folder, result):
        """The checker works on a copy: SQLite's recovery changes what it opens, and the gateway is
        to find what the power cut left."""
        desk = tempfile.mkdtemp(dir=self.directory)
        try:
            for name in check.files_of(os.path.join(folder, DATABASE)):
                shutil.copy(name, desk)
            path = os.path.join(desk, DATABASE)
            result.generation = check.generation(path)
            found = check.Found(path, self.known_bodies)
        finally:
            shutil.rmtree(desk)
        result.store = found.store
        result.trimmed = bool(found.batches) and found.batches[0][0] > 1
        result.dropped = bool(found.gaps)
        check.judge(found, self.log.last_mark(result.cut.index), self.options.durability)
        if self.options.restart_every and result.cut.number % self.options.restart_every == 0:
            result.restarted = True
            result.problem = self._restart(folder, found)

    def _restart(self, folder, found):
        from restart import Restart  # pylint: disable=import-outside-toplevel
        outcome = unittest.TestResult()
        Restart(folder, found, self.options.durability).run(outcome)
        for _, trace in outcome.errors + outcome.failures:
            return f"the gateway started again: {trace}"
        return None

    def _keep(self, cut, image):
        self.kept += 1
        with open(os.path.join(self.options.keep, f"point-{cut.number}.image"), "wb") as file:
            file.write(image)


BENCH = None  # of this process


def make_bench(*arguments):
    global BENCH  # pylint: disable=global-statement
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    volume.end_with_parent()
    BENCH = Bench(*arguments)


def check_points(cuts):
    return [BENCH.check(cut) for cut in cuts]


class Totals:
    def __init__(self):
        self.counts = collections.Counter()
        self.stores, self.generations = set(), set()

    def add(self, result):
        self.counts.update(
            checked=1, whole=result.cut.whole, opened=result.store is not None,
            restarted=result.restarted, repaired=result.repaired, trimmed=result.trimmed,
            dropped=result.dropped)
        self.stores.add(result.store)
        self.generations.add(result.generation)
        if result.problem is None:
            return
        self.counts["failures"] += 1
        if self.counts["failures"] <= MOST_TOLD:
            print(f"\r{result.cut}: {result.problem}", flush=True)

    def judge_stores(self):
        """One disk has had one store."""
        stores = self.stores - {None}
        if len(stores) > 1:
            self.counts["failures"] += 1
            print(f"more than one store id: {sorted(stores)}")


def tell_progress(totals, count):
    if sys.stdout.isatty():
        print(f"\r{totals.counts['checked']} of {count}, {totals.counts['failures']} failures",
              end="", flush=True)
    elif totals.counts["checked"] // 1000 > (totals.counts["checked"] - CHUNK_POINTS) // 1000:
        print(f"powercut: {totals.counts['checked']} of {count} points, "
              f"{totals.counts['failures']} failures", flush=True)


def check_all(options, initial, log, directory):
    cuts, totals = plan(log, options.points, options.seed), Totals()
    chunks = [cuts[at:at + CHUNK_POINTS] for at in range(0, len(cuts), CHUNK_POINTS)]
    arguments = (options, initial, log, directory)
    with multiprocessing.get_context("fork").Pool(options.jobs, make_bench, arguments) as pool:
        for results in pool.imap_unordered(check_points, chunks):
            for result in results:
                totals.add(result)
            tell_progress(totals, len(cuts))
    if sys.stdout.isatty():
        print()
    totals.judge_stores()
    return totals


def take_log(options, directory):
    """From a new guest, or from an earlier run that was kept."""
    if options.again:
        with open(os.path.join(options.again, "initial.image"), "rb") as file:
            return file.read(), os.path.join(options.again, "writes.log")
    initial, path, console = guest.run_guest(directory, options.seconds, options.durability)
    print("\n".join(line for line in console.splitlines() if line.startswith("witness:")))
    if options.keep:
        shutil.copy(path, os.path.join(options.keep, "writes.log"))
        with open(os.path.join(options.keep, "initial.image"), "wb") as file:
            file.write(initial)
        with open(os.path.join(options.keep, "console"), "w", encoding="utf-8") as file:
            file.write(console)
    return initial, path


def summarise(options, log, totals, seconds):
    counts = totals.counts
    print(f"powercut: the log has {len(log.entries)} entries, {len(log.flushes)} flushes, "
          f"{len(log.marks)} marks; what was found: {counts['trimmed']} trimmed, "
          f"{counts['dropped']} with gaps, {len(totals.generations - {None})} WAL generations")
    print(f"powercut: {options.points} points ({counts['whole']} prefixes), "
          f"{counts['checked']} checked, {counts['opened']} opened, "
          f"{counts['restarted']} restarted, {counts['repaired']} repaired by fsck, "
          f"{counts['failures']} failures, {seconds:.0f} s, seed {options.seed}")
    if not counts["failures"]:
        # None in n trials: the rate is below 3/n, with 95 % certainty.
        print(f"powercut: at most {300 / counts['checked']:.2g} % of such cuts fail (95 %)")


def run(options, directory):
    started = time.monotonic()
    print(f"powercut: {options.points} points, seed {options.seed}", flush=True)
    initial, path = take_log(options, directory)
    log = Log(path, guest.MARK_OFFSET)
    totals = check_all(options, initial, log, directory)
    summarise(options, log, totals, time.monotonic() - started)
    return 1 if totals.counts["failures"] else 0


def parse():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("--points", type=int, default=500, help="cuts to check (500)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--seconds", type=int, default=45, help="what the guest runs (45)")
    parser.add_argument("--durability", choices=("always", "outage"), default="always")
    parser.add_argument("--restart-every", type=int, default=50, metavar="N",
                        help="start the gateway at one point in N (50); 0: nowhere")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", metavar="DIR",
                        help="keep the log there, and the images of points that failed")
    parser.add_argument("--again", metavar="DIR", help="take a kept log instead of a new guest's")
    return parser.parse_args()


def need(condition, sentence):
    if not condition:
        raise guest.Missing(sentence)


def look_around():
    """Whether the bench can work here."""
    need(os.geteuid() == 0, "it needs root, for loop devices and mounts")
    need(os.uname().machine == "x86_64", "its guest is an x86-64 one")
    need(os.path.exists(guest.BUSYBOX), f"it needs {guest.BUSYBOX}, from busybox-static")
    for program in PROGRAMS:
        path = os.environ["PATH"] + os.pathsep + os.path.join(guest.BUILD, "daemon")
        need(shutil.which(program, path=path), f"it needs {program}")


def settle(directory):
    """Makes the directory one in memory. run.sh has given us mounts of our own: they go with us."""
    try:
        volume.mount("powercut", directory, "tmpfs", options="size=3g")
        volume.Volume(directory, "trial", guest.FS_BYTES).close()
    except OSError as error:
        raise guest.Missing(f"it needs mounts and loop devices: {error}") from None
    os.environ["TMPDIR"] = tempfile.tempdir = directory


def main():
    options = parse()
    # Whatever ends the bench ends what it started, by the way of exceptions.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
    directory = tempfile.mkdtemp(prefix="powercut-")
    try:
        look_around()
        settle(directory)
        return run(options, directory)
    except guest.Missing as error:
        print(f"powercut: skipped: {error}")
        return SKIPPED
    finally:
        tempfile.tempdir = None
        if os.path.ismount(directory):
            volume.unmount(directory, volume.MNT_DETACH)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
