"""What is true, apart from the gateway: every answer that a machine gave, and what must follow from
it for every message that arrived.

A machine's registers prove themselves. Each answer has a serial number of its own, and all other
registers are a hash of machine, serial number and place. A value that was torn, mixed with
another, taken from another machine or from another time can't hold."""
import hashlib
import struct
import threading
import time

from harness import machine, tag

PROOFS = 4  # hashes beside the serial number, two registers each
REGISTERS = 2 + 2 * PROOFS
TAGS = [tag("serial", "holding:0", "u32")] + [
    tag(f"proof{i}", f"holding:{2 + 2 * i}", "u32") for i in range(PROOFS)]


def proof(name, serial, place):
    """What register pair `place` of this machine's answer holds."""
    digest = hashlib.blake2b(f"{name}/{serial}/{place}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def registers(name, serial):
    """The answer's words, as on the wire."""
    numbers = [serial] + [proof(name, serial, i) for i in range(PROOFS)]
    return list(struct.unpack(f">{REGISTERS}H", struct.pack(f">{1 + PROOFS}I", *numbers)))


def proving_machine(name, link, unit=1, every="100ms", **options):
    """The configuration of a machine whose registers prove themselves."""
    return machine(name, link, TAGS, unit=unit, every=every, **options)


class Answer:
    """One answer as its machine knows it. `fair` if the gateway got it whole and in time, so that it
    has to arrive; None as long as its machine has not decided."""

    def __init__(self, name, serial):
        self.machine, self.serial = name, serial
        self.at, self.wall_ms = time.monotonic(), time.time() * 1000
        self.words = registers(name, serial)
        self.fair = None


class Truth:
    """All answers of all machines. Any thread."""

    def __init__(self):
        self._lock, self._answers = threading.Lock(), {}

    def answer(self, name):
        """The machine's next answer, taken from its process at this moment."""
        with self._lock:
            answers = self._answers.setdefault(name, [])
            answers.append(Answer(name, len(answers) + 1))
            return answers[-1]

    def answers(self, name):
        with self._lock:
            return list(self._answers.get(name, []))

    def machines(self):
        with self._lock:
            return list(self._answers)

    def fair(self, name):
        return [answer for answer in self.answers(name) if answer.fair]


class Oracle:
    """Holds what arrived against the truth. `stale_ms`: how old a value may be when the gateway
    says it was read; the link's time-out, a tick and the machine's own slowness."""

    def __init__(self, truth, stale_ms=300):
        self.truth, self.stale_ms = truth, stale_ms
        self.problems = []

    def judge(self, ledgers, excused=(), clock=True):
        """Fails with every wrong, missing or doubled thing. ledgers: {store id: receiver.Ledger}.
        `excused`: (from, to) on the monotonic clock in which fair answers may be missing, since the
        gateway was killed or could not have taken them. `clock`: the times are to be believed."""
        told = {}
        for store, ledger in ledgers.items():
            self._judge_numbers(store, ledger)
            for entry in ledger.readings():
                self._judge_reading(entry, told, clock)
        self._judge_order(ledgers)
        self._judge_missing(told, ledgers, list(excused))
        if self.problems:
            shown = "\n  ".join(self.problems[:20])
            raise AssertionError(f"{len(self.problems)} things are not true:\n  {shown}")

    def _judge_numbers(self, store, ledger):
        for before, after in ledger.differing[:3]:
            self.problems.append(f"store {store}: one number, two contents: {before} and {after}")
        missing = ledger.missing()
        if missing:
            self.problems.append(f"store {store}: neither arrived nor declared: {missing[:20]}")

    def _judge_reading(self, entry, told, clock):
        values = entry.values
        if not values:
            return
        serial = values.get("serial")
        answers = self.truth.answers(entry.machine)
        if serial is None or not 1 <= serial <= len(answers):
            self.problems.append(f"{entry.machine}: never served: {entry.content}")
            return
        answer = answers[serial - 1]
        for place in range(PROOFS):
            if values.get(f"proof{place}") != proof(entry.machine, serial, place):
                self.problems.append(f"{entry.machine}: proof{place} does not hold: {entry.content}")
                return
        if answer.fair is False:
            self.problems.append(f"{entry.machine}: a spoilt or late answer was taken for true: "
                                 f"{entry.content}")
        age_ms = entry.content["ts"] - answer.wall_ms
        if clock and not -2 <= age_ms <= self.stale_ms:
            self.problems.append(f"{entry.machine}: said to be read {age_ms:.0f} ms after it was "
                                 f"true: {entry.content}")
        told.setdefault(entry.machine, set()).add(serial)

    def _judge_order(self, ledgers):
        """Later numbers hold later answers, and no answer has two numbers in one store."""
        for store, ledger in ledgers.items():
            last = {}
            for entry in ledger.readings():
                serial = entry.values.get("serial")
                if serial is None:
                    continue
                if serial <= last.get(entry.machine, 0):
                    self.problems.append(f"store {store}: {entry.machine}: answer {serial} comes "
                                         f"after {last[entry.machine]}")
                last[entry.machine] = serial

    def _judge_missing(self, told, ledgers, excused):
        declared = sum(gap.content["missing"] for ledger in ledgers.values()
                       for gap in ledger.gaps())
        missing = []
        for name in self.truth.machines():
            for answer in self.truth.fair(name):
                if answer.serial not in told.get(name, ()) and not any(
                        begin <= answer.at <= end for begin, end in excused):
                    missing.append(f"{name}'s {answer.serial}")
        if len(missing) > declared:
            self.problems.append(f"{len(missing)} answers never arrived, {declared} are declared: "
                                 f"{', '.join(missing[:20])}")
