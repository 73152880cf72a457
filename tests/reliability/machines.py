"""Machines that misbehave to order: over Modbus TCP, RTU on a pseudo-terminal, RTU over TCP.

A line is the far side of a link; a wire is one connection of it."""
import collections
import os
import socket
import struct
import time
import tty

from harness import free_port
from machine_unit import Request, crc

MARGIN_S = 0.06  # nearer to the time-out than this nobody can know whether an answer was in time
STRAY_S = 0.03  # answers and strays on a line this near to each other may be read as one


class Line:
    """The far side of one link: its units, and the connections the gateway has to them."""

    def __init__(self, floor, name, framing):
        self.floor, self.name, self.framing = floor, name, framing
        self.units, self.wires, self.opened = {}, [], 0
        self._stray_at, self._recent = 0, collections.deque(maxlen=4)
        floor.lines.append(self)
        floor.call(self.plug)

    def machine(self, unit, start):
        """Who is asked; `units` may also tell apart what one unit holds at different addresses."""
        return self.units.get(unit) or self.units.get((unit, start))

    def stray(self):
        """Bytes on the line that are no honest answer: on RTU they may spoil what is near."""
        if self.framing == "tcp":
            return
        self._stray_at = time.monotonic()
        self.doubt(STRAY_S)

    def doubt(self, seconds):
        """Nobody can know whether the answers of the last seconds were still read."""
        for moment, answer in self._recent:
            if answer.fair and time.monotonic() - moment < seconds:
                answer.fair = None

    def earliest(self):
        """When at the earliest what has just been heard can have been said."""
        return self.floor.looked_before

    def delivered(self, callback, *arguments):
        """Calls back when what was written so far has reached the gateway's side."""
        callback(*arguments)

    def answered(self, request):
        """An honest answer has gone out whole: it has to arrive if it was in time and alone."""
        now = time.monotonic()
        in_time = request.age <= self.floor.timeout_s - MARGIN_S and not self.floor.frozen
        alone = self._stray_at < request.earliest - STRAY_S
        request.answer.fair = True if in_time and alone and not request.wire.torn else None
        self._recent.append((now, request.answer))

    def link(self, **options):
        """Its configuration."""
        raise NotImplementedError

    def plug(self):
        raise NotImplementedError

    def unplug(self):
        raise NotImplementedError


class TcpLine(Line):
    """Modbus TCP, or RTU frames over TCP. `on_accept(wire)` may turn a connection away."""

    def __init__(self, floor, name, framing="tcp"):
        self.port, self.on_accept, self._listener = None, None, None
        super().__init__(floor, name, framing)

    def link(self, **options):
        driver = "modbus-tcp" if self.framing == "tcp" else "modbus-rtu-tcp"
        return {"name": self.name, "driver": driver, "address": f"127.0.0.1:{self.port}", **options}

    def plug(self):
        self._listener = self._listen()
        self._listener.setblocking(False)
        self.floor.watch(self._listener, self._accept)

    def unplug(self):
        if self._listener:
            self.floor.forget(self._listener)
            self._listener.close()
            self._listener = None
        for wire in list(self.wires):
            wire.cut(reset=True)

    def _listen(self):
        while self.port is None:
            port = free_port()
            try:
                listener = socket.create_server(("127.0.0.1", port))
            except OSError:  # somebody else was quicker
                continue
            self.port = port
            return listener
        return socket.create_server(("127.0.0.1", self.port))

    def _accept(self):
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        self.opened += 1
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = Wire(self, client.fileno(), client)
        if self.on_accept:
            self.on_accept(wire)

    def end(self, client, reset):
        if reset:  # what was sent and not read yet is lost with it
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.doubt(self.floor.timeout_s)
        client.close()


class PtyLine(Line):
    """RTU on a pseudo-terminal, at a path that stays the same whatever terminal is behind it."""

    def __init__(self, floor, name):
        self.path = os.path.join(floor.directory, name)
        self._ends = ()
        self.terminals = []
        floor.call(floor.use_terminals)
        super().__init__(floor, name, "rtu")

    def link(self, **options):
        return {"name": self.name, "driver": "modbus-rtu", "device": self.path, "baud": 115200,
                **options}

    def plug(self):
        """In place of the present terminal, if there is one; whoever has it open loses it."""
        before, self._ends = self._ends, self._another()
        master, slave = self._ends
        tty.setraw(slave)
        os.set_blocking(master, False)
        self.terminals.append(os.ttyname(slave))
        os.symlink(self.terminals[-1], self.path + ".new")
        os.replace(self.path + ".new", self.path)
        self.opened += 1
        if before:
            self._end(before)
        Wire(self, master, None)

    def _another(self):
        """A pair with another name than the last one's."""
        ends = os.openpty()
        if os.ttyname(ends[1]) not in self.terminals[-1:]:
            return ends
        other = os.openpty()
        for end in ends:
            os.close(end)
        return other

    def unplug(self):
        """The adapter is pulled out: its path goes, and whoever has it open gets an error."""
        if self._ends:
            os.unlink(self.path)
            self._end(self._ends)
            self._ends = ()

    def _end(self, ends):
        for wire in list(self.wires):
            wire.cut()
        for end in ends:
            os.close(end)

    def earliest(self):
        return min(super().earliest(), self.floor.through_before)

    def delivered(self, callback, *arguments):
        self.floor.echo(callback, *arguments)

    def answered(self, request):
        if request.wire.open:
            super().answered(request)

    def end(self, _client, _reset):
        self.doubt(self.floor.timeout_s)  # a hang-up throws away what was not read


class Wire:
    """A connection, or a terminal: bytes to requests, and answers one after the other."""

    def __init__(self, line, descriptor, client):
        self.line, self.floor, self.client = line, line.floor, client
        self.open, self.torn = True, False  # torn: half a TCP frame lies before what comes next
        self.unanswered = None  # the request nothing was said to so far
        self._descriptor, self._heard, self._jobs = descriptor, b"", collections.deque()
        line.wires.append(self)
        self.floor.watch(descriptor, self._readable)

    def _readable(self):
        if not self.open:
            return
        try:
            data = os.read(self._descriptor, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.cut()
            return
        self._heard += data
        take = self._take_tcp if self.line.framing == "tcp" else self._take_rtu
        while self.open and take():
            pass

    def _take_tcp(self):
        if len(self._heard) < 12:
            return False
        frame, self._heard = self._heard[:12], self._heard[12:]
        transaction, protocol, length = struct.unpack(">3H", frame[:6])
        if protocol != 0 or length != 6:
            return self._complain(f"no request: {frame.hex()}")
        self._ask(transaction, frame[6], frame[7:])
        return True

    def _take_rtu(self):
        if len(self._heard) < 8:
            return False
        frame, self._heard = self._heard[:8], self._heard[8:]
        if crc(frame[:6]) != frame[6:]:
            return self._complain(f"no request: {frame.hex()}")
        self._ask(None, frame[0], frame[1:6])
        return True

    def _complain(self, what):
        self._heard = b""
        self.floor.complaints.append(f"link {self.line.name}: {what}")
        return False

    def _ask(self, transaction, unit, pdu):
        now, before = time.monotonic(), self.unanswered
        if before and now - before.earliest < self.floor.timeout_s - MARGIN_S:
            self.floor.hasty.append((now, f"link {self.line.name}: asked again after "
                                     f"{now - before.earliest:.3f} s without an answer"))
        function, start, count = struct.unpack(">BHH", pdu)
        machine = self.line.machine(unit, start)
        if machine is None:
            self._complain(f"a unit that nobody configured: {unit}")
            return
        self.unanswered = Request(self, machine, transaction, (function, start, count))
        machine.take(self.unanswered)

    def say(self, pieces, honest=False, then=None):
        """Sends [(seconds to wait, bytes)…] after what is being said; then(all of it?)."""
        self._jobs.append((collections.deque(pieces), honest, then))
        if len(self._jobs) == 1:
            self._go_on()

    def _go_on(self):
        while self._jobs:
            pieces, honest, then = self._jobs[0]
            while pieces and self.open:
                delay, data = pieces.popleft()
                if delay > 0:
                    pieces.appendleft((0, data))
                    self.floor.after(delay, self._go_on)
                    return
                self._write(data, honest)
            if not self._jobs:  # it broke, and was told so
                return
            self._jobs.popleft()
            if then:
                then(self.open)

    def _write(self, data, honest):
        self.unanswered = None
        try:
            whole = os.write(self._descriptor, data) == len(data)
        except OSError:
            whole = False
        if not honest:
            self.line.stray()
            self.line.delivered(self.line.stray)
        if not whole and self.client:
            self.cut()
        elif not whole:
            self.floor.complaints.append(f"link {self.line.name}: nobody reads what is sent")

    def cut(self, reset=False):
        if not self.open:
            return
        self.open = False
        self.line.wires.remove(self)
        self.floor.forget(self._descriptor)
        self.line.end(self.client, reset)
        jobs, self._jobs = self._jobs, collections.deque()
        for _, _, then in jobs:
            if then:
                then(False)
