"""One unit, and what it is asked. A machine is honest until it is given another `behave`, which
answers a request as it likes. What an answer is worth to the gateway is noted at once in its
`fair`; None where nobody can know, such as for one that came too late, which the gateway may still
take for what it is as long as it has not given up."""
import collections
import random
import struct
import time

from oracle import REGISTERS

READ_HOLDING, ILLEGAL_ADDRESS = 3, 2


def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        table.append(value)
    return table


CRC_TABLE = crc_table()


def crc(data):
    """CRC-16/MODBUS as it goes over the line."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ CRC_TABLE[(value ^ byte) & 0xFF]
    return struct.pack("<H", value)


class Request:
    """What was asked, and by what means it can be answered. It came after `earliest`."""

    def __init__(self, wire, machine, transaction, asked):
        self.wire, self.machine, self.transaction = wire, machine, transaction
        self.line, self.floor = wire.line, wire.floor
        self.function, self.start, self.count = asked
        self.at, self.earliest = time.monotonic(), self.line.earliest()
        self.answer, self.words, self.refused = None, None, None

    @property
    def age(self):
        """In seconds, at most."""
        return time.monotonic() - self.earliest

    def pdu(self):
        if self.refused is not None:
            return bytes([self.function | 0x80, self.refused])
        data = struct.pack(f">{len(self.words)}H", *self.words)
        return bytes([self.function, len(data)]) + data

    def frame(self, pdu=None, unit=None, transaction=None):
        """A whole frame, honest but for what is given."""
        pdu = self.pdu() if pdu is None else pdu
        body = bytes([self.machine.unit if unit is None else unit]) + pdu
        if self.line.framing == "rtu":
            return body + crc(body)
        number = self.transaction if transaction is None else transaction & 0xFFFF
        return struct.pack(">3H", number, 0, len(body)) + body

    def tell(self, pieces=None):
        """The honest answer, at once or in pieces."""
        self.machine.last = self.frame()
        self.wire.say(pieces or [(0, self.machine.last)], True, self._told)

    def _told(self, whole):
        if self.answer and whole:
            self.line.delivered(self.line.answered, self)

    def tear(self):
        """What goes out now leaves the stream where no frame begins."""
        self.wire.torn = self.line.framing == "tcp"

    def spoil(self, *pieces, fair=False):
        """Sends that in its place: bytes, or (seconds to wait, bytes)."""
        if self.answer:
            self.answer.fair = fair
        self.wire.say([piece if isinstance(piece, tuple) else (0, piece) for piece in pieces])


class Machine:
    """One unit, honest unless `behave(request)` is given. `image(request)`, where its registers
    are not those of the truth, gives the words or the code of an exception."""

    def __init__(self, floor, line, name, unit, seed=0, image=None, start=None):
        self.floor, self.line, self.name, self.unit = floor, line, name, unit
        self.image, self.start, self.link = image, start or 0, line.name
        self.random = random.Random(f"{seed}/{name}")  # the machines' order is nobody's choice
        self.requests, self.spoilt, self.happened = [], [], collections.Counter()
        self.behave, self.last = Request.tell, None
        line.units[unit if start is None else (unit, start)] = self
        floor.machines[name] = self

    def take(self, request):
        self.requests.append(request.at)
        if self.floor.frozen:
            return
        self._look_up(request)
        self.behave(request)

    def _look_up(self, request):
        asked = request.function, request.start, request.count
        if self.image:
            found = self.image(request)
        elif asked == (READ_HOLDING, self.start, REGISTERS):
            request.answer = self.floor.truth.answer(self.name)
            found = request.answer.words
        else:
            found = ILLEGAL_ADDRESS
        if isinstance(found, int):
            request.refused = found
        else:
            request.words = found

    def asked_between(self, begin, end):
        return [moment for moment in self.requests if begin <= moment <= end]
