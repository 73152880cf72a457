"""A subscriber that keeps every message, and a ledger of the sequence numbers in them."""
import json
import threading
import time

from compat import mqtt_client
from harness import Case, Mosquitto, wait_for


class Message:
    def __init__(self, message):
        self.topic, self.retained = message.topic, bool(message.retain)
        self.qos, self.text = message.qos, message.payload.decode("utf-8")
        self.at, self.wall_ms = time.monotonic(), time.time() * 1000

    def json(self):
        return json.loads(self.text)


class Entry:
    """A sequence number's content, as it arrived first."""

    def __init__(self, seq, machine, content, message):
        self.seq, self.machine, self.content, self.message = seq, machine, content, message

    @property
    def values(self):
        return self.content.get("values", {})

    @property
    def bad(self):
        return self.content.get("bad", {})

    @property
    def is_event(self):
        return "event" in self.content

    @property
    def is_gap(self):
        return self.machine is None and not self.is_event


class Ledger:
    """One store's numbers: what arrived, what came again, what came again differently."""

    def __init__(self):
        self.entries, self.repeats, self.differing, self.order = {}, 0, [], []

    def put(self, entry):
        before = self.entries.get(entry.seq)
        self.order.append(entry.seq)
        if before is None:
            self.entries[entry.seq] = entry
        else:
            self.repeats += 1
            if before.content != entry.content and not corrected(before, entry):
                self.differing.append((before.content, entry.content))

    def missing(self, last=None):
        """The numbers up to `last` that neither arrived nor lie in a declared gap."""
        declared = set()
        for entry in self.gaps():
            if "first_seq" in entry.content:
                declared.update(range(entry.content["first_seq"], entry.content["last_seq"] + 1))
        last = last or max(self.entries, default=0)
        return [seq for seq in range(1, last + 1)
                if seq not in self.entries and seq not in declared]

    def gaps(self):
        return [entry for _, entry in sorted(self.entries.items()) if entry.is_gap]

    def events(self, machine=None):
        return [entry for _, entry in sorted(self.entries.items())
                if entry.is_event and (machine is None or entry.machine == machine)]

    def readings(self, machine=None):
        return [entry for _, entry in sorted(self.entries.items())
                if not entry.is_gap and not entry.is_event
                and (machine is None or entry.machine == machine)]


def corrected(before, after):
    """Whether the two differ only in the time, which has been corrected since."""
    def plain(content):
        return {key: value for key, value in content.items() if key not in ("ts", "clock")}
    return before.content.get("clock") == "unsynced" and plain(before.content) == \
        plain(after.content)


class Receiver:
    """Subscribed at QoS 1 to the whole of a gateway. With a name that stays it is owed what came
    while it was away, by a broker that keeps sessions."""

    def __init__(self, test, port, topic="bindery/#", name="receiver", protocol="3.1.1"):
        self.messages, self.ledgers, self.topic = [], {}, topic
        self.lock = threading.RLock()
        self.subscribed = threading.Event()
        self.client = mqtt_client(name, protocol, self._connected, self.subscribed.clear,
                                  self._message, clean=False)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.reconnect_delay_set(0.1, 0.1)
        self.client.connect("127.0.0.1", port, keepalive=30)
        self.client.loop_start()
        test.addCleanup(self.close)
        self.wait_subscribed()

    def wait_subscribed(self, seconds=15):
        if not self.subscribed.wait(seconds):
            raise AssertionError("the receiver could not subscribe")

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def _connected(self, fine):
        if fine:
            self.client.subscribe(self.topic, qos=1)

    def _message(self, raw):
        message = Message(raw)
        with self.lock:
            self.messages.append(message)
            for store, entry in entries_of(message):
                self.ledgers.setdefault(store, Ledger()).put(entry)

    def ledger(self):
        """The only store's; empty before anything came."""
        with self.lock:
            if len(self.ledgers) > 1:
                raise AssertionError(f"more than one store: {list(self.ledgers)}")
            return next(iter(self.ledgers.values()), Ledger())

    def readings(self, machine=None):
        with self.lock:
            return [entry for ledger in self.ledgers.values()
                    for entry in ledger.readings(machine)]

    def of_topic(self, end):
        with self.lock:
            return [message for message in self.messages if message.topic.endswith(end)]

    def wait_reading(self, what="a reading", seconds=15, machine=None, since=0,
                     where=lambda entry: True):
        """The first reading for which `where` is true, with a seq above `since`."""
        def look():
            for entry in self.readings(machine):
                if entry.seq > since and where(entry):
                    return entry
            return None
        return wait_for(look, seconds, what)

    def latest(self, machine):
        """What the readings of a machine come to by now: {tag: value}, {tag: why it is bad}."""
        values, bad = {}, {}
        for entry in self.readings(machine):
            for tag, value in entry.values.items():
                values[tag] = value
                bad.pop(tag, None)
            for tag, why in entry.bad.items():
                bad[tag] = why
                values.pop(tag, None)
        return values, bad

    def wait_latest(self, machine, values, bad=(), seconds=15):
        """Until exactly these values and these qualities stand."""
        expected = (dict(values), dict(bad))
        try:
            wait_for(lambda: self.latest(machine) == expected, seconds)
        except AssertionError:
            is_values, is_bad = self.latest(machine)
            wrong = {tag: (is_values.get(tag), is_bad.get(tag))
                     for tag in {**expected[0], **expected[1], **is_values, **is_bad}
                     if is_values.get(tag) != expected[0].get(tag)
                     or is_bad.get(tag) != expected[1].get(tag)}
            raise AssertionError(f"{machine}: not as expected: {wrong}") from None

    def wait_message(self, end, seconds=15, where=lambda message: True, since=0):
        def look():
            return next((m for m in self.of_topic(end) if m.at >= since and where(m)), None)
        return wait_for(look, seconds, f"a message on …{end}")

    def last_seq(self):
        with self.lock:
            return max(self.ledger().entries, default=0)

    def wait_complete(self, last, seconds=60):
        """Until every number up to `last` has arrived or is declared."""
        def look():
            with self.lock:
                ledger = self.ledger()
                return ledger.entries and not ledger.missing(last)
        try:
            wait_for(look, seconds)
        except AssertionError:
            missing = self.ledger().missing(last)
            raise AssertionError(f"{len(missing)} of {last} never came: {missing[:20]}") from None


def entries_of(message):
    """(store, entry) for every number in a message."""
    root = message.topic.rsplit("/", 1)
    if root[-1] not in ("readings", "gaps", "events"):
        return
    body = message.json()
    if root[-1] == "gaps":
        yield body["store"], Entry(body["seq"], None, body, message)
    elif root[-1] == "events":
        yield body["store"], Entry(body["seq"], body.get("machine"), body, message)
    elif "machines" in body:
        for name, readings in body["machines"].items():
            for reading in readings:
                yield body["store"], Entry(reading["seq"], name, reading, message)
    else:
        for reading in body["readings"]:
            yield body["store"], Entry(reading["seq"], body["machine"], reading, message)


class BrokerCase(Case):
    """A test with a broker and a receiver at it."""

    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)

    def run_gateway(self, links, machines):
        return self.gateway(self.config(self.broker.port, links, machines))
