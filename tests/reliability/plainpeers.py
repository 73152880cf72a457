"""Machines that prove themselves and a broker that keeps a log, in one thread and on plain sockets:
for gateways that are started and ended hundreds of times, and end in the middle of anything."""
import collections
import heapq
import itertools
import json
import random
import selectors
import socket
import string
import threading
import time

from harness import free_port
from oracle import REGISTERS
from peers import modbus_answer
from receiver import Ledger, entries_of

NOISE_BYTES = 200  # a text beside the proofs, so that the store has something to hold


class Loop:
    """Sockets and timers in one thread; another thread has things done in it by `call`."""

    def __init__(self, test):
        self._selector, self._timers = selectors.DefaultSelector(), []
        self._calls, self._order = collections.deque(), itertools.count()
        self._woken, self._wake = socket.socketpair()
        self._stopping, self.error = False, None
        self.watch(self._woken, self._take_calls)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        test.addCleanup(self.stop)

    def watch(self, sock, ready):
        self._selector.register(sock, selectors.EVENT_READ, ready)

    def forget(self, sock):
        self._selector.unregister(sock)

    def later(self, seconds, action):
        """In this thread only."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), action))

    def call(self, action):
        """Has it done, and returns what it returned."""
        done, result = threading.Event(), []
        self._calls.append(lambda: (result.append(action()), done.set()))
        self._wake.send(b"x")
        if not done.wait(10):
            raise AssertionError(f"the peers' thread hangs: {self.error}")
        return result[0]

    def stop(self):
        self._stopping = True
        self._wake.send(b"x")
        self._thread.join(5)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()
        self._wake.close()
        if self.error:
            raise self.error

    def _take_calls(self):
        self._woken.recv(4096)
        while self._calls:
            self._calls.popleft()()

    def _wait(self):
        if not self._timers:
            return 1
        return max(0, self._timers[0][0] - time.monotonic())

    def _run(self):
        try:
            while not self._stopping:
                for key, _ in self._selector.select(self._wait()):
                    if key.fileobj.fileno() >= 0:
                        key.data()
                while self._timers and self._timers[0][0] <= time.monotonic():
                    heapq.heappop(self._timers)[2]()
        except Exception as error:
            self.error = error


class Connection:
    """One client; `take(connection)` of its server is called whenever more has come."""

    def __init__(self, server, sock):
        self.server, self.sock, self.data = server, sock, bytearray()
        self.pending = None  # the answer that this client may not have read yet
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.loop.watch(sock, self.ready)

    def ready(self):
        try:
            more = self.sock.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self.close()
            return
        self.data += more
        self.server.take(self)

    def send(self, data):
        """Whether it went out, to a client that may be dead by now."""
        if self.closed:
            return False
        try:
            return self.sock.send(data) == len(data)
        except OSError:
            self.close()
            return False

    @property
    def closed(self):
        return self.sock.fileno() < 0

    def close(self):
        if not self.closed:
            self.server.loop.forget(self.sock)
            self.sock.close()
            self.server.connections.discard(self)


class Server:
    """A port of loopback that may be there or not; ours it stays, since others look for one too."""

    def __init__(self, loop):
        self.loop, self.port = loop, 0
        self.connections, self._listener, self._held = set(), None, None
        while not self._held:
            self.port = free_port()
            self._hold()

    @property
    def is_open(self):
        return self._listener is not None

    def open(self):
        self.loop.call(self._open)

    def close(self):
        self.loop.call(self._close)

    def cut(self):
        """Ends the connections; new ones are welcome."""
        self.loop.call(self._cut)

    def _hold(self):
        """Bound, it refuses connections until it listens."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", self.port))
            self._held = sock
        except OSError:
            sock.close()

    def _open(self):
        if self._listener:
            return
        if not self._held:
            self._hold()
        self._listener, self._held = self._held, None
        self._listener.listen(128)
        self._listener.setblocking(False)
        self.loop.watch(self._listener, self._accept)

    def _accept(self):
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        self.connections.add(Connection(self, sock))

    def _close(self):
        if self._listener:
            self.loop.forget(self._listener)
            self._listener.close()
            self._listener = None
            self._hold()
        self._cut()

    def _cut(self):
        for connection in list(self.connections):
            connection.close()

    def take(self, connection):
        raise NotImplementedError


class Machines(Server):
    """A link's machines: {unit: name}. An answer counts as fair when its client asks for more on
    the same connection: then it has read it. Of the last one nobody can know.

    `doubtful`: names of machines whose answers may be dropped for other reasons, as when they are
    taken out of the configuration. `asked`: (moment, name) of every request."""

    def __init__(self, loop, truth, units):
        super().__init__(loop)
        self.truth, self.units = truth, dict(units)
        self.doubtful, self.asked = set(), []

    def take(self, connection):
        while len(connection.data) >= 12:
            request = bytes(connection.data[:12])
            del connection.data[:12]
            self._confirm(connection)
            name = self.units.get(request[6])
            if name is not None:
                self.asked.append((time.monotonic(), name))
                self._answer(connection, request, name)

    def _confirm(self, connection):
        answer, connection.pending = connection.pending, None
        if answer is not None and answer.machine not in self.doubtful:
            answer.fair = True

    def _answer(self, connection, request, name):
        start, count = (int.from_bytes(request[i:i + 2], "big") for i in (8, 10))
        answer = self.truth.answer(name)
        noise = "".join(random.choices(string.ascii_letters, k=NOISE_BYTES)).encode()
        words = answer.words + [int.from_bytes(noise[i:i + 2], "big")
                                for i in range(0, NOISE_BYTES, 2)]
        assert start + count <= REGISTERS + NOISE_BYTES // 2
        if connection.send(modbus_answer(request, words[start:start + count])):
            connection.pending = answer


class Heard:
    """A message as entries_of wants it. Its text is not kept: there are too many."""

    def __init__(self, topic, text):
        self.topic, self._json = topic, json.loads(text) if text else {}
        self.at, self.wall_ms = time.monotonic(), time.time() * 1000

    def json(self):
        return self._json


class Broker(Server):
    """MQTT 3.1.1 and 5 as far as a publisher needs it.

    `heard` and `ledgers` hold what came and what was acknowledged, as {store id: Ledger}. `acks`:
    True, False, or the seconds an acknowledgement takes. `cut_at`: the message by whose number
    from now on the connection is cut, before it is acknowledged. `on_heard`: called with every
    message, ahead of all else. Topics below another root than `root` are acknowledged and
    forgotten."""

    def __init__(self, loop, root="bindery/"):
        super().__init__(loop)
        self.root = root
        self.heard, self.ledgers, self.topics = {}, {}, collections.Counter()
        self.acks, self.cut_at, self.cuts = True, None, 0
        self.on_heard = None

    def take(self, connection):
        while not connection.closed:
            packet = next_packet(connection.data)
            if packet is None:
                return
            self._packet(connection, *packet)

    def _packet(self, connection, first, body):
        kind = first >> 4
        if kind == 1:
            level = body[2 + int.from_bytes(body[:2], "big")]
            connection.version = level
            connection.send(b"\x20\x03\0\0\0" if level == 5 else b"\x20\x02\0\0")
        elif kind == 3:
            self._publish(connection, first, body)
        elif kind == 12:
            connection.send(b"\xd0\0")
        elif kind == 14:
            connection.close()

    def _publish(self, connection, first, body):
        at = 2 + int.from_bytes(body[:2], "big")
        topic, packet_id = body[2:at].decode(), body[at:at + 2]
        at += 2 if first & 6 else 0
        if connection.version == 5:
            assert body[at] == 0, "properties nobody expected"
            at += 1
        message = Heard(topic, body[at:])
        if self.on_heard:
            self.on_heard()
        self._note(self.heard, message)
        if self.cut_at is not None:
            self.cut_at -= 1
            if self.cut_at < 0:
                self.cut_at, self.cuts = None, self.cuts + 1
                connection.close()
                return
        if self.acks is True:
            self._acknowledge(connection, packet_id, message)
        elif self.acks is not False:
            self.loop.later(self.acks, lambda: self._acknowledge(connection, packet_id, message))

    def _acknowledge(self, connection, packet_id, message):
        if connection.send(b"\x40\x02" + packet_id):
            self.topics[message.topic] += 1
            self._note(self.ledgers, message)

    def _note(self, ledgers, message):
        if message.topic.startswith(self.root):
            for store, entry in entries_of(message):
                ledgers.setdefault(store, Ledger()).put(entry)

    def highest(self, store):
        """The highest number that came, acknowledged or not."""
        return max(self.heard[store].entries, default=0) if store in self.heard else 0


def next_packet(data):
    """(first byte, body) of the packet at the beginning, which is taken off; None if it is not
    whole."""
    length = shift = 0
    for at in range(1, min(len(data), 5)):
        length |= (data[at] & 0x7F) << shift
        shift += 7
        if not data[at] & 0x80:
            end = at + 1 + length
            if len(data) < end:
                return None
            packet = data[0], bytes(data[at + 1:end])
            del data[:end]
            return packet
    return None
