"""What a machine can do to one request, each as a function of it. A fault counts itself in the
machine's `happened` under its name when it has really happened."""
import struct

from machine_unit import crc

LATE_MOST, LATEST = 1.94, 1.97  # × time-out; what comes after twice that RTU can't tell apart
DRIBBLE_S = 0.1


def happened(request, fault):
    request.machine.happened[fault.__name__] += 1
    request.machine.spoilt.append(request)


def chance(request):
    return request.machine.random


# --- nothing, or too late ---

def silent(request):
    happened(request, silent)
    request.spoil()


def late(request):
    """Between 1.1 and 1.9 time-outs after it was asked."""
    request.spoil(fair=None)
    factor = chance(request).uniform(1.1, 1.9)
    request.floor.at(request.earliest + factor * request.floor.timeout_s, send_late, request)


def send_late(request):
    if request.age < LATE_MOST * request.floor.timeout_s and request.wire.open:
        happened(request, late)
        request.spoil(request.frame(), fair=None)
        request.line.delivered(note_too_late, request)


def note_too_late(request):
    """A busy computer may make it later than anybody promised to notice."""
    if request.age > LATEST * request.floor.timeout_s:
        request.floor.unknowable.add(request.answer)


def dribble(request):
    """The last bytes come one by one, for far longer than the time-out."""
    happened(request, dribble)
    frame = request.frame()
    head = len(frame) - chance(request).randint(5, 8)
    pieces = [(DRIBBLE_S, frame[i:i + 1]) for i in range(head, len(frame))]
    request.spoil(frame[:head], *pieces, fair=None)


# --- another's answer ---

def other_unit(request):
    happened(request, other_unit)
    request.spoil(another_unit(request))


def another_unit(request):
    own = request.machine.unit
    others = [machine.unit for machine in request.line.units.values()]
    units = [unit for unit in others + [0, 255, (own + 1) % 256] if unit != own]
    return request.frame(unit=chance(request).choice(units))


def other_transaction(request):
    happened(request, other_transaction)
    request.spoil(another_transaction(request))


def another_transaction(request):
    # one soon to be used would be right for the next request, if this were read that late
    step = chance(request).choice([-1, -2, 256, chance(request).randrange(100, 0xFF00)])
    return request.frame(transaction=request.transaction + step)


def other_function(request):
    happened(request, other_function)
    functions = [1, 2, 4, 5, 6, 16, 0, 0x83, 0x84, 0xFF]
    request.spoil(request.frame(bytes([chance(request).choice(functions)]) + request.pdu()[1:]))


def other_length(request):
    """A sound frame that holds more registers than were asked for, or fewer."""
    happened(request, other_length)
    words = chance(request).choice([n for n in range(1, 30) if n != request.count])
    data = struct.pack(f">{request.count}H", *request.words) * 3
    request.spoil(request.frame(bytes([request.function, 2 * words]) + data[:2 * words]))


def exception(request, code=None):
    happened(request, exception)
    if code is None:  # 2 would change what is asked
        code = chance(request).choice([n for n in range(256) if n != 2])
    request.spoil(request.frame(bytes([request.function | 0x80, code])))


# --- damage ---

def garbage(request):
    happened(request, garbage)
    data = b""
    while not data or is_sound(request, data):
        data = chance(request).randbytes(chance(request).randint(1, 300))
        keep = chance(request).randrange(5)  # it may even begin well
        data = request.frame()[:keep] + data[keep:]
    request.tear()
    request.spoil(data)


def is_sound(request, data):
    """Whether it could pass for a frame: by its CRC, or by its protocol and length."""
    if request.line.framing == "rtu":
        return any(crc(data[:n - 2]) == data[n - 2:n] for n in (5, len(request.frame())))
    if len(data) < 6:
        return False
    protocol, length = struct.unpack(">2H", data[2:6])
    return protocol == 0 and 2 <= length <= 254


def truncated(request):
    happened(request, truncated)
    frame = request.frame()
    request.tear()
    request.spoil(frame[:chance(request).randrange(1, len(frame))])


def oversized(request):
    """Longer than any frame may be, and sound otherwise."""
    happened(request, oversized)
    data = chance(request).randbytes(chance(request).randint(260, 600))
    pdu = bytes([request.function, chance(request).choice([20, 254, 255])]) + data
    request.tear()
    request.spoil(request.frame(pdu))


def noise(request):
    """One to three bits turned over, or a burst: what a CRC never lets through. Without a CRC only
    the header shows it."""
    happened(request, noise)
    frame = bytearray(request.frame())
    most = 8 * (len(frame) if request.line.framing == "rtu" else 9)
    if chance(request).random() < 0.5:
        bits = chance(request).sample(range(most), chance(request).randint(1, 3))
    else:
        first = chance(request).randrange(most - 16)
        bits = [first] + [first + n for n in range(1, 16) if chance(request).random() < 0.5]
    for bit in bits:
        frame[bit // 8] ^= 1 << bit % 8
    if frame[2:6] != request.frame()[2:6]:
        request.tear()
    request.spoil(bytes(frame))


# --- too much ---

def stranger(request):
    """A frame that nobody asked for, of a kind that the gateway can tell apart."""
    kinds = [another_unit(request)]
    if request.line.framing == "tcp":
        kinds.append(another_transaction(request))
    if request.machine.last:
        kinds += 2 * [request.machine.last]
    return chance(request).choice(kinds)


def crowd(request):
    """Other frames in the same segment, before the right one and behind it. By its transaction the
    right one is found; a line can only know that something is wrong."""
    happened(request, crowd)
    before = [stranger(request) for _ in range(chance(request).randint(0, 2))]
    behind = [chance(request).choice([stranger(request), request.frame()])
              for _ in range(chance(request).randint(0 if before else 1, 2))]
    surround(request, before, behind)


def crowd_with_the_next(request):
    """Behind the right one comes what looks like the next request's answer."""
    happened(request, crowd_with_the_next)
    following = request.transaction and request.transaction + 1
    surround(request, [], [request.frame(transaction=following)])


def surround(request, before, behind):
    request.line.stray()
    request.tell([(0, b"".join(before + [request.frame()] + behind))])


# --- the connection ---

def reset(request):
    """Cut in the middle of the frame; a terminal hangs up and is another one afterwards."""
    happened(request, reset)
    frame = request.frame()
    request.spoil(frame[:chance(request).randrange(1, len(frame))])
    cut(request, True)


def closed(request):
    """Closed in place of an answer."""
    happened(request, closed)
    request.spoil()
    cut(request, False)


def cut(request, hard):
    if request.wire.client:
        request.wire.cut(hard)
    else:
        request.line.plug()


# --- odd, and legal ---

def pieces(request):
    """Split anywhere, down to single bytes."""
    happened(request, pieces)
    frame = request.frame()
    parts = chance(request).choice([len(frame), chance(request).randint(2, 8)])
    cuts = sorted(chance(request).sample(range(1, len(frame)), parts - 1))
    ends = [0] + cuts + [len(frame)]
    pause_s = chance(request).uniform(0, 0.3) * request.floor.timeout_s / len(ends)
    request.tell([(pause_s, frame[a:b]) for a, b in zip(ends, ends[1:])])


def slow(request):
    """Up to nine tenths of the time-out."""
    happened(request, slow)
    wait_s = chance(request).uniform(0.3, 0.9) * request.floor.timeout_s
    request.tell([(wait_s - request.age, request.frame())])


def parting(request):
    """The answer, and then the connection is closed."""
    happened(request, parting)
    request.tell()
    if request.wire.client:
        request.wire.cut()


BREAKING = [reset, closed, garbage, truncated, oversized]
LEGAL = [pieces, slow, parting]
DAMAGED = [other_unit, other_function, other_length, exception, noise]
ALL = BREAKING + LEGAL + DAMAGED + [silent, late, late, late, dribble, other_transaction, crowd]


def fitting(faults, framing):
    """Those that make sense there: only Modbus TCP has transactions."""
    return [fault for fault in faults if framing == "tcp" or fault is not other_transaction]


def now_and_then(rate, faults, first):
    """A behaviour: about one request in 1 / rate is spoilt, and certainly the first-th."""
    def behave(request):
        number = len(request.machine.requests)
        if number == first or number > first and chance(request).random() < rate:
            chance(request).choice(fitting(faults, request.line.framing))(request)
        else:
            request.tell()
    return behave
