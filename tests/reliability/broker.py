"""An MQTT broker that does what a test says: 3.1.1 and 5, QoS 0 and 1, on loopback.

Written from the specification alone; it shares nothing with the gateway's library. Left to itself
it takes whatever comes. A test puts functions of its own in place of on_connect(session) and
on_publish(session, publish), which answer with the session's words: accept, take, refuse,
disconnect, cut. What was acknowledged lies in `ledgers`, whatever arrived in `seen`; what no client
may do, in `violations`."""
import collections
import heapq
import itertools
import json
import random
import socket
import struct
import threading
import time
import traceback

from peers import TcpServer
from receiver import Ledger, entries_of

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL = 1, 2, 3, 4, 5, 6
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 8, 9, 10, 11
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14

PROPERTIES = {
    "payload_format": (0x01, "B"), "message_expiry": (0x02, "I"), "content_type": (0x03, "text"),
    "response_topic": (0x08, "text"), "correlation": (0x09, "text"),
    "subscription": (0x0B, "length"), "session_expiry": (0x11, "I"),
    "assigned_client_id": (0x12, "text"), "server_keep_alive": (0x13, "H"),
    "authentication_method": (0x15, "text"), "authentication_data": (0x16, "text"),
    "request_problem": (0x17, "B"), "will_delay": (0x18, "I"), "request_response": (0x19, "B"),
    "response_information": (0x1A, "text"), "server_reference": (0x1C, "text"),
    "reason_text": (0x1F, "text"), "receive_maximum": (0x21, "H"),
    "topic_alias_maximum": (0x22, "H"), "topic_alias": (0x23, "H"),
    "maximum_qos": (0x24, "B"), "retain_available": (0x25, "B"),
    "user": (0x26, "pair"), "maximum_packet": (0x27, "I"), "wildcards": (0x28, "B"),
    "subscription_ids": (0x29, "B"), "shared": (0x2A, "B")}
PROPERTY_NAMES = {code: (name, kind) for name, (code, kind) in PROPERTIES.items()}


def pack_length(number):
    """A number as the variable byte integer that MQTT counts with."""
    data = bytearray()
    while True:
        number, low = divmod(number, 128)
        data.append(low | (128 if number else 0))
        if not number:
            return bytes(data)


def pack_text(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">H", len(data)) + data


def pack_properties(properties):
    data = b""
    for name, value in properties.items():
        code, kind = PROPERTIES[name]
        packed = {"text": pack_text, "length": pack_length,
                  "pair": lambda pair: b"".join(map(pack_text, pair))}.get(
                      kind, lambda number, k=kind: struct.pack(">" + k, number))(value)
        data += bytes([code]) + packed
    return pack_length(len(data)) + data


def packet(kind, body=b"", flags=0):
    return bytes([kind << 4 | flags]) + pack_length(len(body)) + body


class Malformed(Exception):
    """What the client sent is no MQTT."""


class Fields:
    """A packet's body, field by field."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        if self.at + length > len(self.data):
            raise Malformed(f"a field of {length} bytes passes the end of {self.data[:64]!r}")
        self.at += length
        return self.data[self.at - length:self.at]

    def number(self, kind):
        return struct.unpack(">" + kind, self.take(struct.calcsize(kind)))[0]

    def bytes(self):
        return self.take(self.number("H"))

    def text(self):
        return self.bytes().decode("utf-8")

    def length(self):
        number = 0
        for shift in range(0, 28, 7):
            byte = self.number("B")
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise Malformed("a length of more than four bytes")

    def properties(self):
        end, found = self.length() + self.at, {}
        while self.at < end:
            code = self.number("B")
            if code not in PROPERTY_NAMES:
                raise Malformed(f"property {code:#x} is unknown")
            name, kind = PROPERTY_NAMES[code]
            found[name] = {"text": self.bytes, "length": self.length,
                           "pair": lambda: (self.text(), self.text())}.get(
                               kind, lambda k=kind: self.number(k))()
        return found

    def rest(self):
        return self.take(len(self.data) - self.at)


class Publish:
    """A message on its way in. `taken` once the broker has acknowledged it."""

    def __init__(self, topic, payload, qos=1, retained=False, packet_id=None):
        self.topic, self.payload, self.qos, self.retained = topic, payload, qos, retained
        self.id, self.taken = packet_id, False
        self.at, self.wall_ms = time.monotonic(), time.time() * 1000
        self.entries = list(entries_of(self)) if payload else []

    def json(self):
        return json.loads(self.payload)

    @property
    def is_readings(self):
        return self.topic.endswith("/readings")


class Session:
    """A client's connection, as the broker sees it. Its words may be said by any thread."""

    def __init__(self, broker, client, number):
        self.broker, self.client, self.number = broker, client, number
        self.begun, self.ended, self.ended_well = time.monotonic(), None, False
        self.version = self.client_id = self.keep_alive = self.will = None
        self.open, self.reset, self.accepted = True, False, False
        self.in_flight, self.publishes, self.pings = {}, [], 0
        self.heard, self.largest = self.begun, 0
        self.receive_maximum, self.maximum_packet = 65535, 1 << 28
        self._lock, self._buffer, self._inside = threading.RLock(), bytearray(), False

    # What the broker may say.

    def send(self, data):
        """Says it, if anybody listens still."""
        with self._lock:
            if self.open:
                try:
                    self.client.sendall(data)
                except OSError:
                    pass

    def accept(self, **properties):
        """Without properties where the protocol has none."""
        for other in self.broker.sessions:
            if other is not self and other.open and other.client_id == self.client_id:
                other.disconnect(0x8E)
        self.accepted = True
        if self.version == "5":
            self.receive_maximum = properties.get("receive_maximum", self.receive_maximum)
            self.maximum_packet = properties.get("maximum_packet", self.maximum_packet)
            self.send(packet(CONNACK, b"\0\0" + pack_properties(properties)))
        else:
            self.send(packet(CONNACK, b"\0\0"))

    def turn_away(self, old_code, reason, **properties):
        """No entry: a return code of 3.1.1, or a reason of 5."""
        if self.version == "5":
            self.send(packet(CONNACK, bytes([0, reason]) + pack_properties(properties)))
        else:
            self.send(packet(CONNACK, bytes([0, old_code])))
        self.cut()

    def puback_bytes(self, packet_id, reason=0, **properties):
        body = struct.pack(">H", packet_id)
        if self.version == "5" and (reason or properties):
            body += bytes([reason]) + (pack_properties(properties) if properties else b"")
        return packet(PUBACK, body)

    def puback(self, packet_id, reason=0, **properties):
        self.send(self.puback_bytes(packet_id, reason, **properties))

    def take(self, publish):
        """Keeps the message and acknowledges it; not where nobody would learn of that."""
        with self._lock:
            if not self.open:
                return
            self.in_flight.pop(publish.id, None)
            self.broker.keep(publish)
            if publish.qos:
                self.puback(publish.id)

    def refuse(self, publish, reason, **properties):
        """Does not keep it, and says so; 3.1.1 has no words for that but to hang up."""
        if self.version != "5":
            self.cut()
            return
        with self._lock:
            self.in_flight.pop(publish.id, None)
            self.puback(publish.id, reason, **properties)

    def disconnect(self, reason, **properties):
        """Throws the client out: with a reason, or in 3.1.1 without words."""
        if self.version == "5":
            self.send(packet(DISCONNECT, bytes([reason]) + pack_properties(properties)))
        self.cut()

    def cut(self, reset=False):
        """Ends the connection: in good order, or with a reset."""
        with self._lock:
            if not self.open:
                return
            self.open, self.reset = False, reset
            try:
                if reset:
                    self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           struct.pack("ii", 1, 0))
                # the thread that reads wakes up and closes
                self.client.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
            except OSError:
                pass

    def later(self, seconds, act, *arguments):
        self.broker.later(seconds, act, *arguments)

    # What the client says.

    def _fill(self):
        self.broker.reading.wait()
        size, pause = self.broker.sip or (65536, 0)
        if pause:
            self.broker.count["sips"] += 1
            time.sleep(pause)
        data = self.client.recv(size)
        if not data:
            raise OSError("closed")
        self._buffer += data

    def _bytes(self, length):
        while len(self._buffer) < length:
            self._fill()
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def _packet(self):
        """(kind, flags, body) of the next one."""
        first, self._inside = self._bytes(1)[0], True
        length = size = 0
        for shift in range(0, 28, 7):
            byte, size = self._bytes(1)[0], size + 1
            length |= (byte & 127) << shift
            if byte < 128:
                break
        else:
            raise Malformed("a length of more than four bytes")
        if 1 + size + length > self.maximum_packet:
            self.broker.violate(f"{1 + size + length} bytes, allowed are {self.maximum_packet}")
        self.largest = max(self.largest, 1 + size + length)
        body = self._bytes(length)
        self._inside, self.heard = False, time.monotonic()
        return first >> 4, first & 15, body

    def _read_connect(self, fields):
        if fields.text() != "MQTT":
            raise Malformed("another protocol")
        level, flags = fields.number("B"), fields.number("B")
        self.version = {4: "3.1.1", 5: "5"}[level]
        self.keep_alive = fields.number("H")
        if level == 5:
            fields.properties()
        self.client_id = fields.text()
        if flags & 4:
            if level == 5:
                fields.properties()
            topic = fields.text()
            self.will = Publish(topic, fields.bytes(), flags >> 3 & 3, bool(flags & 32))
        if not flags & 2:
            self.broker.violate("the session is not to be a clean one")

    def _read_publish(self, flags, fields):
        topic, qos = fields.text(), flags >> 1 & 3
        packet_id = fields.number("H") if qos else None
        if self.version == "5":
            fields.properties()
        publish = Publish(topic, fields.rest(), qos, bool(flags & 1), packet_id)
        if packet_id in self.in_flight or packet_id == 0:
            self.broker.violate(f"packet id {packet_id} is in flight")
        if not self.accepted:
            self.broker.violate("a message before the CONNACK")
        if qos:
            self.in_flight[packet_id] = publish
        self.publishes.append(publish)
        if len(self.in_flight) > self.receive_maximum:
            self.broker.violate(f"{len(self.in_flight)} in flight, allowed are "
                                f"{self.receive_maximum}")
        self.broker.note(publish, len(self.in_flight))
        self.broker.on_publish(self, publish)

    def _read_subscribe(self, fields):
        packet_id, count = fields.take(2), 0
        properties = b"\0" if self.version == "5" else b""
        if properties:
            fields.properties()
        while fields.at < len(fields.data):
            fields.bytes()
            fields.take(1)
            count += 1
        self.send(packet(SUBACK, packet_id + properties + bytes([self.broker.suback]) * count))

    def _handle(self, kind, flags, fields):
        if kind == PUBLISH:
            self._read_publish(flags, fields)
        elif kind == SUBSCRIBE:
            self._read_subscribe(fields)
        elif kind == PINGREQ:
            self.pings += 1
            self.broker.on_ping(self)
        elif kind == DISCONNECT:
            reason = fields.number("B") if fields.data else 0
            self.ended_well = reason == 0
            self.cut()
        elif kind in (CONNECT, CONNACK, SUBACK, PINGRESP, UNSUBACK):
            self.broker.violate(f"a packet of kind {kind}")

    def serve(self):
        try:
            kind, _, body = self._packet()
            if kind != CONNECT:
                raise Malformed(f"a packet of kind {kind} ahead of CONNECT")
            self._read_connect(Fields(body))
            self.broker.on_connect(self)
            while self.open:
                kind, flags, body = self._packet()
                if self.open:
                    self._handle(kind, flags, Fields(body))
        except Malformed as error:
            self.broker.violate(str(error))
        finally:
            self.broker.torn += self._inside
            self.open, self.ended = False, time.monotonic()
            if self.will and self.accepted and not self.ended_well:
                self.broker.retain(self.will)
                self.broker.wills += 1


class ScriptedBroker(TcpServer):
    """The broker. `sip`: (bytes, seconds) to read slowly by; `reading` cleared: not at all."""

    def __init__(self, test, version, seed, receive_buffer=None):
        self.version, self.random = version, random.Random(seed)
        self.receive_buffer, self.suback = receive_buffer, 1
        self.lock, self.count = threading.RLock(), collections.Counter()
        self.sessions, self.ledgers, self.seen, self.retained = [], {}, {}, {}
        self.most_in_flight = self.torn = self.wills = 0
        self.violations, self.errors = [], []
        self.reading = threading.Event()
        self._due, self._wake, self._order = [], threading.Condition(), itertools.count()
        self.heal()
        threading.Thread(target=self._run_due, daemon=True).start()
        self._held = None
        test.addCleanup(self._let_go)
        super().__init__(test)

    def heal(self):
        """From here on an honest broker."""
        self.on_connect, self.on_publish = Session.accept, Session.take
        self.on_ping = lambda session: session.send(packet(PINGRESP))
        self.sip = None
        self.reading.set()

    def close(self):
        """Closed, the port stays ours: nobody else may come to listen there."""
        super().close()
        self._let_go()
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", self.port))

    def _let_go(self):
        if self._held:
            self._held.close()
            self._held = None

    def listen(self):
        self._let_go()
        super().listen()
        if self.receive_buffer:  # what it accepts has the same
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(self, client, len(self.sessions))
        self.sessions.append(session)
        try:
            session.serve()
        except OSError:
            pass
        except Exception:
            self.errors.append(traceback.format_exc())

    @property
    def listening(self):
        return self._listener.fileno() >= 0

    @property
    def largest(self):
        """The size of the largest packet that came."""
        return max((session.largest for session in self.sessions), default=0)

    @property
    def session(self):
        """The one that stands; None without."""
        standing = [session for session in self.sessions if session.open and session.accepted]
        return standing[-1] if standing else None

    def cut(self, reset=False):
        """Ends every connection; the port stays open."""
        for session in self.sessions:
            session.cut(reset)

    def violate(self, what):
        self.violations.append(what)

    def retain(self, publish):
        with self.lock:
            if publish.payload:
                self.retained[publish.topic] = publish
            else:
                self.retained.pop(publish.topic, None)

    def note(self, publish, in_flight):
        """It has arrived, whatever becomes of it."""
        with self.lock:
            self.most_in_flight = max(self.most_in_flight, in_flight)
            for store, entry in publish.entries:
                self.seen.setdefault(store, Ledger()).put(entry)

    def keep(self, publish):
        with self.lock:
            publish.taken = True
            if publish.retained:
                self.retain(publish)
            for store, entry in publish.entries:
                self.ledgers.setdefault(store, Ledger()).put(entry)

    def status(self):
        """What the gateway's retained status says; None without."""
        with self.lock:
            return next((publish.json() for topic, publish in self.retained.items()
                         if topic.count("/") == 3 and topic.endswith("/status")), None)

    # What is to be done later, in the order in which it falls due.

    def later(self, seconds, act, *arguments):
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), act,
                                       arguments))
            self._wake.notify()

    def _next_due(self):
        with self._wake:
            while not self._due or self._due[0][0] > time.monotonic():
                self._wake.wait(self._due[0][0] - time.monotonic() if self._due else None)
            return heapq.heappop(self._due)

    def _run_due(self):
        while True:
            _, _, act, arguments = self._next_due()
            try:
                act(*arguments)
            except OSError:
                pass
            except Exception:
                self.errors.append(traceback.format_exc())
