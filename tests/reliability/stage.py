"""A plant of a few machines, a broker, and gateways that come and go between them."""
import os
import re
import signal
import time

from book import Book, Snapshot
from harness import BINDERYD, Process, tag, tcp_link, wait_for, write_config
from oracle import REGISTERS, Oracle, proving_machine
from plainpeers import NOISE_BYTES, Broker, Loop, Machines
from seeded import SeededCase

MACHINES_A_LINK, CHANGING_UNIT = 3, 9
RESERVE_BYTES = 16 * 4096 * 3 // 2  # a small disk's: the WAL is checkpointed every 16 pages
GENTLE_ENDS = (0, 1, 71)  # EX_OSERR, by which a service manager tries again


class Daemon(Process):
    """A gateway whose status is its own, behind tools that run it in their own place."""

    def __init__(self, path, prefix=(), environment=None):
        self.started = time.monotonic()
        super().__init__([*prefix, BINDERYD, "-c", path], "binderyd", environment)

    def blocks(self, number):
        """Whether its main thread holds the signal back by now, to take it in good order."""
        try:
            with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
                blocked = re.search(r"^SigBlk:\s*(\w+)", file.read(), re.M)
        except OSError:
            return False
        return bool(int(blocked[1], 16) >> (number - 1) & 1)

    def wait_ready_for(self, number):
        wait_for(lambda: not self.running or self.blocks(number), what="signals to be taken")


class ReplacedOracle(Oracle):
    """Of a store that was set aside only the content is owed: salvage gives it other numbers, late
    ones at that."""

    def __init__(self, truth, book):
        super().__init__(truth)
        self.book = book

    def _judge_numbers(self, store, ledger):
        if store not in self.book.replaced:
            super()._judge_numbers(store, ledger)

    def _judge_order(self, ledgers):
        if not self.book.replaced:
            super()._judge_order(ledgers)


class Stage(SeededCase):
    """Whatever ends a gateway here, `check` holds the books against the disk, and `settle` lets a
    last one deliver all there is and asks the oracle."""

    every, commit_every_ms, durability = "50ms", 20, "always"
    link_count = 2
    slack_s = 0.4  # what a loaded computer takes beyond commit_every
    ending = None  # of the last run, for a table of many

    def setUp(self):
        super().setUp()
        self.loop = Loop(self)
        self.links = [Machines(self.loop, self.truth, self.units_of(number))
                      for number in range(self.link_count)]
        self.broker = Broker(self.loop)
        self.book = Book(self.broker, self.durability)
        self.oracle = ReplacedOracle(self.truth, self.book)
        self.oracle.stale_ms = 2000  # a loaded computer, and ASan in one of the programs
        self.excused = []
        self.store = os.path.join(self.directory, "bindery.db")
        self.control = os.path.join(self.directory, "control")
        with open(self.store + ".reserve", "wb") as reserve:
            reserve.truncate(RESERVE_BYTES)
        for link in self.links:
            link.open()

    def units_of(self, number):
        units = {unit: f"m{number}{unit}" for unit in range(1, MACHINES_A_LINK + 1)}
        return {**units, CHANGING_UNIT: f"changing{number}"}

    def steady(self):
        """The names of the machines that are always there."""
        return [name for link in self.links for unit, name in link.units.items()
                if unit != CHANGING_UNIT]

    # --- configurations ---

    def machine(self, number, unit, **options):
        machine = proving_machine(self.links[number].units[unit], f"l{number}", unit,
                                  **{"every": self.every, **options})
        noise = tag("noise", f"holding:{REGISTERS}", f"string:{NOISE_BYTES}")
        return {**machine, "tags": machine["tags"] + [noise]}

    def plant(self, **uplink):
        links = [tcp_link(f"l{number}", link.port, timeout="5s")
                 for number, link in enumerate(self.links)]
        machines = [self.machine(number, unit) for number in range(self.link_count)
                    for unit in range(1, MACHINES_A_LINK + 1)]
        store = {"max_size": "1MiB", "replay_window": "0s", "durability": self.durability,
                 "commit_every": f"{self.commit_every_ms}ms"}
        config = self.config(self.broker.port, links, machines, store, control=self.control,
                             uplink={"publish_every": "20ms", **uplink})
        return config

    def idle(self):
        """Nobody is asked, so that the numbers stand still."""
        return {**self.plant(), "links": [], "machines": []}

    # --- lives ---

    def start(self, config=None, prefix=(), environment=None, wait=False):
        path = write_config(self, config or self.plant())
        daemon = Daemon(path, prefix, environment)
        self.processes.append(daemon)
        if wait:
            daemon.wait_log("gateway .*: running", 20)
        return daemon

    def pause(self, least, most):
        """A moment nobody can foresee."""
        time.sleep(self.random.uniform(least, most))

    def kill(self, daemon):
        """It may lose what it had no time to commit."""
        moment = time.monotonic()
        daemon.kill()
        self.excuse(moment - self.commit_every_ms / 1000 - self.slack_s)
        self.retire(daemon)

    def excuse(self, begin):
        self.excused.append((begin, time.monotonic()))

    def end(self, daemon, number=signal.SIGTERM, seconds=15):
        """It has to end well, and may lose nothing that it has read."""
        daemon.wait_ready_for(number)
        daemon.signal(number)
        self.assertEqual(daemon.wait(seconds), 0, daemon.log()[-2000:])
        self.retire(daemon)

    def retire(self, daemon):
        """Forgets a process that has ended, once its books are found in order: there may be ten
        thousand of them."""
        self.assertNotIn("Sanitizer", daemon.log())
        self.assertNotEqual(daemon.child.returncode, 99, daemon.log())
        self.rest()
        self.check(daemon)
        daemon.child.stdout.close()
        self.processes.remove(daemon)

    def rest(self):
        """Until the peers have taken in all that a dead gateway sent."""
        wait_for(lambda: not self.broker.connections and
                 not any(link.connections for link in self.links), 30, "the peers' rest")

    def snapshot(self):
        return Snapshot(self.store, self.directory)

    def check(self, daemon):
        if os.path.exists(self.store):
            self.book.check(self.snapshot())
        self.assertEqual(self.book.problems, [], f"the end of its log:\n{daemon.log()[-2000:]}")

    def ended_gently(self, daemon, seconds=15):
        """Under a fault: it goes on until it is told to end, or says why it does not. What it says
        it could not write is excused, and nothing else."""
        try:
            status = daemon.wait(seconds)
        finally:
            log = daemon.log()
        if status != 0 or re.search("could not be written|were lost while", log):
            self.excuse(daemon.started)
        self.assertIn(status, GENTLE_ENDS, log[-3000:])
        if status != 0:
            self.assertRegex(log, r"error: |bindery\.yaml:\d+:\d+: ", "it ended without a word")
        self.retire(daemon)
        return status

    def wait_polls(self, daemon, count, seconds=2):
        """As wait_asked, under a fault: then it is left as it is, and what hangs shows at its
        end."""
        targets = [len(link.asked) + count for link in self.links]
        until = time.monotonic() + seconds
        while daemon.running and time.monotonic() < until and any(
                len(link.asked) < target for link, target in zip(self.links, targets)):
            self.pause(0.01, 0.02)

    # --- the end ---

    def settle(self):
        """All that is taken arrives, each number with one content, and all of it is true."""
        self.broker.acks, self.broker.cut_at = True, None
        self.broker.open()
        last = self.book.before.last_seq if self.book.before else 0
        daemon = self.start(self.idle())
        self.wait_delivered(last, daemon)
        self.end(daemon)
        self.assertEqual(self.book.told_twice()[:3], [])
        self.assertEqual(self.book.undeclared()[:20], [], "neither acknowledged, stored nor "
                         "declared")
        self.oracle.judge(self.broker.ledgers, self.excused)

    def missing(self, last):
        ledger = self.broker.ledgers.get(self.book.before.store) if self.book.before else None
        return ledger.missing(last) if ledger else list(range(1, last + 1))

    def unarrived(self):
        """What was served in all fairness, is not excused and has not come."""
        return [f"{name}'s {answer.serial}" for name in self.truth.machines()
                for came in [self.arrived(name)] for answer in self.truth.fair(name)
                if answer.serial not in came and not any(
                    begin <= answer.at <= end for begin, end in self.excused)]

    def delivered(self, last, daemon):
        if not daemon.running or not self.loop.call(lambda: self.missing(last)):
            return True
        replaced = self.book.replaced or daemon.find("a new store .* is in use")
        return self.book.may_be_replaced and replaced and not self.unarrived()

    def wait_delivered(self, last, daemon, seconds=40):
        try:
            wait_for(lambda: self.delivered(last, daemon), seconds)
        except AssertionError:
            missing = self.loop.call(lambda: self.missing(last))
            raise AssertionError(f"{len(missing)} of {last} never came: {missing[:20]}\n"
                                 f"{daemon.log()[-2000:]}") from None

    def arrived(self, name):
        """The serial numbers of a machine's answers that the broker has acknowledged."""
        def look():
            return {entry.values["serial"] for ledger in self.broker.ledgers.values()
                    for entry in ledger.readings(name) if entry.values}
        return self.loop.call(look)

    def wait_arrived(self, name, count=1, seconds=15):
        """So many answers more than there are now."""
        serial = len(self.truth.answers(name)) + count
        wait_for(lambda: max(self.arrived(name), default=0) >= serial, seconds,
                 f"{count} answers more of {name}")

    def wait_asked(self, count):
        """Each link's machines were asked so often from now on."""
        targets = [len(link.asked) + count for link in self.links]
        wait_for(lambda: all(len(link.asked) >= target
                             for link, target in zip(self.links, targets)), 20, "polls")
