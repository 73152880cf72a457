"""A plant whose machines never fail, asked by one gateway through a broker that can be cut off:
where the fault lies elsewhere, in the disk or the clock."""
import contextlib
import os
import re
import select
import socket
import sqlite3
import struct
import threading
import time

from harness import Mosquitto, tag, tcp_link, wait_for
from oracle import Oracle, proving_machine
from peers import Proxy, TcpServer, modbus_answer, receive
from receiver import Receiver
from seeded import SeededCase

STALE_MS = 3000  # of this machine when it is busy, not of the gateway
LINK_TIMEOUT = "20s"  # a machine that is held up has not failed

LETTERS, NUMBERS = 100, 200  # registers from here on are noise
ALPHABET = bytes(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-+"[i % 64]
                 for i in range(256))


class PatientOracle(Oracle):
    """A store that another one has taken the place of owes its numbers no longer: what was in it
    must have arrived or be declared all the same, and comes in the other among newer readings.
    `renewed`: the moment from which on all is in order again."""

    def __init__(self, truth, stale_ms=STALE_MS):
        super().__init__(truth, stale_ms)
        self.replaced, self.renewed = set(), float("inf")

    def _judge_numbers(self, store, ledger):
        if store not in self.replaced:
            super()._judge_numbers(store, ledger)
            return
        for before, after in ledger.differing[:3]:
            self.problems.append(f"store {store}: one number, two contents: {before} and {after}")

    def _judge_order(self, ledgers):
        if not self.replaced:
            super()._judge_order(ledgers)
            return
        for store, ledger in ledgers.items():
            seen, last = set(), {}
            for entry in ledger.readings():
                serial = entry.values.get("serial")
                if serial is None:
                    continue
                if (entry.machine, serial) in seen:
                    self.problems.append(f"store {store}: {entry.machine}'s {serial} comes twice")
                seen.add((entry.machine, serial))
                if self.is_new(entry.machine, serial) and serial < last.get(entry.machine, 0):
                    self.problems.append(f"store {store}: {entry.machine}: answer {serial} comes "
                                         f"after {last[entry.machine]}")
                last[entry.machine] = max(serial, last.get(entry.machine, 0))

    def is_new(self, name, serial):
        answers = self.truth.answers(name)
        return 1 <= serial <= len(answers) and answers[serial - 1].at > self.renewed


class Machine(TcpServer):
    """A Modbus TCP machine that answers truly and at once, except while its test holds all of them
    up. Beside the registers that prove themselves it has noise, which fills disks."""

    def __init__(self, test, name):
        self.test, self.name, self.moments = test, name, []
        super().__init__(test)

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            header = receive(client, 7)
            request = header + receive(client, int.from_bytes(header[4:6], "big") - 1)
            address, count = (int.from_bytes(request[i:i + 2], "big") for i in (8, 10))
            if address >= LETTERS:
                client.sendall(noise(request, address, count))
                continue
            self.moments.append(time.monotonic())
            self._wait_until_serving(client)
            answer = self.test.truth.answer(self.name)
            client.sendall(modbus_answer(request, answer.words[:count]))
            answer.fair = True

    def _wait_until_serving(self, client):
        while not self.test.serving.wait(0.05):
            pass
        if is_gone(client):  # an answer that nobody waits for must not pass for one
            raise OSError("gone")


def noise(request, address, count):
    """An answer that does not compress, another one each time."""
    data = os.urandom(2 * count)
    if address < NUMBERS:
        data = data.translate(ALPHABET)
    return request[:4] + struct.pack(">HBBB", 3 + len(data), *request[6:8], len(data)) + data


def is_gone(client):
    """Whether the other side has closed."""
    if not select.select([client], [], [], 0)[0]:
        return False
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


class Gate(Proxy):
    """A proxy whose port stays its own while it is closed: connections are refused, and no other
    test takes the port."""

    shut = False

    def close(self):
        super().close()
        if not self.shut:
            self.keep_port()

    def keep_port(self):
        self.kept = socket.socket()
        self.kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.kept.bind(("127.0.0.1", self.port))
        self.shut = True

    def listen(self):
        if not self.shut:
            super().listen()
            return
        self.kept.listen()
        self._listener, self.shut = self.kept, False
        threading.Thread(target=self._accept, args=(self.kept,), daemon=True).start()


class PlantCase(SeededCase):
    """One gateway, its machines, and the broker behind a proxy. A gateway that ends by itself is
    started again as a service manager would, and that is counted."""

    machine_count, every = 2, "50ms"

    def setUp(self):
        super().setUp()
        self.oracle = PatientOracle(self.truth)
        self.serving = threading.Event()
        self.serving.set()
        self.folder = os.path.join(self.directory, "store")
        os.mkdir(self.folder)
        self.machines = [Machine(self, f"m{i}") for i in range(self.machine_count)]
        self.daemons, self.restarts, self.environment = [], 0, None

    def use_broker(self):
        """After whatever may skip the test."""
        self.broker = Mosquitto(self, persistent=False)
        self.proxy = Gate(self, self.broker.port)
        self.receiver = Receiver(self, self.broker.port)

    # --- the gateway ---

    @property
    def path(self):
        return os.path.join(self.folder, "bindery.db")

    def plant(self, store=(), tags=(), **top):
        """The configuration; the tags are added to those that prove themselves."""
        links, machines = [], []
        for server in self.machines:
            links.append(tcp_link(server.name, server.port, timeout=LINK_TIMEOUT))
            machines.append(proving_machine(server.name, server.name, every=self.every))
            machines[-1]["tags"] = machines[-1]["tags"] + list(tags)
        return self.config(self.proxy.port, links, machines, uplink={"publish_every": "100ms"},
                           store={"path": self.path, "commit_every": "50ms", **dict(store)},
                           control=os.path.join(self.directory, "control.sock"), **top)

    def start(self, config=None, wait=True):
        if config is not None:
            self.configuration = config
        self.daemons.append(self.launch())
        if wait:
            self.daemon.wait_log(r"gateway .*: running", 20)
        return self.daemon

    def launch(self):
        return self.gateway(self.configuration, environment=self.environment, wait=False)

    @property
    def daemon(self):
        return self.daemons[-1]

    def keep_running(self):
        """What a service manager does. Never true, so that a condition can begin with it."""
        if not self.daemon.running:
            status = self.daemon.wait()
            if status != 71:
                raise AssertionError(f"the gateway ended with {status}")
            self.restarts += 1
            self.start(wait=False)

    def pass_time(self, seconds):
        """Time that the test's chance has given to the world."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.keep_running()
            time.sleep(0.02)

    def wait_until(self, condition, seconds=20, what="a condition"):
        def look():
            self.keep_running()
            return condition()
        return wait_for(look, seconds, what)

    def wait_logged(self, pattern, seconds=20, since=0):
        """A line of any of the gateways so far; `since`: so many of all lines are older."""
        def look():
            lines = [line for daemon in self.daemons for _, line in list(daemon.lines)]
            return find_line(lines[since:], pattern)
        return self.wait_until(look, seconds, f"'{pattern}' in the log")

    def line_count(self):
        return sum(len(daemon.lines) for daemon in self.daemons)

    def logged(self, pattern):
        lines = [line for daemon in self.daemons for _, line in list(daemon.lines)]
        return find_line(lines, pattern)

    # --- what is true and what has been told ---

    def fair_count(self):
        return sum(len(self.truth.fair(name)) for name in self.truth.machines())

    def wait_answers(self, more, seconds=20):
        target = self.fair_count() + more
        self.wait_until(lambda: self.fair_count() >= target, seconds, f"{more} answers")

    def wait_arrived(self, more, seconds=20):
        def arrived():
            with self.receiver.lock:
                return sum(len(ledger.entries) for ledger in self.receiver.ledgers.values())
        target = arrived() + more
        self.wait_until(lambda: arrived() >= target, seconds, f"{more} messages' readings")

    def missing(self):
        """Fair answers of which nothing has been heard."""
        told = {}
        for entry in self.receiver.readings():
            told.setdefault(entry.machine, set()).add(entry.values.get("serial"))
        return [answer for name in self.truth.machines() for answer in self.truth.fair(name)
                if answer.serial not in told.get(name, ())]

    def gaps(self):
        with self.receiver.lock:
            return [gap.content for ledger in self.receiver.ledgers.values()
                    for gap in ledger.gaps()]

    def declared(self):
        return sum(gap["missing"] for gap in self.gaps())

    def status(self):
        return self.daemon.status()

    def pause(self):
        """From here on no machine answers."""
        self.serving.clear()
        time.sleep(0.05)  # for those amid an answer

    def wait_stored(self, seconds=20):
        """Until all that was answered is on disk, with what else has a number there: until no more
        comes. The machines are held up."""
        deadline = time.monotonic() + seconds
        since, before = time.monotonic(), 0
        while before < self.fair_count() or time.monotonic() < since + 0.5:
            if time.monotonic() > deadline:
                raise AssertionError("what was answered is not stored")
            self.pass_time(0.1)
            numbers = last_number(self.path)
            if numbers != before:
                since, before = time.monotonic(), numbers

    # --- the end ---

    def finish(self, seconds=30, excused=(), clock=True):
        """All that was answered arrives or is declared, and nothing else."""
        self.pause()
        excused = list(excused)

        def settled():
            late = [answer for answer in self.missing()
                    if not any(begin <= answer.at <= end for begin, end in excused)]
            return len(late) <= self.declared()
        with contextlib.suppress(AssertionError):  # the oracle says it better
            self.wait_until(settled, seconds)
        self.wait_idle()
        self.daemon_store = self.status()["store"]["id"]
        with self.receiver.lock:
            self.oracle.replaced = set(self.receiver.ledgers) - {self.daemon_store}
            self.oracle.judge(self.receiver.ledgers, excused, clock)

    def wait_idle(self, seconds=20):
        """Until nothing is owed to the broker: what could still come wrong has come."""
        deadline = time.monotonic() + seconds
        while any(uplink["pending"] for uplink in self.status()["uplinks"]):
            if time.monotonic() > deadline:
                raise AssertionError("the gateway still owes something to the broker")
            self.pass_time(0.1)

    def judge_exactly(self):
        """As many are declared as are missing, and within the time that is said."""
        missing, gaps = self.missing(), self.gaps()
        self.assertEqual(len(missing), self.declared(), "declared is something else than missing")
        for answer in missing:
            self.assertTrue(any(covers(gap, answer) for gap in gaps),
                            f"{answer.machine}'s {answer.serial} lies in no gap's time")

    def end_well(self):
        self.assertEqual(self.daemon.stop(30), 0)

    def judge_file(self, store_id=None):
        """A good end, and a sound database that is left behind."""
        self.end_well()
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            if store_id:
                self.assertEqual(store_of(database), store_id)


def covers(gap, answer, slack_ms=1000):
    return gap["from_ts"] - slack_ms <= answer.wall_ms <= gap["to_ts"] + slack_ms


def store_of(database):
    return database.execute("SELECT value FROM meta WHERE key = 'store'").fetchone()[0]


def last_number(path):
    """The last that is on disk."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("SELECT max(first_seq + count - 1) FROM batch").fetchone()[0] or 0


def find_line(lines, pattern):
    return next((line for line in lines if re.search(pattern, line)), None)


def bulk_tags(spans):
    """Tags of noise, of so many requests: 30 numbers of eight bytes each."""
    return [tag(f"noise{span}_{i}", f"holding:{NUMBERS + 150 * span + 4 * i}", "u64")
            for span in range(spans) for i in range(30)]
