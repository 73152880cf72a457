"""Registers each of whose values proves itself: it holds the number of the request that read it,
and a hash of that, of its machine and of its name. A value of two requests can't hold."""
import hashlib

from harness import tag
from machine_unit import ILLEGAL_ADDRESS

WORDS = {"u32": 2, "u64": 4}


class Registers:
    """`answer(request)` is a Machine's image: fresh words for each request, or an exception's code
    where there is no register. `split`: requests that cut a value in two."""

    def __init__(self, machine, chance, illegal):
        self.machine, self.tags, self.split, self._serial = machine, [], [], 0
        self._places, self._gone, self._asked = {}, set(), {}  # {name: (address, words, swapped)}
        address = chance.randrange(50)
        for number in range(chance.randint(6, 12)):
            self._add(f"r{number}", address, chance.choice(["u32", "u32", "u64"]),
                      chance.choice(["ABCD", "CDAB"]))
            address = sum(self._places[f"r{number}"][:2]) + chance.choice([0, 0, 0, 1, 3, 9])
        self._gone = set(chance.sample(sorted(self._places), illegal))

    def _add(self, name, address, kind, order):
        if kind == "u64":
            order = "ABCD"
        self.tags.append(tag(name, f"holding:{address}", kind, order=order))
        self._places[name] = (address, WORDS[kind], order == "CDAB")

    def names(self, gone=False):
        return {name for name in self._places if (name in self._gone) == gone}

    def polled(self):
        """How often the register was asked for that was asked for least; those that are not there
        are set aside."""
        return min(self._asked.get(name, 0) for name in self.names())

    def answer(self, request):
        self._serial = self._serial % 0xFFFF + 1
        begin, end = request.start, request.start + request.count
        words, code = [self._serial] * request.count, None
        for name, (address, width, swapped) in self._places.items():
            if address >= end or address + width <= begin:
                continue
            if address < begin or address + width > end:
                self.split.append((begin, end, name))
                code = ILLEGAL_ADDRESS
                continue
            self._asked[name] = self._asked.get(name, 0) + 1
            if name in self._gone:
                code = ILLEGAL_ADDRESS
            value = self._value(name, self._serial, width)
            parts = [value >> 16 * i & 0xFFFF for i in reversed(range(width))]
            words[address - begin:address - begin + width] = parts[::-1] if swapped else parts
        return words if code is None else code

    def _value(self, name, serial, width):
        digest = hashlib.blake2b(f"{self.machine}/{name}/{serial}".encode(),
                                 digest_size=2 * width - 2).digest()
        return int.from_bytes(serial.to_bytes(2, "big") + digest, "big")

    def holds(self, name, value):
        width = self._places[name][1]
        serial = value >> 16 * (width - 1)
        return 0 < serial <= 0xFFFF and value == self._value(name, serial, width) and \
            name not in self._gone
