"""A gateway with two uplinks at once, one of MQTT 3.1.1 and one of 5, each to a broker of its own
that does it the same harm; and machines that do no harm at all."""
import collections
import socket
import struct
import threading
import time

from broker import ScriptedBroker
from harness import free_port, machine, tag, tcp_link, wait_for
from oracle import Oracle, proving_machine
from peers import TcpServer, modbus_answer, receive
from proxy import FaultyProxy
from receiver import Ledger
from seeded import SeededCase

SOON = 30  # seconds; for what takes one or two on a machine that has nothing else to do
WINDOW = 100  # messages that the gateway lets be in flight


class Press(TcpServer):
    """A machine behind Modbus TCP whose registers prove themselves; honest, always."""

    def __init__(self, test, truth, name):
        self.truth, self.name, self.asked = truth, name, []
        self._silent, self._lock = False, threading.Lock()
        super().__init__(test)

    def serve(self, client):
        while True:
            header = receive(client, 7)
            request = header + receive(client, int.from_bytes(header[4:6], "big") - 1)
            self.asked.append(time.monotonic())
            address, count = struct.unpack(">HH", request[8:12])
            with self._lock:
                if self._silent:
                    continue
                answer = self.truth.answer(self.name)
                client.sendall(modbus_answer(request, answer.words[address:address + count]))
                answer.fair = True

    def fall_silent(self):
        """No answer from here on, and none under way."""
        with self._lock:
            self._silent = True


class Metronome:
    """Knows how long this machine itself stood still: nobody can be blamed for that."""

    BEAT_S = 0.02

    def __init__(self, test):
        self.stalls, self._over = [], threading.Event()
        test.addCleanup(self._over.set)
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self):
        before = time.monotonic()
        while not self._over.wait(self.BEAT_S):
            now = time.monotonic()
            if now - before > 5 * self.BEAT_S:
                self.stalls.append((now, now - before))
            before = now

    def since(self, moment):
        """(the longest stall, all together), in seconds."""
        stalls = [seconds for at, seconds in self.stalls if at >= moment]
        return max(stalls, default=0), sum(stalls)


def copy_of(ledgers):
    copies = {}
    for store, ledger in ledgers.items():
        copies[store] = copy = Ledger()
        copy.entries, copy.repeats = dict(ledger.entries), ledger.repeats
        copy.differing = list(ledger.differing)
    return copies


class UplinkCase(SeededCase):
    """open() makes the brokers and machines, run_gateway() the gateway, finish() heals the brokers,
    waits until all is told, and judges each uplink by itself."""

    every_ms = 60
    presses_count = 2
    proxies = excused = ()

    def open(self, on_connect=None, on_publish=None, receive_buffer=None):
        """The two brokers, with these functions until they are healed."""
        self.old, self.new = self.brokers = [
            ScriptedBroker(self, version, self.random.random(), receive_buffer)
            for version in ("3.1.1", "5")]
        for broker in self.brokers:
            broker.on_connect = on_connect or broker.on_connect
            broker.on_publish = on_publish or broker.on_publish
        self.metronome = Metronome(self)
        self.presses = [Press(self, self.truth, f"press-{i}") for i in range(self.presses_count)]

    def open_proxies(self, on_passage=lambda passage: None):
        """One on the way to each broker."""
        self.proxies = [FaultyProxy(self, broker.port, self.random.random(), on_passage)
                        for broker in self.brokers]

    def config_of(self, idle=0, store=(), **uplink):
        """By way of the proxies, if there are any. `idle` machines lie on a link that leads
        nowhere: they have much to announce and nothing to tell."""
        links = [tcp_link(press.name, press.port, timeout="2s") for press in self.presses]
        machines = [proving_machine(press.name, press.name, every=f"{self.every_ms}ms")
                    for press in self.presses]
        if idle:
            links.append(tcp_link("nowhere", self.port_to_nowhere()))
            machines += [machine(f"idle-{i}", "nowhere", [tag("nothing", "holding:0")],
                                 unit=1 + i % 200, every="10s") for i in range(idle)]
        self.commit_ms, self.publish_ms = self.random.randint(20, 150), self.random.randint(50, 200)
        config = self.config(None, links, machines, store={
            "commit_every": f"{self.commit_ms}ms",
            "durability": self.random.choice(["always", "outage"]), **dict(store)})
        config["uplinks"] = [{
            "name": name, "url": f"mqtt://127.0.0.1:{port}", "mqtt": broker.version,
            "publish_every": f"{self.publish_ms}ms",
            "gather": self.random.choice(["machine", "gateway"]), **uplink}
            for name, broker, port in zip(("old", "new"), self.brokers,
                                          [way.port for way in self.proxies or self.brokers])]
        return config

    def port_to_nowhere(self):
        """Ours, and nobody listens there."""
        held = socket.socket()
        self.addCleanup(held.close)
        held.bind(("127.0.0.1", free_port()))
        return held.getsockname()[1]

    def run_gateway(self, idle=0, **uplink):
        self.running = self.gateway(self.config_of(idle, **uplink))

    def wait_each(self, condition, what, seconds=SOON):
        """Until it is true of each broker."""
        for broker in self.brokers:
            try:
                wait_for(lambda b=broker: condition(b), seconds, f"{broker.version}: {what}")
            except AssertionError:
                raise AssertionError(f"{broker.version}: {what}: not within {seconds} s; "
                                     f"{dict(broker.count)}") from None

    def wait_polls(self, count=3):
        """Until each machine has answered so many times more."""
        for press in self.presses:
            target = len(self.truth.fair(press.name)) + count
            wait_for(lambda n=press.name, t=target: len(self.truth.fair(n)) >= t, SOON,
                     f"{count} more answers of {press.name}")

    def assert_cadence(self, since):
        """The machines were asked as ever since that moment, whatever became of the uplinks."""
        now = time.monotonic()
        stall, stalled = self.metronome.since(since)
        for press in self.presses:
            asked = [at for at in press.asked if at >= since]
            due = (now - since - 2 * stalled) * 1000 / self.every_ms
            longest = max(b - a for a, b in zip([since] + asked, asked + [now]))
            self.assertGreaterEqual(len(asked), due * 0.5, f"{press.name}: of {due:.0f} polls")
            self.assertLess(longest, 1.0 + 3 * stall, f"{press.name}: s without a poll")

    # The end of it.

    def _told(self, broker):
        """A copy of what the broker keeps, once all has arrived that must."""
        with broker.lock:
            ledgers = copy_of(broker.ledgers)
        told = collections.defaultdict(set)
        for ledger in ledgers.values():
            if ledger.missing():
                return None
            for entry in ledger.readings():
                told[entry.machine].add(entry.values.get("serial"))
        declared = sum(gap.content["missing"] for ledger in ledgers.values()
                       for gap in ledger.gaps())
        missing = [(answer, name) for name in self.truth.machines()
                   for answer in self.truth.fair(name) if answer.serial not in told[name]
                   and not self.is_excused(answer)]
        last = all(self.truth.fair(press.name)[-1].serial in told[press.name]
                   for press in self.presses)
        return ledgers if last and len(missing) <= declared else None

    def is_excused(self, answer):
        return any(begin <= answer.at <= end for begin, end in self.excused)

    def finish(self, whole=True, seconds=60):
        """Judges. `whole`: nothing had to be given up, so that no gap may be declared."""
        for broker in self.brokers:
            broker.heal()
        for passage in [passage for proxy in self.proxies for passage in proxy.passages]:
            passage.heal()
        self.wait_polls()
        for press in self.presses:
            press.fall_silent()
        for broker in self.brokers:
            found = []
            try:
                wait_for(lambda b=broker, f=found: f.append(self._told(b)) or f[-1], seconds)
            except AssertionError:
                found = [copy_of(broker.ledgers)]  # the oracle says what is wrong with it
                self.show(broker)
            self._judge(broker, found[-1], whole)
        self._compare()
        self.assertTrue(self.running.running, "the gateway has ended")

    def show(self, broker):
        """How things stand, beside the failure that follows."""
        print(f"the {broker.version} broker: {dict(broker.count)}")
        for session in broker.sessions:
            print(f"  session {session.number}: open {session.open}, "
                  f"{len(session.publishes)} messages, {len(session.in_flight)} in flight, heard "
                  f"{time.monotonic() - session.heard:.1f} s ago")
        for proxy in self.proxies:
            for passage in proxy.passages:
                print(f"  through the proxy {passage.number}: {passage.passed}")
        if self.running.running:
            print(f"  the gateway: {self.running.status()['uplinks']}")

    def _judge(self, broker, ledgers, whole):
        self.assertEqual(broker.errors, [], f"the {broker.version} broker itself")
        self.assertEqual(broker.violations, [], f"what no client of {broker.version} may do")
        try:
            Oracle(self.truth, stale_ms=3000).judge(ledgers, excused=self.excused)
        except AssertionError as error:
            raise AssertionError(f"{broker.version}: {error}; {dict(broker.count)}") from None
        gaps = [gap.content for ledger in ledgers.values() for gap in ledger.gaps()]
        if whole:
            self.assertEqual(gaps, [], f"{broker.version}: given up without need")
        for store, ledger in broker.seen.items():
            self.assertEqual(ledger.differing[:3], [],
                             f"{broker.version}, store {store}: it came again, and differed")

    def _compare(self):
        """Both were told the same."""
        for store, ledger in copy_of(self.old.ledgers).items():
            others = self.new.ledgers.get(store, Ledger()).entries
            for seq, entry in ledger.entries.items():
                if seq in others:
                    ours = {**entry.content, "clock": 0, "ts": 0}
                    theirs = {**others[seq].content, "clock": 0, "ts": 0}
                    self.assertEqual(ours, theirs, f"number {seq} in each uplink")
