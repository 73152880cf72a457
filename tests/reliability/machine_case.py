"""What every test of the machine side stands on: three machines that misbehave, one over Modbus
TCP, one over RTU and one over RTU-over-TCP, each with a healthy neighbour; and an oracle that
knows what a question given up means."""
import time

import machine_faults as faults
from harness import Mosquitto, machine, tag, wait_for
from machine_floor import Floor
from machine_unit import Machine
from machines import PtyLine, TcpLine
from oracle import PROOFS, Oracle
from receiver import Receiver
from seeded import SeededCase

KINDS = ("tcp", "rtu", "over")
BACKOFF_LEAST_S = 0.7  # a second, less a quarter, less what clocks and ticks round
HEARTBEAT = "10ms"  # so that each poll that came to nothing is told, not only the first


def proving_tags(start):
    return [tag("serial", f"holding:{start}", "u32", heartbeat=HEARTBEAT)] + [
        tag(f"proof{i}", f"holding:{start + 2 + 2 * i}", "u32", heartbeat=HEARTBEAT)
        for i in range(PROOFS)]


class MachineOracle(Oracle):
    """Knows registers that prove themselves one by one, and what has been given up."""

    def __init__(self, truth, floor):
        super().__init__(truth, stale_ms=3000)  # what is stale is told exactly by _judge_moments
        self.floor, self.registers = floor, {}  # {machine: Registers}

    def judge(self, ledgers, excused=(), clock=True):
        for store, ledger in ledgers.items():
            for name in self.truth.machines():
                self._judge_moments(store, name, ledger.readings(name))
        super().judge(ledgers, excused, clock)

    def _judge_reading(self, entry, told, clock):
        registers = self.registers.get(entry.machine)
        if registers is None:
            super()._judge_reading(entry, told, clock)
            return
        for name, value in entry.values.items():
            if not registers.holds(name, value):
                self.problems.append(f"{entry.machine}: {name} was never {value}")

    def _judge_moments(self, store, name, entries):
        """A question that the gateway has given up is not answered any more, and what it says it
        read at some moment had been asked last before that."""
        answers, given_up_ms = self.truth.answers(name), 0
        for entry in entries:
            if entry.bad:
                given_up_ms = max(given_up_ms, entry.content["ts"])
            serial = entry.values.get("serial")
            if serial is None or not 1 <= serial <= len(answers) or \
                    answers[serial - 1] in self.floor.unknowable:
                continue
            if answers[serial - 1].wall_ms < given_up_ms:
                self.problems.append(f"store {store}: {name}: answer {serial} was given up, and "
                                     f"taken after all: {entry.content}")
            if serial < len(answers) and entry.content["ts"] > answers[serial].wall_ms + 2:
                self.problems.append(f"store {store}: {name}: answer {serial} was taken for "
                                     f"another: {entry.content}")


class MachineCase(SeededCase):
    timeout_ms, every_ms = 200, 100

    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self, persistent=False)
        self.receiver = Receiver(self, self.broker.port)
        self.floor = Floor(self, self.truth, self.timeout_ms / 1000)
        self.oracle = MachineOracle(self.truth, self.floor)
        self.lines, self.faulty, self.near, self.gw = {}, {}, {}, None

    # --- the plant ---

    def line(self, kind, name):
        if kind == "rtu":
            return PtyLine(self.floor, name)
        return TcpLine(self.floor, name, "tcp" if kind == "tcp" else "rtu")

    def machine(self, name, line, unit, **options):
        return Machine(self.floor, line, name, unit, self.seed, **options)

    def build(self, shared=None):
        """Three faulty machines and their neighbours; `shared`: on the same links."""
        self.shared = self.random.random() < 0.5 if shared is None else shared
        for kind in KINDS:
            line, units = self.line(kind, kind), self.random.sample(range(1, 248), 2)
            beside = line if self.shared else self.line(kind, f"{kind}-near")
            self.lines[kind] = line
            self.faulty[kind] = self.machine(kind, line, units[0])
            self.near[kind] = self.machine(f"{kind}-near", beside, units[1])

    def start(self, links=None, tags=(), **options):
        """`tags`: {machine: its tags}, where they are not those of the truth."""
        tags = dict(tags)
        links = links or [line.link(timeout=f"{self.timeout_ms}ms", **options)
                          for line in self.floor.lines]
        machines = [machine(m.name, m.link, tags.get(m.name) or proving_tags(m.start), m.unit,
                            f"{self.every_ms}ms") for m in self.floor.machines.values()]
        self.gw = self.gateway(self.config(self.broker.port, links, machines,
                                           uplink={"publish_every": "100ms"}))
        self.floor.call(self.floor.busy.watch, self.gw.pid)

    def behave(self, behaviour, machines=None):
        """From now on; returns when that was."""
        def put():
            for each in machines or self.faulty.values():
                each.behave = behaviour
            return time.monotonic()
        return self.floor.call(put)

    def heal(self, machines=None):
        return self.behave(lambda request: request.tell(), machines)

    # --- waiting ---

    def wait_fair(self, count=2, machines=None, seconds=20):
        """Until each has got that many more whole answers through."""
        names = [m.name for m in machines or self.floor.machines.values() if not m.image]
        before = {name: len(self.truth.fair(name)) for name in names}
        wait_for(lambda: all(len(self.truth.fair(name)) >= before[name] + count
                             for name in names), seconds, "an answer that counts of each machine")

    def wait_spoilt(self, count, seconds=30):
        wait_for(lambda: all(len(m.spoilt) >= count for m in self.faulty.values()), seconds,
                 f"{count} faults of each machine")

    def pass_time(self, seconds, beside):
        """Measured in requests of a healthy machine: a slow computer is given more time."""
        asked, end = len(beside.requests), time.monotonic() + seconds
        wait_for(lambda: time.monotonic() > end and
                 len(beside.requests) - asked >= 0.5 * seconds * 1000 / self.every_ms,
                 seconds + 20, "polls of the machine beside")
        return time.monotonic()

    def rounds(self):
        """How many faults make a run of seconds: a silent unit is asked once a second only."""
        return 2 if self.shared else 4

    # --- judging ---

    def bad_since(self, name, wall_ms=0):
        return [entry for entry in self.receiver.readings(name)
                if entry.bad and entry.content["ts"] >= wall_ms]

    def whys(self, name):
        """Why the machine's tags were bad, but for what a busy computer may be blamed for."""
        ago_s = time.time() - time.monotonic()
        return {why for entry in self.bad_since(name) for why in entry.bad.values()
                if not self.floor.busy.near(entry.content["ts"] / 1000 - ago_s, 1)}

    def wait_bad(self, name, whys, wall_ms=0):
        """All of the machine's tags are bad, for one of these reasons."""
        self.receiver.wait_reading(f"a bad {name}", machine=name, where=lambda e: (
            len(e.bad) == PROOFS + 1 and set(e.bad.values()) <= set(whys)
            and e.content["ts"] >= wall_ms))

    def assert_cadence(self, asked, begin, end):
        """No poll is skipped but where a neighbour's time-out held the line up, or the computer."""
        busy_s = self.floor.busy.between(begin, end)
        if busy_s > (end - begin) / 2:
            return
        moments = [begin] + asked.asked_between(begin, end) + [end]
        longest = max(b - a for a, b in zip(moments, moments[1:]))
        expected = (end - begin - busy_s) * 1000 / self.every_ms
        self.assertGreater(len(moments) - 2, 0.45 * expected, asked.name)
        most = 3 * self.timeout_ms / 1000 if self.shared else 0
        self.assertLess(longest, most + busy_s + 0.7, f"{asked.name} was not asked for long")

    def finish(self):
        """Nobody answers any more; what was said arrives, and is true."""
        self.floor.call(self.floor.freeze)
        frozen_ms = int(time.time() * 1000)
        for name in self.floor.machines:  # what it got before has a lower number than its silence
            entry = self.receiver.wait_reading(f"the end of {name}", 30, name, where=lambda e: (
                e.bad and e.content["ts"] > frozen_ms))
            self.receiver.wait_complete(entry.seq)
        self.assertEqual(self.gw.stop(), 0)
        timeout_s = self.timeout_ms / 1000
        with self.receiver.lock:
            self.oracle.judge(self.receiver.ledgers, [(begin - timeout_s, end + timeout_s)
                                                      for begin, end in self.floor.busy.periods])
        self.assertEqual(self.floor.complaints, [])
        self.assertEqual([what for moment, what in self.floor.hasty
                          if not self.floor.busy.near(moment, timeout_s)], [])

    def links(self):
        return {link["name"]: link for link in self.gw.status()["links"]}

    def wait_taken(self, kinds):
        """Until some of the answers that were odd, and legal, have got through."""
        wait_for(lambda: all(any(request.answer.fair for request in list(self.faulty[kind].spoilt))
                             for kind in kinds), 30, "an odd answer in time")

    def spoil_some(self, kinds, rate=0.5, rounds=None, legal=()):
        """A run in which such faults happen now and then, up to the recovery from them. `legal`:
        to which of the machines' answers they do no harm."""
        self.start()
        begin = self.behave(faults.now_and_then(rate, kinds, self.random.randint(2, 4)))
        self.wait_spoilt(rounds or self.rounds())
        self.wait_taken(legal)
        end = self.heal()
        self.wait_fair()
        return begin, end
