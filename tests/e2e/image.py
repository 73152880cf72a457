"""Every type in every order in all four areas: tags, the registers they lie in, and what must be
published for them. Encoded with struct, apart from the gateway's own code."""
import struct

from harness import tag

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
FORMATS = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "u64": ">Q", "s64": ">q",
           "f32": ">f", "f64": ">d"}
VALUES = {
    "u16": (54321, 0, 65535), "s16": (-12345, -32768), "u32": (3000000000, 0x0001FFFF),
    "s32": (-2000000000, -1), "u64": (18446744073709551615, 12345678901234567890, 9007199254740993),
    "s64": (-9223372036854775808, -9007199254740993), "f32": (1234.5625, -0.1, 1e-20),
    "f64": (2.718281828459045, -1e300), "bcd16": (9876, 0), "bcd32": (12345678, 99999999),
    "string:12": ("Kleber-7", "Ü-Bogen 12"), "string:5": ("abcde",),
}


def encode(kind, value):
    """Big-endian bytes, whole words."""
    if kind.startswith("string"):
        size = int(kind.split(":")[1])
        data = value.encode("utf-8")
        return data.ljust(size + size % 2, b"\0")
    if kind.startswith("bcd"):
        return bytes.fromhex(f"{value:0{4 if kind == 'bcd16' else 8}d}")
    return struct.pack(FORMATS[kind], value)


def arrange(data, order):
    """The bytes in another order: CDAB swaps words, BADC the bytes of each, DCBA both."""
    words = [data[i:i + 2] for i in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


class Image:
    """tags, expected {name: value}, and areas {area: {address: word}} from address 0 on."""

    def __init__(self):
        self.tags, self.expected = [], {}
        self.areas = {"holding": {}, "input": {}, "coil": {}, "discrete": {}}
        for area in ("holding", "input"):
            self._fill_words(area)
        for area in ("coil", "discrete"):
            self._fill_bits(area)

    def _fill_words(self, area):
        address = 0
        for kind, values in VALUES.items():
            for order in ORDERS:
                if kind.startswith("string") and order in ("CDAB", "DCBA"):
                    continue
                for number, value in enumerate(values):
                    name = f"{area}_{kind.replace(':', '')}_{order}_{number}"
                    data = arrange(encode(kind, value), order)
                    self._put(area, address, struct.unpack(f">{len(data) // 2}H", data))
                    self.tags.append(tag(name, f"{area}:{address}", kind, order=order))
                    self.expected[name] = value
                    address += len(data) // 2
        self._put(area, address, [0b1000000000000101])
        for bit, value in ((0, True), (1, False), (2, True), (14, False), (15, True)):
            self._expect_bit(f"{area}_bit{bit}", f"{area}:{address}.{bit}", value)

    def _fill_bits(self, area):
        for address in range(0, 40):
            value = address % 3 == 0
            self._put(area, address, [int(value)])
            self._expect_bit(f"{area}_{address}", f"{area}:{address}", value)

    def _expect_bit(self, name, at, value):
        self.tags.append(tag(name, at, "bool"))
        self.expected[name] = value

    def _put(self, area, address, words):
        for offset, word in enumerate(words):
            self.areas[area][address + offset] = word

    def lines(self):
        """As libmodbus_server reads it."""
        return "".join(f"{area} {address} {word}\n" for area, words in self.areas.items()
                       for address, word in words.items())
